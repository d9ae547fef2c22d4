"""When Lightsail may be making an automatic snapshot of a source: from the add-on's time to 45 minutes after."""

from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.automatic import automatic_window
from lightkeeper.recipe import DatabaseRecipe, DiskRecipe, InstanceRecipe, Recipe

SIX = datetime(2026, 6, 15, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("recipe", [InstanceRecipe(auto_snapshot="06:00"), DiskRecipe(auto_snapshot="06:00")])
@pytest.mark.parametrize(
    ("instant", "is_inside"),
    [
        (SIX - timedelta(seconds=1), False),
        (SIX, True),
        (SIX + 44 * MINUTE + timedelta(seconds=59), True),
        (SIX + 45 * MINUTE, False),
    ],
)
def test_it_is_three_quarters_of_an_hour_each_day(recipe: Recipe, instant: datetime, *, is_inside: bool) -> None:
    assert automatic_window(recipe, instant) == ((SIX, SIX + 45 * MINUTE) if is_inside else None)
    tomorrow = timedelta(days=1)
    assert (automatic_window(recipe, instant + tomorrow) is not None) is is_inside


def test_one_that_begins_before_midnight_goes_on_after_it() -> None:
    recipe = InstanceRecipe(auto_snapshot="23:30")
    start = datetime(2026, 6, 14, 23, 30, tzinfo=UTC)
    midnight = datetime(2026, 6, 15, tzinfo=UTC)

    for instant in (start, midnight, midnight + 14 * MINUTE):
        assert automatic_window(recipe, instant) == (start, start + 45 * MINUTE)
    assert automatic_window(recipe, midnight + 15 * MINUTE) is None


def test_seconds_make_no_difference_to_when_it_begins() -> None:
    inside = SIX.replace(minute=7, second=8, microsecond=9)

    assert automatic_window(InstanceRecipe(auto_snapshot="06:00"), inside) == (SIX, SIX + 45 * MINUTE)


@pytest.mark.parametrize(
    "recipe",
    [
        None,
        InstanceRecipe(),
        DiskRecipe(),
        DatabaseRecipe(backup_window="06:00-06:30"),
        *(
            InstanceRecipe(auto_snapshot=time)
            for time in ("", "6:00", "24:00", "06:60", "06:00:00", "at six", "x06:00")
        ),
    ],
)
def test_without_a_time_there_is_none(recipe: Recipe | None) -> None:
    assert automatic_window(recipe, SIX) is None
