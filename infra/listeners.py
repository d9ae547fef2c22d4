"""Says, after a deployment, who will hear of its alarms and findings, and who has not confirmed.

As a command: ``python -m infra.listeners``, with ``--config FILE`` for another file of settings than cdk.json, and
``--stack NAME`` for another stack than the one it names. Its exit status is always 0: the deployment is done.
"""

import sys
from argparse import ArgumentParser
from typing import Final

from infra.config_file import ConfigFileError, read_config_file
from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError
from lightkeeper.settings import Settings
from lightkeeper_cli.aws import own_region
from lightkeeper_cli.listeners import listeners, read_subscriptions, who_hears
from lightkeeper_cli.stack import output_of

_TOPIC: Final = "TopicArn"


def said_of(config: str, stack: str | None) -> str:
    """Return who hears of a deployment, or a sentence that says why that is not known.

    Parameters
    ----------
    config
        The path of its file of settings; empty: cdk.json.
    stack
        Its stack; None: the one that the settings name.
    """
    try:
        settings = read_config_file(config, Settings.from_file)
        name, region = stack or settings.deployment, own_region()
        if region is None:
            return (
                f"who hears of {name} is not known: no Region to look for the stack in; expected AWS_REGION to name it"
            )
        topic = output_of(name, region, _TOPIC)
        if topic is None:
            return f"{name}: who hears is not known: it has no output {_TOPIC}; expected a stack of Lightkeeper"
        account = topic.split(":")[4]
        lines = who_hears(listeners(settings, read_subscriptions(topic)))
    except (ConfigFileError, InvalidValueError, CallError) as error:
        return f"who hears is not known: {error}"
    return "\n".join([f"Who hears of {name} (account {account}, {region}):", *lines])


def main(*arguments: str) -> None:
    """Print who hears."""
    parser = ArgumentParser(prog="python -m infra.listeners", description="Says who hears of a deployment.")
    parser.add_argument("--config", default="", metavar="FILE", help="the settings; default: cdk.json")
    parser.add_argument("--stack", metavar="NAME", help="the stack; default: the settings' deployment")
    asked = parser.parse_args(arguments)
    sys.stdout.write(f"\n{said_of(asked.config, asked.stack)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
