"""`lightkeeper simulate`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.errors import InvalidValueError, closest, quote_all
from lightkeeper.model import CopyRule, Policy, Prune
from lightkeeper.pricing import CHANGE_PER_DAY
from lightkeeper.settings import Settings
from lightkeeper_cli.options import AsJson, Config, clock, extra, print_document

if TYPE_CHECKING:
    from lightkeeper_cli.simulation import Simulation

_PICTURES = (".png", ".svg")


def simulate(  # noqa: PLR0913 - one for each option
    *,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="POLICY",
            help="The policy that gives schedule and zone. Default: the settings' defaultPolicy.",
        ),
    ] = None,
    rule: Annotated[
        str | None, typer.Option("--keep", metavar="RULE", help="A keep rule. Default: the policy's own.")
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="RULE", help="A second keep rule, to compare with.")
    ] = None,
    copies: Annotated[
        str | None,
        typer.Option(
            "--copies", metavar="RULE", help="Also copy it into another Region, and keep the copies by this rule."
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, metavar="N", help="How many days.")] = 400,
    size: Annotated[int, typer.Option(min=1, max=65536, metavar="GIB", help="GiB of the source in use.")] = 80,
    change: Annotated[
        str, typer.Option("--change", metavar="RATE", help="How much of it changes in a day.")
    ] = f"{100 * CHANGE_PER_DAY:g}%/day",
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="Begin with the first slot on or after this day. Default: today."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Also draw it, into a .png or .svg file.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what a keep rule comes to: snapshots held, days that can be recovered, cost. Needs no AWS."""
    from lightkeeper.keep_rules import parse_keep
    from lightkeeper_cli.documents import simulation_document
    from lightkeeper_cli.settings import read_file
    from lightkeeper_cli.simulation import Scenario, parse_change, parse_day
    from lightkeeper_cli.simulation import simulate as simulate_rule
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.progress import showing_days
    from lightkeeper_cli.tables.simulation import show_simulations

    settings = read_file(config)
    if settings.prune is Prune.OFF:
        settings = replace(settings, prune=Prune.ON)
        typer.echo("lightkeeper: prune is off in these settings; shown is what the rule does once it is on", err=True)
    of = _policy(policy or settings.default_policy, settings)
    rules = [parse_keep(rule) if rule is not None else of.keep] + ([parse_keep(against)] if against is not None else [])
    scenario = Scenario(
        policy=of,
        start=parse_day(start) if start is not None else clock().astimezone(of.schedule.zone).date(),
        days=days,
        size_gib=size,
        change_per_day=parse_change(change),
        copies=_copy_rule(copies, of, settings) if copies is not None else None,
    )
    draw = _plotter(plot) if plot is not None else None
    with showing_days(days * len(rules)) as on_day:
        simulations = [simulate_rule(scenario, rule, settings, on_day) for rule in rules]
    if draw is not None:
        draw(simulations, settings)
    if as_json:
        print_document(simulation_document(simulations, settings))
    else:
        show_simulations(simulations, settings, make_console())


def _copy_rule(keep: str, policy: Policy, settings: Settings) -> CopyRule:
    """Return that rule with the schedule of the settings' first target Region, where they have one."""
    from lightkeeper.copies import SCHEDULE
    from lightkeeper.keep_rules import parse_keep
    from lightkeeper.schedule import parse_schedule

    schedules = [rule.schedule for rule in settings.copies.values()]
    return CopyRule((*schedules, parse_schedule(SCHEDULE, policy.schedule.zone))[0], parse_keep(keep))


def _policy(name: str, settings: Settings) -> Policy:
    if name not in settings.policies:
        known = settings.policies
        raise InvalidValueError(f'"{name}" is not a policy; expected one of {quote_all(known)}', closest(name, known))
    return settings.policies[name]


def _plotter(path: Path) -> Callable[[Sequence["Simulation"], Settings], None]:
    """Return what draws into that file; refuse what could not be drawn before days are simulated for it."""
    if path.suffix.lower() not in _PICTURES:
        raise InvalidValueError(
            f'"{path}" names no kind of picture; expected a name that ends in {quote_all(_PICTURES)}'
        )
    if not path.parent.is_dir():
        raise InvalidValueError(f'"{path}" cannot be written; expected the folder "{path.parent}" to exist')
    with extra("plot"):
        from lightkeeper_cli.plots import plot_simulations

    def draw(simulations: Sequence["Simulation"], settings: Settings) -> None:
        try:
            plot_simulations(simulations, settings, path)
        except OSError as error:
            raise InvalidValueError(
                f'"{path}" cannot be written: {error.strerror}; expected a file to draw into'
            ) from None

    return draw
