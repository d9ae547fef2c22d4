"""A recovery point on demand: before an upgrade, say. Pure: a plan with that one action."""

from dataclasses import replace
from datetime import datetime, timedelta

from lightkeeper.actions import Create
from lightkeeper.errors import InvalidValueError, closest, quote_all
from lightkeeper.kinds import ANY_SOURCE, SourceKind, snapshot_kind
from lightkeeper.model import Inventory, Plan, Policy, Problem, RecoveryPoint, Severity, Source, problem_of
from lightkeeper.plan import create_for
from lightkeeper.settings import Settings
from lightkeeper.tags import BY_HAND, MAX_TAGS, NoPolicy, hold_key, read_source
from lightkeeper.times import format_instant, parse_day_or_instant

_MINUTE = timedelta(minutes=1)


def plan_take(  # noqa: PLR0913 - a recovery point on demand has that many sides
    inventory: Inventory,
    settings: Settings,
    now: datetime,
    name: str,
    *,
    kind: SourceKind | None = None,
    hold: str | None = None,
) -> Plan:
    """Return the plan that takes a recovery point of a source at `now` (UTC), and does nothing else.

    Its slot is this minute, so that asking twice within it takes one. The rules keep it like any other.

    Parameters
    ----------
    inventory
        What there is in one Region or several.
    settings
        The deployment's.
    now
        The time of the run, UTC.
    name
        The source's.
    kind
        What the source is, where the name alone would not say.
    hold
        Until the end of which day, in the settings' zone, no rule may drop it; ``""``: for good. None: no hold.

    Raises
    ------
    InvalidValueError
        If there is no such source or more than one, its tags are not understood, the hold is no day to come, or what
        was taken within this minute is there without it.
    """
    source = find_source(inventory, name, kind)
    reading = read_source(source, settings)
    if reading.policy is NoPolicy.UNREADABLE:
        problem = next(problem for problem in reading.problems if problem.severity is Severity.ERROR)
        raise InvalidValueError(f"{source.name}: {problem.tag}: {problem.message}", problem.suggestion)
    policy = reading.policy if isinstance(reading.policy, Policy) else None
    mode = (policy or settings.policies[settings.default_policy]).mode or settings.instance_mode
    of = snapshot_kind(source.kind, mode)
    slot = now.replace(second=0, microsecond=0)
    create = create_for(
        source, policy.name if policy else None, of, slot, settings, now, reason="asked for by hand", also={BY_HAND: ""}
    )
    if any(_is_target(point, create) for point in inventory.points):
        # Asked for twice within a minute: what is there is busy because that snapshot is being taken.
        create = replace(create, not_now=None)
    if hold is not None:
        create = _held(create, hold, settings, now)
        _refuse_lost_hold(create, inventory, settings)
    return Plan(
        now=now,
        sources=(),
        actions=(create,),
        kept=(),
        problems=() if policy else (_never_dropped(source),),
        failures=inventory.failures,
        regions=inventory.regions,
    )


def find_source(inventory: Inventory, name: str, kind: SourceKind | None) -> Source:
    """Return the source of that name, and kind if it is given.

    Raises
    ------
    InvalidValueError
        If there is none, or more than one.
    """
    found = [source for source in inventory.sources if source.name == name and kind in {None, source.kind}]
    if len(found) == 1:
        return found[0]
    if found:
        places = quote_all(sorted({f"{source.kind} in {source.region}" for source in found}))
        raise InvalidValueError(
            f'"{name}" is more than one source: {places}; expected --region and --kind to say which'
        )
    if inventory.failures:
        failure = inventory.failures[0]
        raise InvalidValueError(f'"{name}" is not among what could be read; {failure.region}: {failure.message}')
    names = sorted({source.name for source in inventory.sources if kind in {None, source.kind}})
    where = ", ".join(inventory.regions)
    raise InvalidValueError(
        f'"{name}" is no {kind or ANY_SOURCE} in {where}; expected the name of one', closest(name, names)
    )


def check_hold(hold: str, settings: Settings, now: datetime) -> None:
    """Refuse a hold that would hold nothing at `now` (UTC); ``""`` holds for good.

    Raises
    ------
    InvalidValueError
        If it is no day to come.
    """
    if hold and parse_day_or_instant(hold, settings.time_zone) <= now:
        raise InvalidValueError(f'the hold "{hold}" is over at {format_instant(now)}; expected a day to come')


def _held(create: Create, hold: str, settings: Settings, now: datetime) -> Create:
    check_hold(hold, settings, now)
    tags = {**create.tags, hold_key(settings): hold}
    if len(tags) > MAX_TAGS:
        raise InvalidValueError(f"{create.target.source} has so many tags that there is no room for a hold")
    return replace(create, tags=tags)


def _refuse_lost_hold(create: Create, inventory: Inventory, settings: Settings) -> None:
    """Refuse a hold for a snapshot of this minute that is there without it: a second one is not taken."""
    key = hold_key(settings)
    for point in inventory.points:
        if _is_target(point, create) and point.tags.get(key) != create.tags[key]:
            raise InvalidValueError(
                f"{point.name} was taken within this minute, without that hold; expected a minute between them, "
                f'or the tag "{key}" on it'
            )


def _is_target(point: RecoveryPoint, create: Create) -> bool:
    return (point.region, point.name) == (create.target.region, create.target.snapshot)


def _never_dropped(source: Source) -> Problem:
    message = "is not backed up by a policy, so no rule ever drops this recovery point; delete it yourself"
    return problem_of(source, message, Severity.ADVICE)
