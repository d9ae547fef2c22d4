"""What the lists mean: the facts about a source, before anything is decided."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from lightkeeper.interpret import Facts, Series, by_content, interpret
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Inventory, Policy, ReadFailure, RecoveryPoint, Severity, SnapshotState, Source
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from lightkeeper.tags import NoPolicy
from tests.support.inventories import DAY, EXPIRING, NOW, REGION, THREE, created, daily, point, source, written

SETTINGS = Settings()
DAILY = SETTINGS.policies["daily"]


def database(window: str | None, **tags: str) -> Source:
    return replace(source(kind=SourceKind.DATABASE), tags={"backup": "daily"} | written(tags), quiet_window=window)


def of_day(of: Source, days_ago: int = 0, kind: SnapshotKind = SnapshotKind.DISK, **tags: str) -> RecoveryPoint:
    return point(of, THREE - days_ago * DAY, kind=kind, tags={**of.tags, **written(tags)})


def facts(of: Source, *points: RecoveryPoint, settings: Settings = SETTINGS) -> Facts:
    (found,) = interpret(Inventory((of,), points), settings, NOW)
    return found


def of_gone(*points: RecoveryPoint, settings: Settings = SETTINGS) -> Facts:
    (found,) = interpret(Inventory((), points), settings, NOW)
    return found


# Of a source and what is left of one


def test_of_a_source_with_a_policy_the_series_that_it_feeds_goes_by_that_and_the_other_by_what_it_inherited() -> None:
    shop = source(kind=SourceKind.INSTANCE, backup="daily")
    whole, system_disk = of_day(shop, kind=SnapshotKind.INSTANCE), of_day(shop, 1)

    assert facts(shop, system_disk, whole) == Facts(
        region=REGION,
        kind=SourceKind.INSTANCE,
        name="shop",
        arn=shop.arn,
        source=shop,
        policy=DAILY,
        takes=SnapshotKind.INSTANCE,
        points=[whole, system_disk],
        usable=(whole, system_disk),
        series=(
            Series(SnapshotKind.DISK, [system_disk], DAILY, "it is backed up by instance-snapshots now"),
            Series(SnapshotKind.INSTANCE, [whole], DAILY),
        ),
        held={},
        inherited=None,
        problems=(),
    )


@pytest.mark.parametrize(
    ("tags", "policy", "unfed"),
    [
        ({"backup": "off"}, NoPolicy.OFF, "its source is off"),
        ({}, NoPolicy.UNTAGGED, "its source is untagged"),
    ],
)
def test_what_is_not_backed_up_any_more_says_why_and_what_its_newest_was_taken_under(
    tags: dict[str, str], policy: NoPolicy, unfed: str
) -> None:
    now = replace(source(), tags=tags)
    before = of_day(source(backup="daily"))

    assert facts(now, before) == Facts(
        region=REGION,
        kind=SourceKind.DISK,
        name="shop",
        arn=now.arn,
        source=now,
        policy=policy,
        takes=None,
        points=[before],
        usable=(before,),
        series=(Series(SnapshotKind.DISK, [before], DAILY, unfed),),
        held={},
        inherited=DAILY,
        problems=(),
    )


def test_where_nobody_knows_what_its_tags_mean_no_series_is_judged() -> None:
    found = facts(source(backup="dialy"), of_day(source(backup="daily")))

    assert (found.policy, found.series, found.takes, found.inherited) == (NoPolicy.UNREADABLE, (), None, DAILY)
    assert [problem.severity for problem in found.problems] == [Severity.ERROR]


@pytest.mark.parametrize("kind", SourceKind)
def test_what_is_left_of_a_source_that_is_gone_says_what_that_was(kind: SourceKind) -> None:
    gone = source(kind=kind, backup="daily")
    newest, older = of_day(gone), of_day(gone, 1)

    assert of_gone(older, newest) == Facts(
        region=REGION,
        kind=kind,
        name="shop",
        arn=gone.arn,
        source=None,
        policy=NoPolicy.UNTAGGED,
        takes=None,
        points=[newest, older],
        usable=(newest, older),
        series=(Series(SnapshotKind.DISK, [newest, older], DAILY, "its source is gone"),),
        held={},
        inherited=DAILY,
        problems=(),
    )


def test_where_a_list_failed_nobody_claims_that_a_source_is_gone() -> None:
    failure = ReadFailure(REGION, "GetInstances", "refused")

    plan = make_plan(Inventory((), daily(source("gone"), [3]), failures=(failure,)), Settings(), NOW)

    assert plan.sources == ()
    assert plan.failures == (failure,)


def test_orphans_that_expire_go_by_what_their_own_series_inherited() -> None:
    gone = source(kind=SourceKind.INSTANCE, backup="daily")
    weekly = of_day(gone, kind=SnapshotKind.INSTANCE, backup="weekly")
    misspelt, older = of_day(gone, 1, backup="dialy"), of_day(gone, 2)

    found = of_gone(weekly, misspelt, older, settings=EXPIRING)

    assert [(series.kind, series.policy) for series in found.series] == [
        (SnapshotKind.DISK, None),
        (SnapshotKind.INSTANCE, SETTINGS.policies["weekly"]),
    ]
    assert [[problem.value for problem in series.problems] for series in found.series] == [["dialy"], []]
    assert found.problems == ()


def test_of_what_was_never_usable_nothing_is_inherited() -> None:
    gone = source(backup="daily")
    pending = replace(of_day(gone), state=SnapshotState.PENDING)

    found = of_gone(pending, settings=EXPIRING)

    assert (found.usable, found.inherited) == ((), None)
    assert found.series == (Series(SnapshotKind.DISK, [pending], None, "its source is gone"),)


def test_a_policy_names_what_is_taken_and_a_tag_overrides_it() -> None:
    assert isinstance(facts(source(kind=SourceKind.INSTANCE, backup="daily")).policy, Policy)
    system_disk = facts(source(kind=SourceKind.INSTANCE, backup="daily", backup_mode="system-disk"))
    assert system_disk.takes is SnapshotKind.DISK
    assert facts(database(None)).takes is SnapshotKind.DATABASE


# By content


def test_recovery_points_are_in_order_by_when_they_were_taken_and_only_then_by_slot_and_attempt() -> None:
    first = of_day(source(), 3)
    later_slot = replace(first, slot=first.slot + DAY)
    second_attempt = replace(later_slot, attempt=2)
    later_taken = replace(first, taken=first.taken + timedelta(seconds=1), slot=first.slot - DAY)

    for mixed in permutations([first, later_slot, second_attempt, later_taken]):
        assert sorted(mixed, key=by_content) == [first, later_slot, second_attempt, later_taken]


# Holds


def test_of_a_hold_on_source_and_snapshot_one_reason_is_enough() -> None:
    shop = source(backup="daily", backup_hold="2026-07-01")
    inherited, own, plain = of_day(shop), of_day(shop, 1, backup_hold=""), of_day(source(backup="daily"), 2)

    assert facts(shop, inherited, own, plain).held == {
        inherited.name: ["on hold until 2026-07-02T00:00:00Z"],
        own.name: ["on hold", "on hold until 2026-07-02T00:00:00Z"],
        plain.name: ["on hold until 2026-07-02T00:00:00Z"],
    }


@pytest.mark.parametrize(
    ("until", "severity"),
    [
        ("2026-06-10", Severity.ADVICE),
        ("2026-06-15T12:00:00Z", Severity.ADVICE),
        ("2020-01-01", Severity.WARNING),
        ("2026-03-07T12:00:00Z", Severity.WARNING),
        ("2026-03-07T12:00:01Z", Severity.ADVICE),
    ],
    ids=["days ago", "this very moment", "long before", "as it was made", "just after it was made"],
)
def test_a_hold_on_a_source_that_is_over_is_reported_and_more_gravely_if_it_never_held(
    until: str, severity: Severity
) -> None:
    shop = source(backup="daily", backup_hold=until)

    (problem,) = make_plan(Inventory((shop,), daily(shop, [0])), Settings(), NOW).problems

    assert (problem.tag, problem.value, problem.severity) == ("backup:hold", until, severity)
    assert problem.message.startswith("is over since 20")
    assert (problem.source, problem.arn) == ("shop", shop.arn)


def test_a_hold_on_a_source_that_is_on_is_no_problem() -> None:
    shop = source(backup="daily", backup_hold="2026-06-15")

    assert make_plan(Inventory((shop,), daily(shop, [0])), Settings(), NOW).problems == ()


# A tick that is rarer than a policy


@pytest.mark.parametrize(
    ("tick", "zone", "policy", "is_rare"),
    [
        ("rate(1 day)", "UTC", "hourly", True),
        ("rate(1 day)", "UTC", "daily", False),
        ("rate(2 days)", "UTC", "daily", True),
        ("cron(0 8-18 ? * MON-FRI *)", "UTC", "weekly", False),
        ("cron(0 8-18 ? * MON-FRI *)", "UTC", "daily", True),
        ("cron(0 8-18 * * ? *)", "Europe/Zurich", "office", False),
        ("cron(0 8-18 * * ? *)", "Europe/Zurich", "office UTC", True),
    ],
)
def test_a_tick_rarer_than_a_policy_is_a_problem_of_each_source_that_asks_for_it(
    tick: str, zone: str, policy: str, *, is_rare: bool
) -> None:
    office = {"schedule": "0 8-18 * * *", "keep": "20"}
    settings = Settings.from_mapping(
        {
            "tick": tick,
            "timeZone": zone,
            "policies": {"office": office, "office UTC": office | {"timeZone": "UTC"}},
        }
    )
    shop = source(backup=policy)

    plan = make_plan(Inventory((shop,), ()), settings, NOW)

    assert len(created(plan)) == 1, "what can be taken is taken"
    if is_rare:
        (problem,) = plan.problems
        assert (problem.region, problem.source, problem.arn) == (REGION, "shop", shop.arn)
        assert (problem.tag, problem.value, problem.severity) == ("backup", policy, Severity.WARNING)
        assert f'oftener than the tick "{tick}" comes' in problem.message
    else:
        assert plan.problems == ()


# Advice


def test_what_lightsail_says_of_a_source_is_advice_once_it_is_backed_up() -> None:
    known = replace(database(None), advice=("its native backups are off",))
    (problem,) = facts(known).problems

    assert (problem.source, problem.message, problem.severity) == (
        "shop",
        "its native backups are off",
        Severity.ADVICE,
    )
    assert facts(replace(known, tags={"backup": "off"})).problems == ()
