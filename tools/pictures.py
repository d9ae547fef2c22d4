"""`make pictures`: the README's pictures, of what stands in the demo after its sixty days, and of how it ends."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser
from rich.console import Console

from lightkeeper.settings import Settings
from lightkeeper_cli.demonstration import BroughtBack, run_demo
from lightkeeper_cli.tables.restore import show_plans, show_restored
from lightkeeper_cli.tables.status import show_status
from lightsail_sandbox.fleet import WEB_SERVER
from recovery_calendar.render import Theme, render_calendar
from recovery_calendar.view import make_view, parse_order
from tests.support.frame import CHROMIUM, WITHOUT, running_browser, screenshot

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SIMULATION = ("--keep", "daily=7 weekly=4 monthly=12", "--against", "30d", "--from", "2026-01-01")
_DAYS = 60
_WIDGET_WIDTH = 1200
_TERMINAL_COLUMNS = 120
_COLOURS = 64


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
        terminal(browser, "lightkeeper status", partial(show_status, view, None), PICTURES / "status.png")
        restore = f"lightkeeper restore {WEB_SERVER} --yes"
        terminal(browser, restore, partial(_show_restore, demo.brought_back), PICTURES / "restore.png")
    command = Path(sys.executable).parent / "lightkeeper"
    simulate: list[str | Path] = [command, "simulate", *SIMULATION, "--plot", PICTURES / "simulation.png"]
    subprocess.run(simulate, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    for path in PICTURES.glob("*.png"):
        # A third of the bytes, and no difference that one could see.
        with Image.open(path) as image:
            image.convert("RGB").quantize(_COLOURS).save(path, optimize=True)


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
