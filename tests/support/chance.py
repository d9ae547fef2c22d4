"""Chance: whatever can happen, in any order. The witness judges after each step."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from lightsail_sandbox.client import (
    EndSnapshots,
    Entry,
    ErrorAnswer,
    FailOperation,
    FaultRule,
    LoseAnswer,
    Meanwhile,
    ShortList,
)
from lightsail_sandbox.seeds import SnapshotState
from tests.support.accounts import Member
from tests.support.asking import CODES
from tests.support.hub import HUB
from tests.support.keeper import AWAY, DAY, HOUR, OTHER_REGION, REGION
from tests.support.witness import (
    CONSOLE,
    CREATES,
    DELETES,
    EXPIRES,
    FORMAT,
    LISTS,
    LISTS_OF_SOURCES,
    LOOK_UPS,
    NAME_OF_SOURCE,
    OWNER,
    SLOT,
    SOURCE,
    TAKEN,
)
from tests.support.world import FOREIGN, SOURCES, WHERE, Foreign, World

WRITES = (*CREATES, "CopySnapshot", "TagResource", "UntagResource", *DELETES)
# Either side of a change of clocks, in Europe and in America.
BEFORE_CLOCKS_CHANGE = (datetime(2027, 3, 13, 12, tzinfo=UTC), datetime(2027, 10, 30, 12, tzinfo=UTC))
START = datetime(2026, 10, 24, 12, tzinfo=UTC)

STEPS = 50
STEPS_IN_AN_ACCOUNT = 3
_Step = TypeVar("_Step", bound=Callable[..., None])

OURS = (OWNER, SOURCE, SLOT, FORMAT, TAKEN, NAME_OF_SOURCE)
STATES: tuple[SnapshotState, ...] = ("pending", "completed", "error", "unknown")

names = st.sampled_from(sorted(SOURCES))
databases = st.sampled_from([name for name, kind in SOURCES.items() if kind == "RelationalDatabase"])
database_states = st.sampled_from(["backing-up", "modifying", "stopped", "never-heard-of", None])
which = st.integers(0, 99)
tags = st.sampled_from(
    [
        ("backup", ""),
        ("backup", "hourly"),
        ("backup", "daily"),
        ("backup", "weekly"),
        ("backup", "monthly"),
        ("backup", "off"),
        ("backup", "dialy"),
        ("backup:keep", "1"),
        ("backup:keep", "3"),
        ("backup:keep", "30"),
        ("backup:keep", "4d"),
        ("backup:keep", "daily=2 weekly=2"),
        ("backup:keep", "forever"),
        ("backup:keep", "a while"),
        ("backup:at", "14:30"),
        ("backup:at", "02:30 Europe/Zurich"),
        ("backup:at", "25:00"),
        ("backup:mode", "system-disk"),
        ("backup:mode", "instance"),
        ("backup:hold", ""),
        ("backup:hold", "2026-11-05"),
        ("backup:hold", "next week"),
        ("backup:kepe", "1"),
        ("Backup:keep", "1"),
        ("backup:copy", "nowhere"),
        ("backup:copy-keep", "a while"),
        ("customer", "bakery"),
    ]
)
copy_wishes = st.sampled_from(
    [
        ("backup:copy", ""),
        ("backup:copy", AWAY),
        ("backup:copy", f"{AWAY} {OTHER_REGION}"),
        ("backup:copy", "off"),
        ("backup:copy-keep", "1"),
        ("backup:copy-keep", "daily=2"),
        ("backup:copy-keep", "forever"),
    ]
)
_EACH_MORNING = {"schedule": "0 5 * * *", "keep": "2"}
copies = st.sampled_from(
    [
        {AWAY: _EACH_MORNING},
        {AWAY: _EACH_MORNING, OTHER_REGION: {"schedule": "0 */6 * * *", "keep": "daily=2"}},
        # Each is looked after, and a place for the other's copies.
        {REGION: _EACH_MORNING, OTHER_REGION: {"schedule": "30 4 * * *", "keep": "1", "timeZone": "Europe/Zurich"}},
    ]
)
# What a person changes who is content with Lightkeeper: how often, when, of what, how long.
plans = st.sampled_from(
    [
        ("backup", "hourly"),
        ("backup", "daily"),
        ("backup", "weekly"),
        ("backup", "monthly"),
        ("backup:at", "00:30"),
        ("backup:at", "03:00"),
        ("backup:at", "23:00"),
        ("backup:at", "11:00 America/Chicago"),
        ("backup:mode", "system-disk"),
        ("backup:mode", "instance"),
        ("backup:keep", "1"),
        ("backup:keep", "2"),
        ("backup:keep", "daily=3"),
        ("backup:keep", "daily=2 weekly=2"),
    ]
)
# What a person does who sees that something is about to be lost.
responses = st.sampled_from(
    ["hold the snapshot", "hold the snapshot till spring", "hold the source", "keep all", "turn off"]
)
holds = st.sampled_from(["backup:hold", "save:hold", "Legal-Hold", "compliance/hold", "backup:legal", "hold"])
refusals = st.sampled_from(["UnrecognizedClientException", "InvalidClientTokenId", "AccessDeniedException"])
renames = st.sampled_from([("deployment", "Night-Shift"), ("tagKey", "save"), ("timeZone", "Pacific/Auckland")])
first_tags = st.fixed_dictionaries(
    {"backup": st.sampled_from(["", "daily", "hourly"])},
    optional={
        "backup:keep": st.sampled_from(["1", "3", "daily=2 weekly=2"]),
        "backup:copy": st.just(""),
        "customer": st.just("bakery"),
    },
)
settings = st.sampled_from(
    [
        ("grace", "0d"),
        ("grace", "1d"),
        ("grace", "2d"),
        ("prune", "off"),
        ("prune", "on"),
        ("orphans", "keep"),
        ("orphans", "expire"),
        ("maxDeletesPerSource", 1),
        ("maxDeletesPerSource", 3),
        ("instanceMode", "system-disk"),
        ("instanceMode", "instance"),
        ("policies", {"daily": {"schedule": "0 3 * * *", "keep": "2"}}),
        ("policies", {"daily": {"schedule": "0 23 * * *", "keep": "daily=2"}}),
        ("policies", {"daily": {"schedule": "30 15 * * *", "keep": "daily=3"}}),
        ("policies", {"daily": {"schedule": "0 3 * * *", "keep": "daily=7 weekly=4"}}),
    ]
)
counts = st.sampled_from([None, 1, 2, 6])
regions = st.sampled_from([REGION, OTHER_REGION, AWAY])
errors = st.builds(
    FaultRule,
    effect=st.builds(ErrorAnswer, code=st.sampled_from(CODES)),
    operation=st.sampled_from((*LISTS, *WRITES, *LOOK_UPS)),
    region=regions,
    last=counts,
)
lost = st.builds(
    FaultRule,
    effect=st.just(LoseAnswer()),
    operation=st.sampled_from((*LISTS, *WRITES)),
    region=regions,
    calls=st.sampled_from([(1,), (2,), (1, 2, 3, 4, 5)]),
)
refused = st.builds(
    FaultRule, effect=st.just(FailOperation()), operation=st.sampled_from(WRITES), region=regions, last=counts
)
doomed = st.builds(
    FaultRule,
    effect=st.builds(EndSnapshots, state=st.sampled_from(["error", "pending", "unknown"])),
    operation=st.sampled_from((*CREATES, "CopySnapshot")),
)
faults = st.lists(st.one_of(errors, lost, refused, doomed), min_size=1, max_size=2)


def step(**given: st.SearchStrategy[Any]) -> Callable[[_Step], _Step]:
    """Make a method a rule of a machine, and count how often it is followed."""

    def decorate(method: _Step) -> _Step:
        @functools.wraps(method)
        def counted(self: "Chance", **drawn: object) -> None:
            self.steps += 1
            self.turn()
            method(self, **drawn)

        make_rule = cast("Callable[..., Callable[[_Step], _Step]]", rule)
        return make_rule(**given)(cast("_Step", counted))

    return decorate


class Chance(RuleBasedStateMachine):
    """What can happen to a deployment, as rules for Hypothesis."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.steps = 0
        world.reset(START)

    def turn(self) -> None:
        """Choose where the next step happens."""

    def teardown(self) -> None:
        """Forget the faults that an interrupted step may have left."""
        self.world.keeper.sandbox.clear_faults()

    @initialize(given=st.fixed_dictionaries(dict.fromkeys(SOURCES, first_tags)), where=copies)
    def sources(self, given: dict[str, dict[str, str]], where: dict[str, dict[str, str]]) -> None:
        """Begin with all sources."""
        self.world.configure(copies=where)
        for world in (self.world, *self.world.neighbours):
            for name, tagged in given.items():
                world.make(name, tagged)

    # Time and runs

    @step(hours=st.integers(0, 30))
    def on_time(self, hours: int) -> None:
        """Some hours later there is a run."""
        self.world.advance(hours * HOUR)
        self.world.run()

    @step(days=st.integers(1, 6))
    def a_run_a_day(self, days: int) -> None:
        """Some days go by, with a run each."""
        for _ in range(days):
            self.world.advance(DAY)
            self.world.run()

    @step(hours=st.integers(1, 7), runs=st.integers(2, 8))
    def around_the_clock(self, hours: int, runs: int) -> None:
        """A run comes every few hours."""
        for _ in range(runs):
            self.world.advance(hours * HOUR)
            self.world.run()

    @step(name=names, plan=plans, hours=st.integers(0, 30), runs=st.integers(1, 4))
    def change_plans(self, name: str, plan: tuple[str, str], hours: int, runs: int) -> None:
        """A source gets another plan, and some runs follow."""
        if name in self.world.sources():
            self.world.tag(WHERE[name], name, *plan)
        for _ in range(runs):
            self.world.advance(hours * HOUR)
            self.world.run()

    @step(hours=st.one_of(st.integers(1, 48), st.integers(49, 1000)))
    def replay(self, hours: int) -> None:
        """An event comes hours or weeks late."""
        self.world.replay(hours * HOUR)

    @step(number=which, response=responses, operation=st.sampled_from((*LISTS, *WRITES)), call=st.integers(1, 3))
    def respond_meanwhile(self, number: int, response: str, operation: str, call: int) -> None:
        """A person who sees a mark acts while a run works."""
        self.world.advance(DAY)
        snapshot = self.world.marked(number)
        if snapshot is None or (act := self._response(snapshot, response)) is None:
            self.world.run()
        else:
            self.world.disturbed_run(FaultRule(effect=act, operation=operation, region=snapshot.region, calls=(call,)))

    def _response(self, snapshot: Entry, response: str) -> Meanwhile | None:
        source = self.world.sources().get(snapshot.source_name or "")
        key = self.world.keeper.settings.tag_key
        name, tag = {
            "hold the snapshot": (snapshot.name, {"key": f"{key}:hold"}),
            "hold the snapshot till spring": (snapshot.name, {"key": f"{key}:hold", "value": "2028-03-31"}),
            "hold the source": (source and source.name, {"key": f"{key}:hold"}),
            "keep all": (source and source.name, {"key": f"{key}:keep", "value": "forever"}),
            "turn off": (source and source.name, {"key": key, "value": "off"}),
        }[response]
        if name is None:
            return None
        parameters = {"resourceName": name, "tags": [tag]}
        return Meanwhile(operation="TagResource", parameters=parameters, access_key_id=CONSOLE)

    @step(operation=st.sampled_from([*LISTS_OF_SOURCES]), entries=st.integers(0, 1), hours=st.integers(0, 30))
    def a_list_is_cut_short(self, operation: str, entries: int, hours: int) -> None:
        """Lightsail says that there is nothing, or less than there is."""
        self.world.advance(hours * HOUR)
        self.world.disturbed_run(FaultRule(effect=ShortList(entries=entries), operation=operation))

    @step(region=regions, code=refusals, hours=st.integers(0, 30))
    def a_region_refuses(self, region: str, code: str, hours: int) -> None:
        """A Region takes no credentials of ours during a run."""
        self.world.advance(hours * HOUR)
        self.world.faulty_run(FaultRule(effect=ErrorAnswer(code=code), region=region))

    @step(rename=renames, hours=st.integers(1, 30), runs=st.integers(1, 4), is_for_good=st.booleans())
    def rename(self, rename: tuple[str, str], hours: int, runs: int, is_for_good: object) -> None:
        """The deployment, or the tag that it looks for, has another name for some runs, or for good."""
        before = self.world.keeper.settings.to_mapping()
        self.world.configure(**dict([rename]))
        for _ in range(runs):
            self.world.advance(hours * HOUR)
            self.world.run()
        if not is_for_good or rename[0] == "tagKey":
            self.world.configure(**{rename[0]: before[rename[0]]})

    @step(days=st.integers(2, 5), given=doomed)
    def bad_days(self, days: int, given: FaultRule) -> None:
        """Some days go by on which snapshots fail, or never end."""
        for _ in range(days):
            self.world.advance(DAY)
            self.world.faulty_run(given)

    @step(days=st.integers(2, 40))
    def late(self, days: int) -> None:
        """There are no runs for many days; then there is one."""
        self.world.advance(days * DAY)
        self.world.run()

    @step()
    def twice(self) -> None:
        """The same run comes twice: the second has nothing to do, unless a call failed."""
        self.world.run()
        self.world.run()

    @step()
    def at_once(self) -> None:
        """Two runs run side by side."""
        self.world.advance(5 * HOUR)
        self.world.runs_at_once()

    @step(hours=st.integers(0, 30), given=faults)
    def under_faults(self, hours: int, given: list[FaultRule]) -> None:
        """Lightsail is not well during a run."""
        self.world.advance(hours * HOUR)
        self.world.faulty_run(*given)

    @step(writes=st.integers(0, 4))
    def in_a_hurry(self, writes: int) -> None:
        """A run has time for a few writes only."""
        self.world.advance(DAY)
        self.world.hurried_run(writes)

    @step(hours=st.integers(1, 72))
    def clock_set_back(self, hours: int) -> None:
        """The clock jumps back."""
        self.world.advance(-hours * HOUR)

    @step(when=st.sampled_from(BEFORE_CLOCKS_CHANGE))
    def to_the_change_of_clocks(self, when: datetime) -> None:
        """Time goes on to the eve of a change of clocks."""
        self.world.advance(max(timedelta(), when - self.world.keeper.sandbox.now()))

    # The user

    @step(name=names, tag=tags)
    def tag_a_source(self, name: str, tag: tuple[str, str]) -> None:
        """A source gets a tag, right or wrong."""
        if name in self.world.sources():
            self.world.tag(WHERE[name], name, *tag)

    @step(name=names, number=which)
    def untag_a_source(self, name: str, number: int) -> None:
        """A source loses a tag."""
        source = self.world.sources().get(name)
        if source and source.tags:
            self.world.untag(WHERE[name], name, [sorted(source.tags)[number % len(source.tags)]])

    @step(name=names, given=first_tags)
    def mend_the_tags(self, name: str, given: dict[str, str]) -> None:
        """A source gets sound tags, whatever it had."""
        source = self.world.sources().get(name)
        if source:
            if source.tags:
                self.world.untag(WHERE[name], name, source.tags)
            for key, value in given.items():
                self.world.tag(WHERE[name], name, key, value)

    @step(setting=settings)
    def configure(self, setting: tuple[str, object]) -> None:
        """A setting changes."""
        self.world.configure(**dict([setting]))

    @step(name=names, wish=copy_wishes, hours=st.integers(0, 30), runs=st.integers(1, 3))
    def ask_for_copies(self, name: str, wish: tuple[str, str], hours: int, runs: int) -> None:
        """A source is to be copied, or not any more, and some runs follow."""
        if name in self.world.sources():
            self.world.tag(WHERE[name], name, *wish)
        for _ in range(runs):
            self.world.advance(hours * HOUR)
            self.world.run()

    @step(where=copies, are_on=st.booleans())
    def configure_copies(self, where: dict[str, dict[str, str]], are_on: object) -> None:
        """Copies go elsewhere, or nowhere."""
        self.world.configure(copies=where if are_on else {})

    @step(region=st.sampled_from([REGION, OTHER_REGION]), days=st.integers(1, 4))
    def a_home_goes_dark(self, region: str, days: int) -> None:
        """A Region answers nothing for days."""
        for _ in range(days):
            self.world.advance(DAY)
            self.world.faulty_run(FaultRule(effect=ErrorAnswer(code="ServiceException"), region=region))

    @step(number=which, how=st.sampled_from(FOREIGN), hours=st.integers(0, 30))
    def plant_under_the_name_of_a_copy(self, number: int, how: Foreign, hours: int) -> None:
        """Where a copy is to be, there is something else of its name."""
        self.world.plant_as_copy(number, AWAY, how)
        self.world.advance(hours * HOUR)
        self.world.run()

    @step(number=which)
    def copy_by_hand(self, number: int) -> None:
        """A user copies a snapshot."""
        self.world.copy_by_hand(number, AWAY, f"by-hand-{number}")

    @step(number=which)
    def strip_a_copy(self, number: int) -> None:
        """A user takes all tags off a copy."""
        copies = [each for each in self.world.snapshots() if TAKEN in each.tags]
        if copies:
            copy = copies[number % len(copies)]
            self.world.untag(copy.region, copy.name, copy.tags)
            self.world.planted["stripped"] += 1

    @step(name=names, final=st.booleans())
    def delete_a_source(self, name: str, final: bool) -> None:  # noqa: FBT001 - Hypothesis hands it over by name
        """A source is deleted; of a database, Lightsail may keep a final snapshot."""
        self.world.destroy(name, keep_a_final_snapshot=final)

    @step(name=databases, state=database_states, hours=st.integers(0, 30), runs=st.integers(1, 3))
    def a_database_is_busy(self, name: str, state: str | None, hours: int, runs: int) -> None:
        """A database is in some state, and some runs follow."""
        self.world.set_state(name, state)
        for _ in range(runs):
            self.world.advance(hours * HOUR)
            self.world.run()

    @step(name=databases)
    def a_database_is_available_again(self, name: str) -> None:
        """A database's state follows from what is done to it again."""
        self.world.set_state(name, None)

    @step(name=names, given=first_tags)
    def make_a_source_anew(self, name: str, given: dict[str, str]) -> None:
        """A source is deleted, and another made under its name."""
        self.world.destroy(name)
        self.world.make(name, given)

    @step(number=which, key=holds, value=st.sampled_from(["", "2026-10-26", "2026-11-05", "2026-12-01", "for ever"]))
    def hold_a_snapshot(self, number: int, key: str, value: str) -> None:
        """A snapshot is held."""
        if snapshot := self.world.pick(number):
            self.world.tag(snapshot.region, snapshot.name, key, value)

    @step(
        number=which,
        tag=st.sampled_from(["backup:hold", EXPIRES, OWNER, SOURCE, SLOT, FORMAT, TAKEN, NAME_OF_SOURCE, "backup"]),
    )
    def untag_a_snapshot(self, number: int, tag: str) -> None:
        """A snapshot loses a tag."""
        snapshot = self.world.pick(number)
        if snapshot and tag in snapshot.tags:
            self.world.untag(snapshot.region, snapshot.name, [tag])

    @step(number=which, value=st.sampled_from(["soon", "2030-01-01T00:00:00Z"]))
    def rewrite_a_mark(self, number: int, value: str) -> None:
        """A user writes over a mark."""
        if snapshot := self.world.pick(number):
            self.world.tag(snapshot.region, snapshot.name, EXPIRES, value)

    @step(number=which)
    def take_it_for_a_newer_release_s(self, number: int) -> None:
        """A snapshot says that a newer release has made it."""
        if snapshot := self.world.pick(number):
            self.world.tag(snapshot.region, snapshot.name, FORMAT, "2")

    @step(number=which)
    def delete_a_snapshot(self, number: int) -> None:
        """A user deletes a snapshot."""
        if snapshot := self.world.pick(number):
            self.world.delete(snapshot)

    @step(number=which, state=st.sampled_from(STATES))
    def change_a_state(self, number: int, state: SnapshotState) -> None:
        """A snapshot completes, fails or hangs."""
        if snapshot := self.world.pick(number):
            self.world.end(snapshot.region, snapshot.name, state)

    @step(name=names, day=st.integers(1, 28))
    def plant_our_kind_of_name(self, name: str, day: int) -> None:
        """A snapshot taken by hand has a name like ours."""
        self.world.plant(name, f"{name}-202609{day:02}-0300-ffffff", {"backup": "daily"}, 30 * DAY)

    @step(name=names, number=which)
    def plant_our_tags(self, name: str, number: int) -> None:
        """A snapshot taken by hand has tags copied from ours."""
        snapshot = self.world.pick(number)
        if snapshot and snapshot.tags.get(OWNER):
            self.world.plant(name, f"copy-{name}-{number}", dict(snapshot.tags), 40 * DAY)

    @step(size=st.integers(1, 9))
    def change_the_page_size(self, size: int) -> None:
        """Lightsail gives pages of another size."""
        self.world.keeper.sandbox.set_options(page_size=size)


