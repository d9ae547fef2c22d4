"""What `lightkeeper restore` does with its words: it plans, shows, asks, and brings back.

Import this only for that verb: it loads what talks to AWS.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import typer
from rich.console import Console

from lightkeeper.errors import InvalidValueError, counted
from lightkeeper.faults import CallError, Fault
from lightkeeper.kinds import SourceKind
from lightkeeper.lightsail import Lightsail
from lightkeeper.restore import read_places, restore
from lightkeeper.restore_choice import NothingToRestoreError
from lightkeeper.restore_copies import about_copies
from lightkeeper.restore_fleet import plan_fleet
from lightkeeper.restore_plan import parse_attachment, plan_restore
from lightkeeper.restore_steps import Place, Request, Restored, RestorePlan, Step, StepOutcome, StepResult
from lightkeeper.settings import Settings
from lightkeeper.times import parse_instant
from lightkeeper_cli.account import Where, ask_account
from lightkeeper_cli.asking import agrees
from lightkeeper_cli.aws import connect_regions
from lightkeeper_cli.copies import Sought, or_copies, say_what_is_left_out, telling_of_copies
from lightkeeper_cli.documents import located, restore_document
from lightkeeper_cli.options import clock, print_document
from lightkeeper_cli.pasting import restore_plan_for, restored_for, say_whose_profile, sentence_for
from lightkeeper_cli.settings import Chosen, choose
from lightkeeper_cli.stopping import INTERRUPTED
from lightkeeper_cli.tables.console import make_console
from lightkeeper_cli.tables.header import header
from lightkeeper_cli.tables.progress import showing_restore
from lightkeeper_cli.tables.restore import show_plans, show_restored

DONE: Final = 0
FAILED: Final = 1
REFUSED: Final = 2
_GOES_ON: Final = "the same command goes on where it ended, and makes nothing twice"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person has written, as it stands."""

    source: str | None
    everything: bool
    gone: bool
    suffix: str | None
    kind: SourceKind | None
    at: str | None
    snapshot: str | None
    home: str | None
    name: str | None
    zone: str | None
    bundle: str | None
    attach: str | None
    move_address: bool


@dataclass(frozen=True, slots=True)
class How:
    """How it is to be done."""

    config: Path | None
    stack: str | None
    account: str | None
    profile: str | None
    regions: Sequence[str] | None
    endpoint_url: str | None
    as_json: bool
    dry_run: bool
    yes: bool


def bring_back(asked: Asked, how: How) -> int:
    """Plan, show, ask, and do what was asked for; return the exit status.

    Raises
    ------
    InvalidValueError, SettingsError
        If a word is wrong: an option, a name, a time, a setting.
    CallError
        If AWS refuses the credentials, or cannot be asked for the settings.
    """
    ended: list[Restored] = []
    try:
        return _bring_back(asked, how, ended)
    except KeyboardInterrupt:
        _say("interrupted; " + (_GOES_ON if ended else "nothing was made"))
        return INTERRUPTED


def _bring_back(asked: Asked, how: How, ended: list[Restored]) -> int:
    _check(asked)
    chosen = _choose(how)
    now = clock()
    at = parse_at(asked.at, chosen.settings, now)
    request = None if asked.everything else _request(asked, at)
    regions = connect_regions(how.regions, chosen, how.endpoint_url)
    whose = ask_account(how.endpoint_url, chosen.member)
    options = _options(asked, how)
    sought = Sought("restore", options, request, at, how.endpoint_url, asked.gone, asked.suffix, asked.home)
    with telling_of_copies(sought, regions, chosen):
        places = read_places(regions)
    arns = (arn for place in places for arn in _arns(place))
    where = Where(whose(arns), tuple(regions))
    try:
        planned = _plans(asked, request, at, places, chosen.settings, now)
    except NothingToRestoreError as error:
        raise or_copies(error, sought, places, chosen) from None
    plans = tuple(restore_plan_for(chosen.member, plan) for plan in planned)
    notes = _notes(plans, sought, places, chosen)
    out, err = make_console(), make_console(stderr=True)
    # With --json the document alone goes to the standard output; who is asked has to see what about.
    if not how.as_json or not (how.dry_run or how.yes):
        console = err if how.as_json else out
        console.print(header(where))
        show_plans(plans, places, now, console, notes)
    refused = [plan for plan in plans if plan.problems]
    unread = FAILED if asked.everything and any(place.failures for place in places) else DONE
    if how.dry_run or len(refused) == len(plans):
        if how.as_json:
            print_document(located(restore_document([_undone(plan) for plan in plans], places, now, notes), where))
        return REFUSED if refused else unread
    to_do = [plan for plan in plans if not plan.problems]
    if not how.yes:
        _ask(to_do)
    interrupted = _restore(plans, regions, ended, err)
    ended[:] = [restored_for(chosen.member, restored) for restored in ended]
    if how.as_json:
        print_document(located(restore_document(ended, places, now, notes), where))
    else:
        show_restored(ended, out, notes)
        said = (sentence for restored in ended for sentence in _sentences(restored))
        say_whose_profile(chosen.member, (*said, *notes))
    return _status(ended, unread, interrupted=interrupted)


