"""What the lists mean: slots at which a snapshot interrupts its source at the wrong time of day."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lightkeeper.interpret import interpret
from lightkeeper.kinds import SourceKind
from lightkeeper.model import Inventory, Problem, Severity
from lightkeeper.recipe import InstanceRecipe
from lightkeeper.settings import Settings
from tests.support.inventories import DAY, HOUR, NOW, REGION, source, written

# So that no policy here is too frequent for it.
SETTINGS = Settings.from_mapping(
    {
        "tick": "rate(1 hour)",
        "policies": {
            "twice": {"schedule": "15 4,16 * * *", "keep": "7"},
            "office": {"schedule": "0 9-17 * * 1-5", "keep": "7"},
        },
    }
)
ORDERS = source("orders", SourceKind.DATABASE, age=400 * DAY)


def problems(window: str | None, now: datetime, tags: Mapping[str, str]) -> Sequence[Problem]:
    """Return what there is to say of a database with this backup window."""
    database = replace(ORDERS, tags=written(tags), quiet_window=window)
    (facts,) = interpret(Inventory((database,), ()), SETTINGS, now)
    assert {problem.severity for problem in facts.problems} <= {Severity.ADVICE}, "it holds nothing back"
    return facts.problems


def said(window: str | None, now: datetime = NOW, **tags: str) -> Sequence[str]:
    return [problem.message for problem in problems(window, now, tags)]


def slot_outside(window: str | None, now: datetime = NOW, **tags: str) -> str | None:
    """Return the slot that is advised against."""
    messages = said(window, now, **tags)
    return messages[0].partition("its slot at ")[2].partition(" UTC")[0] if messages else None


@pytest.mark.parametrize(
    ("window", "at", "is_inside"),
    [
        ("16:00-16:30", "15:59", False),
        ("16:00-16:30", "16:00", True),
        ("16:00-16:30", "16:29", True),
        ("16:00-16:30", "16:30", False),
        ("23:45-00:15", "23:44", False),
        ("23:45-00:15", "23:45", True),
        ("23:45-00:15", "00:00", True),
        ("23:45-00:15", "00:14", True),
        ("23:45-00:15", "00:15", False),
        ("23:45-00:15", "12:00", False),
        ("23:30-00:00", "23:59", True),
        ("23:30-00:00", "00:00", False),
        ("00:00-00:30", "00:00", True),
        ("00:00-00:30", "23:59", False),
        ("16:00-16:00", "16:00", False),
    ],
)
def test_a_window_has_its_start_and_not_its_end_and_may_pass_midnight(window: str, at: str, *, is_inside: bool) -> None:
    assert slot_outside(window, backup="daily", backup_at=at) == (None if is_inside else at)


@pytest.mark.parametrize("window", [None, "", "16:00", "sat:16:00-sat:16:30", "16:00-16:30 or so", "whenever"])
def test_without_a_window_that_can_be_read_nothing_is_said(window: str | None) -> None:
    assert said(window, backup="daily") == []


@pytest.mark.parametrize(
    ("policy", "window", "outside"),
    [
        ("hourly", "16:00-16:30", "13:00"),
        ("hourly", "12:30-13:30", "14:00"),
        ("hourly", "13:00-12:30", None),
        ("twice", "16:00-16:30", "04:15"),
        ("twice", "04:00-04:30", "16:15"),
        ("twice", "04:00-16:30", None),
        ("office", "09:00-16:30", "17:00"),
    ],
)
def test_of_several_slots_a_day_the_next_one_that_lies_outside_is_named(
    policy: str, window: str, outside: str | None
) -> None:
    assert slot_outside(window, backup=policy) == outside


@pytest.mark.parametrize(("policy", "window"), [("hourly", "08:00-18:00"), ("twice", "16:00-16:30")])
def test_the_advice_does_not_come_and_go_with_the_time_of_day(policy: str, window: str) -> None:
    assert all(said(window, NOW + hours * HOUR, backup=policy) for hours in range(24))


@pytest.mark.parametrize("policy", ["weekly", "monthly"])
def test_a_rare_slot_is_looked_at_however_far_it_is(policy: str) -> None:
    assert slot_outside("16:00-16:30", backup=policy) == "03:00"
    assert said("16:00-16:30", backup=policy, backup_at="16:00") == []


@pytest.mark.parametrize(
    ("now", "outside"),
    [
        (datetime(2026, 6, 15, 12, tzinfo=UTC), None),
        # The next slot is the first one after the clocks have changed.
        (datetime(2026, 10, 25, 3, tzinfo=UTC), "01:30"),
        (datetime(2026, 12, 15, 12, tzinfo=UTC), "01:30"),
        (datetime(2027, 3, 28, 12, tzinfo=UTC), None),
    ],
)
def test_where_clocks_change_a_slot_leaves_the_window_for_half_of_the_year(now: datetime, outside: str | None) -> None:
    at = {"backup": "daily", "backup_at": "02:30 Europe/Zurich"}

    assert slot_outside("00:15-00:45", now, **at) == outside


@pytest.mark.parametrize(("at", "tag"), [(None, None), ("02:00", "backup:at")])
def test_the_advice_names_the_tag_to_write_and_quotes_the_one_that_is_there(at: str | None, tag: str | None) -> None:
    tags = {"backup": "daily"} | ({"backup:at": at} if at else {})

    (problem,) = problems("16:00-16:30", NOW, tags)

    assert (problem.region, problem.source, problem.arn) == (
        REGION,
        "orders",
        source("orders", SourceKind.DATABASE).arn,
    )
    assert problem.message == (
        f"a snapshot interrupts it for seconds to minutes, and its slot at {at or '03:00'} UTC lies outside its backup "
        'window, 16:00-16:30 UTC; expected "backup:at" = "16:00 UTC", with a policy of one time of day'
    )
    assert (problem.tag, problem.value, problem.suggestion) == (tag, at, None)


@pytest.mark.parametrize("tags", [{}, {"backup": "off"}])
def test_what_is_not_backed_up_is_not_interrupted(tags: dict[str, str]) -> None:
    assert said("16:00-16:30", NOW, **tags) == []


# Lightsail's own automatic snapshots


def said_of_automatic(at: str, hour: str | None = "06:00", **tags: str) -> Sequence[Problem]:
    """Return what there is to say of a server whose slot is at that time, and whose automatic snapshot at that hour."""
    recipe = InstanceRecipe(auto_snapshot=hour)
    server = replace(source("web", SourceKind.INSTANCE), recipe=recipe, tags=written({"backup_at": at} | tags))
    (facts,) = interpret(Inventory((server,), ()), SETTINGS, NOW)
    return facts.problems


def test_a_slot_at_which_lightsail_makes_its_own_is_advised_against_with_a_better_time() -> None:
    (problem,) = said_of_automatic("06:30", backup="daily")

    assert (problem.severity, problem.source, problem.tag, problem.value) == (
        Severity.ADVICE,
        "web",
        "backup:at",
        "06:30",
    )
    assert problem.message == (
        "its slot at 06:30 UTC lies where Lightsail makes its automatic snapshot, 06:00-06:45 UTC, and refuses "
        'another, so it waits for the run after; expected "backup:at" = "06:45 UTC" or later'
    )


def test_where_the_policy_has_such_a_time_no_tag_is_blamed() -> None:
    server = replace(source("web", SourceKind.INSTANCE, backup="daily"), recipe=InstanceRecipe(auto_snapshot="03:00"))
    (facts,) = interpret(Inventory((server,), ()), SETTINGS, NOW)

    (problem,) = facts.problems
    assert (problem.tag, problem.value) == (None, None)


@pytest.mark.parametrize(("at", "hour"), [("05:59", "06:00"), ("06:45", "06:00"), ("06:30", None)])
def test_at_any_other_time_nothing_is_said_of_it(at: str, hour: str | None) -> None:
    assert not said_of_automatic(at, hour, backup="daily")


def test_nor_where_another_slot_of_the_day_may_well_wait_for_the_run_after() -> None:
    server = replace(source("web", SourceKind.INSTANCE, backup="twice"), recipe=InstanceRecipe(auto_snapshot="04:00"))
    (facts,) = interpret(Inventory((server,), ()), SETTINGS, NOW)

    assert not facts.problems
