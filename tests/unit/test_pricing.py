from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.pricing import stored_gib, usd_per_month

START = datetime(2026, 1, 1, 3, tzinfo=UTC)


def on(days: Iterable[int]) -> list[datetime]:
    return [START + timedelta(days=day) for day in days]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], 0),
        ([0], 80),
        ([0, 1], 80 + 1.6),
        ([2, 0, 1], 80 + 1.6 + 1.6),
        # The one in between is gone: what the later one needs of it stays, except for blocks that changed twice.
        ([0, 2], 80 + 80 * (1 - 0.98 * 0.98)),
        ([0, 100_000], 80 + 80),
    ],
)
def test_the_oldest_stores_all_and_each_later_one_what_changed(days: list[int], expected: float) -> None:
    assert stored_gib(on(days), 80, 0.02) == pytest.approx(expected)


def test_where_nothing_changes_a_series_stores_one_copy_and_where_all_does_one_each() -> None:
    assert stored_gib(on(range(10)), 80, 0) == 80
    assert stored_gib(on(range(10)), 80, 1) == 800


def test_a_hundred_gib_cost_five_dollars_a_month() -> None:
    assert usd_per_month(100) == pytest.approx(5)


@given(
    days=st.lists(st.integers(0, 400), min_size=2, unique=True),
    change=st.floats(0, 1),
    deleted=st.integers(min_value=0),
)
def test_a_deletion_never_stores_more(days: list[int], change: float, deleted: int) -> None:
    left = [day for number, day in enumerate(days) if number != deleted % len(days)]

    before, after = stored_gib(on(days), 80, change), stored_gib(on(left), 80, change)

    assert 80 - 1e-6 <= after <= before + 1e-6 <= 80 * len(days) + 2e-6
