"""Lightsail, by boto3: the only module that knows it.

botocore does the paging and the retries (its `adaptive` mode retries throttles, faults of the service and lost
connections, with backoff and jitter, and slows down to the rate that Lightsail takes); this module turns answers into
our types and errors into `CallError`.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from lightkeeper import restore_calls
from lightkeeper.actions import Create, Target
from lightkeeper.automatic import AutomaticSnapshot
from lightkeeper.credentials import Credentials, no_such_profile, what_helps
from lightkeeper.errors import InvalidValueError, closest, quote_all
from lightkeeper.faults import CallError, Fault, fault_of
from lightkeeper.kinds import (
    AUTOMATIC_SNAPSHOTS,
    LISTINGS,
    SNAPSHOTS,
    SOURCES,
    STATIC_IPS,
    SnapshotKind,
    SourceKind,
    list_automatic_snapshots,
    list_static_ips,
)
from lightkeeper.model import Snapshot, Source, StaticIp, Tags
from lightkeeper.restore_steps import (
    BUNDLES,
    DATABASE_BUNDLES,
    KEY_PAIRS,
    NAMES,
    ZONES,
    AttachDisk,
    Bundle,
    Condition,
    OpenPorts,
    SetOptions,
)
from lightkeeper.restore_steps import Create as RestoreCreate
from lightkeeper.retries import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS
from lightkeeper.tls import share_context

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient
    from mypy_boto3_lightsail.literals import RegionNameType
    from mypy_boto3_lightsail.type_defs import OperationTypeDef, TagTypeDef

_RETRY_MODE: Final = "adaptive"
_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_ANY_REGION: Final = "us-east-1"
_NO_CREDENTIALS: Final = (
    CredentialRetrievalError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
# What AWS answers to signatures that are right elsewhere, in a Region that the account has not enabled.
_PERHAPS_NOT_ENABLED: Final = frozenset({"InvalidClientTokenId", "UnrecognizedClientException"})
# How AWS names the action in a refusal; not always the one that was called: a tagged create asks for TagResource too.
_REFUSED_ACTION: Final = re.compile(r"not authorized to perform:? (lightsail:[A-Za-z]+)")


def available_regions() -> list[str]:
    """Return the Regions in which this release of boto3 knows a Lightsail. Makes no call."""
    return boto3.Session().get_available_regions("lightsail")


def check_regions(names: Iterable[str]) -> None:
    """Refuse names that a person has mistyped.

    Raises
    ------
    InvalidValueError
        If a name is no Region of Lightsail.
    """
    available = available_regions()
    for name in names:
        if name not in available:
            raise InvalidValueError(
                f'"{name}" is not a Region of Lightsail; expected one of {quote_all(available)}',
                closest(name, available),
            )


@lru_cache(maxsize=4)
def _session(environment: tuple[tuple[str, str], ...]) -> boto3.Session:  # noqa: ARG001 - the key of the cache
    """Return the session of an environment: it has read the service's model, most of what a client costs to make."""
    return boto3.Session()


def is_at_aws(endpoint_url: str | None = None) -> bool:
    """Return whether calls go to AWS, and not to an address given here, in the environment or a profile. Makes no call.

    Raises
    ------
    InvalidValueError
        If the address is none.
    CallError
        If the configured profile cannot be used.
    """
    client = _client(_own_session(), _ANY_REGION, endpoint_url)
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    client.close()
    return host.lower().rstrip(".").endswith(_AWS)