def _sentences(restored: Restored) -> Iterator[str | None]:
    yield from (*restored.plan.not_restored, *restored.plan.notes, *restored.plan.problems, restored.error)
    yield from (outcome.error for outcome in restored.outcomes)


def _choose(how: How) -> Chosen:
    """Return the settings, as they are chosen for every verb.

    Raises
    ------
    InvalidValueError, SettingsError, CallError
        If they cannot be read. Those of a stack cannot while its Region is dark: then a file of them will do.
    """
    try:
        return choose(how.config, how.stack, how.account)
    except CallError as error:
        if how.stack is None or error.fault is not Fault.UNAVAILABLE:
            raise
        hint = "while the Region of the stack does not answer, --config with a file of its settings does as well"
        raise CallError(error.fault, f"{error}; {hint}") from None


def _notes(plans: Sequence[RestorePlan], sought: Sought, places: Sequence[Place], chosen: Chosen) -> tuple[str, ...]:
    """Return what there is to know beside what each plan says: of copies, here or elsewhere."""
    is_fleet = sought.request is None
    looked_after = chosen.settings.regions or ((chosen.region,) if chosen.region else ())
    about = about_copies(plans, chosen.settings, looked_after, is_fleet=is_fleet)
    notes = tuple(sentence_for(chosen.member, sentence) for sentence in about)
    if not is_fleet:
        return notes
    return (*notes, *say_what_is_left_out(plans, sought, places, chosen))


def _options(asked: Asked, how: How) -> Mapping[str, object]:
    """Return the options that ask for the same in another Region."""
    return {
        "--kind": asked.kind,
        "--at": asked.at,
        "--as": asked.name,
        "--bundle": asked.bundle,
        "--config": how.config,
        "--stack": how.stack,
        "--account": how.account,
        "--profile": how.profile,
        "--endpoint-url": how.endpoint_url,
    }


def _arns(place: Place) -> Iterator[str]:
    yield from (source.arn for source in place.sources)
    yield from (arn for snapshot in place.snapshots for arn in snapshot.source_arns)


def _status(ended: Sequence[Restored], unread: int, *, interrupted: bool) -> int:
    failed = sum(restored.has_failed for restored in ended if not restored.plan.problems)
    if interrupted:
        _say(f"interrupted; {_GOES_ON}")
        return INTERRUPTED
    if failed:
        _say(f"{counted(failed, 'restore')} of {len(ended)} not complete; {_GOES_ON}")
    return FAILED if any(restored.has_failed for restored in ended) else unread


