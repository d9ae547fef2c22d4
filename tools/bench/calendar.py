"""The recovery calendar of many sources, and of many accounts: seconds to make it, its size, seconds until it shows.

Method: 1,000 disks with 30 daily snapshots each, as in `tools.bench.planning`, planned, made into a view and rendered
in this process; *start* is the first rendering, with the templates compiled. A browser then loads what the function
would answer, framed as on a dashboard, 1,400 pixels wide, from a file: *shown* is from opening it to the second frame
painted after it. Medians. *page* is the widget's page, *largest* the largest it gives, *whole* the file of `status
--html`.

Then a fleet: 500 accounts of 20 sources, each tenth of them with a finding. *report* is from the documents of the
accounts, as runs leave them, to the fleet's document; *read* is from that to the rows, *view* and *render* are the
widget's. In Lambda, reading the documents from the bucket comes on top: 500 in 16 at a time for the report, one for the
widget.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from lightkeeper.finding import Finding, FindingKind
from lightkeeper.fleet import AccountReport, AccountState, Fleet
from lightkeeper.fleet_report import Answer, Answers, make_report
from lightkeeper.inventory import read_region
from lightkeeper.lightsail import Lightsail
from lightkeeper.metrics import MetricName
from lightkeeper.model import Status
from lightkeeper.overview import Stored
from lightkeeper.plan import make_plan
from lightkeeper.settings import Settings
from recovery_calendar.fleet_view import make_fleet_view
from recovery_calendar.render import Theme, render_calendar, render_fleet
from recovery_calendar.request import MAX_PAGE_SIZE, Request
from recovery_calendar.view import make_view
from tests.support.frame import CHROMIUM, WITHOUT, framed, running_browser
from tools.bench.planning import NOW, REGION, Pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_T = TypeVar("_T")
SOURCES = 1_000
ACCOUNTS = 500
_EACH = 10
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
    fleet, made_of_accounts, figures_of_accounts = _fleet(settings)
    if CHROMIUM is None:
        print(WITHOUT)
    else:
        with running_browser() as browser:
            for name, html in made.items():
                print(f"{name:10}{figures[name]}{_shown(browser, html):>9.2f}")
            for name, html in made_of_accounts.items():
                figures_of_accounts[name] += f"{_shown(browser, html):>9.2f}"
    print(f"\n{fleet}\n\n{'':10}{'view s':>8}{'render s':>10}{'bytes':>12}{'shown s':>9}")
    for name, said in figures_of_accounts.items():
        print(f"{name:10}{said}")


def _fleet(settings: Settings) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return what there is to say of the fleet's document; what the widget shows of it; and figures of that."""
    documents = [_account(number).to_json() for number in range(ACCOUNTS)]
    names = {f"{number:012}": f"Customer {number}" for number in range(ACCOUNTS)}
    answers = Answers(
        time=NOW,
        answers=tuple(Answer(account=account, name=name, failed=False) for account, name in names.items()),
        nameless=0,
        unlisted=(),
    )

    def report() -> str:
        reports = {each.account: each for each in map(AccountReport.from_json, documents)}
        made = make_report(
            answers, reports, None, excluded=(), unread={}, deployment=settings.deployment, zone=settings.time_zone
        )
        return made.fleet.to_json()

    document, report_seconds = _timed(report)
    fleet, read_seconds = _timed(lambda: Fleet.from_json(document))
    made: dict[str, str] = {}
    figures: dict[str, str] = {}
    for name, size in {"page": Request().page_size, "largest": MAX_PAGE_SIZE}.items():
        view, view_seconds = _timed(partial(make_fleet_view, fleet, settings, NOW, page_size=size))
        made[name], seconds = _timed(partial(render_fleet, view, theme=Theme.LIGHT, endpoint=_ENDPOINT))
        figures[name] = f"{view_seconds:>8.3f}{seconds:>10.3f}{len(made[name].encode()):>12,}"
    said = (
        f"{ACCOUNTS} accounts: their documents {sum(map(len, documents)):,} bytes, report {report_seconds:.3f} s; "
        f"the fleet's document {len(document):,} bytes, read {read_seconds:.3f} s"
    )
    return said, made, figures


def _account(number: int) -> AccountReport:
    """Return what a run says of an account."""
    has_finding = number % _EACH == 0
    finding = Finding(
        kind=FindingKind.OVERDUE,
        region=REGION,
        source="shop",
        what="The newest recovery point is 33 hours old, and its schedule asks for one each day.",
        since="2026-06-14 03:00 UTC",
        do="Take one now:",
        key="ab12cd34",
        command="AWS_REGION=eu-central-1 lightkeeper take shop --kind disk --region eu-central-1 --stack Lightkeeper",
    )
    return AccountReport(
        account=f"{number:012}",
        name=f"Customer {number}",
        time=NOW,
        state=AccountState.TROUBLE if has_finding else AccountState.PROTECTED,
        sentence="1 source overdue; 19 of 20 sources protected." if has_finding else "All 20 sources protected.",
        statuses={Status.PROTECTED: 19, Status.OVERDUE: 1} if has_finding else {Status.PROTECTED: 20},
        numbers=dict.fromkeys(MetricName, 20.0),
        stored=Stored(633.0, 4728.0),
        findings=(finding,) * has_finding,
        is_partly_unseen=False,
        failures=(),
    )


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
