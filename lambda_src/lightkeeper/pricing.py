"""What snapshots store and cost: an estimate. Pure, and light enough to be imported anywhere.

Snapshots are incremental, and Lightsail does not say how much each of them stores. The model: the oldest snapshot of a
source stores all that is in use, each later one what changed since the one before it. Each day changes the same share
of it, though not the same blocks, and a block that changes twice is stored once: after some days, the share that has
changed is ``1 - (1 - share) ** days``. When a snapshot in between is deleted, what a later one needs of it moves to the
next; the same formula gives that for the longer time.

Whether snapshots of databases are incremental, too, AWS does not say; they are taken to be.

Source of the price: Amazon Lightsail's price list, *Snapshots*. A GiB is taken for a GB.

What a copy sends to another Region is an assumption: all that is in use the first time, then what changed since the
copy before, as EC2's own copies of snapshots do. Lightsail's guide says that transfer between Regions is charged, and
publishes no price for that of a copy: it is taken to be EC2's.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from math import pow as power
from typing import Final

USD_PER_GB_MONTH: Final = 0.05
USD_PER_DISK_GB_MONTH: Final = 0.10
"""Of a block storage disk, not of a snapshot. Source: the same list, *Block storage*."""
USD_PER_GB_TRANSFERRED: Final = 0.02
"""Between Regions. Source: Amazon EC2's price list, *Data transfer*, from most Regions of North America and Europe;
from Asia and South America it is several times as much."""
CHANGE_PER_DAY: Final = 0.02
"""The part of a source that a day changes, where nobody knows better."""
_DAY: Final = timedelta(days=1)


def stored_gib(times: Iterable[datetime], size_gib: float, change_per_day: float = CHANGE_PER_DAY) -> float:
    """Return what the snapshots of one source store, in GiB.

    Parameters
    ----------
    times
        When they were taken, UTC, in any order.
    size_gib
        How much of the source is in use.
    change_per_day
        The part of it that changes in a day, from 0 to 1.
    """
    series = sorted(times)
    if not series:
        return 0.0
    return float(size_gib) + sum(
        changed_gib(later - earlier, size_gib, change_per_day) for earlier, later in pairwise(series)
    )


def changed_gib(elapsed: timedelta, size_gib: float, change_per_day: float = CHANGE_PER_DAY) -> float:
    """Return how much of a source has changed in that time, in GiB; the other parameters are those of `stored_gib`."""
    return size_gib * (1 - power(1 - change_per_day, elapsed / _DAY))


def usd_per_month(gib: float) -> float:
    """Return what it costs to store so much for a month, in USD."""
    return gib * USD_PER_GB_MONTH


def usd_of_transfer(gib: float) -> float:
    """Return what it costs to send so much to another Region, in USD."""
    return gib * USD_PER_GB_TRANSFERRED
