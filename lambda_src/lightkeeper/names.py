"""A snapshot's name: `<source>-<YYYYMMDD>-<HHMM>-<6 hex>`. Pure."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final

_MAX_NAME: Final = 254
_NAME_END: Final = re.compile(
    r"-(?P<slot>[0-9]{8}-[0-9]{4})-(?P<digest>[0-9a-f]{6})(?:-(?P<attempt>[1-9][0-9]{0,5}))?\Z"
)


def snapshot_name(source_name: str, source_arn: str, deployment: str, slot: datetime, attempt: int = 1) -> str:
    """Return the name of a source's snapshot for a slot: `<source>-<YYYYMMDD>-<HHMM>-<6 hex>`, UTC.

    It is dated, the same on every retry, unique for the source's ARN and the deployment, and valid for Lightsail
    whatever the source is called: letters, digits and hyphens, at most 254 of them. Attempts after the first end in
    `-2`, `-3`, and so on.
    """
    return _name(source_name, source_arn, _digest(f"{source_arn}\0{deployment}"), slot, attempt)


def copy_name(  # noqa: PLR0913, PLR0917 - a name has that many parts
    source_name: str, source_arn: str, deployment: str, slot: datetime, region: str, attempt: int = 1
) -> str:
    """Return the name in another Region of the copy of a source's snapshot for a slot.

    It is of the same form, and nobody else makes it: its digest is of the Region, too. In the source's own Region it
    is the name of what an automatic snapshot of that minute becomes where it is rescued.
    """
    return _name(source_name, source_arn, copy_digest(source_arn, deployment, region), slot, attempt)


def copy_digest(source_arn: str, deployment: str, region: str) -> str:
    """Return what the names of all copies of a source in a Region have in common."""
    return _digest(f"{source_arn}\0{deployment}\0{region}")


def digest_in(name: str) -> str | None:
    """Return the digest in a name; None where it has not the form of ours."""
    end = _NAME_END.search(name)
    return end["digest"] if end else None


def attempt_of(name: str, source_name: str, source_arn: str, deployment: str, slot: datetime) -> int | None:
    """Return which attempt at the slot a snapshot's name says it is; None where the name is not what we would write."""
    digests = (_digest(text) for text in _digested(source_arn, deployment))
    return _attempt_of(name, source_name, source_arn, slot, digests)


def attempt_of_copy(  # noqa: PLR0913, PLR0917 - a name has that many parts
    name: str, source_name: str, source_arn: str, deployment: str, slot: datetime, region: str
) -> int | None:
    """Return which attempt at a copy in a Region a name says it is; None where the name is not what we would write."""
    return _attempt_of(name, source_name, source_arn, slot, [copy_digest(source_arn, deployment, region)])


def _attempt_of(name: str, source_name: str, source_arn: str, slot: datetime, digests: Iterable[str]) -> int | None:
    end = _NAME_END.search(name)
    if slot.second or end is None:
        return None
    attempt = int(end["attempt"] or 1)
    names = (_name(source_name, source_arn, digest, slot, attempt) for digest in digests)
    return attempt if name in names else None


def slot_in(name: str) -> datetime | None:
    """Return the slot (UTC) in a name; None where it has not the form of ours."""
    end = _NAME_END.search(name)
    try:
        return datetime.strptime(f"{end['slot']}Z", "%Y%m%d-%H%M%z") if end else None
    except ValueError:
        return None


def undated(name: str) -> str | None:
    """Return what the names of all snapshots of a source have in common; None where the name is not one of ours."""
    end = _NAME_END.search(name)
    return f"{name[: end.start()]}-{end['digest']}" if end else None


def undated_names(source_name: str, source_arn: str, deployment: str, region: str) -> tuple[str, ...]:
    """Return what `undated` says of the names of a source's snapshots in a Region, whether they still exist or not.

    Those of copies, and in its own Region those of what was rescued, are among them.
    """
    stem = _stem(source_name, source_arn)
    digests = (*map(_digest, _digested(source_arn, deployment)), copy_digest(source_arn, deployment, region))
    return tuple(f"{stem}-{digest}" for digest in digests)


def _digested(source_arn: str, deployment: str) -> tuple[str, str]:
    # Before the deployment was part of it, the digest was of the ARN alone: such snapshots stay ours.
    return f"{source_arn}\0{deployment}", source_arn


def _name(source_name: str, source_arn: str, digest: str, slot: datetime, attempt: int) -> str:
    end = f"-{slot:%Y%m%d-%H%M}-{digest}{f'-{attempt}' if attempt > 1 else ''}"
    return _stem(source_name, source_arn)[: _MAX_NAME - len(end)] + end


@lru_cache(maxsize=16384)
def _stem(source_name: str, source_arn: str) -> str:
    # Room for a second attempt, so that all names of a source share their beginning.
    room = _MAX_NAME - len("-YYYYMMDD-HHMM-abcdef-2")
    stem = re.sub(r"[^A-Za-z0-9]+", "-", source_name).strip("-")[:room]
    return stem or _kind_word(source_arn)


def _kind_word(source_arn: str) -> str:
    """Return what a source is, by its ARN (`arn:aws:lightsail:REGION:ACCOUNT:Disk/UUID`): a name for the nameless."""
    return source_arn.rpartition("/")[0].rpartition(":")[2].lower() or "source"


@lru_cache(maxsize=16384)
def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:6]
