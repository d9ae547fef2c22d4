"""Ten thousand snapshots on pages of seven, while others create and delete between any two pages."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from lightkeeper.names import snapshot_name
from lightkeeper.tags import EXPIRES, OWNER, SLOT, SOURCE
from lightkeeper.times import format_instant
from lightsail_sandbox.client import Entry, ErrorAnswer, FaultRule, Seed
from tests.support.keeper import DAY, HOUR, Keeper, count

pytestmark = pytest.mark.slow
SOURCES, SLOTS_EACH, PAGE = 200, 40, 7
KEPT = 36
"""Of the forty of a source: the four oldest are over, and have been marked."""
START = datetime(2026, 6, 15, 3, 30, tzinfo=UTC)
NEWEST = datetime(2026, 6, 14, 3, 0, tzinfo=UTC)


@pytest.fixture
def between_pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """Give the list of what is done after each page of disk snapshots that a run has read."""
    doings: list[Callable[[], None]] = []
    real = URLLib3Session.send

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        answer = real(session, request)
        if "GetDiskSnapshots" in str(request.headers["X-Amz-Target"]):
            for do in doings:
                do()
        return answer

    monkeypatch.setattr(URLLib3Session, "send", send)
    yield doings
    doings.clear()


@dataclass
class Others:
    """Everybody else who works in the account: at each twentieth page they take a snapshot, and delete one."""

    keeper: Keeper
    victims: list[str]
    pages: int = 0
    made: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def work(self) -> None:
        """Be called after each page."""
        self.pages += 1
        if self.pages % 20 == 0:
            self.made.append(f"by-hand-{self.pages}")
            source = f"disk-{self.pages % SOURCES:03}"
            self.keeper.user.create_disk_snapshot(diskSnapshotName=self.made[-1], diskName=source)
            if self.victims:
                self.gone.append(self.victims.pop())
                self.keeper.user.delete_disk_snapshot(diskSnapshotName=self.gone[-1])


def fill(keeper: Keeper) -> dict[str, list[str]]:
    """Seed two hundred disks with fifty snapshots each; return ours of each disk, newest first."""
    keeper.sandbox.set_time(START)
    born = START - 400 * DAY
    names = [f"disk-{number:03}" for number in range(SOURCES)]
    arns = keeper.sandbox.seed(
        Seed(kind="Disk", name=name, tags={"backup": "daily", "backup:keep": str(KEPT)}, created_at=born)
        for name in names
    )
    ours: dict[str, list[str]] = {}
    seeds: list[Seed] = []
    for name, arn in zip(names, arns, strict=True):
        ours[name] = []
        for age in range(SLOTS_EACH):
            slot = NEWEST - age * DAY
            tags = {"backup": "daily", OWNER: "Lightkeeper", SOURCE: arn, SLOT: format_instant(slot)}
            over = {EXPIRES: format_instant(START - HOUR)} if age >= KEPT else {}
            ours[name].append(snapshot_name(name, arn, "Lightkeeper", slot))
            seeds.append(
                Seed(
                    kind="DiskSnapshot", name=ours[name][-1], source=name, tags=tags | over, created_at=slot + HOUR / 60
                )
            )
            # Beside every fourth one another that has its tags, and is a user's: copied for a test, or by a script.
            if age % 4 == 0:
                copy = f"copy-of-{ours[name][-1]}"
                seeds.append(
                    Seed(kind="DiskSnapshot", name=copy, source=name, tags=tags | over, created_at=slot + HOUR)
                )
    # As they would stand in an account: by age, those of all the disks mixed.
    keeper.sandbox.seed(sorted(seeds, key=lambda seed: (seed.created_at or START, seed.name)))
    keeper.witness.adopt(name for series in ours.values() for name in series)
    keeper.sandbox.set_options(page_size=PAGE)
    return ours


def by_name(keeper: Keeper) -> dict[str, Entry]:
    return {entry.name: entry for entry in keeper.sandbox.entries() if entry.state}


@pytest.mark.parametrize("shifting", [False, True], ids=["steady pages", "pages that shift"])
def test_ten_thousand_snapshots_on_pages_of_seven_while_others_create_and_delete(
    keeper: Keeper, between_pages: list[Callable[[], None]], *, shifting: bool
) -> None:
    ours = fill(keeper)
    before = by_name(keeper)
    assert len(before) == 10_000
    # The user deletes copies, snapshots that are kept, and some that are about to go.
    victims = [
        (f"copy-of-{series[4]}", series[7], series[-1])[number % 3] for number, series in enumerate(ours.values())
    ]
    others = Others(keeper, victims)
    between_pages.append(others.work)
    keeper.sandbox.set_options(shifting_pages=shifting)
    keeper.sandbox.clear_calls()

    run = keeper.run()

    assert len(others.made) == len(others.gone) >= 140
    calls = keeper.sandbox.calls()
    runs = [call for call in calls if call.access_key_id == "sandbox"]
    assert sum(call.operation == "GetDiskSnapshots" for call in runs) >= 10_000 // PAGE
    writes = Counter(str(call.parameters) for call in runs if not call.operation.startswith("Get"))
    assert set(writes.values()) == {1}, "nothing is done twice"

    after = by_name(keeper)
    foreign = {name for name in before if name.startswith("copy-of-")} | set(others.made)
    assert foreign - set(others.gone) <= set(after)
    assert all(after[name].tags == before[name].tags for name in foreign & set(before) & set(after))

    kept = {name for series in ours.values() for name in series[:KEPT]}
    assert kept - set(others.gone) <= set(after)
    assert run.failures == ()
    assert count(run, "create") == SOURCES
    if not shifting:
        taken_back = count(run, "delete", "skipped")
        assert count(run, "delete") + taken_back == 3 * SOURCES, "of the four of each that are over"
        assert taken_back <= len(others.gone), "a rule keeps one more where others have deleted what it kept"


def test_of_a_long_list_that_breaks_off_on_its_last_pages_nothing_is_judged(
    keeper: Keeper, between_pages: list[Callable[[], None]]
) -> None:
    fill(keeper)
    before = by_name(keeper)
    others = Others(keeper, [])
    between_pages.append(others.work)
    gone_wrong = ErrorAnswer(code="AccessDeniedException")
    keeper.sandbox.add_faults(FaultRule(effect=gone_wrong, operation="GetDiskSnapshots", first=10_000 // PAGE))

    run = keeper.run()

    assert len(run.failures) == 1
    assert run.outcomes == ()
    after = by_name(keeper)
    assert {name: entry.tags for name, entry in after.items() if name not in others.made} == {
        name: entry.tags for name, entry in before.items()
    }
