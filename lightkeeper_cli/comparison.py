"""What other settings would change: two plans for the same time, made of the same lists, side by side. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lightkeeper.actions import Create
from lightkeeper.errors import as_json
from lightkeeper.kinds import SourceKind
from lightkeeper.model import Plan, Problem, ReadFailure, Severity, Snapshot, SourceStatus, Status
from lightkeeper.organization import Organization
from lightkeeper.settings import Settings
from lightkeeper.tags import OWNER
from lightkeeper_cli.fates import Ending, Fate, fates_of

_NOT_BACKED_UP: Final = {
    Status.UNTAGGED: "no: it has no tag",
    Status.OFF: "no: its tag says off",
    Status.GONE: "no: it does not exist any more",
    Status.PROBLEM: "no: its tags are not understood",
    Status.UNKNOWN: "unknown: a list could not be read",
}
_NOT_DEPLOYED: Final = "no: nothing is deployed"
_NOT_LOOKED_AT: Final = "no: its Region is not looked after"


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting that is not what it was, each value as JSON; None where there is none."""

    key: str
    """With that of the object it is in: ``policies.office.keep``."""
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Departure:
    """That a snapshot goes."""

    at: datetime
    """From when on, UTC."""
    waits: bool = False
    """Whether more go before it than one run deletes."""


@dataclass(frozen=True, slots=True)
class PointChange:
    """A snapshot, and when it goes; None: it stays."""

    name: str
    taken: datetime
    """UTC."""
    before: Departure | None
    after: Departure | None


@dataclass(frozen=True, slots=True)
class SourceChange:
    """A source, or what is left of one, under both settings."""

    name: str
    kind: SourceKind
    region: str
    arn: str
    before: str
    """How it is backed up, in words."""
    after: str
    takes: tuple[bool, bool]
    """Whether the next run takes a snapshot of it: before, and after."""
    points: tuple[PointChange, ...]
    """Oldest first."""

    @property
    def kept(self) -> tuple[int, int]:
        """How many snapshots stay: before, and after."""
        return sum(not each.before for each in self.points), sum(not each.after for each in self.points)

    @property
    def moved(self) -> tuple[PointChange, ...]:
        """The snapshots that do not stay as long as before, or longer."""
        return tuple(each for each in self.points if each.before != each.after)

    @property
    def differs(self) -> bool:
        """Whether the settings make any difference to it."""
        return bool(self.moved) or self.before != self.after or self.takes[0] != self.takes[1]


@dataclass(frozen=True, slots=True)
class AccountsChange:
    """What the settings change about which accounts are looked after, in words, each with its id."""

    starts: tuple[str, ...]
    """What is looked after from now on."""
    stops: tuple[str, ...]
    """Where no run takes or deletes a snapshot any more."""
    roles: tuple[str, str] | None
    """The name of the role in each account where that is another one: before, and after."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What other settings would change."""

    settings: tuple[SettingChange, ...]
    sources: tuple[SourceChange, ...]
    problems: tuple[Problem, ...]
    """Those that only the new settings have, without advice."""
    failures: tuple[ReadFailure, ...] = ()
    """The lists that could not be read: about what is in them, nothing is known."""
    is_deployed: bool = True
    """Whether the settings that it is deployed with are known."""
    others: tuple[tuple[str, int], ...] = ()
    """Other deployments that snapshots are of in these Regions, by name, and how many; these are left alone."""
    accounts: AccountsChange | None = None
    """Which accounts are looked after, where that is about others than this one, or was."""
    abandoned: tuple[tuple[str, int], ...] = ()
    """The Regions that copies go to no more, and how many copies stay in each."""

    @property
    def kept(self) -> tuple[int, int]:
        """How many snapshots of all sources stay: before, and after."""
        return sum(each.kept[0] for each in self.sources), sum(each.kept[1] for each in self.sources)

    @property
    def going(self) -> int:
        """How many snapshots go that stayed."""
        return sum(each.before is None for source in self.sources for each in source.moved)

    @property
    def staying(self) -> int:
        """How many snapshots stay that went."""
        return sum(each.after is None for source in self.sources for each in source.moved)

    @property
    def at_another_time(self) -> int:
        """How many snapshots go at another time than they did."""
        return sum(bool(each.before and each.after) for source in self.sources for each in source.moved)

    @property
    def takes(self) -> tuple[int, int]:
        """Of how many sources the next run takes a snapshot: before, and after."""
        return sum(each.takes[0] for each in self.sources), sum(each.takes[1] for each in self.sources)


def compare(before: Plan | None, after: Plan) -> tuple[SourceChange, ...]:
    """Return each source under both plans, by Region and name.

    Parameters
    ----------
    before
        By the settings that are in force; None: nothing is deployed, so all snapshots stay.
    after
        By the others: for the same time, and made of the same lists.
    """
    plans = (before, after)
    old, new = map(_fates, plans)
    old_sources, new_sources = map(_sources, plans)
    old_takes, new_takes = map(_taken, plans)
    points: dict[str, list[PointChange]] = {}
    for key, of in (old | new).items():
        departures = (_departure(old.get(key), before), _departure(new.get(key), after))
        points.setdefault(of.point.source_arn, []).append(PointChange(of.point.name, of.point.taken, *departures))
    sources = (
        SourceChange(
            name=source.name,
            kind=source.kind,
            region=source.region,
            arn=arn,
            before=_backup(old_sources.get(arn)) if before else _NOT_DEPLOYED,
            after=_backup(new_sources.get(arn)),
            takes=(arn in old_takes, arn in new_takes),
            points=tuple(sorted(points.get(arn, ()), key=lambda each: (each.taken, each.name))),
        )
        for arn, source in (old_sources | new_sources).items()
    )
    return tuple(sorted(sources, key=lambda each: (each.region, each.name, each.arn)))


