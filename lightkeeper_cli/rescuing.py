"""What `lightkeeper rescue` does with its words: it plans, shows, asks, copies, and waits.

Import this only for that verb: it loads what talks to AWS.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from lightkeeper.errors import counted
from lightkeeper.kinds import SourceKind
from lightkeeper.rescue import Rescued, Stage, is_complete, prepare, rescue
from lightkeeper.rescue_plan import RESCUED, RescuePlan, Verdict
from lightkeeper.tags import hold_key
from lightkeeper_cli.account import Where, ask_account
from lightkeeper_cli.asking import agrees
from lightkeeper_cli.aws import connect_regions
from lightkeeper_cli.documents import located, rescue_document
from lightkeeper_cli.options import clock, patience, print_document
from lightkeeper_cli.pasting import say_whose_profile
from lightkeeper_cli.settings import choose_to_write
from lightkeeper_cli.stopping import INTERRUPTED
from lightkeeper_cli.tables.console import make_console
from lightkeeper_cli.tables.header import header
from lightkeeper_cli.tables.progress import showing_rescue
from lightkeeper_cli.tables.rescue import Next, show_rescue, show_rescued, what_follows

DONE: Final = 0
FAILED: Final = 1
_GOES_ON: Final = "the same command goes on where it ended, and makes nothing twice"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person has written, as it stands."""

    source: str
    hold: str
    every_day: bool
    kind: SourceKind | None


@dataclass(frozen=True, slots=True)
class How:
    """How it is to be done."""

    config: Path | None
    stack: str | None
    account: str | None
    regions: Sequence[str] | None
    endpoint_url: str | None
    as_json: bool
    dry_run: bool
    yes: bool


def save(asked: Asked, how: How) -> int:
    """Plan, show, ask, and do what was asked for; return the exit status.

    Raises
    ------
    InvalidValueError, SettingsError
        If a word is wrong: an option, a name, a day, a setting.
    CallError
        If AWS refuses what has to be read, or cannot be asked for the settings.
    """
    ended: dict[str, Rescued] = {}
    try:
        return _save(asked, how, ended)
    except KeyboardInterrupt:
        _say(f"interrupted; {_done_so_far(ended)}")
        return INTERRUPTED


def _save(asked: Asked, how: How, ended: dict[str, Rescued]) -> int:
    chosen = choose_to_write(how.config, how.stack, how.account)
    now = clock()
    regions = connect_regions(how.regions, chosen, how.endpoint_url)
    whose = ask_account(how.endpoint_url, chosen.member)
    plan = prepare(
        regions,
        chosen.settings,
        now,
        asked.source,
        kind=asked.kind,
        hold=asked.hold,
        every_day=asked.every_day,
        seconds_left=patience(),
    )
    where = Where(whose([plan.source.arn]), (plan.source.region,))
    out, err = make_console(), make_console(stderr=True)
    # With --json the document alone goes to the standard output; who is asked has to see what about.
    if not how.as_json or not (how.dry_run or how.yes):
        console = err if how.as_json else out
        console.print(header(where))
        show_rescue(plan, console)
    if not how.dry_run:
        if plan.to_do and not how.yes and not agrees(_question(plan)):
            _say("nothing was copied")
            return FAILED
        with showing_rescue(plan, err) as show:

            def on_stage(rescued: Rescued) -> None:
                ended[rescued.day.date] = rescued
                show(rescued)

            last = rescue(
                plan,
                regions[plan.source.region],
                chosen.settings,
                seconds_left=patience(),
                pause=time.sleep,
                on_stage=on_stage,
            )
        ended.update({rescued.day.date: rescued for rescued in last})
    complete = is_complete(ended.values(), plan)
    if how.as_json:
        print_document(located(rescue_document(plan, ended, now), where))
    elif not how.dry_run:
        names = Next(chosen.member, hold_key(chosen.settings))
        follows = [*what_follows(plan, names)] if complete else []
        show_rescued(plan, ended, follows, out)
        say_whose_profile(chosen.member, (command for _, command in follows))
    if how.dry_run or complete:
        return DONE
    _say(f"{plan.source.name} is not to be deleted yet: {_what_is_left(plan, ended)}; {_GOES_ON}")
    return FAILED


def _question(plan: RescuePlan) -> str:
    return f"Copy {counted(len(plan.to_do), 'automatic snapshot')} of {plan.source.name}?"


def _what_is_left(plan: RescuePlan, ended: Mapping[str, Rescued]) -> str:
    wanted = [day for day in plan.days if day.verdict in RESCUED]
    missing = sum(ended[day.date].stage is not Stage.COMPLETE for day in wanted)
    being_made = [day.date for day in plan.days if day.verdict is Verdict.LATER]
    said = [f"{missing} of {counted(len(wanted), 'snapshot')} not complete"] if missing else []
    said += [f"Lightsail is still making the automatic snapshot of {date}" for date in being_made]
    return ", and ".join(said)


def _done_so_far(ended: Mapping[str, Rescued]) -> str:
    begun = [rescued for rescued in ended.values() if rescued.stage in {Stage.TO_TAG, Stage.PENDING, Stage.COMPLETE}]
    if not begun:
        return "nothing was copied"
    complete = sum(rescued.stage is Stage.COMPLETE for rescued in begun)
    return f"{counted(len(begun), 'snapshot')} begun, {complete} of them complete; {_GOES_ON}"


def _say(sentence: str) -> None:
    typer.echo(f"lightkeeper: {sentence}", err=True)
