"""What `status` and `simulate` print with `--json`; the document of `plan`, `run` and `take` is in report.py."""

from collections.abc import Sequence
from typing import TypedDict

from lightkeeper.pricing import USD_PER_GB_MONTH, usd_per_month
from lightkeeper.report import Document, failure_document, policy_document
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant
from lightkeeper_cli.simulation import Simulation
from lightkeeper_cli.tables.status import notes
from recovery_calendar.view import Row, View, suggestions


def status_document(view: View) -> Document:
    """Return the calendar as a JSON document; times are UTC, days are those of its zone."""
    return {
        "now": format_instant(view.now),
        "timeZone": view.zone.key,
        "health": view.health.value,
        "sentence": view.sentence,
        "storedGiB": round(view.stored_gib, 1),
        "usdPerMonth": round(view.usd, 2),
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
        "restorable": row.restorable.value if row.restorable else None,
        "restorableWhy": row.restorable_why,
        "problems": list(notes(row)),
        "sizeGiB": row.size_gib,
        "usdPerMonth": round(row.usd, 2),
    }


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
        "rules": [_rule(simulation) for simulation in simulations],
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
