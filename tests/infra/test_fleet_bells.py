"""What rings for many accounts, and when it stops: reports are made of bad days, CloudWatch's alarms beside them.

The state machine is not here: what it does when a function or an account fails is in `test_fleet`. Nothing is tried
again but by the next run.
"""

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from infra.sections import FLEET_SECTIONS, SECTIONS
from tests.support.alarms import MINUTE, Watch
from tests.support.fleets import NOT_IN, Accounts
from tests.support.inventories import HOUR
from tests.support.listening import Listener
from tests.support.synth import template

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.slow]
UNITS = {"units": ["ou-ab12-cd34ef56"]}
_LASTS = 4 * MINUTE
# CloudWatch knows how functions and executions have ended before it has read the metrics in the log.
_END_KNOWN = timedelta(seconds=30)
_LOG_READ = timedelta(seconds=150)
_WELL = ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")


@dataclass
class FleetLife:
    """The deployment, from run to run."""

    accounts: Accounts
    person: Listener
    watch: Watch
    every: timedelta = HOUR
    mails: list[str] = field(default_factory=list)

    def runs(self, number: int, what: "Callable[[FleetLife], None] | None" = None) -> None:
        """Let time pass for so many runs, or for what happens instead of one."""
        for _ in range(number):
            (what or FleetLife.run)(self)
            self.mails += [subject.partition("eu-central-1: ")[2] for subject, _ in self.person.letters()]
            self.watch.live(self.accounts.now, self.accounts.now + self.every)
            self.accounts.now += self.every

    def run(self) -> None:
        """Have the accounts listed, each looked after, and a report made; the execution fails if the report says so."""
        begin = self.accounts.now
        with redirect_stdout(io.StringIO()) as printed:
            answer = self.accounts.run()
        end = begin + _LASTS
        for line in printed.getvalue().splitlines():
            entry = json.loads(line)
            for metric in entry.get("_aws", {}).get("CloudWatchMetrics", [{"Metrics": []}])[0]["Metrics"]:
                self.watch.add(metric["Name"], end, entry[metric["Name"]][0], end + _LOG_READ)
        self.functions(listing=0, reporting=0)
        self.execution("ExecutionsFailed" if answer["failed"] else None)

    def no_list(self) -> None:
        """Have the function fail that lists the accounts, and the execution with it."""
        self.functions(listing=1)
        self.execution("ExecutionsFailed")

    def no_report(self) -> None:
        """Have the function fail that reports on the accounts, and the execution with it."""
        self.functions(listing=0, reporting=1)
        self.execution("ExecutionsFailed")

    def hang(self) -> None:
        """Have an execution last until its time is over."""
        self.functions(listing=0)
        self.execution("ExecutionsTimedOut")

    def undelivered(self) -> None:
        """Put an event into the queue: it has started nothing."""
        self.watch.add("NumberOfMessagesSent", self.accounts.now, 1)

    def functions(self, **errors: int) -> None:
        """Have the functions around the accounts end, each with so many errors."""
        names = {"listing": "Errors of Accounts", "reporting": "Errors of Report"}
        for name, number in errors.items():
            self.watch.add(names[name], self.accounts.now, number, self.accounts.now + _LASTS + _END_KNOWN)

    def execution(self, ended: str | None) -> None:
        """Have an execution end, in that way or well."""
        end = self.accounts.now + _LASTS
        for name in _WELL:
            self.watch.add(name, end, float(name == ended), end + _END_KNOWN)


def live(accounts: Accounts, person: Listener, *, every: timedelta = HOUR, **keys: object) -> FleetLife:
    """Return a deployment whose three accounts have been looked after for some runs: nothing rings any more."""
    life = FleetLife(accounts, person, Watch(template(organization=UNITS, **keys)), every)
    accounts.configure(**keys)
    accounts.healthy("Shop", "School", "Clinic")
    life.runs(12)
    assert life.watch.on() == set()
    assert life.mails == []
    life.watch.changes.clear()
    return life


@pytest.fixture
def life(accounts: Accounts, person: Listener) -> FleetLife:
    """A deployment with a run each hour."""
    return live(accounts, person)


def test_an_account_that_fails_in_each_run_is_told_once_and_rings_after_a_day_as_unknown(life: FleetLife) -> None:
    life.accounts.members["School"].error = "States.Timeout"
    life.runs(23)
    assert life.mails == ["School (111111111001): an account cannot be looked at"]
    assert life.watch.rung() == [], "each execution has failed; neither machine nor function is the cause"
    life.runs(3)
    assert life.watch.rung() == ["accounts unknown: on"]
    assert life.watch.on() == {"accounts unknown"}

    life.accounts.members["School"].error = None
    life.runs(3)
    assert {"accounts unknown: over", "resources overdue: over"} <= {*life.watch.rung()}, "what it missed was overdue"
    assert life.watch.on() == set()


