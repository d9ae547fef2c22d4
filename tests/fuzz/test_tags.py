"""Tags: whatever stands on a source and on its recovery points, nothing is pruned that was not surely meant to be.

Beside each fuzzed source is one with plain tags: what is wrong with one never hinders another, and never is everything
kept only because nothing would ever be pruned.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import available_timezones

from hypothesis import event, example, given
from hypothesis import strategies as st

from lightkeeper.actions import Create, Delete, ScheduleDeletion
from lightkeeper.findings import findings
from lightkeeper.inventory import plan_regions
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.message import compose
from lightkeeper.model import Mode, Orphans, Plan, Severity, Snapshot, SnapshotState, Source, StaticIp
from lightkeeper.names import snapshot_name
from lightkeeper.report import plan_document
from lightkeeper.run import Run
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from lightkeeper.tags import EXPIRES, OWNER, SLOT, SOURCE, snapshot_tags
from lightkeeper.times import Duration, format_instant
from recovery_calendar.render import Theme, render_page
from recovery_calendar.view import make_view
from tests.support.words import anything_or, near

REGION: Final = "eu-central-1"
DEPLOYMENT: Final = Settings().deployment
SENDER: Final = Sender(DEPLOYMENT, "123456789012", REGION)
NOW: Final = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
SLOTS: Final = [datetime(2026, 6, 15, 3, tzinfo=UTC) - number * DAY for number in range(8)]
TAGS: Final = {"backup": "daily", "backup:keep": "2"}
POLICIES: Final = ("hourly", "daily", "weekly", "monthly")

# The vocabulary as the README gives it, on its own.
NUMBER, PERIODS = r"0*[1-9][0-9]{0,5}", "hourly|daily|weekly|monthly|yearly"
DURATION: Final = r"(?:[0-9]{1,6}[ymdh]){1,4}"
CLAUSE: Final = rf"{NUMBER}|{DURATION}|(?:last|{PERIODS})=(?:all|{NUMBER})|within(?:-(?:{PERIODS}))?={DURATION}"
KEEP: Final = re.compile(rf"\s*(?:forever|(?:{CLAUSE})(?:\s+(?:{CLAUSE}))*)\s*")
AT: Final = re.compile(
    rf"\s*(?:[01][0-9]|2[0-3]):[0-5][0-9](?: +(?:{'|'.join(map(re.escape, available_timezones()))}))?\s*"
)
DATE: Final = re.compile(
    r"|[0-9]{4}-?(?:[0-9]{2}-?[0-9]{2}|W[0-9]{2}(?:-?[0-9])?)(?:.[0-9:.,]+(?:Z|[+-][0-9:.]+)?)?", re.DOTALL
)

words = [*POLICIES, "off", "", "2", "30d", "daily=2", "daily=7 weekly=4", "forever", "02:30", "instance", "2027-01-31"]
keys = near(
    ["backup", "backup:keep", "backup:at", "backup:mode", "backup:hold", "Backup", "backup_keep", "Name", "aws:x"]
)
own_keys = near([OWNER, SOURCE, SLOT, EXPIRES])
values = anything_or([*words, "Lightkeeper", "02:30 Europe/Zurich", "system-disk", "2026-06-16", "9999-12-31"])
right_tags = st.fixed_dictionaries(
    {"backup": st.sampled_from(["", "daily"])},
    optional={
        "backup:keep": st.sampled_from(["1", "2", "daily=2", "within=2d"]),
        "backup:at": st.just("03:00"),
        "backup:mode": st.sampled_from(["instance", "system-disk"]),
        "backup:hold": st.sampled_from(["2026-06-01", "2020-01-01T00:00Z"]),
    },
)
misspelt_suffixes = st.builds("backup:{}".format, near(["keep", "at", "mode", "hold", "kepe", "hodl", "", "x"]))
look_alikes = st.builds(
    lambda suffix, separator, write: write(f"backup{separator}{suffix}"),
    st.sampled_from(["keep", "at", "mode", "hold", "hold"]),
    st.sampled_from(": ._/-"),
    st.sampled_from([str, str.upper, str.title, str.capitalize]),
)
wrong_tags = st.one_of(
    st.dictionaries(look_alikes, values, min_size=1, max_size=2),
    st.dictionaries(keys | own_keys | anything_or(["Name"]), values, max_size=3),
    st.dictionaries(misspelt_suffixes, values, min_size=1, max_size=2),
    st.dictionaries(
        st.sampled_from(["backup", "backup:keep", "backup:at", "backup:mode", "backup:hold"]), values, max_size=2
    ),
)
fuzzed_tags = st.builds(lambda right, wrong: {**right, **wrong}, right_tags, wrong_tags)
all_settings = st.builds(
    Settings,
    grace=st.sampled_from([Duration(), Duration(days=1)]),
    orphans=st.sampled_from(Orphans),
    max_deletes_per_source=st.integers(1, 9),
)


@dataclass(frozen=True)
class Region:
    """What the lists of a Region answer."""

    fleet: tuple[Source, ...]
    taken: tuple[Snapshot, ...]

    def sources(self, kind: SourceKind) -> Iterator[Source]:
        return (source for source in self.fleet if source.kind is kind)

    def snapshots(self, kind: SnapshotKind) -> Iterator[Snapshot]:
        return (snapshot for snapshot in self.taken if snapshot.kind is kind)

    def static_ips(self) -> Iterator[StaticIp]:
        return iter(())


def make_source(name: str, tags: Mapping[str, str], kind: SourceKind = SourceKind.DISK) -> Source:
    arn = f"arn:aws:lightsail:{REGION}:111122223333:{kind.capitalize()}/{name}"
    return Source(kind, name, arn, REGION, NOW - 100 * DAY, tags)


def taken_of(source: Source, tags: Iterable[Mapping[str, str]] = ({},) * len(SLOTS)) -> tuple[Snapshot, ...]:
    """Return a source's snapshots of the last days, newest first; all but the newest three were marked in time."""
    marked = {EXPIRES: format_instant(NOW - HOUR)}
    return tuple(
        Snapshot(
            kind=SnapshotKind.DISK,
            name=snapshot_name(source.name, source.arn, DEPLOYMENT, slot),
            region=REGION,
            state=SnapshotState.USABLE,
            created_at=slot,
            size_gib=8,
            source_name=source.name,
            source_arns=frozenset([source.arn]),
            from_auto_snapshot=False,
            tags={**snapshot_tags(source, slot, Settings(), slot)[0], **(marked if number > 2 else {}), **more},
        )
        for number, (slot, more) in enumerate(zip(SLOTS, tags, strict=True))
    )


