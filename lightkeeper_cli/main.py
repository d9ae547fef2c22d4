"""The command line: `lightkeeper plan`, `run`, `take`, `status`, `keep`, `simulate`, `demo`.

Exit status: 0 done, 1 something failed, 2 wrong usage or settings; of `status` also 3: a source wants a person.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from lightkeeper.actions import Outcome, Result
from lightkeeper.errors import InvalidValueError, closest, quote_all
from lightkeeper.faults import CallError
from lightkeeper.inventory import plan_regions
from lightkeeper.keep_rules import apply_rule, parse_keep
from lightkeeper.kinds import SourceKind
from lightkeeper.lightsail import Lightsail, check_regions, connect
from lightkeeper.model import Plan, Policy
from lightkeeper.overview import Health
from lightkeeper.pricing import CHANGE_PER_DAY
from lightkeeper.report import Document, plan_document, run_document
from lightkeeper.run import Run, run_regions, take
from lightkeeper.settings import Settings, SettingsError
from lightkeeper.times import format_instant, parse_instant, parse_zone
from lightkeeper_cli.aws import aws_errors, is_at_aws
from lightkeeper_cli.chosen import Chosen, choose, choose_to_write, read_file
from lightkeeper_cli.demo import run_demo
from lightkeeper_cli.elsewhere import look_elsewhere
from lightkeeper_cli.show import show_actions, show_document
from lightkeeper_cli.simulate import Scenario, parse_change, parse_day, simulate, simulation_document
from lightkeeper_cli.simulate_show import show_simulation
from lightkeeper_cli.status import show_status, status_document
from recovery_calendar.render import Theme, render_page
from recovery_calendar.view import make_view, parse_order

# A pipe has no width of its own; rows that do not wrap can be searched.
_PIPE_WIDTH = 200
_EXITS = {Health.OK: 0, Health.WAITING: 0, Health.UNKNOWN: 1, Health.DEGRADED: 3}
# For thousands of snapshots at the rate that Lightsail takes; the next run goes on.
_PATIENCE_SECONDS = 3600
_PICTURES = (".png", ".svg")
# What a clock may be off, and what a scheduled time may lie back.
_OFF_THE_CLOCK = timedelta(hours=1)

app = typer.Typer(
    help="Backups for Amazon Lightsail, by tag.",
    no_args_is_help=True,
    add_completion=False,
    # Plain text can be searched and pasted.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A cdk.json, or just its lightkeeper object. Default: cdk.json."),
]
Stack = Annotated[
    str | None,
    typer.Option("--stack", metavar="NAME", help="Use the settings of this deployed stack, read from its function."),
]
Regions = Annotated[
    list[str] | None,
    typer.Option("--region", metavar="REGION", help="A Region to look after; repeatable. Default: the settings'."),
]
Endpoint = Annotated[
    str | None, typer.Option("--endpoint-url", metavar="URL", help="Another Lightsail, such as a local one.")
]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="As if at this time, in ISO 8601. Default: now.")]
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON document.")]


def main() -> None:
    """Run the command line; a person's mistake is answered with a sentence, never with a traceback."""
    try:
        app()
    except (InvalidValueError, SettingsError) as error:
        _fail(error, 2)
    except (CallError, OSError) as error:
        _fail(error, 1)


def _fail(error: Exception | str, status: int) -> None:
    print(f"lightkeeper: {error}", file=sys.stderr)  # noqa: T201 - plain, so that it can be searched and pasted
    sys.exit(status)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_WIDTH)


def _say(chosen: Chosen) -> None:
    print(f"lightkeeper: using {chosen.origin}", file=sys.stderr)  # noqa: T201 - as in _fail


def _clock() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - an entry point


def _now(at: str | None, settings: Settings) -> datetime:
    return _clock() if at is None else parse_instant(at, settings.time_zone)


def _now_to_write(at: str | None, settings: Settings, endpoint_url: str | None) -> datetime:
    """Return the time to work at; at AWS none that is far off the clock."""
    now, clock = _now(at, settings), _clock()
    if abs(now - clock) > _OFF_THE_CLOCK and is_at_aws(endpoint_url):
        raise InvalidValueError(
            f"--at {format_instant(now)} is more than an hour off the clock, which says {format_instant(clock)}: at a "
            "wrong time snapshots get wrong names, and what is announced is deleted too early; expected a time within "
            "an hour of it, or --endpoint-url with the address of another Lightsail than AWS's"
        )
    return now


def _connect(regions: Sequence[str] | None, chosen: Chosen, endpoint_url: str | None) -> dict[str, Lightsail]:
    with aws_errors("connecting"):
        check_regions(regions or ())
    own = (chosen.region,) if chosen.region else ()
    return connect(
        regions or chosen.settings.regions or own,
        max_concurrency=chosen.settings.max_concurrency,
        endpoint_url=endpoint_url,
    )


