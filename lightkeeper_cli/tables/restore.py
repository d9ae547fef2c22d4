"""`lightkeeper restore` and `recipe`, printed: what is to come back and why that way, and how it ended."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, assert_never

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lightkeeper.errors import counted
from lightkeeper.kinds import SourceKind
from lightkeeper.recipe import PART_WORDS, DatabaseRecipe, DiskRecipe, InstanceRecipe, MetadataOptions, PortRule, Recipe
from lightkeeper.restore_choice import Found
from lightkeeper.restore_instance import CPU_QUOTA
from lightkeeper.restore_steps import Place, Restored, RestorePlan, StepOutcome, StepResult
from lightkeeper.times import format_minute
from lightkeeper_cli.tables.columns import Column, fit, show

RESULT_STYLES: Final = {
    StepResult.DONE: "green",
    StepResult.ALREADY: "cyan",
    StepResult.FAILED: "bold red",
    StepResult.SKIPPED: "dim",
}
_INDENT: Final = 2
_DETAIL: Final = 30
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def show_plans(
    plans: Sequence[RestorePlan], places: Sequence[Place], now: datetime, console: Console, notes: Sequence[str] = ()
) -> None:
    """Print what is to be done, and what is refused, each with its reason; then what there is to know beside."""
    living = {source.arn for place in places for source in place.sources}
    for plan in plans:
        _show_plan(plan, now, console, is_gone=plan.source_arn not in living)
    if len(plans) > 1:
        _show_fleet(plans, console)
    _list(console, "Note", notes, "yellow")
    for place in places:
        for failure in place.failures:
            _print(console, ("could not be read ", "bold red"), f"{place.region}: {failure}")


def _show_plan(plan: RestorePlan, now: datetime, console: Console, *, is_gone: bool) -> None:
    stands = "is gone" if is_gone else "is there, and stays as it is"
    source = f"the source, {plan.source}, {f'is of {plan.home}, where nobody has looked' if plan.home else stands}"
    console.print(Text.assemble((plan.resource, "bold"), f" {plan.kind} in {plan.region}; {source}"))
    facts = [("from", Text(f"{plan.snapshot}, taken {format_minute(plan.taken)}, {age(now - plan.taken)} ago"))]
    if plan.usd_per_month is not None:
        paid = ", which you pay already: it is there" if plan.exists else ""
        facts.append(("costs", Text(f"about {plan.usd_per_month:,.2f} USD a month{paid}")))
    if plan.cpus_in_use is not None:
        facts.append(("vCPUs", Text(_cpus(plan.region, plan.cpus_in_use))))
    _show_facts(facts, console)
    names = [Text.assemble((f"{number} ", "dim"), (step.step, "green")) for number, step in enumerate(plan.steps, 1)]
    details = [Text.assemble(step.detail, (f"; {step.reason}", "dim")) for step in plan.steps]
    _show_rows([Column("", names, is_name=True)], details, console)
    if plan.exists:
        made = "has done all of this" if plan.is_finished else "has made it; this goes on with it"
        _list(
            console, "", (f"an earlier restore {made}. For another one, restore it alone with --as and a name",), "cyan"
        )
    _list(console, "Note", plan.notes, "yellow")
    _list(console, "Does not come back by itself", plan.not_restored, "yellow")
    _list(console, "Refused", plan.problems, "bold red")
    console.print()


def _show_fleet(plans: Sequence[RestorePlan], console: Console) -> None:
    """Print what all of them come to."""
    to_do = [plan for plan in plans if not plan.problems]
    usd = sum(plan.usd_per_month or 0.0 for plan in to_do if not plan.exists)
    words = f"{counted(len(to_do), 'source')} to restore, about {usd:,.2f} USD a month"
    refused = len(plans) - len(to_do)
    console.print(Text.assemble((words, "bold"), (f"; {refused} refused" if refused else "", "bold red")))
    for region, cpus in cpus_then(plans).items():
        console.print(Text(f"vCPUs {_cpus(region, cpus)}", "bold red" if cpus > CPU_QUOTA else ""))


def cpus_then(plans: Iterable[RestorePlan]) -> dict[str, int]:
    """Return how many vCPUs each Region has in use when all is restored; only Regions in which that is known."""
    then: dict[str, int] = {}
    for plan in plans:
        # Each plan of a fleet counts those before it, too.
        if plan.cpus_in_use is not None:
            then[plan.region] = max(then.get(plan.region, 0), plan.cpus_in_use)
    return then


def show_restored(ended: Sequence[Restored], console: Console, notes: Sequence[str] = ()) -> None:
    """Print how restores ended: where each is reached, and what a person has still to do, and to know beside."""
    for restored in ended:
        if not restored.plan.problems:
            _show_ended(restored, console)
    refused = [restored for restored in ended if restored.plan.problems]
    if refused:
        _print(console, ("refused ", "bold red"), ", ".join(restored.plan.source for restored in refused))
    _list(console, "Note", notes, "yellow")
    if len(ended) > 1:
        complete = sum(not restored.has_failed for restored in ended)
        longest = max(restored.seconds for restored in ended)
        console.print(f"{complete} of {counted(len(ended), 'source')} restored in {duration(longest)}")


def _show_ended(restored: Restored, console: Console) -> None:
    plan = restored.plan
    ended = ("not complete", "bold red") if restored.has_failed else ("restored", "green")
    took = f" from {plan.snapshot} in {duration(restored.seconds)}"
    console.print(Text.assemble((plan.resource, "bold"), " ", ended, took))
    columns = (
        Column("", [Text(outcome.step.step) for outcome in restored.outcomes], is_name=True),
        Column("", [Text(outcome.result, RESULT_STYLES[outcome.result]) for outcome in restored.outcomes]),
    )
    _show_rows(columns, [_what_of(outcome) for outcome in restored.outcomes], console)
    if restored.error:
        _list(console, "", (restored.error,), "bold red")
    _show_facts([(words, Text(value, "bold")) for words, value in how_to_reach(restored)], console)
    _list(console, "Left to do by hand", plan.not_restored, "yellow")
    console.print()


def _what_of(outcome: StepOutcome) -> Text:
    if outcome.result in {StepResult.FAILED, StepResult.SKIPPED}:
        return Text(outcome.error or "")
    return Text(outcome.step.detail)


def how_to_reach(restored: Restored) -> Sequence[tuple[str, str]]:
    """Return where what was restored is reached, and how a person logs in."""
    condition, kind = restored.condition, restored.plan.kind
    if condition is None or condition.address is None:
        return ()
    address, user = condition.address, condition.user
    match kind:
        case SourceKind.INSTANCE if condition.is_windows:
            login = f"RDP to {address} as {user}"
        case SourceKind.INSTANCE:
            login = f"ssh {user or 'USER'}@{address}"
        case SourceKind.DATABASE:
            return (("endpoint", address), *((("user", user),) if user else ()))
        case SourceKind.DISK:
            return ()
        case _:
            assert_never(kind)
    return (("address", address), ("log in", login))


def show_recipe(found: Found, recipe: Recipe | None, now: datetime, console: Console) -> None:
    """Print what a restore puts back beside the content of a snapshot that was found."""
    source, snapshot = found.source_name, found.snapshot
    copied = f", copied to {snapshot.region}" if found.is_copy else ""
    console.print(Text.assemble((source, "bold"), f" {found.source_kind} in {found.home}{copied}"))
    taken = f"{snapshot.name}, taken {format_minute(found.taken)}, {age(now - found.taken)} ago"
    facts = [("from", Text(taken))]
    if recipe is None:
        _show_facts(facts, console)
        sentence = (
            f"{snapshot.name} has no recipe: it is older than recipes, or not ours. A restore takes what {source} has "
            "now, if it is still there; else an instance comes back with its blueprint's firewall, open to the world, "
            "and without its static IP"
        )
        _list(console, "", (sentence,), "yellow")
        return
    facts += [(words, Text(value) if value else Text("none", "dim")) for words, value in _facts(recipe)]
    _show_facts(facts, console)
    if isinstance(recipe, InstanceRecipe) and recipe.ports is not None:
        _indented(console, _firewall(recipe.ports) if recipe.ports else Text("firewall: all ports are closed"))
    _list(console, "Not in the recipe", [PART_WORDS[part] for part in recipe.missing], "yellow")


def _facts(recipe: Recipe) -> Sequence[tuple[str, str | None]]:
    match recipe:
        case InstanceRecipe():
            return (
                ("zone", recipe.zone),
                ("bundle", recipe.bundle),
                ("static IP", recipe.static_ip),
                ("key pair", recipe.key),
                ("addresses", recipe.address_type),
                ("metadata", _options(recipe.metadata) if recipe.metadata else None),
                ("automatic snapshots", f"at {recipe.auto_snapshot} UTC" if recipe.auto_snapshot else None),
            )
        case DiskRecipe():
            attached = f"{recipe.attached_to} at {recipe.path or '?'}" if recipe.attached_to else None
            return (
                ("zone", recipe.zone),
                ("size", f"{recipe.size_gib} GiB" if recipe.size_gib else None),
                ("attached to", attached),
                ("automatic snapshots", f"at {recipe.auto_snapshot} UTC" if recipe.auto_snapshot else None),
            )
        case DatabaseRecipe():
            return (
                ("zone", recipe.zone),
                ("bundle", recipe.bundle),
                ("public", {True: "yes", False: "no", None: None}[recipe.is_public]),
                ("backups", f"{recipe.backup_window} UTC" if recipe.backup_window else None),
                ("maintenance", f"{recipe.maintenance_window} UTC" if recipe.maintenance_window else None),
            )
        case _:
            assert_never(recipe)


def _options(options: MetadataOptions) -> str:
    words = {"tokens": options.tokens, "endpoint": options.endpoint, "hops": options.hops, "IPv6": options.ipv6}
    return ", ".join(f"{word} {value}" for word, value in words.items() if value is not None)


def _firewall(rules: Iterable[PortRule]) -> Table:
    table = Table(title="Firewall", title_justify="left", expand=False)
    table.add_column("Protocol", no_wrap=True)
    table.add_column("Ports", no_wrap=True)
    table.add_column("From", overflow="fold")
    for rule in rules:
        ports = str(rule.first) if rule.first == rule.last else f"{rule.first}-{rule.last}"
        places = ", ".join((*rule.cidrs, *rule.ipv6_cidrs, *rule.aliases)) or "nowhere"
        table.add_row(rule.protocol, ports, Text(places, "yellow" if rule.is_open else ""))
    return table


def age(since: timedelta) -> str:
    """Return how long that is, in the largest unit that says enough: `40 minutes`, `31 hours`, `12 days`."""
    if since < 2 * _HOUR:
        return counted(max(since // _MINUTE, 0), "minute")
    return counted(since // _HOUR, "hour") if since < 2 * _DAY else counted(since // _DAY, "day")


def duration(seconds: float) -> str:
    """Return how long something took: `12 s`, `3 min 5 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"  # noqa: PLR2004 - of a minute


def _cpus(region: str, cpus: int) -> str:
    return f"in {region} then: {cpus}, of a default quota of {CPU_QUOTA}"


def _show_facts(facts: Sequence[tuple[str, Text]], console: Console) -> None:
    """Print facts below each other, each after its word."""
    words = Column("", [Text(word, "dim") for word, _ in facts], is_name=True)
    _show_rows([words], [fact for _, fact in facts], console)


def _show_rows(columns: Sequence[Column], details: Sequence[Text], console: Console) -> None:
    """Print rows, with what is to be said at length of each beside it, or below it where names need the room."""
    if details:
        show(fit(columns, console.width, detail=Column("", details, wraps_at=_DETAIL), indent=_INDENT), console)


def _indented(console: Console, what: Table | Text) -> None:
    console.print(Padding(what, (0, 0, 0, _INDENT), expand=False))


def _list(console: Console, heading: str, sentences: Sequence[str], style: str) -> None:
    """Print sentences below each other."""
    if not sentences:
        return
    if heading:
        _indented(console, Text(heading, style))
    rows = Table.grid(padding=(0, 1))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    for sentence in sentences:
        rows.add_row(Text("-", style), Text(sentence))
    _indented(console, rows)


def _print(console: Console, *parts: str | tuple[str, str]) -> None:
    console.print(Text.assemble(*parts))