class FleetChance(Chance):
    """The same in two accounts of one deployment: what happens to one leaves the other as if it were alone."""

    world: Member

    def turn(self) -> None:
        """Go to the other account after some steps."""
        if self.steps % STEPS_IN_AN_ACCOUNT == 0:
            (self.world,) = (each for each in self.world.neighbours if isinstance(each, Member))

    @step(hours=st.integers(0, 30), external_id=st.sampled_from([None, "Somebody"]))
    def nobody_is_let_in(self, hours: int, external_id: str | None) -> None:
        """An account has no role for the deployment during a run, or one that trusts somebody else."""
        self.world.advance(hours * HOUR)
        if self.world.account != HUB:
            with self.world.closed(external_id):
                self.world.disturbed_run()

    @step(hours=st.integers(0, 30), code=st.sampled_from(["ServiceUnavailable", "ExpiredToken", "Throttling"]))
    def sts_is_not_well(self, hours: int, code: str) -> None:
        """STS gives out no role of an account during a run."""
        self.world.advance(hours * HOUR)
        if self.world.account != HUB:
            with self.world.sts_answers(code):
                self.world.disturbed_run()


def run_chance(
    world: World,
    seed: int,
    examples: int,
    *,
    steps: int = STEPS,
    shrink: bool = True,
    kind: Callable[[Any], Chance] = Chance,
) -> int:
    """Go through so many series of steps, and return the number of steps.

    The same seed gives the same steps. A failure prints a series that shows it: the shortest, if it is to be shrunk,
    which takes minutes.
    """
    machines: list[Chance] = []

    @hypothesis.seed(seed)
    def machine() -> Chance:
        machines.append(kind(world))
        return machines[-1]

    phases = [hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if shrink else [])]
    run_state_machine_as_test(
        cast("type[Chance]", machine),
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=phases,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
    return sum(each.steps for each in machines)