def connect(
    regions: Iterable[str],
    *,
    max_concurrency: int,
    endpoint_url: str | None = None,
    credentials: Credentials | None = None,
) -> dict[str, "Lightsail"]:
    """Return a connection to Lightsail in each Region.

    A connection is for one run: what botocore has learnt of throttling in one run would slow the next one down. A
    Region that this release of boto3 does not know is connected to all the same: if it does not exist, it fails alone.

    Parameters
    ----------
    regions
        Region names; none means the one that is configured, as the AWS CLI reads it: AWS_REGION first.
    max_concurrency
        How many calls may be in flight at once in a Region.
    endpoint_url
        Another address than AWS's own, such as a local Lightsail's.
    credentials
        Those of a role, such as one in another account; None: those that boto3 finds.

    Raises
    ------
    InvalidValueError
        If no Region is given or configured, a name cannot be that of a Region, or the address is none.
    CallError
        If the configured credentials or profile cannot be used.
    """
    session = _own_session()
    # boto3 reads AWS_DEFAULT_REGION only.
    configured = os.environ.get("AWS_REGION") or session.region_name
    names = tuple(regions) or ((configured,) if configured else ())
    if not names:
        raise InvalidValueError(
            'no Region; expected "regions" in the settings, --region, or AWS_REGION; "aws configure" stores one'
        )
    config = Config(
        retries={"mode": _RETRY_MODE, "total_max_attempts": ATTEMPTS},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        # The lists are read side by side.
        max_pool_connections=max(max_concurrency, len(LISTINGS)),
    )
    clients = {name: _client(session, name, endpoint_url, config, credentials) for name in dict.fromkeys(names)}
    share_context(clients.values())
    return {name: Lightsail(client, name) for name, client in clients.items()}


def shared_session() -> boto3.Session:
    """Return the session that all connections share: it asks a person for a code once.

    Raises
    ------
    CallError
        If the configured profile cannot be used.
    """
    return _own_session()


def _own_session() -> boto3.Session:
    with _errors("connecting"):
        return _session(tuple(sorted((key, value) for key, value in os.environ.items() if key.startswith("AWS_"))))


def _client(
    session: boto3.Session,
    region: str,
    endpoint_url: str | None,
    config: Config | None = None,
    credentials: Credentials | None = None,
) -> "LightsailClient":
    try:
        with _errors("connecting"):
            # Given to the client, not to a session: one for each account would take its 16 MiB, and be remembered.
            client = session.client(
                "lightsail",
                region_name=region,
                endpoint_url=endpoint_url,
                config=config,
                aws_access_key_id=credentials.access_key_id if credentials else None,
                aws_secret_access_key=credentials.secret_access_key if credentials else None,
                aws_session_token=credentials.session_token if credentials else None,
            )
            # botocore reads the port only when it signs a call.
            _ = urlsplit(client.meta.endpoint_url).port
    except ValueError as error:
        # Of an address given here or in the environment.
        raise InvalidValueError(f'{error}; expected an address such as "http://127.0.0.1:5055"') from None
    return client


