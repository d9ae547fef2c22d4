"""What the verbs share: their options, the time they work at, the document they print, and what an extra brings."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from lightkeeper.errors import InvalidValueError
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant, parse_instant

# Set in the environment, keys go before a profile that stands there, too: the account would be another one than named.
_BEFORE_A_PROFILE: Final = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_DEFAULT_PROFILE"),
)
# For thousands of snapshots at the rate that Lightsail takes; the next run goes on.
_PATIENCE_SECONDS: Final = 3600

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A cdk.json, or just its lightkeeper object. Default: cdk.json."),
]
Stack = Annotated[
    str | None,
    typer.Option("--stack", metavar="NAME", help="Use the settings of this deployed stack, read from its function."),
]
InAccount = Annotated[
    str | None,
    typer.Option(
        "--account",
        metavar="ID",
        help="Work in this account of the deployment's organization. Default: that of your credentials.",
    ),
]
Regions = Annotated[
    list[str] | None,
    typer.Option("--region", metavar="REGION", help="A Region to look after; repeatable. Default: the settings'."),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="A profile of your AWS configuration. Default: as the AWS CLI."),
]
Endpoint = Annotated[
    str | None, typer.Option("--endpoint-url", metavar="URL", help="Another Lightsail, such as a local one.")
]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="As if at this time, in ISO 8601. Default: now.")]
Home = Annotated[
    str | None,
    typer.Option("--from", metavar="REGION", help="The Region of the source, where copies of several have its name."),
]
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON document.")]


class MissingExtraError(Exception):
    """A verb, or an option, that this installation lacks a library for."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import what only that extra of the package brings.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f'{error.name} is not installed; expected Lightkeeper with its extra "{name}": in the folder of its '
            f'sources, pip install ".[{name}]"'
        ) from None


def use_profile(name: str | None) -> None:
    """Let everything in this process that talks to AWS use a profile, if one is named, as `aws --profile` does.

    Raises
    ------
    InvalidValueError
        If there is no such profile.
    """
    if name is None:
        return
    import botocore.session

    from lightkeeper.credentials import no_such_profile

    known = botocore.session.Session().available_profiles
    if name not in known:
        raise no_such_profile(name, known)
    # Sessions are made for the stack, for the Regions, to look elsewhere and by boto3 itself. All of them read the
    # environment; of those that would need an argument, the first one that is forgotten would ask another account.
    for variable in _BEFORE_A_PROFILE:
        os.environ.pop(variable, None)
    os.environ["AWS_PROFILE"] = name


def clock() -> datetime:
    """Return the time, UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - an entry point


def now(at: str | None, settings: Settings) -> datetime:
    """Return the time to work at, UTC: what `--at` says, else the clock.

    Raises
    ------
    InvalidValueError
        If `at` is not a time.
    """
    return clock() if at is None else parse_instant(at, settings.time_zone)


def now_to_write(at: str | None, settings: Settings, endpoint_url: str | None) -> datetime:
    """Return the same for a verb that writes; at AWS, no time that is far off the clock.

    Raises
    ------
    InvalidValueError
        If `at` is not a time, or one at which snapshots of AWS would be named and deleted wrongly.
    CallError
        If the configured profile cannot be used.
    """
    from lightkeeper.lightsail import is_at_aws
    from lightkeeper.times import OFF_THE_CLOCK

    asked, read = now(at, settings), clock()
    if abs(asked - read) > OFF_THE_CLOCK and is_at_aws(endpoint_url):
        raise InvalidValueError(
            f"--at {format_instant(asked)} is more than an hour off the clock, which says {format_instant(read)}: at a "
            "wrong time snapshots get wrong names, and what is marked is deleted too early; expected a time within "
            "an hour of it, or --endpoint-url with the address of another Lightsail than AWS's"
        )
    return asked


def patience() -> Callable[[], float]:
    """Return how many seconds are left of the longest that a verb which writes may take."""
    end = time.monotonic() + _PATIENCE_SECONDS
    return lambda: end - time.monotonic()


def print_document(document: Mapping[str, object]) -> None:
    """Print what `--json` asks for: nothing else goes to the standard output."""
    typer.echo(json.dumps(document, indent=2))
