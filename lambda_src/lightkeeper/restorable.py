"""Whether a source can be brought back whole: what its newest recovery point holds and keeps. Pure."""

from enum import StrEnum
from typing import assert_never

from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import SourceStatus
from lightkeeper.recipe import PART_WORDS, Part


class Restorable(StrEnum):
    """How much of a source a restore brings back."""

    WHOLE = "whole"
    """All that a recipe keeps, and an instance boots."""
    IN_PART = "in-part"
    """The content, but not all that was around it."""


def restorable(source: SourceStatus) -> tuple[Restorable | None, str | None]:
    """Return how much of a source its newest usable recovery point brings back, and why not the whole.

    The first is None where there is no such recovery point; the second, where there is nothing to say.
    """
    newest = source.newest
    if newest is None:
        return None, None
    if source.kind is SourceKind.INSTANCE and newest.kind is SnapshotKind.DISK:
        why = "its newest recovery point holds the system disk alone: that gives a disk with its files, no instance"
    elif newest.lacks is None:
        # While it is backed up, this passes by itself.
        then = "; the next one will" if source.policy else ""
        why = f"its newest recovery point has no recipe, so it does not keep {_kept_of(source.kind)}{then}"
    elif newest.lacks:
        parts = (PART_WORDS[part] for part in Part if part in newest.lacks)
        why = f"its newest recovery point does not keep {', '.join(parts)}"
    else:
        return Restorable.WHOLE, None
    return Restorable.IN_PART, why


def _kept_of(kind: SourceKind) -> str:
    match kind:
        case SourceKind.INSTANCE:
            return "the firewall, the static IP or the add-ons"
        case SourceKind.DISK:
            return "where it was attached, or the add-ons"
        case SourceKind.DATABASE:
            return "whether it was public, or its windows"
        case _:
            assert_never(kind)