PLAIN: Final = make_source("plain", TAGS)


def plan_beside_the_plain_one(sources: tuple[Source, ...], snapshots: Iterable[Snapshot], settings: Settings) -> Plan:
    """Plan; whatever is in the plan can be said, and the plain source is backed up and pruned."""
    region = Region((PLAIN, *sources), (*taken_of(PLAIN), *snapshots))
    plan = plan_regions({REGION: region}, settings, NOW)
    json.dumps(plan_document(plan))
    assert render_page(make_view(plan, settings), theme=Theme.AUTO)
    run = Run(plan, ())
    assert compose(
        findings(run, settings),
        (),
        run,
        settings,
        daily=True,
        sender=SENDER,
    ).body
    assert any(isinstance(action, Delete) for action in plan.actions if action.target.source == PLAIN.name)
    return plan


def pruned(plan: Plan, source: Source) -> set[str]:
    return {
        action.target.snapshot
        for action in plan.actions
        if isinstance(action, ScheduleDeletion | Delete) and action.target.source_arn == source.arn
    }


def touched(plan: Plan) -> set[str]:
    """Return the snapshots that are there and that something is done to."""
    return {action.target.snapshot for action in plan.actions if not isinstance(action, Create)}


def is_word_of(key: str) -> str | None:
    """Return the key of the vocabulary that this one is, but for case, blanks around it, and what separates it."""
    plain = re.sub(r"[ ._/-]", ":", key.strip(" ").casefold())
    return plain if plain in {"backup", "backup:keep", "backup:at", "backup:mode", "backup:hold"} else None


def wrong(tags: Mapping[str, str], kind: SourceKind | None) -> set[str]:
    """Return the keys that were meant for Lightkeeper, and cannot be understood by what the README says."""
    policy = tags.get("backup")
    found = {
        key
        for key in tags
        if key.startswith("backup:") and key not in {word for word in tags if is_word_of(word) == word}
    }
    found |= {key for key in tags if is_word_of(key) not in {None, key, "backup"}}
    if policy is None:
        # A hold may stand alone.
        found |= {
            key
            for key in tags
            if is_word_of(key) not in {None, "backup:hold"} or (key.startswith("backup:") and key != "backup:hold")
        }
    elif policy not in {"", "off", *POLICIES}:
        found.add("backup")
    grammar = {"backup:keep": KEEP, "backup:at": AT, "backup:hold": DATE}
    found |= {key for key, pattern in grammar.items() if key in tags and not pattern.fullmatch(tags[key])}
    if policy == "hourly" and "backup:at" in tags:
        found.add("backup:at")
    if kind is SourceKind.INSTANCE and tags.get("backup:mode", "instance") not in list(Mode):
        found.add("backup:mode")
    return found


def reported(plan: Plan, source: Source) -> set[str | None]:
    """Return the tags of the problems that hold something back; each is a sentence."""
    for problem in plan.problems:
        assert re.search(r"expected|looks like", problem.message)
    return {
        problem.tag
        for problem in plan.problems
        if problem.source == source.name and problem.severity is not Severity.ADVICE
    }