def new_problems(before: Plan | None, after: Plan) -> tuple[Problem, ...]:
    """Return the problems that only the second plan has, without advice."""
    known = frozenset(before.problems if before else ())
    return tuple(each for each in after.problems if each not in known and each.severity is not Severity.ADVICE)


def other_deployments(snapshots: Iterable[Snapshot], deployment: str) -> tuple[tuple[str, int], ...]:
    """Return of which other deployments snapshots are, by name, and how many."""
    owners = Counter(snapshot.tags.get(OWNER, deployment) for snapshot in snapshots)
    return tuple((owner, number) for owner, number in sorted(owners.items()) if owner != deployment)


def abandoned_targets(before: Plan, regions: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return of Regions that copies go to no more how many copies are in each, by the plan before.

    What is in one that could not be read is not counted: that it could not is among the plan's failures.
    """
    there = [copy for source in before.sources for copy in source.copies]
    return tuple(
        (
            region,
            sum(len((*copy.usable, *copy.pending, *copy.errors)) for copy in there if copy.region == region),
        )
        for region in regions
    )


def changed_settings(before: Settings, after: Settings) -> Iterator[SettingChange]:
    """Yield the settings that differ, in their order."""
    old, new = dict(_leaves(before.to_mapping())), dict(_leaves(after.to_mapping()))
    for key in {**old, **new}:
        if old.get(key) != new.get(key):
            yield SettingChange(key, old.get(key), new.get(key))


def changed_organization(before: Organization | None, after: Organization | None) -> Iterator[SettingChange]:
    """Yield what differs in the setting `organization`."""
    old, new = (
        dict(_leaves(each.to_mapping(), "organization.")) if each else {"organization": None}
        for each in (before, after)
    )
    for key in {**old, **new}:
        if old.get(key) != new.get(key):
            yield SettingChange(key, old.get(key), new.get(key))


def compare_accounts(
    before: Organization | None,
    after: Organization | None,
    *,
    deployment: str,
    own: str | None,
    labels: Mapping[str, str],
) -> AccountsChange | None:
    """Return what changes about which accounts are looked after; None: it was this one alone, and will be.

    Parameters
    ----------
    before, after
        The setting; None: the deployment's own account alone.
    deployment
        The deployment's name.
    own
        The id of its own account, where that is known.
    labels
        How accounts are called, by their ids.
    """
    if before is None and after is None:
        return None

    was, will = before or Organization(), after or Organization()

    def called(account: str) -> str:
        return f"account {labels.get(account, account)}"

    def is_left_out(account: str, of: Organization, by: Organization) -> bool:
        """Return whether one setting would look after an account that the other leaves out."""
        return account in by.excluded and bool(of.units or account in of.accounts or account == own)

    gone_units = ", but for the accounts that are listed" if will.accounts else ""
    gone_accounts = ", unless it is in one of the units" if will.units else ""
    starts = (
        *(f"unit {each}" for each in will.units if each not in was.units),
        *(called(each) for each in will.accounts if each not in was.accounts),
        *(called(each) for each in was.excluded if each not in will.excluded and is_left_out(each, will, was)),
    )
    stops = (
        *(f"unit {each}{gone_units}" for each in was.units if each not in will.units),
        *(called(each) + gone_accounts for each in was.accounts if each not in (*will.accounts, *will.excluded)),
        *(called(each) for each in will.excluded if each not in was.excluded and is_left_out(each, was, will)),
    )
    roles = (was.roles(deployment).member, will.roles(deployment).member)
    is_other_role = before is not None and after is not None and roles[0] != roles[1]
    return AccountsChange(tuple(dict.fromkeys(starts)), stops, roles if is_other_role else None)


def _leaves(value: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield what an object comes down to, as JSON, by the keys that lead there."""
    for key, each in value.items():
        if isinstance(each, Mapping):
            yield from _leaves(each, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", as_json(each)


def _fates(plan: Plan | None) -> dict[tuple[str, str], Fate]:
    """Return what becomes of each snapshot, by Region and name."""
    return {(fate.point.region, fate.point.name): fate for fate in fates_of(plan)} if plan else {}


def _departure(fate: Fate | None, plan: Plan | None) -> Departure | None:
    if fate is None or plan is None or fate.ending is Ending.KEPT:
        return None
    return Departure(max(fate.expires_at or plan.now, plan.now), waits=fate.waits)


def _sources(plan: Plan | None) -> dict[str, SourceStatus]:
    return {source.arn: source for source in plan.sources} if plan else {}


def _taken(plan: Plan | None) -> frozenset[str]:
    """Return the sources (ARNs) of which the next run takes a snapshot."""
    actions = plan.actions if plan else ()
    return frozenset(
        action.target.source_arn for action in actions if isinstance(action, Create) and not action.not_now
    )


def _backup(source: SourceStatus | None) -> str:
    """Return how a source is backed up, in words."""
    if source is None:
        return _NOT_LOOKED_AT
    if source.policy:
        schedule = source.policy.schedule
        return f'{source.policy.name}, "{schedule.cron}" in {schedule.zone.key}, keep "{source.policy.keep}"'
    if source.included_in:
        return f"with its instance {source.included_in}"
    return _NOT_BACKED_UP.get(source.status, source.status.value)