class Lightsail:
    """Lightsail in one Region. Each method makes one call, or reads all the pages of one list.

    Every method raises `CallError` when its call fails.
    """

    def __init__(self, client: "LightsailClient", region: str) -> None:
        self._client = client
        self._region = region

    def close(self) -> None:
        """Close the connections; the object is of no use afterwards."""
        self._client.close()

    def sources(self, kind: SourceKind) -> Iterator[Source]:
        """Yield all sources of a kind."""
        with _errors(SOURCES[kind].listing):
            yield from SOURCES[kind].list(self._client, self._region)

    def snapshots(self, kind: SnapshotKind) -> Iterator[Snapshot]:
        """Yield all snapshots of a kind, anybody's."""
        with _errors(SNAPSHOTS[kind].listing):
            yield from SNAPSHOTS[kind].list(self._client, self._region)

    def static_ips(self) -> Iterator[StaticIp]:
        """Yield all static IPs."""
        with _errors(STATIC_IPS):
            yield from list_static_ips(self._client)

    def find(self, target: Target) -> Snapshot:
        """Return the snapshot of the target's name and kind."""
        api = SNAPSHOTS[target.kind]
        with _errors(api.getting):
            return api.find(self._client, self._region, target.snapshot)

    def create(self, create: Create) -> None:
        """Take a snapshot together with its tags."""
        api, target = SNAPSHOTS[create.target.kind], create.target
        with _errors(api.creating):
            _check(api.create(self._client, target.snapshot, create.of, target.source, _tag_list(create.tags)))

    def copy(self, target: Target, original: Target) -> None:
        """Copy a snapshot of another Region into this one. The copy has no tags."""
        with _errors("CopySnapshot"):
            answer = self._client.copy_snapshot(
                sourceRegion=cast("RegionNameType", original.region),
                sourceSnapshotName=original.snapshot,
                targetSnapshotName=target.snapshot,
            )
            _check(answer.get("operations", []))

    def tag(self, target: Target, tags: Tags) -> None:
        """Set tags on a snapshot."""
        with _errors("TagResource"):
            answer = self._client.tag_resource(resourceName=target.snapshot, tags=_tag_list(tags))
            _check(answer.get("operations", []))

    def untag(self, target: Target, key: str) -> None:
        """Remove a tag from a snapshot."""
        with _errors("UntagResource"):
            answer = self._client.untag_resource(resourceName=target.snapshot, tagKeys=[key])
            _check(answer.get("operations", []))

    def delete(self, target: Target) -> None:
        """Delete a snapshot."""
        api = SNAPSHOTS[target.kind]
        with _errors(api.deleting):
            _check(api.delete(self._client, target.snapshot))

    # What follows is a rescue's or a restore's, with the credentials of a person.

    def automatic_snapshots(self, source: str) -> tuple[AutomaticSnapshot, ...]:
        """Return the automatic snapshots of a disk or an instance; without the add-on, Lightsail may know of none."""
        try:
            with _errors(AUTOMATIC_SNAPSHOTS):
                return tuple(list_automatic_snapshots(self._client, source))
        except CallError as error:
            if error.fault is Fault.NOT_FOUND:
                return ()
            raise

    def copy_automatic(self, target: Target, date: str) -> None:
        """Copy the automatic snapshot of a day of the target's source, within this Region. The copy has no tags."""
        with _errors("CopySnapshot"):
            answer = self._client.copy_snapshot(
                sourceRegion=cast("RegionNameType", self._region),
                sourceResourceName=target.source,
                restoreDate=date,
                targetSnapshotName=target.snapshot,
            )
            _check(answer.get("operations", []))

    def restore(self, step: RestoreCreate) -> None:
        """Make an instance, a disk or a database of a snapshot, together with its tags."""
        with _errors(restore_calls.CREATE[type(step)]):
            _check(restore_calls.create(self._client, step, _tag_list(step.tags)))

    def put_ports(self, step: OpenPorts) -> None:
        """Give an instance exactly these rules."""
        with _errors("PutInstancePublicPorts"):
            _check(restore_calls.put_ports(self._client, step))

    def set_options(self, step: SetOptions) -> None:
        """Set the metadata options of an instance, or the windows of a database."""
        with _errors("UpdateInstanceMetadataOptions" if step.metadata else "UpdateRelationalDatabase"):
            _check(restore_calls.set_options(self._client, step))

    def attach_disk(self, step: AttachDisk) -> None:
        """Attach a disk to an instance."""
        with _errors("AttachDisk"):
            _check(restore_calls.attach_disk(self._client, step))

    def detach_address(self, name: str) -> None:
        """Take a static IP from the instance that has it."""
        with _errors("DetachStaticIp"):
            _check(self._client.detach_static_ip(staticIpName=name).get("operations", []))

    def attach_address(self, name: str, instance: str) -> None:
        """Give a static IP to an instance."""
        with _errors("AttachStaticIp"):
            _check(self._client.attach_static_ip(staticIpName=name, instanceName=instance).get("operations", []))

    def mark(self, name: str, key: str, value: str) -> None:
        """Set a tag on what a restore has made."""
        with _errors("TagResource"):
            answer = self._client.tag_resource(resourceName=name, tags=[{"key": key, "value": value}])
            _check(answer.get("operations", []))

    def conditions(self, kind: SourceKind, now: datetime) -> dict[str, Condition]:
        """Return how each instance, disk or database stands at `now` (UTC), by its name."""
        with _errors(SOURCES[kind].listing):
            return dict(restore_calls.conditions(self._client, kind, now))

    def bundles(self) -> tuple[Bundle, ...]:
        """Return the bundles of instances."""
        with _errors(BUNDLES):
            return tuple(restore_calls.bundles(self._client))

    def database_bundles(self) -> tuple[Bundle, ...]:
        """Return the bundles of databases."""
        with _errors(DATABASE_BUNDLES):
            return tuple(restore_calls.database_bundles(self._client))

    def zones(self) -> tuple[str, ...]:
        """Return the Region's zones."""
        with _errors(ZONES):
            return tuple(restore_calls.zones(self._client, self._region))

    def key_pairs(self) -> tuple[str, ...]:
        """Return the names of the key pairs."""
        with _errors(KEY_PAIRS):
            return tuple(restore_calls.key_pairs(self._client))

    def names(self) -> frozenset[str]:
        """Return every name in use in the Region."""
        with _errors(NAMES):
            return frozenset(restore_calls.names(self._client))


