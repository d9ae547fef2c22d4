"""`lightkeeper test-notification`."""

from typing import Annotated

import typer

from lightkeeper_cli.options import Profile, use_profile


def send_test_notification(
    *,
    stack: Annotated[str, typer.Option("--stack", metavar="NAME", help="The deployed stack whose messages are tried.")],
    profile: Profile = None,
) -> None:
    """Send a test message the way that a deployment's messages go, and say who gets it.

    Its function sends the message, with its own permissions. Exit status 0 says that every topic has taken it and at
    least one listener gets it.
    """
    from lightkeeper_cli.aws import own_region
    from lightkeeper_cli.listeners import Hears, listeners, read_subscriptions, who_hears
    from lightkeeper_cli.stack import read_deployed, send_test

    use_profile(profile)
    deployed = read_deployed(stack, own_region())
    ended = send_test(deployed)
    for arn in ended.sent:
        typer.echo(f"sent to {arn}")
    for failure in ended.failures:
        typer.echo(f"lightkeeper: not sent: {failure}", err=True)
    found = listeners(deployed.settings, read_subscriptions(deployed.topic) if deployed.topic else ())
    for line in who_hears(found):
        typer.echo(line)
    if ended.failures or not any(each.hears in {Hears.YES, Hears.TOPIC} for each in found):
        raise typer.Exit(1)
