"""Worlds of one deployment, an account each. Their runs go the whole way: event, role, Lightsail, document."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from typing import Any, Final, cast

import pytest

from lightkeeper import handler
from lightkeeper.fleet import account_key
from lightkeeper.organization import MEMBER_ROLE_VARIABLE, RESULTS_VARIABLE, default_role_name
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from lightsail_sandbox.client import Sandbox
from tests.support.functions import Context
from tests.support.hub import BUCKET, HUB, Hub
from tests.support.keeper import OTHER_REGION, REGION, Keeper, console
from tests.support.witness import Witness, judge_accounts
from tests.support.world import RUN, World

SHOP, CLINIC = "111122223333", "222233334444"
REGIONS: Final = (REGION, OTHER_REGION)


class _Timed(Context):
    """A run's time, by a clock of the story."""

    def __init__(self, seconds_left: Callable[[], float]) -> None:
        self.seconds_left = seconds_left

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override] # Lambda's own is no static method either
        return int(1000 * self.seconds_left())


@dataclass
class Fleet:
    """What the worlds share: a sandbox, the hub's AWS, and the environment of its function."""

    sandbox: Sandbox
    hub: Hub
    patch: pytest.MonkeyPatch
    accounts: tuple[str, ...]
    closed: dict[str, str | None] = field(default_factory=dict)
    """Accounts that let nobody in: they have no role for the hub, or one whose trust asks for this external id."""
    log: StringIO = field(default_factory=StringIO)
    """What the function has logged since the last reset."""
    deployment: str = ""
    _number: int = 0

    def reset(self, now: datetime) -> None:
        """Begin afresh."""
        self.sandbox.reset()
        self.sandbox.set_options(sts_url=self.hub.url)
        self.sandbox.set_time(now)
        self.hub.empty()
        self.log.truncate(0)
        self._number = 0

    def configure(self, settings: Settings) -> None:
        """Deploy the function with these settings, and the roles in the accounts."""
        self.deployment = settings.deployment
        of_hub = {MEMBER_ROLE_VARIABLE: default_role_name(self.deployment), RESULTS_VARIABLE: BUCKET}
        for name, value in (settings.to_env() | of_hub | self.hub.environment()).items():
            self.patch.setenv(name, value)
        self.onboard()

    def onboard(self) -> None:
        """Give each account the roles that it has for the deployment, and no others."""
        self.hub.services.roles.clear()
        for account in self.accounts:
            if account != HUB and self.closed.get(account, self.deployment):
                self.hub.onboard(account, deployment=self.deployment, external_id=self.closed.get(account))

    @contextmanager
    def invoking(self, policies: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
        """Have each account's role in force while runs of these accounts go, and judge whose calls they make.

        Parameters
        ----------
        policies
            Of the roles, by account. The user, who is bound by none of them, does nothing meanwhile.
        """
        for account, policy in policies.items():
            self.sandbox.enforce_role(policy, account=account)
        given = len(self.hub.services.sessions)
        # A Logger keeps the standard output it was born with.
        for each in logging.getLogger(self.deployment).handlers:
            assert isinstance(each, logging.StreamHandler)
            each.stream = self.log
        try:
            with redirect_stdout(self.log):
                yield
        finally:
            self.sandbox.enforce_role(None)
            calls = self.sandbox.calls(self._number)
            self._number = calls[-1].number if calls else self._number
            keys = {RUN: HUB} | {key: self.hub.account_of(key) for key in [*self.hub.services.sessions][given:]}
            judge_accounts(calls, {key: account for key, account in keys.items() if account in policies})


@dataclass
class Member(World):
    """The world in one account. When a run is made there, one is made in the other accounts right after it."""

    fleet: Fleet = field(kw_only=True, repr=False)
    answer: Mapping[str, object] = field(default_factory=dict)
    """Of the last run here."""

    @property
    def account(self) -> str:
        """12 digits."""
        assert self.keeper.account
        return self.keeper.account

    @property
    def _all(self) -> "tuple[Member, ...]":
        return (self, *(each for each in self.neighbours if isinstance(each, Member)))

    def reset(self, now: datetime) -> None:
        """Begin afresh, in all accounts."""
        self.fleet.reset(now)
        for each in self._all:
            each.keeper.witness = Witness(self.fleet.sandbox, each.account, judged=each.judged)
            each.keeper.settings = Settings(max_concurrency=1, regions=REGIONS)
        self.configure()

    def configure(self, **changes: object) -> None:
        """Change the settings, for all accounts."""
        for each in self._all:
            each.keeper.configure(**changes)
        self.fleet.configure(self.keeper.settings)

    @contextmanager
    def closed(self, external_id: str | None = None) -> Iterator[None]:
        """Let nobody into the account: it has no role for the hub, or one whose trust asks for this external id."""
        self.fleet.closed[self.account] = external_id
        self.fleet.onboard()
        try:
            yield
        finally:
            del self.fleet.closed[self.account]
            self.fleet.onboard()

    @contextmanager
    def sts_answers(self, code: str) -> Iterator[None]:
        """Have STS answer an error to whoever wants a role of the account."""
        self.fleet.hub.services.unwell[self.account] = code
        try:
            yield
        finally:
            self.fleet.hub.services.unwell.clear()

    def run_with(
        self,
        _: object,
        now: datetime | None = None,
        *,
        seconds_left: Callable[[], float] = lambda: 900.0,
    ) -> None:
        """Run a run here, over connections of its own, and then one in each other account: those are all well."""
        self.run_here(now, seconds_left=seconds_left)
        for each in self._all[1:]:
            with each.keeper.witness.watching(each.keeper.settings.to_mapping(), now=now, expect_all=True):
                each.run_here(now)

    def run_here(self, now: datetime | None = None, *, seconds_left: Callable[[], float] = lambda: 900.0) -> None:
        """Run a run in this account alone; the witness of its rules is the caller's affair."""
        with self.fleet.invoking({self.account: self.policy()}):
            self.invoke(now, seconds_left)

    def runs_at_once(self) -> None:
        """Run two runs in each account, all side by side."""
        self.fire(2)

    def fire(self, times: int = 1) -> None:
        """Run so many runs in each account, all side by side, as a schedule does that fires; one in the hub's own."""
        # Two there would have the same access key, by which a witness tells runs apart.
        runs = [each for each in self._all for _ in range(1 if each.account == HUB else times)]
        with self.firing(), ThreadPoolExecutor(len(runs)) as pool:
            list(pool.map(Member.invoke, runs))

    @contextmanager
    def firing(self) -> Iterator[None]:
        """Judge whatever runs of all accounts the block invokes."""
        with ExitStack() as stack:
            for each in self._all:
                stack.enter_context(each.keeper.witness.watching(each.keeper.settings.to_mapping()))
            stack.enter_context(self.fleet.invoking({each.account: each.policy() for each in self._all}))
            yield

    def invoke(self, now: datetime | None = None, seconds_left: Callable[[], float] = lambda: 900.0) -> None:
        """Call the function for this account; `firing` and `run_here` judge what it does."""
        time = format_instant(now or self.fleet.sandbox.now())
        event = {"account": self.account, "name": f"The {self.account}", "time": time, "regions": [*REGIONS]}
        self.answer = handler.handle(event, _Timed(seconds_left))

    def document(self) -> Mapping[str, Any]:
        """Return what the last run has left of this account in the bucket."""
        found = self.fleet.hub.document(account_key(self.account))
        assert found, f"no run has left a document of {self.account}"
        return cast("Mapping[str, Any]", json.loads(found))


def make_fleet(sandbox: Sandbox, hub: Hub, patch: pytest.MonkeyPatch, accounts: tuple[str, ...]) -> Member:
    """Return the world in the first of these accounts, with the others as its neighbours."""
    fleet = Fleet(sandbox, hub, patch, accounts)
    keepers = [Keeper(sandbox, console(sandbox, REGION, each), {}, account=each) for each in accounts]
    members = [Member(each, fleet=fleet) for each in keepers]
    for each in members:
        each.neighbours = tuple(other for other in members if other is not each)
    return members[0]