def _patience() -> Callable[[], float]:
    """Return how many seconds are left of the longest that a run from a terminal may take."""
    end = time.monotonic() + _PATIENCE_SECONDS
    return lambda: end - time.monotonic()


def _print(document: Document, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(document, indent=2))
    else:
        show_document(document, _console())


@app.command()
def plan(  # noqa: PLR0913 - one for each option
    *,
    config: Config = None,
    stack: Stack = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show what would happen, and why. Changes nothing."""
    chosen = choose(config, stack)
    _say(chosen)
    now = _now(at, chosen.settings)
    planned = plan_regions(_connect(region, chosen, endpoint_url), chosen.settings, now)
    _print(plan_document(planned), as_json=as_json)
    if planned.failures:
        raise typer.Exit(1)


@app.command()
def run(  # noqa: PLR0913 - one for each option
    *,
    config: Config = None,
    stack: Stack = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Take the snapshots that are due and prune what the rules drop."""
    chosen = choose_to_write(config, stack)
    _say(chosen)
    now = _now_to_write(at, chosen.settings, endpoint_url)
    ended = _run(_connect(region, chosen, endpoint_url), chosen.settings, now)
    _print(run_document(ended), as_json=as_json)
    if ended.failures:
        raise typer.Exit(1)


def _run(regions: dict[str, Lightsail], settings: Settings, now: datetime) -> Run:
    """Run a ended, and show how far it is."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(f"reading {', '.join(regions)}", total=None)
        planned = 0

        def begin(plan: Plan) -> None:
            nonlocal planned
            planned += len(plan.actions)
            progress.update(task, total=planned, description="writing")

        def advance(outcome: Outcome) -> None:
            progress.update(task, advance=1, description=f"{outcome.action.verb} {outcome.action.target.snapshot}")
            if outcome.result is Result.FAILED:
                progress.console.print(f"[bold red]failed[/] {escape(str(outcome.error))}")

        return run_regions(regions, settings, now, seconds_left=_patience(), on_outcome=advance, on_plan=begin)


@app.command(name="take")
def take_command(  # noqa: PLR0913 - one for each option
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The name of a disk or an instance.")],
    *,
    hold: Annotated[
        str | None,
        typer.Option("--hold", metavar="DAY", help='Keep it through this day, whatever the rules say; "": for good.'),
    ] = None,
    kind: Annotated[
        SourceKind | None,
        typer.Option("--kind", help="Which one is meant, where a disk and an instance have the name."),
    ] = None,
    config: Config = None,
    stack: Stack = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Take a recovery point now, such as before an upgrade. The rules keep it like any other.

    Exit status 0 says that Lightsail is taking it.
    """
    chosen = choose_to_write(config, stack)
    _say(chosen)
    now = _now_to_write(at, chosen.settings, endpoint_url)
    regions = _connect(region, chosen, endpoint_url)
    ended = take(
        regions,
        chosen.settings,
        now,
        source,
        kind=kind,
        hold=hold,
        seconds_left=_patience(),
        on_outcome=lambda _: None,
    )
    document = run_document(ended)
    if as_json:
        typer.echo(json.dumps(document, indent=2))
    else:
        show_actions(document, _console())
    # No later run takes up what was asked for here.
    if any(outcome.result is not Result.DONE for outcome in ended.outcomes):
        _fail(f"no recovery point of {source} was taken; nothing tries again by itself", 1)


@app.command()
def status(  # noqa: PLR0913 - one for each option
    *,
    config: Config = None,
    stack: Stack = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the dashboard's calendar to a file instead.")
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            "--sort", metavar="ORDER", help="status, name, newest, next, expires, size or cost; -name is the reverse."
        ),
    ] = "status",
    theme: Annotated[Theme, typer.Option("--theme", help="Colours of the HTML.")] = Theme.AUTO,
) -> None:
    """Show to which days each source can be recovered. Changes nothing.

    Exit status 3 says that something wants a person: a source is overdue, has a problem or is no longer backed up, or
    there are recovery points in a Region that nobody looks after.
    """
    chosen = choose(config, stack)
    _say(chosen)
    order = parse_order(sort)
    planned = plan_regions(_connect(region, chosen, endpoint_url), chosen.settings, _now(at, chosen.settings))
    elsewhere = None if region else look_elsewhere(planned.regions, chosen.settings, endpoint_url)
    view = make_view(planned, chosen.settings, order, elsewhere=elsewhere)
    if html is not None:
        _write(html, render_page(view, theme=theme))
    if as_json:
        typer.echo(json.dumps(status_document(view), indent=2))
    elif html is None:
        show_status(view, _console())
    raise typer.Exit(_EXITS[view.health])


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidValueError(f"{path}: {error.strerror}; expected a file that can be written") from None


