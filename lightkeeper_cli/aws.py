"""AWS, as the command line sees it: the Regions to look after, those that nobody does, and its errors as sentences."""

import os
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.parsers import ResponseParserError

from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError, Fault
from lightkeeper.inventory import read_points_elsewhere
from lightkeeper.lightsail import Lightsail, available_regions, check_regions, connect, how_to_log_in, in_words
from lightkeeper.model import Inventory
from lightkeeper.settings import Settings
from lightkeeper_cli.settings import Chosen

# Nobody waits longer for Regions that they do not use; what has not answered by then is named.
_PATIENCE_SECONDS: Final = 10
_REFUSED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=5,
    read_timeout=20,
)
"""Of clients for what a verb asks beside Lightsail."""


def own_region() -> str | None:
    """Return the Region that is configured, read as the AWS CLI does: boto3 itself does not read `AWS_REGION`.

    Raises
    ------
    CallError
        If the configured profile cannot be used.
    """
    with aws_errors("connecting"):
        return os.environ.get("AWS_REGION") or boto3.Session().region_name


def connect_regions(regions: Sequence[str] | None, chosen: Chosen, endpoint_url: str | None) -> dict[str, Lightsail]:
    """Return Lightsail in the Regions that are named, else in the settings', the stack's own, or the configured one.

    It is Lightsail of the account that was chosen with the settings, in every verb: there is no way here without.

    Raises
    ------
    InvalidValueError
        If a name is no Region of Lightsail, there is none at all, or the address is none.
    CallError
        If the configured credentials or profile cannot be used.
    """
    with aws_errors("connecting"):
        check_regions(regions or ())
    return connect(
        regions or chosen.settings.regions or ((chosen.region,) if chosen.region else ()),
        max_concurrency=chosen.settings.max_concurrency,
        endpoint_url=endpoint_url,
    )


def connect_targets(chosen: Chosen, endpoint_url: str | None) -> dict[str, Lightsail]:
    """Return Lightsail in the Regions that copies go to, in the account that was chosen with the settings.

    Raises
    ------
    InvalidValueError
        If the address is none.
    CallError
        If the configured credentials or profile cannot be used.
    """
    copies = chosen.settings.copies
    if not copies:
        return {}
    return connect(copies, max_concurrency=chosen.settings.max_concurrency, endpoint_url=endpoint_url)


def look_elsewhere(looked_after: Iterable[str], settings: Settings, endpoint_url: str | None) -> Inventory:
    """Return our recovery points in all Regions of Lightsail but those that are looked after. Reads snapshots only.

    Copies of what is looked after are looked after where the settings name their Region.
    """
    homes = set(looked_after)
    found = _look_in(set(available_regions()) - homes, settings, endpoint_url)
    left = (point for point in found.points if not (point.region in settings.copies and point.home in homes))
    return replace(found, points=tuple(left))


def look_where_copies_go(searched: Iterable[str], settings: Settings, endpoint_url: str | None) -> Inventory:
    """Return our recovery points in the Regions that copies go to, but those that were searched already."""
    return _look_in(set(settings.copies) - set(searched), settings, endpoint_url)


def _look_in(names: Collection[str], settings: Settings, endpoint_url: str | None) -> Inventory:
    end = time.monotonic() + _PATIENCE_SECONDS
    with ExitStack() as stack:
        regions = connect(sorted(names), max_concurrency=1, endpoint_url=endpoint_url) if names else {}
        for region in regions.values():
            stack.callback(region.close)
        return read_points_elsewhere(regions, settings, lambda: end - time.monotonic())


@contextmanager
def aws_errors(operation: str, permission: str | None = None) -> Iterator[None]:
    """Turn what boto3 raises into a sentence: a person's mistake, or a call that failed."""
    try:
        yield
    except ClientError as error:
        code, text = (error.response["Error"].get(key, "") for key in ("Code", "Message"))
        refused = permission and code in _REFUSED
        raise CallError(
            Fault.ACCESS_DENIED if refused else Fault.UNAVAILABLE,
            f"{operation}: {code}: {text}"
            + (f"; expected permission for {permission}" if refused else how_to_log_in(str(code))),
        ) from error
    except InvalidValueError:
        raise
    except ParamValidationError as error:
        raise InvalidValueError(f"{operation}: {' '.join(str(error).split())}") from None
    except (BotoCoreError, ResponseParserError) as error:
        raise CallError(Fault.UNAVAILABLE, f"{operation}: {in_words(error)}") from error
    except ValueError as error:
        # Of an address.
        raise InvalidValueError(f'{error}; expected an address such as "http://127.0.0.1:5055"') from None
