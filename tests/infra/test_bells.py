"""What rings, and when it stops: the function lives through bad days on the sandbox, CloudWatch's alarms beside it.

Lambda tries a failed run again after one minute and after two more, then puts its event into the queue.
"""

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lightkeeper import handler
from lightkeeper.settings import SettingsError
from lightkeeper.times import format_instant
from lightsail_sandbox.client import ErrorAnswer, FaultRule
from tests.support.alarms import MINUTE, Watch
from tests.support.functions import invoke
from tests.support.keeper import HOUR, Keeper
from tests.support.listening import Listener
from tests.support.synth import template

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.slow]
DENIED = ErrorAnswer(code="AccessDeniedException", message="not you")
_TRIES = (0 * MINUTE, MINUTE, 3 * MINUTE)
# CloudWatch knows of an error before it has read the metrics in the log.
_ERROR_KNOWN = timedelta(seconds=30)
_LOG_READ = timedelta(seconds=150)


@dataclass
class Life:
    """The deployment, hour by hour."""

    keeper: Keeper
    person: Listener
    patch: pytest.MonkeyPatch
    watch: Watch = field(default_factory=lambda: Watch(template()))
    mails: list[str] = field(default_factory=list)

    def hours(self, number: int, what: "Callable[[Life], None] | None" = None) -> None:
        """Let hours pass, each with a run, or with what happens instead of one."""
        for _ in range(number):
            begin = self.keeper.sandbox.now()
            (what or Life.run)(self)
            self.mails += [subject.partition("eu-central-1: ")[2] for subject, _ in self.person.letters()]
            self.watch.live(begin, begin + HOUR)
            self.keeper.sandbox.set_time(begin + HOUR)

    def run(self) -> None:
        """Have the schedule start a run, and Lambda try it again where it fails."""
        begin = self.keeper.sandbox.now()
        for wait in _TRIES:
            start = begin + wait
            self.keeper.sandbox.set_time(start)
            failed = self._attempt(begin, start)
            self.watch.add("Errors", start, float(failed), start + _ERROR_KNOWN)
            if not failed:
                return
        self.undelivered()

    def undelivered(self) -> None:
        """Put an event into the queue."""
        self.watch.add("NumberOfMessagesSent", self.keeper.sandbox.now(), 1)

    def _attempt(self, event: datetime, start: datetime) -> bool:
        for name, value in self.keeper.settings.to_env().items():
            self.patch.setenv(name, value)
        return self._invoke(event, start)

    def _invoke(self, event: datetime, start: datetime) -> bool:
        with redirect_stdout(io.StringIO()) as printed:
            try:
                invoke({"time": format_instant(event)})
            except (handler.RunFailedError, SettingsError):
                failed = True
            else:
                failed = False
        for line in printed.getvalue().splitlines():
            entry: dict[str, Any] = json.loads(line)
            for metric in entry.get("_aws", {}).get("CloudWatchMetrics", [{"Metrics": []}])[0]["Metrics"]:
                self.watch.add(metric["Name"], start, entry[metric["Name"]][0], start + _LOG_READ)
        return failed

    def crash(self) -> None:
        """Have every attempt at a run fail before it does anything."""
        begin = self.keeper.sandbox.now()
        self.patch.setenv("LIGHTKEEPER", '{"tagKey": 1}')
        for wait in _TRIES:
            assert self._invoke(begin, begin + wait)
            self.watch.add("Errors", begin + wait, 1.0, begin + wait + _ERROR_KNOWN)
        self.undelivered()


@pytest.fixture
def life(keeper: Keeper, person: Listener, monkeypatch: pytest.MonkeyPatch) -> Life:
    """A deployment whose one disk has been backed up for half a day; nothing has rung but for the first hours."""
    life = Life(keeper, person, monkeypatch)
    keeper.disk("shop", {"backup": "daily"})
    life.hours(12)
    assert life.watch.on() == set()
    assert life.mails == []
    life.watch.changes.clear()
    return life


def test_a_disk_that_is_refused_for_a_day_rings_twice_and_what_rings_stops_with_it(life: Life) -> None:
    life.keeper.sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", resource="shop", effect=DENIED))
    life.hours(4)
    assert life.mails == ["shop: an action failed"], "a message, at once, with the reason"
    assert life.watch.rung() == [], "and no alarm: that is one cause"
    life.hours(24)

    assert life.mails == ["shop: an action failed"]
    assert life.watch.rung() == ["resources overdue: on"], "it lasts, so CloudWatch says so"
    assert life.watch.on() == {"resources overdue", "snapshots failed"}, "the dashboard shows both"

    life.keeper.sandbox.clear_faults()
    life.hours(3)
    assert life.watch.rung() == ["resources overdue: on", "resources overdue: over"]
    assert life.watch.on() == set(), "nothing stays on, and nobody has emptied the queue"


def test_when_the_function_fails_altogether_two_alarms_say_so_by_different_metrics(life: Life) -> None:
    life.hours(6, Life.crash)

    assert life.watch.rung() == ["function errors: on", "no run: on"]
    begin = life.watch.changes[0].at
    assert life.watch.changes[1].at - begin <= 3 * HOUR

    life.hours(1)
    assert life.watch.on() == set()


def test_a_run_that_succeeds_when_it_is_tried_again_rings_nothing(life: Life) -> None:
    def once(life: Life) -> None:
        begin = life.keeper.sandbox.now()
        life.watch.add("Errors", begin, 1.0, begin + _ERROR_KNOWN)
        life.keeper.sandbox.set_time(begin + MINUTE)
        life.run()

    life.hours(3, once)
    life.hours(2)

    assert life.watch.rung() == []
    assert life.mails == []


def test_when_no_event_reaches_the_function_two_alarms_say_so(life: Life) -> None:
    life.hours(6, Life.undelivered)

    assert life.watch.rung() == ["dead letters: on", "no run: on"]

    life.hours(2)
    assert life.watch.on() == set(), "they end with the next run; the messages may stay in the queue"


def test_when_the_schedule_is_switched_off_an_alarm_says_so_within_four_hours(life: Life) -> None:
    life.hours(4, lambda _: None)

    assert life.watch.rung() == ["no run: on"]


def test_when_the_function_can_tell_nobody_an_alarm_does(life: Life) -> None:
    life.keeper.tag("shop", "backup", "dialy")
    life.person.server.refused.add("Publish")
    life.hours(3)

    assert life.mails == []
    assert life.watch.rung() == ["function errors: on"]

    life.person.server.refused.clear()
    life.hours(1)
    assert life.mails == ["shop: a problem"]
    assert life.watch.rung() == ["function errors: on", "function errors: over"]


def test_a_wrong_tag_is_told_at_once_and_an_alarm_repeats_it_after_a_day(life: Life) -> None:
    life.keeper.tag("shop", "backup", "dialy")
    life.hours(23)
    assert life.mails == ["shop: a problem"]
    assert life.watch.rung() == []
    life.hours(2)
    assert life.watch.rung() == ["tag problems: on"]

    life.keeper.tag("shop", "backup", "daily")
    life.hours(2)
    assert life.watch.rung()[:2] == ["tag problems: on", "tag problems: over"]


def test_a_region_that_cannot_be_read_is_told_at_once_and_an_alarm_repeats_it(life: Life) -> None:
    life.keeper.sandbox.add_faults(FaultRule(operation="GetDisks", effect=DENIED))
    life.hours(5)

    assert life.mails == ["eu-central-1: a list cannot be read"]
    assert life.watch.rung() == ["no run: on"]
