"""`lightkeeper keep`."""

import sys
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from lightkeeper.errors import InvalidValueError
from lightkeeper.times import parse_instant, parse_zone
from lightkeeper_cli.options import AsJson, At, Config, now, print_document


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
    from lightkeeper.keep_rules import apply_rule, parse_keep
    from lightkeeper_cli.settings import read_file

    settings = read_file(config)
    moment = now(at, settings)
    calendar = parse_zone(zone) if zone is not None else settings.time_zone
    parsed = parse_keep(rule)
    times = _read_times(calendar)
    newest = next((time for time, _ in times if time <= moment), None)
    verdicts = apply_rule(parsed, [time for time, _ in times], zone=calendar, newest=newest)
    lines = list(zip((line for _, line in times), verdicts, strict=True))
    if as_json:
        entries = [
            {"time": line, "verdict": "keep" if reasons else "remove", "reasons": reasons} for line, reasons in lines
        ]
        print_document({"rule": str(parsed), "zone": calendar.key, "times": entries})
    else:
        for line, reasons in lines:
            typer.echo(f"keep {line} {', '.join(reasons)}" if reasons else f"remove {line}")


def _read_times(zone: ZoneInfo) -> list[tuple[datetime, str]]:
    """Return the times on the standard input with their lines, newest first."""
    if sys.stdin is None:
        raise InvalidValueError("standard input is closed; expected times on it, one a line")
    if sys.stdin.isatty():
        typer.echo("Times, one a line; end with Ctrl-D:", err=True)
    times = [
        (_line_time(number, line.strip(), zone), line.strip())
        for number, line in enumerate(typer.get_text_stream("stdin", errors="replace"), start=1)
        if line.strip()
    ]
    return sorted(times, key=lambda time: time[0], reverse=True)


def _line_time(number: int, line: str, zone: ZoneInfo) -> datetime:
    try:
        return parse_instant(line, zone)
    except InvalidValueError as error:
        raise InvalidValueError(f"line {number}: {error}") from None