def test_accounts_that_do_not_let_lightkeeper_in_yet_ring_nothing(life: FleetLife) -> None:
    life.accounts.add("New").closed = NOT_IN
    life.runs(30)

    assert life.watch.rung() == []
    assert life.mails == []


def test_what_is_overdue_in_one_account_rings_though_another_is_unknown(life: FleetLife) -> None:
    life.accounts.members["School"].error = "States.Timeout"
    life.accounts.members["Clinic"].overdue("web")
    life.runs(2)
    assert life.watch.rung() == ["resources overdue: on"]

    life.accounts.members["Clinic"].refused.clear()
    life.runs(3)
    assert life.watch.rung() == ["resources overdue: on"], "of the other nobody knows"

    life.accounts.members["School"].error = None
    life.runs(2)
    assert life.watch.rung() == ["resources overdue: on", "resources overdue: over"]


@pytest.mark.parametrize("what", [FleetLife.no_list, FleetLife.no_report], ids=["accounts", "report"])
def test_when_a_function_fails_that_all_accounts_need_one_alarm_says_so_and_then_that_there_is_no_run(
    life: FleetLife, what: "Callable[[FleetLife], None]"
) -> None:
    life.runs(6, what)

    assert life.watch.rung() == ["function errors: on", "no run: on"]
    assert life.watch.changes[1].at - life.watch.changes[0].at <= 3 * HOUR

    life.runs(2)
    assert life.watch.on() == set()


def test_when_the_machine_fails_altogether_another_one_says_so(life: FleetLife) -> None:
    life.runs(6, FleetLife.hang)

    assert life.watch.rung() == ["fleet runs failed: on", "no run: on"]

    life.runs(2)
    assert life.watch.on() == set()


def test_one_run_that_fails_altogether_rings_once_whatever_it_was_and_is_over_with_the_next(life: FleetLife) -> None:
    for what in (FleetLife.no_list, FleetLife.no_report, FleetLife.hang, FleetLife.undelivered):
        life.runs(1, what)
        life.runs(3)

    names = ["function errors", "function errors", "fleet runs failed", "dead letters"]
    assert life.watch.rung() == [f"{name}: {state}" for name in names for state in ("on", "over")]


def test_when_no_event_starts_the_machine_two_alarms_say_so(life: FleetLife) -> None:
    life.runs(6, FleetLife.undelivered)

    assert life.watch.rung() == ["dead letters: on", "no run: on"]

    life.runs(2)
    assert life.watch.on() == set(), "they end with the next run; the messages may stay in the queue"


def test_when_the_schedule_is_switched_off_an_alarm_says_so_within_four_hours(life: FleetLife) -> None:
    life.runs(4, lambda _: None)

    assert life.watch.rung() == ["no run: on"]


def test_when_the_report_can_tell_nobody_an_alarm_does(life: FleetLife) -> None:
    life.accounts.members["Shop"].disk("typo", backup="dialy")
    life.person.server.refused.add("Publish")
    life.runs(3)

    assert life.mails == []
    assert life.watch.rung() == ["fleet runs failed: on"]

    life.person.server.refused.clear()
    life.runs(2)
    assert life.mails == ["Shop: typo: a problem"]
    assert life.watch.rung() == ["fleet runs failed: on", "fleet runs failed: over"]


def test_where_runs_are_rare_an_account_that_fails_in_each_rings_no_alarm_of_the_machine(
    accounts: Accounts, person: Listener
) -> None:
    life = live(accounts, person, every=24 * HOUR, tick="rate(1 day)", overdueAfter="2d")
    life.accounts.members["School"].error = "States.Timeout"

    life.runs(5)

    assert life.watch.rung() == ["accounts unknown: on"]


def test_the_alarms_of_one_account_are_all_there_and_two_more(life: FleetLife) -> None:
    headings = {section.heading for section in FLEET_SECTIONS}

    assert headings - {section.heading for section in SECTIONS} == {"Fleet runs failed", "Accounts unknown"}
    assert {section.heading for section in SECTIONS} < headings
    assert len(headings) == len(FLEET_SECTIONS) == 8
    assert {name for name, _ in life.watch._alarms()} == {heading.lower() for heading in headings}  # noqa: SLF001