@app.command()
def keep(
    rule: Annotated[str, typer.Argument(metavar="RULE", help='A keep rule, such as "daily=7 weekly=4".')],
    *,
    zone: Annotated[
        str | None,
        typer.Option("--zone", metavar="ZONE", help="Zone of the periods. Default: the settings'."),
    ] = None,
    config: Config = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Read ISO 8601 times from standard input, one a line, and say which the rule keeps, and why."""
    settings = read_file(config)
    now = _now(at, settings)
    calendar = parse_zone(zone) if zone is not None else settings.time_zone
    parsed = parse_keep(rule)
    if sys.stdin is None:
        raise InvalidValueError("standard input is closed; expected times on it, one a line")
    if sys.stdin.isatty():
        typer.echo("Times, one a line; end with Ctrl-D:", err=True)
    times = [
        (_line_time(number, line.strip(), calendar), line.strip())
        for number, line in enumerate(typer.get_text_stream("stdin", errors="replace"), start=1)
        if line.strip()
    ]
    times.sort(key=lambda time: time[0], reverse=True)
    newest = next((time for time, _ in times if time <= now), None)
    verdicts = apply_rule(parsed, [time for time, _ in times], zone=calendar, newest=newest)
    lines = list(zip((line for _, line in times), verdicts, strict=True))
    if as_json:
        entries = [
            {"time": line, "verdict": "keep" if reasons else "remove", "reasons": reasons} for line, reasons in lines
        ]
        typer.echo(json.dumps({"rule": str(parsed), "zone": calendar.key, "times": entries}, indent=2))
    else:
        for line, reasons in lines:
            typer.echo(f"keep {line} {', '.join(reasons)}" if reasons else f"remove {line}")


def _line_time(number: int, line: str, zone: ZoneInfo) -> datetime:
    try:
        return parse_instant(line, zone)
    except InvalidValueError as error:
        raise InvalidValueError(f"line {number}: {error}") from None


@app.command(name="simulate")
def simulate_command(  # noqa: PLR0913 - an option each
    *,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="POLICY", help="A policy. Default: the settings' defaultPolicy.")
    ] = None,
    rule: Annotated[
        str | None, typer.Option("--keep", metavar="RULE", help="A keep rule. Default: the policy's own.")
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="RULE", help="A second keep rule, to compare with.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days.")] = 400,
    size: Annotated[int, typer.Option(min=1, max=65536, metavar="GIB", help="GiB of the source in use.")] = 80,
    change: Annotated[
        str, typer.Option("--change", metavar="RATE", help="How much of it changes in a day.")
    ] = f"{100 * CHANGE_PER_DAY:g}%/day",
    start: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="The day of the first snapshot. Default: today.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Also draw it, into a .png or .svg file.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what a keep rule comes to: snapshots held, days that can be recovered, cost. Needs no AWS."""
    settings = read_file(config)
    of = _policy(policy or settings.default_policy, settings)
    rules = [parse_keep(rule) if rule is not None else of.keep] + ([parse_keep(against)] if against is not None else [])
    zone = of.schedule.zone
    scenario = Scenario(
        policy=of,
        start=parse_day(start) if start is not None else _clock().astimezone(zone).date(),
        days=days,
        size_gib=size,
        change_per_day=parse_change(change),
    )
    if plot is not None:
        _check_plot(plot)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True), transient=True
    ) as progress:
        task = progress.add_task("simulating", total=days * len(rules))
        simulations = [simulate(scenario, rule, settings, lambda: progress.advance(task)) for rule in rules]
    document = simulation_document(simulations, settings)
    if plot is not None:
        from lightkeeper_cli.simulate_plot import plot_simulation  # noqa: PLC0415 - matplotlib takes a second to load

        try:
            plot_simulation(document, plot)
        except OSError as error:
            raise InvalidValueError(
                f'"{plot}" cannot be written: {error.strerror}; expected a file to draw into'
            ) from None
    if as_json:
        typer.echo(json.dumps(document, indent=2))
    else:
        show_simulation(document, _console())


def _check_plot(path: Path) -> None:
    """Refuse a picture that could not be drawn before days are simulated for it."""
    if path.suffix.lower() not in _PICTURES:
        raise InvalidValueError(
            f'"{path}" names no kind of picture; expected a name that ends in {quote_all(_PICTURES)}'
        )
    if not path.parent.is_dir():
        raise InvalidValueError(f'"{path}" cannot be written; expected the folder "{path.parent}" to exist')


def _policy(name: str, settings: Settings) -> Policy:
    if name not in settings.policies:
        known = settings.policies
        raise InvalidValueError(f'"{name}" is not a policy; expected one of {quote_all(known)}', closest(name, known))
    return settings.policies[name]


@app.command()
def demo(
    *,
    days: Annotated[int, typer.Option(min=14, max=400, help="How many days to simulate.")] = 60,
) -> None:
    """Run the real handler through simulated days of backups, on a local Lightsail."""
    run_demo(days, _console())
