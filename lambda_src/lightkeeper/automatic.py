"""Lightsail's own automatic snapshots: one a day, seven are kept, and all go with their source. Pure.

Source: GetAutoSnapshots and the AutoSnapshot add-on in AWS's model, and the Lightsail guide's pages on automatic
snapshots: one is made between the add-on's hour (UTC) and 45 minutes after, and meanwhile no other can be taken.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from lightkeeper.recipe import DiskRecipe, InstanceRecipe, Recipe

_WINDOW: Final = timedelta(minutes=45)
_DAY: Final = timedelta(days=1)
_TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class AutomaticState(StrEnum):
    """How an automatic snapshot stands."""

    USABLE = "usable"
    """It can be copied. Also what Lightsail says of it in a word that is not known."""
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AutomaticSnapshot:
    """An automatic snapshot as Lightsail lists it: it has neither a name nor tags."""

    date: str
    """By which it is copied, such as ``2026-06-15``."""
    taken: datetime
    """When its content is from, UTC."""
    state: AutomaticState
    disks_gib: int = 0
    """The size of the attached disks that are in it, together."""


def automatic_window(recipe: Recipe | None, instant: datetime) -> tuple[datetime, datetime] | None:
    """Return from when until when, UTC, the automatic snapshot at an instant may be made; None: none is then.

    Parameters
    ----------
    recipe
        What the source has: its add-ons are part of it.
    instant
        UTC.
    """
    hour = recipe.auto_snapshot if isinstance(recipe, InstanceRecipe | DiskRecipe) else None
    time = _TIME_OF_DAY.fullmatch(hour or "")
    if time is None:
        return None
    start = instant.replace(hour=int(time[1]), minute=int(time[2]), second=0, microsecond=0)
    if start > instant:
        start -= _DAY
    return (start, start + _WINDOW) if instant < start + _WINDOW else None