def _check(asked: Asked) -> None:
    """Refuse options that do not go together."""
    single = {
        "--kind": asked.kind,
        "--snapshot": asked.snapshot,
        "--as": asked.name,
        "--zone": asked.zone,
        "--bundle": asked.bundle,
        "--attach": asked.attach,
        "--move-address": asked.move_address or None,
    }
    if asked.everything:
        if asked.source is not None:
            raise InvalidValueError(f'both SOURCE "{asked.source}" and --all; expected one of them')
        given = next((option for option, value in single.items() if value is not None), None)
        if given:
            raise InvalidValueError(f"{given} is for a single SOURCE, not for --all; expected one of them")
        return
    if asked.source is None:
        raise InvalidValueError("neither SOURCE nor --all; expected the name of what is to come back, or --all")
    for option, is_given in (("--gone", asked.gone), ("--suffix", asked.suffix is not None)):
        if is_given:
            raise InvalidValueError(f"{option} is for --all, not for a single SOURCE; expected --all, or no {option}")
    check_point(asked.at, asked.snapshot)


def check_point(at: str | None, snapshot: str | None) -> None:
    """Refuse two answers to which recovery point is meant.

    Raises
    ------
    InvalidValueError
        If there are two.
    """
    if at is not None and snapshot is not None:
        raise InvalidValueError("both --at and --snapshot; expected one of them: each says which recovery point")


def parse_at(at: str | None, settings: Settings, now: datetime) -> datetime | None:
    """Return the time, UTC, that a recovery point is not to be newer than; `now` is the time, UTC.

    Raises
    ------
    InvalidValueError
        If it is no time, or yet to come.
    """
    parsed = None if at is None else parse_instant(at, settings.time_zone)
    if parsed is not None and parsed > now:
        raise InvalidValueError(f"--at {at} is yet to come; expected a time that has passed")
    return parsed


def _request(asked: Asked, at: datetime | None) -> Request:
    return Request(
        source=asked.source or "",
        kind=asked.kind,
        home=asked.home,
        at=at,
        snapshot=asked.snapshot,
        name=asked.name,
        zone=asked.zone,
        bundle=asked.bundle,
        attach=None if asked.attach is None else parse_attachment(asked.attach),
        move_address=asked.move_address,
    )


def _plans(  # noqa: PLR0913, PLR0917 - called in one place
    asked: Asked,
    request: Request | None,
    at: datetime | None,
    places: Sequence[Place],
    settings: Settings,
    now: datetime,
) -> tuple[RestorePlan, ...]:
    if request is None:
        return plan_fleet(places, settings, now, at=at, gone=asked.gone, home=asked.home, suffix=asked.suffix)
    return (plan_restore(request, places, settings, now),)


def _ask(plans: Sequence[RestorePlan]) -> None:
    """Ask a person whether to go on; no is the end.

    Raises
    ------
    InvalidValueError
        If there is nobody to ask.
    """
    if len(plans) == 1:
        question = f"Restore {plans[0].source} as {plans[0].resource}?"
    else:
        question = f"Restore {counted(len(plans), 'source')}?"
    if not agrees(question):
        _say("nothing was made")
        raise typer.Exit(FAILED)


def _restore(
    plans: Sequence[RestorePlan], regions: Mapping[str, Lightsail], ended: list[Restored], console: Console
) -> bool:
    """Do what the plans say, and return whether that was interrupted; how each ended comes to `ended`."""
    diary: dict[int, list[StepOutcome]] = {id(plan): [] for plan in plans}
    start = time.monotonic()
    with showing_restore(console) as show:

        def on_step(plan: RestorePlan, step: Step, outcome: StepOutcome | None) -> None:
            if outcome:
                diary[id(plan)].append(outcome)
            show(plan, step, outcome)

        try:
            ended += restore(plans, regions, now=clock, clock=time.monotonic, on_step=on_step)
        except KeyboardInterrupt:
            seconds = time.monotonic() - start
            ended += [_interrupted(plan, diary[id(plan)], seconds) for plan in plans]
            return True
    return False


def _interrupted(plan: RestorePlan, outcomes: Sequence[StepOutcome], seconds: float) -> Restored:
    left = [
        StepOutcome(step, StepResult.SKIPPED, "interrupted")
        for step in plan.steps[len(outcomes) :]
        if not plan.problems
    ]
    return Restored(plan, (*outcomes, *left), seconds, error="interrupted")


def _undone(plan: RestorePlan) -> Restored:
    return Restored(plan, (), 0.0)


def _say(sentence: str) -> None:
    typer.echo(f"lightkeeper: {sentence}", err=True)
