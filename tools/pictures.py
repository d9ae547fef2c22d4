"""`make pictures`: the README's pictures, of what stands in the demo after its sixty days, and of how it ends.

That of many accounts in docs/calendar.md is of a report made up here: the demo has one account.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser
from rich.console import Console

from lightkeeper.fleet import AccountState, Fleet, FleetRow, in_order
from lightkeeper.model import Status
from lightkeeper.overview import Stored
from lightkeeper.settings import Settings
from lightkeeper_cli.demonstration import BroughtBack, run_demo
from lightkeeper_cli.tables.restore import show_plans, show_restored
from lightkeeper_cli.tables.status import show_status
from lightsail_sandbox.fleet import WEB_SERVER
from recovery_calendar.fleet_view import make_fleet_view
from recovery_calendar.render import Theme, render_calendar, render_fleet
from recovery_calendar.view import make_view, parse_order
from tests.support.frame import CHROMIUM, WITHOUT, running_browser, screenshot

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SIMULATION = ("--keep", "daily=7 weekly=4 monthly=12", "--against", "30d", "--from", "2026-01-01")
_DAYS = 60
_WIDGET_WIDTH = 1200
_TERMINAL_COLUMNS = 120
_COLOURS = 64
_TIME = datetime(2026, 6, 15, 12, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_ACCOUNTS = 120
_ACCOUNTS_SHOWN = 10
_ENDPOINT = "arn:aws:lambda:eu-central-1:123456789012:function:Calendar"


def main() -> None:
    """Live through the demo and take the pictures."""
    if CHROMIUM is None:
        sys.exit(WITHOUT)
    settings = Settings()
    demo = run_demo(_DAYS, Console(stderr=True))
    view = make_view(demo.plan, settings, parse_order("status"))
    with running_browser() as browser:
        for theme in (Theme.LIGHT, Theme.DARK):
            path = PICTURES / f"calendar-{theme}.png"
            screenshot(browser, render_calendar(view, theme=theme), path, theme=theme, width=_WIDGET_WIDTH)
            fleet(browser, settings, theme)
        terminal(browser, "lightkeeper status", partial(show_status, view, None), PICTURES / "status.png")
        restore = f"lightkeeper restore {WEB_SERVER} --yes"
        terminal(browser, restore, partial(_show_restore, demo.brought_back), PICTURES / "restore.png")
    command = Path(sys.executable).parent / "lightkeeper"
    simulate: list[str | Path] = [command, "simulate", *SIMULATION, "--plot", PICTURES / "simulation.png"]
    subprocess.run(simulate, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    for path in PICTURES.glob("*.png"):
        make_small(path)


def make_small(path: Path) -> None:
    """Save a picture again in a third of its bytes: there is no difference that one could see."""
    with Image.open(path) as image:
        image.convert("RGB").quantize(_COLOURS).save(path, optimize=True)


def fleet(browser: Browser, settings: Settings, theme: Theme) -> None:
    """Write a picture of the list of many accounts."""
    report = Fleet(deployment="Lightkeeper", time=_TIME, rows=in_order(_rows()), unlisted=())
    view = make_fleet_view(report, settings, _TIME + _HOUR / 3, page_size=_ACCOUNTS_SHOWN)
    html = render_fleet(view, theme=theme, endpoint=_ENDPOINT)
    screenshot(browser, html, PICTURES / f"fleet-{theme}.png", theme=theme, width=_WIDGET_WIDTH)


def _rows() -> Iterator[FleetRow]:
    shut = 'It does not let Lightkeeper in: it has no role "Lightkeeper-member", or one that trusts somebody else.'
    ended = "Unknown since 2026-06-15 11:00 UTC: its run ended with States.Timeout. Last seen at 2026-06-15 10:00 UTC."
    young = {Status.PROTECTED: 3, Status.WAITING: 1}
    rows = (
        _row(1, "Bakery", AccountState.TROUBLE, "2 sources overdue; 18 of 20 sources protected.", 9, overdue=2),
        _row(2, "Harbour office", AccountState.TROUBLE, "1 source overdue; 19 of 20 sources protected.", 76, overdue=1),
        replace(_row(3, "Clinic", AccountState.UNKNOWN, ended, 1), seen=_TIME - 2 * _HOUR),
        replace(_row(4, "Old shop", AccountState.NOT_ONBOARDED, shut, 30), seen=_TIME - 31 * _HOUR),
        replace(
            _row(5, "Sandbox", AccountState.NOT_ONBOARDED, shut, 900),
            seen=None, let_in=None, statuses={}, stored=Stored(0, 0),
        ),
        replace(
            _row(6, "Warehouse", AccountState.WAITING, "3 of 4 sources protected; 1 waiting for a first one.", 0),
            statuses=young,
        ),
    )  # fmt: skip
    yield from rows
    for number in range(len(rows) + 1, _ACCOUNTS + 1):
        yield _row(number, f"Customer {number:03}", AccountState.PROTECTED, "All 20 sources protected.", 700)


def _row(  # noqa: PLR0913 - a row has that many sides
    number: int, name: str, state: AccountState, sentence: str, hours: int, *, overdue: int = 0
) -> FleetRow:
    """Return an account of 20 sources that has been in its state for so many hours."""
    return FleetRow(
        account=f"{111122220000 + number}",
        name=name,
        state=state,
        sentence=sentence,
        statuses={Status.PROTECTED: 20 - overdue, Status.OVERDUE: overdue},
        stored=Stored(240 + 37.0 * number % 400, 4728),
        findings=overdue,
        since=_TIME - hours * _HOUR,
        seen=_TIME,
        let_in=_TIME,
    )


def terminal(browser: Browser, title: str, show: Callable[[Console], None], path: Path) -> None:
    """Write a picture of what a command shows in a terminal."""
    console = Console(record=True, width=_TERMINAL_COLUMNS, file=StringIO(), force_terminal=True)
    show(console)
    page = browser.new_page(device_scale_factor=2)
    # The drawing names fonts that it would load from elsewhere.
    page.route("http*://**", lambda route: route.abort())
    page.set_content(console.export_svg(title=title))
    page.locator("svg").screenshot(path=path)
    page.close()


def _show_restore(shown: BroughtBack, console: Console) -> None:
    show_plans((shown.plan,), shown.places, shown.began, console)
    show_restored((shown.restored,), console)


if __name__ == "__main__":
    main()
