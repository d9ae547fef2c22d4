"""Whether a source that has stopped being backed up still wants a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.kinds import SourceKind
from lightkeeper.model import SourceStatus, Status
from lightkeeper.overview import is_open

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ONCE_INCLUDED = SourceStatus(
    "eu-central-1", SourceKind.DISK, "data", "arn:data", None, Status.UNTAGGED, None, None, (), (), (), None
)
STOPPED = replace(ONCE_INCLUDED, included_in="web")


@pytest.mark.parametrize("status", [Status.OFF, Status.GONE])
@pytest.mark.parametrize(("days", "expected"), [(-30, True), (0, True), (89, True), (90, False)])
def test_what_may_be_meant_so_is_open_for_ninety_days_from_the_first_slot_that_was_missed(
    status: Status, days: int, *, expected: bool
) -> None:
    assert is_open(replace(STOPPED, status=status, stopped_since=NOW - days * DAY), NOW) is expected


def test_what_has_lost_its_tag_is_open_until_it_has_one() -> None:
    assert is_open(replace(STOPPED, stopped_since=NOW - 1000 * DAY), NOW)
    assert not is_open(replace(STOPPED, status=Status.PROTECTED), NOW)


def test_what_was_never_backed_up_has_not_stopped() -> None:
    assert not is_open(ONCE_INCLUDED, NOW)
