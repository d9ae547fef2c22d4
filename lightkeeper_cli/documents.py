"""What `status`, `rescue`, `restore`, `recipe`, `simulate` and `preview` print with `--json`; more is in report.py."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict, assert_never

from lightkeeper.fleet import AccountState, Fleet, FleetRow
from lightkeeper.model import CopyStatus, Plan
from lightkeeper.pricing import USD_PER_GB_MONTH, USD_PER_GB_TRANSFERRED, usd_of_transfer, usd_per_month
from lightkeeper.recipe import DatabaseRecipe, DiskRecipe, InstanceRecipe, MetadataOptions, PortRule, Recipe
from lightkeeper.report import Document, failure_document, policy_document, problem_document
from lightkeeper.rescue import Rescued, is_complete
from lightkeeper.rescue_plan import RESCUED, Day, RescuePlan, Verdict
from lightkeeper.restore_choice import Found
from lightkeeper.restore_steps import Place, Restored, Step, StepOutcome
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from lightkeeper_cli.comparison import AccountsChange, Comparison, Departure, SourceChange
from lightkeeper_cli.fates import Fate
from lightkeeper_cli.simulation import CopiesMade, Simulation
from lightkeeper_cli.tables.status import notes
from recovery_calendar.fleet_view import FleetView
from recovery_calendar.view import Row, View, suggestions

if TYPE_CHECKING:
    from lightkeeper_cli.account import Where


def located(document: Document, where: "Where") -> Document:
    """Return a document with whose account it is of, and which Regions were looked at."""
    head: Document = {
        "now": document["now"],
        "account": where.account.id,
        "alias": where.account.alias,
        "regions": list(where.regions),
    }
    return head | document


def status_document(view: View) -> Document:
    """Return the calendar as a JSON document; times are UTC, days are those of its zone."""
    return {
        "now": format_instant(view.now),
        "timeZone": view.zone.key,
        "health": view.health.value,
        "sentence": view.sentence,
        "storedGiB": round(view.stored.gib, 1),
        "usdPerMonth": round(view.stored.usd, 2),
        "sources": [_source(row) for row in view.rows],
        "problems": list(suggestions(view.others)),
        "failures": list(map(failure_document, view.failures)),
        "doubted": list(view.doubted),
        "elsewhere": None
        if view.elsewhere is None
        else {"recoveryPoints": dict(view.elsewhere), "failures": list(map(failure_document, view.unseen))},
    }


def _source(row: Row) -> Document:
    return {
        "name": row.name,
        "kind": row.kind.value,
        "region": row.region,
        "status": row.status.value,
        "policy": row.policy,
        "keep": row.keep,
        "days": {
            day.date.isoformat(): [
                {
                    "taken": format_instant(moment.wall),
                    "slot": format_instant(moment.slot),
                    "mark": moment.mark.value,
                }
                for moment in day.moments
            ]
            for day in row.days
            if day.moments
        },
        "recoveryPoints": row.points,
        "newest": format_instant(row.newest) if row.newest else None,
        "oldest": format_instant(row.oldest) if row.oldest else None,
        "nextSlot": format_instant(row.next) if row.next else None,
        "expiring": [{"snapshot": each.snapshot, "from": format_instant(each.at)} for each in row.expiring],
        "held": [held.snapshot for held in row.held],
        "heldBy": {held.snapshot: held.by for held in row.held},
        "includedIn": row.included_in,
        "overdueSince": format_instant(row.overdue_since) if row.overdue_since else None,
        "stopped": row.stopped,
        "why": row.why,
        "helps": row.helps,
        "restoredAs": row.restored_as,
        "copies": [_copies(copy) for copy in row.copies],
        "restorable": row.restorable.value if row.restorable else None,
        "restorableWhy": row.restorable_why,
        "problems": list(notes(row)),
        "sizeGiB": row.size_gib,
        "usdPerMonth": round(row.usd, 2),
    }


def _copies(copy: CopyStatus) -> Document:
    return {
        "region": copy.region,
        "recoveryPoints": len(copy.usable),
        "newest": format_instant(copy.newest.taken) if copy.newest else None,
        "nextSlot": format_instant(copy.next_slot) if copy.next_slot else None,
        "overdueSince": format_instant(copy.overdue_since) if copy.overdue_since else None,
        "wanted": copy.is_wanted,
        "expiring": [point.name for point in copy.expiring],
        "held": copy.held,
    }


def fleet_document(fleet: Fleet, view: FleetView) -> Document:
    """Return how all accounts stand as a JSON document; times are UTC."""
    return {
        "now": format_instant(view.now),
        "deployment": fleet.deployment,
        "time": format_instant(fleet.time),
        "health": view.health.value,
        "sentence": fleet.sentence,
        "silence": view.silence,
        "counts": {state.value: fleet.counts[state] for state in AccountState},
        "sources": {status.value: number for status, number in fleet.statuses.items()},
        "storedGiB": round(fleet.stored.gib, 1),
        "usdPerMonth": round(fleet.stored.usd, 2),
        "accounts": [_account(row) for row in fleet.rows],
        "unlisted": list(fleet.unlisted),
        "dropped": list(view.dropped),
    }


def _account(row: FleetRow) -> Document:
    return {
        "account": row.account,
        "name": row.name,
        "state": row.state.value,
        "sentence": row.sentence,
        "wantsAPerson": row.wants_a_person,
        "since": format_instant(row.since),
        "seen": format_instant(row.seen) if row.seen else None,
        "findings": row.findings,
        "sources": {status.value: number for status, number in row.statuses.items()},
        "storedGiB": round(row.stored.gib, 1),
        "usdPerMonth": round(row.stored.usd, 2),
    }


def snapshots_document(fates: Iterable[Fate], plan: Plan) -> Document:
    """Return recovery points as a JSON document, source by source, newest first; times are UTC."""
    return {
        "now": format_instant(plan.now),
        "snapshots": [_snapshot(fate) for fate in fates],
        "failures": list(map(failure_document, plan.failures)),
    }


def _snapshot(fate: Fate) -> Document:
    point = fate.point
    return {
        "name": point.name,
        "source": point.source_name,
        "arn": point.source_arn,
        "kind": fate.kind,
        "region": point.region,
        "taken": format_instant(point.taken),
        "slot": format_instant(point.slot),
        "sizeGib": point.size_gib,
        "state": point.state.value,
        "expires": format_instant(fate.expires_at) if fate.expires_at else None,
        "reasons": list(fate.reasons),
        "held": fate.held,
    }


def rescue_document(plan: RescuePlan, ended: Mapping[str, Rescued], now: datetime) -> Document:
    """Return how a rescue ended, or in a dry run is to be, as a JSON document; times are UTC.

    `ended` has the days that were begun, by their dates.
    """
    source = plan.source
    return {
        "now": format_instant(now),
        "source": source.name,
        "arn": source.arn,
        "kind": source.kind.value,
        "region": source.region,
        "hold": plan.hold,
        "storedGiB": round(plan.stored.gib, 1),
        "usdPerMonth": round(plan.stored.usd, 2),
        "mostUsdPerMonth": round(plan.stored.most_usd, 2),
        "notes": list(plan.notes),
        "days": [_day(day, ended.get(day.date)) for day in plan.days],
        "complete": is_complete([ended[day.date] for day in plan.days if day.date in ended], plan),
    }


def _day(day: Day, rescued: Rescued | None) -> Document:
    has_snapshot = day.verdict in {*RESCUED, Verdict.COVERED}
    return {
        "date": day.date,
        "takenAt": format_instant(day.taken),
        "sizeGib": day.size_gib,
        "verdict": day.verdict.value,
        "reason": day.reason,
        "snapshot": day.target.snapshot if has_snapshot else None,
        "stage": rescued.stage.value if rescued else None,
        "error": rescued.error if rescued else None,
    }


def restore_document(
    ended: Iterable[Restored], places: Iterable[Place], now: datetime, notes: Iterable[str] = ()
) -> Document:
    """Return how restores ended, or in a dry run are to be, as a JSON document; times are UTC.

    `notes` is what there is to know beside what each says of itself.
    """
    return {
        "now": format_instant(now),
        "restores": [_restored(restored) for restored in ended],
        "notes": list(notes),
        "failures": [{"region": place.region, "message": failure} for place in places for failure in place.failures],
    }


def _restored(restored: Restored) -> Document:
    plan, condition = restored.plan, restored.condition
    outcomes = [*restored.outcomes, *(None for _ in plan.steps[len(restored.outcomes) :])]
    return {
        "source": plan.source,
        "kind": plan.kind.value,
        "region": plan.region,
        "home": plan.home or plan.region,
        "snapshot": plan.snapshot,
        "takenAt": format_instant(plan.taken),
        "resource": plan.resource,
        "resumed": plan.exists,
        "usdPerMonth": None if plan.usd_per_month is None else round(plan.usd_per_month, 2),
        "vcpus": plan.cpus_in_use,
        "steps": [_step(step, outcome) for step, outcome in zip(plan.steps, outcomes, strict=True)],
        "notRestored": list(plan.not_restored),
        "notes": list(plan.notes),
        "problems": list(plan.problems),
        "address": condition.address if condition else None,
        "user": condition.user if condition else None,
        "error": restored.error,
        "seconds": round(restored.seconds, 1),
    }


def _step(step: Step, outcome: StepOutcome | None) -> Document:
    return {
        "step": step.step,
        "resource": step.resource,
        "detail": step.detail,
        "reason": step.reason,
        "outcome": outcome.result.value if outcome else None,
        "error": outcome.error if outcome else None,
    }


def recipe_document(found: Found, recipe: Recipe | None) -> Document:
    """Return the recipe of a snapshot that was found as a JSON document."""
    return {
        "source": found.source_name,
        "kind": found.source_kind.value,
        "region": found.place.region,
        "home": found.home,
        "snapshot": found.snapshot.name,
        "takenAt": format_instant(found.taken),
        "recipe": None if recipe is None else _recipe(recipe),
    }


def _recipe(recipe: Recipe) -> Document:
    missing = [part.value for part in recipe.missing]
    match recipe:
        case InstanceRecipe():
            return {
                "zone": recipe.zone,
                "bundle": recipe.bundle,
                "ports": None if recipe.ports is None else list(map(_rule_of_ports, recipe.ports)),
                "staticIp": recipe.static_ip,
                "key": recipe.key,
                "addressType": recipe.address_type,
                "metadata": _metadata(recipe.metadata),
                "autoSnapshot": recipe.auto_snapshot,
                "missing": missing,
            }
        case DiskRecipe():
            return {
                "zone": recipe.zone,
                "sizeGiB": recipe.size_gib,
                "attachedTo": recipe.attached_to,
                "path": recipe.path,
                "autoSnapshot": recipe.auto_snapshot,
                "missing": missing,
            }
        case DatabaseRecipe():
            return {
                "zone": recipe.zone,
                "bundle": recipe.bundle,
                "public": recipe.is_public,
                "backupWindow": recipe.backup_window,
                "maintenanceWindow": recipe.maintenance_window,
                "missing": missing,
            }
        case _:
            assert_never(recipe)


def _rule_of_ports(rule: PortRule) -> Document:
    return {
        "protocol": rule.protocol,
        "from": rule.first,
        "to": rule.last,
        "cidrs": list(rule.cidrs),
        "ipv6Cidrs": list(rule.ipv6_cidrs),
        "aliases": list(rule.aliases),
    }


def _metadata(options: MetadataOptions | None) -> Document | None:
    if options is None:
        return None
    return {"tokens": options.tokens, "endpoint": options.endpoint, "hops": options.hops, "ipv6": options.ipv6}


class DayDocument(TypedDict):
    """How a day ended."""

    date: str
    held: int
    storedGib: float
    usdPerMonth: float


class PointDocument(TypedDict):
    """A snapshot that is held at the end."""

    day: str
    slot: str
    expires: str | None


class CopiesDocument(TypedDict):
    """What a rule for copies comes to; all but `made`, `mostHeld` and what was sent as it is at the end."""

    keep: str
    schedule: str
    timeZone: str
    made: int
    held: int
    mostHeld: int
    storedGib: float
    usdPerMonth: float
    sentGib: float
    sentGibOfLast30Days: float
    usdOfTransferOfLast30Days: float


class RuleDocument(TypedDict):
    """What a rule comes to; all but `taken`, the `most` and the series as it is at the end."""

    keep: str
    taken: int
    held: int
    mostHeld: int
    recoverableDays: int
    recoverableOfLast30Days: int
    oldestAgeDays: float
    longestGapDays: int
    storedGib: float
    mostStoredGib: float
    usdPerMonth: float
    mostUsdPerMonth: float
    copies: CopiesDocument | None
    recoveryPoints: list[PointDocument]
    series: list[DayDocument]


class SimulationDocument(TypedDict):
    """A simulation as one JSON document, with what it assumes."""

    policy: Document
    tick: str
    grace: str
    firstDay: str
    lastDay: str
    days: int
    sizeGib: int
    changePerDay: float
    usdPerGbMonth: float
    usdPerGbTransferred: float
    rules: list[RuleDocument]


def simulation_document(simulations: Sequence[Simulation], settings: Settings) -> SimulationDocument:
    """Return simulations of the same scenario as a JSON document, rule by rule."""
    scenario, days = simulations[0].scenario, simulations[0].days
    return {
        "policy": policy_document(scenario.policy),
        "tick": settings.tick,
        "grace": str(settings.grace),
        "firstDay": days[0].date.isoformat(),
        "lastDay": days[-1].date.isoformat(),
        "days": len(days),
        "sizeGib": scenario.size_gib,
        "changePerDay": scenario.change_per_day,
        "usdPerGbMonth": USD_PER_GB_MONTH,
        "usdPerGbTransferred": USD_PER_GB_TRANSFERRED,
        "rules": [_rule(simulation) for simulation in simulations],
    }


def _simulated_copies(copies: CopiesMade) -> CopiesDocument:
    return {
        "keep": str(copies.rule.keep),
        "schedule": copies.rule.schedule.cron,
        "timeZone": copies.rule.schedule.zone.key,
        "made": copies.made,
        "held": len(copies.points),
        "mostHeld": copies.most_held,
        "storedGib": round(copies.stored_gib, 1),
        "usdPerMonth": round(usd_per_month(copies.stored_gib), 2),
        "sentGib": round(copies.sent_gib, 1),
        "sentGibOfLast30Days": round(copies.sent_gib_lately, 1),
        "usdOfTransferOfLast30Days": round(usd_of_transfer(copies.sent_gib_lately), 2),
    }


def _rule(simulation: Simulation) -> RuleDocument:
    return {
        "keep": str(simulation.keep),
        "taken": simulation.taken,
        "held": len(simulation.points),
        "mostHeld": simulation.most_held,
        "recoverableDays": len(simulation.recoverable),
        "recoverableOfLast30Days": len(simulation.recoverable_lately),
        "oldestAgeDays": round(simulation.oldest_age, 1),
        "longestGapDays": simulation.longest_gap,
        "storedGib": round(simulation.stored_gib, 1),
        "mostStoredGib": round(simulation.most_stored_gib, 1),
        "usdPerMonth": round(usd_per_month(simulation.stored_gib), 2),
        "mostUsdPerMonth": round(usd_per_month(simulation.most_stored_gib), 2),
        "copies": _simulated_copies(simulation.copies) if simulation.copies else None,
        "recoveryPoints": [
            {
                "day": simulation.day_of(point).isoformat(),
                "slot": format_instant(point.slot),
                "expires": format_instant(point.expires_at) if point.expires_at else None,
            }
            for point in simulation.points
        ],
        "series": [
            {
                "date": day.date.isoformat(),
                "held": day.held,
                "storedGib": round(day.stored_gib, 1),
                "usdPerMonth": round(usd_per_month(day.stored_gib), 2),
            }
            for day in simulation.days
        ],
    }


def preview_document(comparison: Comparison, deployment: str, region: str, now: datetime) -> Document:
    """Return what settings would change as a JSON document; times are UTC.

    Parameters
    ----------
    comparison
        What they would change.
    deployment
        The stack's name.
    region
        Where it is, or would be.
    now
        The time of both plans, UTC.
    """
    return {
        "now": format_instant(now),
        "deployment": deployment,
        "region": region,
        "deployed": comparison.is_deployed,
        "otherDeployments": dict(comparison.others),
        "accounts": _accounts_change(comparison.accounts),
        "settings": [
            {"key": change.key, "before": change.before, "after": change.after} for change in comparison.settings
        ],
        "sources": [_source_change(source) for source in comparison.sources],
        "kept": _before_and_after(comparison.kept),
        "abandonedCopies": dict(comparison.abandoned),
        "problems": [problem_document(problem) for problem in comparison.problems],
        "failures": [failure_document(failure) for failure in comparison.failures],
    }


def _accounts_change(change: AccountsChange | None) -> Document | None:
    if change is None:
        return None
    return {
        "starts": list(change.starts),
        "stops": list(change.stops),
        "role": _before_and_after(change.roles) if change.roles else None,
    }


def _source_change(source: SourceChange) -> Document:
    return {
        "name": source.name,
        "kind": source.kind.value,
        "region": source.region,
        "arn": source.arn,
        "backedUp": _before_and_after((source.before, source.after)),
        "nextRunTakes": _before_and_after(source.takes),
        "kept": _before_and_after(source.kept),
        "snapshots": [
            {
                "name": point.name,
                "taken": format_instant(point.taken),
                "goes": _before_and_after((_departure(point.before), _departure(point.after))),
            }
            for point in source.points
        ],
    }


def _before_and_after(values: tuple[object, object]) -> Document:
    return {"before": values[0], "after": values[1]}


def _departure(departure: Departure | None) -> Document | None:
    return {"from": format_instant(departure.at), "waits": departure.waits} if departure else None