def _tag_list(tags: Tags) -> list["TagTypeDef"]:
    # A key-only tag stays one: Lightsail answers without a value, so none is sent.
    return [{"key": key, "value": value} if value else {"key": key} for key, value in tags.items()]


def _check(operations: Iterable["OperationTypeDef"]) -> None:
    """Raise when an operation of a normal answer says that it failed."""
    for operation in operations:
        if operation.get("status") == "Failed":
            why = operation.get("errorDetails") or operation.get("errorCode") or "Lightsail gives no reason"
            raise CallError(
                Fault.OPERATION_FAILED, f"{operation.get('operationType')} of {operation.get('resourceName')}: {why}"
            )


def in_words(error: Exception) -> str:
    """Return what boto3 met before it could ask AWS, and what helps if that is about credentials."""
    profile = _profile()
    if isinstance(error, ProfileNotFound) and profile is not None:
        # boto3's own words name no other.
        return str(no_such_profile(profile, botocore.session.Session().available_profiles))
    return f"{error}{how_to_log_in(type(error).__name__)}"


def how_to_log_in(code: str) -> str:
    """Return how a sentence ends on an error of credentials, by AWS's code or boto3's name for it; else nothing.

    In Lambda, where nobody can log in, nothing either.
    """
    helps = None if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else what_helps(code, _profile())
    return f"; {helps}" if helps else ""


def _profile() -> str | None:
    # In botocore's order.
    return os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE")


@contextmanager
def _errors(operation: str) -> Iterator[None]:
    """Turn botocore's errors into `CallError`."""
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        raise _call_error(operation, answer.get("Code", "unknown error"), answer.get("Message", "")) from error
    except _NO_CREDENTIALS as error:
        raise CallError(Fault.UNAUTHENTICATED, f"{operation}: {in_words(error)}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise CallError(Fault.UNAVAILABLE, f"{operation}: {error}") from error
    except KeyError as error:
        raise CallError(Fault.UNAVAILABLE, f"{operation}: the answer has an entry without {error}") from error


def _call_error(operation: str, code: str, text: str) -> CallError:
    message = f"{operation}: {code}: {text}"
    if code in _PERHAPS_NOT_ENABLED:
        message = f"{message}; is the Region enabled in this account?"
    message += how_to_log_in(code)
    fault = fault_of(code)
    if fault is Fault.ACCESS_DENIED:
        refused = _REFUSED_ACTION.search(text)
        message = f"{message}; expected permission for {refused[1] if refused else f'lightsail:{operation}'}"
    return CallError(fault, message)
