"""Where nothing can be restored at home: whether there are copies in another Region, and what to type for them.

Import this only in such a verb: it loads what talks to AWS.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

import typer

from lightkeeper.commands import keeper_command
from lightkeeper.errors import InvalidValueError, counted, quote_all
from lightkeeper.restore_choice import NothingToRestoreError
from lightkeeper.restore_copies import CopiesThere, copies_among, copies_there
from lightkeeper.restore_fleet import already_back, only_copied
from lightkeeper.restore_steps import Place, Request, RestorePlan
from lightkeeper.times import format_minute
from lightkeeper_cli.aws import look_where_copies_go

if TYPE_CHECKING:
    from lightkeeper.model import RecoveryPoint
    from lightkeeper_cli.settings import Chosen


SILENT_SECONDS: Final = 10.0
"""The longest that a Region is waited for without a word."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What a person has asked for, and how they would ask for it elsewhere."""

    verb: str
    options: Mapping[str, object]
    """As they were typed, but for those that say what is wanted, and where; None: not given."""
    request: Request | None
    """None: everything."""
    at: datetime | None
    """The newest content of this time (UTC) or before."""
    endpoint_url: str | None
    gone: bool = False
    """Of everything, only what does not exist any more."""
    suffix: str | None = None
    """What the names of everything are to end in."""
    home: str | None = None
    """Of everything, only what is from this Region; None: from any."""

    def command(self, source: str | None, *options: str) -> str:
        """Return how the same is asked for elsewhere: of one source; None: of everything."""
        # Elsewhere, what does not exist any more is all there is of another Region.
        what: tuple[str, ...] = ("--all", "--gone") if source is None else (source,)
        if self.suffix is not None and "--as" not in options:
            what += ("--suffix", self.suffix) if source is None else ("--as", f"{source}{self.suffix}")
        given = (word for option, value in self.options.items() if value is not None for word in (option, str(value)))
        return keeper_command(self.verb, *what, *given, *options)


@contextmanager
def telling_of_copies(sought: Sought, regions: Collection[str], chosen: "Chosen") -> Iterator[None]:
    """Say where copies are while these Regions are waited for: whoever has lost one need not wait for it."""
    ended = Event()

    def tell() -> None:
        if not ended.wait(SILENT_SECONDS):
            there = find_copies(sought, (), regions, chosen)
            if there and not ended.is_set():
                typer.echo(f"lightkeeper: no answer yet from {', '.join(regions)}; {'; '.join(there)}", err=True)

    if chosen.settings.copies:
        # Not a pool: whoever ends a program waits for the threads of a pool.
        Thread(target=tell, name="copies", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def or_copies(error: NothingToRestoreError, sought: Sought, places: Sequence[Place], chosen: "Chosen") -> Exception:
    """Return that error as it is to be raised: with what is back already, and the Regions that have copies."""
    told = say_what_is_left_out((), sought, places, chosen)
    return InvalidValueError(f"{error.nothing}; {'; '.join(told)}") if told else error


def say_what_is_left_out(
    plans: Sequence[RestorePlan], sought: Sought, places: Sequence[Place], chosen: "Chosen"
) -> Sequence[str]:
    """Return what of everything is not among the plans although it could be restored, with the commands for it."""
    homes = {place.region for place in places if sought.home in {None, place.region}}
    return (*_what_is_back(plans, sought, places, chosen), *find_copies(sought, places, homes, chosen))


def _what_is_back(
    plans: Sequence[RestorePlan], sought: Sought, places: Sequence[Place], chosen: "Chosen"
) -> Iterator[str]:
    """Yield what has copies there and is not restored again, because an earlier restore has done it."""
    if sought.request or not sought.gone:
        return
    # What a snapshot is of, its name says.
    alone = replace(sought, options={key: value for key, value in sought.options.items() if key != "--at"})
    for back in already_back(plans, places, chosen.settings, at=sought.at, home=sought.home):
        stands = "was begun there, and is not finished" if back.is_begun else "is back already"
        newer = ""
        if back.newer:
            name = back.newer.snapshot.name
            again = alone.command(back.source, "--region", back.region, "--snapshot", name, "--as", "NAME")
            newer = f"; {name}, of {format_minute(back.newer.taken)}, is newer: {again} brings that back, too"
        yield f"{back.source} of {back.home} {stands}, as {quote_all(back.made)}{newer}"


def find_copies(sought: Sought, places: Sequence[Place], homes: Collection[str], chosen: "Chosen") -> Sequence[str]:
    """Return where there are copies from these homes of what does not come back there, and the commands for that."""
    settings = chosen.settings
    points = [
        *copies_among(places, settings),
        *look_where_copies_go((place.region for place in places), settings, sought.endpoint_url).points,
    ]
    if sought.request:
        there = copies_there(points, homes, sought.request, sought.at)
        return [_sentence(each, sought, sought.request.source) for each in there]
    left_out = [*only_copied(points, places, settings, at=sought.at, gone=sought.gone)]
    return [sentence for home in sorted(homes) for sentence in _of_home(home, points, left_out, sought)]


def _of_home(
    home: str, points: Sequence["RecoveryPoint"], left_out: Sequence["RecoveryPoint"], sought: Sought
) -> Iterator[str]:
    """Yield where there are copies from a home of what is left out: one command where that is all."""
    every = {each.region: each for each in copies_there(points, {home}, None, sought.at)}
    rest: set[str] = set()
    for there in copies_there(left_out, {home}, None, sought.at):
        if there == every[there.region]:
            # What lives there, or is from elsewhere, is not to come back with it.
            has_others = any(point.region == there.region and point.home != home for point in points)
            yield _sentence(replace(there, home=home if has_others else None), sought, None)
        else:
            rest.add(there.region)
    for name in sorted({point.source_name for point in left_out if point.home == home and point.region in rest}):
        nothing = f"of {name}, nothing {'as old as that' if sought.at else 'usable'} can be seen at home"
        for there in copies_there(points, {home}, Request(name), sought.at):
            if there.region in rest:
                yield f"{nothing}; {_sentence(there, sought, name)}"


def _sentence(there: CopiesThere, sought: Sought, source: str | None) -> str:
    origin = ("--from", there.home) if there.home else ()
    command = sought.command(source, *origin, "--region", there.region)
    what = "a copy" if source else f"copies of {counted(there.sources, 'source')}"
    newest = f"of {format_minute(there.newest)}" if source else f"the newest of {format_minute(there.newest)}"
    return f"{there.region} has {what}, {newest}, that can be restored there: {command}"
