"""What a person needs to restore, and to rescue: the policies of docs/security.md and of the accounts' operator role.

Data: the document is made of it without the CDK.
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypedDict

from lightkeeper.copies import COPIED
from lightkeeper.kinds import AUTOMATIC_SNAPSHOTS, LISTINGS, SNAPSHOTS, SOURCES
from lightkeeper.restore_calls import CREATE
from lightkeeper.restore_steps import BUNDLES, DATABASE_BUNDLES, KEY_PAIRS, NAMES, RESTORE_KEY, RESTORED_AT, ZONES
from lightkeeper.tags import EXPIRES, OWNER, TAKEN

_FINISHES: Final = (
    "AttachDisk",
    "AttachStaticIp",
    "PutInstancePublicPorts",
    "UpdateInstanceMetadataOptions",
    "UpdateRelationalDatabase",
)
STATIC_IP: Final = "StaticIp"
"""What ARNs call a static IP."""
_IS_MADE_BY_A_RESTORE: Final = {f"aws:ResourceTag/{RESTORE_KEY}": "false"}
_MAKES_A_RESTORE: Final = {f"aws:RequestTag/{RESTORE_KEY}": "false"}


class PolicyDocument(TypedDict):
    """A policy, as IAM has it."""

    Version: str
    Statement: list[dict[str, object]]


def restore_policy(owner: str, *, partition: str = "aws", account: str = "*") -> PolicyDocument:
    """Return what it takes to restore.

    Parameters
    ----------
    owner
        The deployment whose snapshots may be restored.
    partition, account
        Where all of it is; default: in any account of AWS's own partition.
    """

    def any_of(kind: str) -> str:
        return f"arn:{partition}:lightsail:*:{account}:{kind}/*"

    ours = {"StringEquals": {f"aws:ResourceTag/{OWNER}": owner}, "Null": _MAKES_A_RESTORE}
    not_ours = {"Null": {**_MAKES_A_RESTORE, f"aws:RequestTag/{OWNER}": "true"}}
    the_end = {
        "ForAllValues:StringEquals": {"aws:TagKeys": [RESTORED_AT]},
        "Null": {"aws:TagKeys": "false", **_IS_MADE_BY_A_RESTORE},
    }
    snapshots = [any_of(api.arn_type) for api in SNAPSHOTS.values()]
    made = [any_of(api.arn_type) for api in SOURCES.values()]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("Read", [*LISTINGS, BUNDLES, DATABASE_BUNDLES, KEY_PAIRS, NAMES, ZONES], "*"),
            _allow("RestoreLightkeepersSnapshots", CREATE.values(), snapshots, ours),
            _allow("TagWhatIsMade", ["TagResource"], "*", not_ours),
            _allow("FinishWhatIsMade", _FINISHES, made, {"Null": _IS_MADE_BY_A_RESTORE}),
            _allow("NoteTheEnd", ["TagResource"], made, the_end),
            _allow("MoveAddresses", ["AttachStaticIp", "DetachStaticIp"], any_of(STATIC_IP)),
        ],
    }


def rescue_policy(owner: str, *, partition: str = "aws", account: str = "*") -> PolicyDocument:
    """Return what it takes to rescue automatic snapshots.

    Parameters
    ----------
    owner
        The deployment whose recovery points they become.
    partition, account
        Where all of it is; default: in any account of AWS's own partition.
    """
    copied = [SNAPSHOTS[kind] for kind in COPIED]
    # A snapshot that is copied has no tags yet; whose it is once it has some, nobody changes.
    as_ours = {
        "StringEquals": {f"aws:RequestTag/{OWNER}": owner},
        "Null": {
            f"aws:RequestTag/{TAKEN}": "false",
            f"aws:RequestTag/{EXPIRES}": "true",
            f"aws:ResourceTag/{OWNER}": "true",
        },
    }
    snapshots = [f"arn:{partition}:lightsail:*:{account}:{api.arn_type}/*" for api in copied]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("ReadForARescue", [*LISTINGS, AUTOMATIC_SNAPSHOTS, *(api.getting for api in copied)], "*"),
            _allow("CopyAutomaticSnapshots", ["CopySnapshot"], "*"),
            _allow("TagWhatIsRescued", ["TagResource"], snapshots, as_ours),
        ],
    }


def _allow(
    sid: str, operations: Iterable[str], resource: str | list[str], conditions: Mapping[str, object] | None = None
) -> dict[str, object]:
    actions = sorted((f"lightsail:{operation}" for operation in operations), key=str.lower)
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": actions if len(actions) > 1 else actions[0],
        "Resource": resource,
        **({"Condition": conditions} if conditions else {}),
    }
