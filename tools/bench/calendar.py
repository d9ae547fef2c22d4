"""The recovery calendar of many sources: seconds to work it out, its size, and seconds until a browser shows it.

Method: 1,000 disks with 30 daily snapshots each, as in `tools.bench.planning`, planned, made into a view and rendered
in this process; *start* is the first rendering, with the templates compiled. A browser then loads what the function
would answer, framed as on a dashboard, 1,400 pixels wide, from a file: *shown* is from opening it to the second frame
painted after it. Medians. *page* is the widget's page, *largest* the largest it gives, *whole* the file of `status
--html`.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from lightkeeper.inventory import read_region
from lightkeeper.lightsail import Lightsail
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from recovery_calendar.render import Theme, render_calendar
from recovery_calendar.request import MAX_PAGE_SIZE, Request
from recovery_calendar.view import make_view
from tests.support.frame import CHROMIUM, WITHOUT, framed, running_browser
from tools.bench.planning import NOW, REGION, Pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_T = TypeVar("_T")
SOURCES = 1_000
RUNS = 7
_ENDPOINT = f"arn:aws:lambda:{REGION}:123456789012:function:Calendar"
_PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def main() -> None:
    """Measure and print."""
    print(__doc__)
    settings = Settings()
    region = Lightsail(Pages(SOURCES), REGION)  # type: ignore[arg-type]  # stands in for the client
    inventory = read_region(REGION, region, settings, lambda: math.inf)
    plan, plan_seconds = _timed(lambda: make_plan(inventory, settings, NOW))
    sizes = {"page": Request().page_size, "largest": MAX_PAGE_SIZE, "whole": None}
    made: dict[str, str] = {}
    began = perf_counter()
    render_calendar(make_view(plan, settings, page_size=1), theme=Theme.LIGHT, endpoint=_ENDPOINT)
    start = perf_counter() - began
    print(f"plan {plan_seconds:.2f} s, start {start:.2f} s\n")
    print(f"{'':10}{'view s':>8}{'render s':>10}{'bytes':>12}{'shown s':>9}")
    figures: dict[str, str] = {}
    for name, size in sizes.items():
        view, view_seconds = _timed(partial(make_view, plan, settings, page_size=size))
        made[name], seconds = _timed(partial(render_calendar, view, theme=Theme.LIGHT, endpoint=_ENDPOINT))
        figures[name] = f"{view_seconds:>8.2f}{seconds:>10.2f}{len(made[name].encode()):>12,}"
    if CHROMIUM is None:
        print(WITHOUT)
        return
    with running_browser() as browser:
        for name, html in made.items():
            print(f"{name:10}{figures[name]}{_shown(browser, html):>9.2f}")


def _shown(browser: "Browser", html: str) -> float:
    page = browser.new_page(viewport={"width": 1400, "height": 900})

    with TemporaryDirectory() as folder:
        path = Path(folder) / "calendar.html"
        path.write_text(framed(html, theme="light", width=1400), encoding="utf-8")

        def show() -> None:
            page.goto(path.as_uri())
            page.evaluate(_PAINTED)

        _, seconds = _timed(show)
    page.close()
    return seconds


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    """Return what the work came to, and the median of its seconds."""
    results, times = [], []
    for _ in range(RUNS):
        began = perf_counter()
        results.append(work())
        times.append(perf_counter() - began)
    return results[-1], median(times)


if __name__ == "__main__":
    main()