@given(st.sampled_from(SourceKind), fuzzed_tags, all_settings)
def test_a_source_whose_tags_are_not_understood_is_reported_and_not_pruned(
    kind: SourceKind, tags: dict[str, str], settings: Settings
) -> None:
    source = make_source("shop", tags, kind)
    snapshots = taken_of(make_source("shop", TAGS, kind))

    plan = plan_beside_the_plain_one((source,), snapshots, settings)

    misread = wrong(tags, kind)
    assert misread <= reported(plan, source)
    if misread:
        assert pruned(plan, source) == set()
    errors = [each for each in plan.problems if each.source == "shop" and each.severity is Severity.ERROR]
    if errors:
        assert not [action for action in plan.actions if isinstance(action, Create) and action.target.source == "shop"]
    event(f"pruned: {bool(pruned(plan, source))}")


@given(fuzzed_tags, st.integers(0, 7), all_settings)
@example({"backup": "daily", "Backup:keep": "forever"}, 0, Settings(orphans=Orphans.EXPIRE))
def test_an_orphan_whose_own_tags_are_not_understood_is_reported_and_not_pruned(
    tags: dict[str, str], number: int, settings: Settings
) -> None:
    gone = make_source("shop", TAGS)
    snapshots = taken_of(
        gone,
        [
            {key: value for key, value in tags.items() if not key.startswith("lightkeeper:")} if each == number else {}
            for each in range(len(SLOTS))
        ],
    )

    plan = plan_beside_the_plain_one((), snapshots, settings)

    misread = wrong(snapshots[number].tags, None)
    holds = {key for key in misread if is_word_of(key) == "backup:hold"}
    held_back = misread if number == 0 else holds
    if held_back:
        assert pruned(plan, gone) == set()
        assert settings.orphans is Orphans.KEEP or held_back <= reported(plan, gone)
    event(f"pruned: {bool(pruned(plan, gone))}")


@given(st.lists(fuzzed_tags | st.just({}), min_size=len(SLOTS), max_size=len(SLOTS)), all_settings)
def test_a_hold_on_a_snapshot_that_is_not_understood_is_reported_and_nothing_of_its_source_is_pruned(
    tags: list[dict[str, str]], settings: Settings
) -> None:
    source = make_source("shop", TAGS)
    snapshots = taken_of(source, tags)

    plan = plan_beside_the_plain_one((source,), snapshots, settings)

    ours = [snapshot for snapshot in snapshots if not _retagged(snapshot, source)]
    for snapshot in ours:
        holds = {key for key in wrong({"backup": "", **snapshot.tags}, None) if is_word_of(key) == "backup:hold"}
        assert holds <= reported(plan, source)
        if holds:
            assert pruned(plan, source) == set()
    assert touched(plan).isdisjoint({snapshot.name for snapshot in snapshots} - {snapshot.name for snapshot in ours})
    event(f"pruned: {bool(pruned(plan, source))}")


def _retagged(snapshot: Snapshot, source: Source) -> bool:
    """Return whether a snapshot's tags say something else than what it is."""
    slot = next(slot for slot in SLOTS if snapshot_name(source.name, source.arn, DEPLOYMENT, slot) == snapshot.name)
    own = {OWNER: "Lightkeeper", SOURCE: source.arn, SLOT: format_instant(slot)}
    return any(snapshot.tags.get(key) != value for key, value in own.items())


@given(
    st.lists(st.dictionaries(own_keys, values | st.just(PLAIN.arn), max_size=4), min_size=8, max_size=8), all_settings
)
def test_copies_of_our_tags_with_other_values_make_nothing_ours(tags: list[dict[str, str]], settings: Settings) -> None:
    source = make_source("shop", TAGS)
    own = taken_of(source, tags)
    copies = [
        replace(snapshot, name=f"copy-{number}", tags={**snapshot.tags, **more})
        for number, (snapshot, more) in enumerate(zip(own, tags, strict=True))
    ]

    plan = plan_beside_the_plain_one((source,), (*own, *copies), settings)

    theirs = {snapshot.name for snapshot in (*copies, *(each for each in own if _retagged(each, source)))}
    assert theirs.isdisjoint(touched(plan))


def test_plain_tags_are_pruned_by_so_that_all_this_can_fail() -> None:
    plan = plan_beside_the_plain_one((), (), Settings(max_deletes_per_source=9))

    assert pruned(plan, PLAIN) == {snapshot_name(PLAIN.name, PLAIN.arn, DEPLOYMENT, slot) for slot in SLOTS[2:]}
    gone = make_source("shop", TAGS)
    plan = plan_beside_the_plain_one((), taken_of(gone), Settings(orphans=Orphans.EXPIRE))
    assert len(pruned(plan, gone)) > 0
