"""A snapshot's name: `<source>-<YYYYMMDD>-<HHMM>-<6 hex>`. Pure."""

import hashlib
import re
from datetime import datetime
from functools import lru_cache
from typing import Final

_MAX_NAME: Final = 254
_NAME_END: Final = re.compile(r"-[0-9]{8}-[0-9]{4}-(?P<digest>[0-9a-f]{6})(?:-(?P<attempt>[1-9][0-9]{0,5}))?\Z")


def snapshot_name(source_name: str, source_arn: str, deployment: str, slot: datetime, attempt: int = 1) -> str:
    """Return the name of a source's snapshot for a slot: `<source>-<YYYYMMDD>-<HHMM>-<6 hex>`, UTC.

    It is dated, the same on every retry, unique for the source's ARN and the deployment, and valid for Lightsail
    whatever the source is called: letters, digits and hyphens, at most 254 of them. Attempts after the first end in
    `-2`, `-3`, and so on.
    """
    return _name(source_name, source_arn, _digest(f"{source_arn}\0{deployment}"), slot, attempt)


def attempt_of(name: str, source_name: str, source_arn: str, deployment: str, slot: datetime) -> int | None:
    """Return which attempt at the slot a snapshot's name says it is; None where the name is not what we would write."""
    end = _NAME_END.search(name)
    if slot.second or end is None:
        return None
    attempt = int(end["attempt"] or 1)
    names = (_name(source_name, source_arn, _digest(text), slot, attempt) for text in _digested(source_arn, deployment))
    return attempt if name in names else None


def undated(name: str) -> str | None:
    """Return what the names of all snapshots of a source have in common; None where the name is not one of ours."""
    end = _NAME_END.search(name)
    return f"{name[: end.start()]}-{end['digest']}" if end else None


def undated_names(source_name: str, source_arn: str, deployment: str) -> tuple[str, ...]:
    """Return what `undated` says of the names of a source's snapshots, whether they still exist or not."""
    stem = _stem(source_name, source_arn)
    return tuple(f"{stem}-{_digest(text)}" for text in _digested(source_arn, deployment))


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
