"""Where nothing can be restored at home: whether there are copies in another Region, and what to type for them.

Import this only in such a verb: it loads what talks to AWS.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

import typer

from lightkeeper.commands import keeper_command
from lightkeeper.errors import InvalidValueError, counted
from lightkeeper.restore_choice import NothingToRestoreError
from lightkeeper.restore_copies import CopiesThere, copies_among, copies_there
from lightkeeper.restore_steps import Place, Request
from lightkeeper.times import format_minute
from lightkeeper_cli.aws import look_where_copies_go

if TYPE_CHECKING:
    from lightkeeper_cli.settings import Chosen


SILENT_SECONDS: Final = 10.0
"""The longest that a Region is waited for without a word."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What a person has asked for, and how they would ask for it elsewhere."""

    words: tuple[str, ...]
    """Of the command, but for the Region."""
    request: Request | None
    """None: everything."""
    at: datetime | None
    """The newest content of this time (UTC) or before."""
    endpoint_url: str | None


@contextmanager
def telling_of_copies(sought: Sought, regions: Collection[str], chosen: "Chosen") -> Iterator[None]:
    """Say where copies are while these Regions are waited for: whoever has lost one need not wait for it."""
    ended = Event()

    def tell() -> None:
        if not ended.wait(SILENT_SECONDS):
            there = find_copies(sought, (), regions, chosen)
            if there and not ended.is_set():
                typer.echo(f"lightkeeper: no answer yet from {', '.join(regions)}; {there}", err=True)

    if chosen.settings.copies:
        # Not a pool: whoever ends a program waits for the threads of a pool.
        Thread(target=tell, name="copies", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def or_copies(error: NothingToRestoreError, sought: Sought, places: Sequence[Place], chosen: "Chosen") -> Exception:
    """Return that error as it is to be raised: with the Regions that have copies, where any has."""
    there = find_copies(sought, places, {place.region for place in places}, chosen)
    return InvalidValueError(f"{error.nothing}; {there}") if there else error


def find_copies(sought: Sought, places: Sequence[Place], homes: Collection[str], chosen: "Chosen") -> str | None:
    """Return where there are copies from these homes, and the command that restores them; None where there are none."""
    settings = chosen.settings
    points = [
        *copies_among(places, settings),
        *look_where_copies_go((place.region for place in places), settings, sought.endpoint_url).points,
    ]
    there = copies_there(points, homes, sought.request, sought.at)
    return "; ".join(_sentence(each, sought) for each in there) or None


def _sentence(there: CopiesThere, sought: Sought) -> str:
    origin = ("--from", there.home) if there.home else ()
    command = keeper_command(*sought.words, *origin, "--region", there.region)
    what = "a copy" if sought.request else f"copies of {counted(there.sources, 'source')}"
    newest = f"of {format_minute(there.newest)}" if sought.request else f"the newest of {format_minute(there.newest)}"
    return f"{there.region} has {what}, {newest}, that can be restored there: {command}"
