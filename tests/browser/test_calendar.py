"""The recovery calendar in a real browser: it fits, it can be read, and a tag is never more than text."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Inventory, Problem, Severity, SnapshotState
from lightkeeper.plan import make_plan
from lightkeeper.run import run_regions
from lightkeeper.settings import Settings
from lightsail_sandbox.client import Seed
from lightsail_sandbox.fleet import fleet
from recovery_calendar.render import Theme, render_calendar, render_message, render_page, render_sentence
from recovery_calendar.request import MAX_PAGE_SIZE
from recovery_calendar.view import Expiring, Held, Order, Row, View, make_view, parse_order
from tests.support.frame import (
    ALLOWED,
    CHROMIUM,
    PDFTOTEXT,
    WITHOUT,
    WITHOUT_PDFTOTEXT,
    Elements,
    Opened,
    framed,
    running_browser,
)
from tests.support.functions import ARN, widget
from tests.support.inventories import NOW, THREE, daily, point, source
from tests.support.keeper import DAY, Keeper, noop

pytestmark = [
    pytest.mark.usefixtures("fresh_calendar"),
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT),
]
THEMES = ("light", "dark")
WIDTHS = (375, 600, 1400)
HOUR = timedelta(hours=1)
HOSTILE = (
    '"><script>alert(1)</script>',
    "<img src=x onerror=alert(1)>",
    "</style><script>alert(1)</script>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus=alert(1) '",
    "</cwdb-action><iframe src=javascript:alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "<svg><use href=http://example.com/x.svg#x>",
    "]]><!--",
    "ünïcödé \N{RIGHT-TO-LEFT OVERRIDE}",
)
# WCAG 2's contrast of each text with the frame behind it, and of each mark of a strip.
CONTRASTS = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = light(parts(getComputedStyle(document.body).backgroundColor));
  const contrast = colour => {
    const own = light(parts(colour));
    return (Math.max(own, behind) + 0.05) / (Math.min(own, behind) + 0.05);
  };
  const texts = {}, marks = {};
  const walker = document.createTreeWalker(document.querySelector(".lk"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.textContent.trim() || element.closest("style, title, cwdb-action")) continue;
    const style = getComputedStyle(element);
    texts[`${element.className} ${node.textContent.trim()}`] = contrast(style.color);
  }
  for (const mark of document.querySelectorAll(".lk svg rect, .lk .lk-missed")) {
    const style = getComputedStyle(mark);
    if (style.opacity !== "1") continue;
    marks[mark.getAttribute("class")] = contrast(style.fill === "none" ? style.stroke : style.fill);
  }
  return [texts, marks];
}"""
# The labels of each axis that is seen, with their left and right ends.
AXES = """() => [...document.querySelectorAll(".lk-axis")].filter(axis => axis.getBoundingClientRect().width)
  .map(axis => [...axis.querySelectorAll("text")].map(text => [text, text.getBoundingClientRect()])
    .filter(([_, box]) => box.width).map(([text, box]) => [text.textContent, box.left, box.right]))"""
AS_A_MAIL_PROGRAM = """() => {
  document.querySelectorAll("style, svg").forEach(each => each.remove());
  document.querySelectorAll("[class], [id]").forEach(each => each.removeAttribute("class"));
  for (const each of document.querySelectorAll("details, summary")) {
    const plain = document.createElement("div");
    plain.append(...each.childNodes);
    each.replaceWith(plain);
  }
}"""
SPILLED = """() => {
  const frame = document.querySelector(".custom-widget"), edge = frame.getBoundingClientRect();
  const over = [...frame.querySelectorAll("*")].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width && (box.right > edge.right + 0.5 || box.left < edge.left - 0.5);
  });
  const cells = [...frame.querySelectorAll("td, th, .lk-foot p, .lk-legend")].filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth);
  return [frame.scrollWidth - frame.clientWidth, ...over, ...cells].map(e => e.outerHTML || e);
}"""  # noqa: E501 - a line of another language


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    page = browser.new_page()
    yield Opened(page)
    page.close()


def everything() -> View:
    """Return a view in which everything occurs that a calendar can show."""
    late, hourly, weekly = (
        source("late", backup="daily"),
        source("hourly", backup="hourly"),
        source("w", backup="weekly"),
    )
    tight = source("tight", backup="daily", backup_keep="3")
    web = source("web", kind=SourceKind.INSTANCE, backup="daily")
    lost, attic, gone = source("lost"), source("attic", backup="off"), source("gone", backup="daily")
    sources = [
        *(late, hourly, weekly, tight, web, lost, attic),
        source("a-data-disk-with-a-long-name-" * 8, attached_to="web"),
        source("a-very-long-name-" * 14 + "of-255", backup="daily", backup_keep="daily=10 weekly=5 monthly=12"),
        source("typo", backup="dialy", backup_kepe="7"),
        source("new", kind=SourceKind.INSTANCE, backup="daily", age=HOUR),
        source("scratch"),
    ]
    broken = source("broken", backup="daily")
    points = [
        *daily(late, range(3, 9)),
        *(point(hourly, NOW - hours * HOUR) for hours in range(1, 60, 2)),
        *(point(weekly, NOW.replace(hour=3) - (7 * week + 1) * DAY) for week in range(9)),
        *daily(tight, range(6)),
        point(tight, THREE - 9 * DAY, tags={"backup:hold": ""}),
        point(tight, NOW, SnapshotState.PENDING),
        point(broken, THREE, SnapshotState.ERROR),
        *daily(broken, range(1, 4)),
        point(web, THREE, kind=SnapshotKind.INSTANCE, disks=["a-data-disk-with-a-long-name-" * 8]),
        *daily(lost, range(2, 5)),
        point(attic, THREE - 100 * DAY),
        *daily(gone, range(9, 20)),
    ]
    inventory = Inventory((*sources, broken), tuple(points))
    return make_view(make_plan(inventory, Settings(), NOW), Settings(), page_size=25)


def many(number: int, page_size: int | None) -> View:
    sources = [source(f"customer-{each:04}", backup="daily", backup_keep="30") for each in range(number)]
    points = [point(each, THREE - back * DAY) for each in sources for back in range(30)]
    plan = make_plan(Inventory(tuple(sources), tuple(points)), Settings(), NOW)
    return make_view(plan, Settings(), page_size=page_size)


# It fits, and it can be read


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_nothing_overflows(opened: Opened, theme: str, width: int) -> None:
    html = render_calendar(replace(everything(), pages=40, page=7), theme=Theme(theme), endpoint=ARN)

    opened.page.set_content(framed(html, theme=theme, width=width))

    assert opened.page.evaluate(SPILLED) == [0]


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_and_mark_stands_out_as_wcag_aa_asks(opened: Opened, theme: str) -> None:
    html = render_calendar(everything(), theme=Theme(theme), endpoint=ARN)

    opened.page.set_content(framed(html, theme=theme, width=1400))

    texts, marks = opened.page.evaluate(CONTRASTS)
    assert len(texts) > 50
    assert {text: ratio for text, ratio in texts.items() if ratio < 4.5} == {}
    assert set(marks) == {
        f"lk-{word}" for word in ("kept", "held", "lid", "expiring", "part", "pending", "missed", "soon")
    }
    assert {mark: ratio for mark, ratio in marks.items() if ratio < 3} == {}


def test_the_contrast_of_the_other_theme_would_not_do(opened: Opened) -> None:
    html = render_calendar(everything(), theme=Theme.LIGHT, endpoint=ARN)

    opened.page.set_content(framed(html, theme="dark", width=1400))

    texts, _ = opened.page.evaluate(CONTRASTS)
    assert any(ratio < 4.5 for ratio in texts.values())


@pytest.mark.parametrize("theme", THEMES)
def test_the_sentence_and_a_message_fit_and_stand_out(opened: Opened, theme: str) -> None:
    for html in (
        render_sentence(everything(), theme=Theme(theme)),
        render_message("settings: " + "wrong" * 60, theme=Theme(theme)),
    ):
        opened.page.set_content(framed(html, theme=theme, width=300))

        assert opened.page.evaluate(SPILLED) == [0]
        texts, _ = opened.page.evaluate(CONTRASTS)
        assert texts
        assert min(texts.values()) >= 4.5


def test_the_days_of_the_strip_are_where_its_axis_says(opened: Opened) -> None:
    shop = source(backup="daily", backup_keep="30")
    view = make_view(make_plan(Inventory((shop,), daily(shop, range(30))), Settings(), NOW), Settings())
    opened.page.set_content(framed(render_calendar(view, theme=Theme.LIGHT), theme="light", width=1400))

    titles: list[str] = opened.page.eval_on_selector_all(".lk-strip title", "all => all.map(each => each.textContent)")
    boxes: list[float] = opened.page.eval_on_selector_all(
        ".lk-strip g rect", "all => all.map(each => each.getBoundingClientRect().left)"
    )
    labels: dict[str, float] = opened.page.eval_on_selector_all(
        "thead .lk-axis text",
        "all => Object.fromEntries(all.map(each => [each.textContent, each.getBoundingClientRect().left]))",
    )

    assert [titles[0], titles[-1]] == ["17 May: 03:00", "15 Jun: 03:00"]
    assert boxes == sorted(boxes)
    for number, label in enumerate(("17 May", "24 May", "31 May", "7 Jun")):
        assert abs(labels[label] - boxes[7 * number]) < 4, label


def test_each_row_can_be_understood_without_seeing_it(opened: Opened) -> None:
    view = everything()
    opened.page.set_content(framed(render_calendar(view, theme=Theme.LIGHT), theme="light", width=600))

    assert opened.page.get_by_role("rowheader").count() == len(view.rows)
    inside = [row for row in view.rows if row.included_in]
    assert len(inside) == 1
    assert opened.page.get_by_text("in the snapshots of web").count() == 1
    assert opened.page.get_by_role("img").count() == len(view.rows) - len(inside)
    assert opened.page.get_by_role("img", name="late: recoverable to 6 of the last 30 days, overdue").count() == 1
    assert opened.page.get_by_role("status").inner_text().endswith(view.sentence)


def test_what_cloudwatch_reads_for_a_click_is_not_seen(opened: Opened) -> None:
    html = render_calendar(many(60, 25), theme=Theme.LIGHT, endpoint=ARN)

    opened.page.set_content(framed(html, theme="light", width=1400))

    assert opened.page.locator("cwdb-action").count() == 8
    assert "pageSize" not in opened.page.inner_text("body")
    clicked = opened.page.eval_on_selector_all(
        "cwdb-action", "all => all.map(each => each.previousElementSibling.textContent)"
    )
    assert clicked == ["Source", "Status ▴", "Newest", "Next", "Expires", "Full size", "cost", "Next"]


def test_the_page_of_the_command_line_follows_the_reader_s_own_theme(opened: Opened) -> None:
    html = render_page(everything(), theme=Theme.AUTO)
    seen = set()
    for scheme in ("light", "dark"):
        opened.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        opened.page.set_content(html)
        seen.add(opened.page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
        assert opened.page.get_by_role("button").count() == 0, "nothing to click where no function is called"

    assert seen == {"rgb(255, 255, 255)", "rgb(22, 29, 38)"}
    assert opened.did == []


# It says which days at every width, on paper, by keyboard and in a mail


@pytest.mark.parametrize("scheme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_never_scrolls_sideways(opened: Opened, width: int, scheme: Literal["light", "dark"]) -> None:
    opened.page.emulate_media(color_scheme=scheme)
    opened.page.set_viewport_size({"width": width, "height": 800})

    opened.page.set_content(render_page(everything(), theme=Theme.AUTO))

    assert opened.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(
    ("width", "labels"),
    [
        (260, ["17 May", "31 May", "today"]),
        *((width, ["17 May", "24 May", "31 May", "7 Jun", "today"]) for width in (320, 375, 588, 900, 940, 1400)),
    ],
)
def test_every_strip_has_dates_at_every_width(opened: Opened, width: int, labels: list[str]) -> None:
    view = everything()
    html = render_calendar(view, theme=Theme.LIGHT, endpoint=ARN)

    opened.page.set_content(framed(html, theme="light", width=width))

    axes: list[list[tuple[str, float, float]]] = opened.page.evaluate(AXES)
    strips = opened.page.locator(".lk-strip").count()
    # Of a wide table, the head has one for all.
    assert len(axes) == (1 if width > 900 else strips)
    for axis in axes:
        assert [label for label, _, _ in axis] == labels
        assert all(right + 4 <= left for (_, _, right), (_, left, _) in pairwise(axis)), "none lies on another"


def test_the_page_has_a_heading_and_its_table_a_caption(opened: Opened) -> None:
    opened.page.set_content(render_page(everything(), theme=Theme.AUTO))

    assert opened.page.get_by_role("heading", level=1).inner_text() == "Recovery calendar of Lightkeeper, account 1"
    assert opened.page.locator("caption").inner_text() == (
        "Each cell is a day, 17 May to 15 Jun 2026; you can go back to the filled ones"
    )
    assert "15 Jun 2026 12:00, times in UTC" in opened.page.inner_text(".lk-head")


def test_by_keyboard_each_row_is_one_stop_and_opens_with_its_times(opened: Opened) -> None:
    view = everything()
    opened.page.set_content(render_page(view, theme=Theme.AUTO))
    stops = []
    while True:
        opened.page.keyboard.press("Tab")
        stop = opened.page.evaluate("document.activeElement.innerText")
        if opened.page.evaluate("document.activeElement === document.body"):
            break
        stops.append(stop)
        if stop == "6 Jun, 10 to 15 Jun 2026":
            opened.page.keyboard.press("Enter")

    assert len(stops) == sum(1 for row in view.rows if row.points)
    opened_row = opened.page.locator("details[open] li").all_inner_texts()
    assert opened_row[:2] == ["6 Jun 2026: 03:00, held", "10 to 12 Jun 2026: 03:00, about to expire"]
    assert "15 Jun 2026: 03:00, 12:00, some being taken" in opened_row
    assert "schedule: 0 3 * * * UTC" in opened_row
    assert any(line.startswith("held: tight-20260606-0300-") and line.endswith(": on hold") for line in opened_row)
    assert opened.page.locator("[title]").count() == 0, "nothing is said to a mouse alone"


def test_what_a_mail_program_leaves_of_it_still_says_which_days(opened: Opened) -> None:
    view = everything()
    opened.page.set_content(render_page(view, theme=Theme.AUTO))
    # Many drop all style, all drawings, and elements that they do not know.
    opened.page.evaluate(AS_A_MAIL_PROGRAM)

    text = opened.page.inner_text("body")

    for row, said in (
        ("late", "7 to 12 Jun 2026"),
        ("hourly", "13 to 15 Jun 2026"),
        ("w", "17 May, 24 May, 31 May, 7 Jun, 14 Jun 2026; 4 older, from 19 Apr 2026"),
        ("attic", "none of these days; 1 older, from 7 Mar 2026"),
        ("scratch", "no recovery point"),
    ):
        cells = opened.page.locator("tbody tr").filter(has=opened.page.get_by_role("rowheader", name=f"{row} disk"))
        lines = cells.inner_text().splitlines()
        assert lines[0] == row
        assert said in [line.strip().removeprefix("recoverable to ") for line in lines]
    assert "newest\n14 Jun 2026 03:00" in text
    assert "✕ overdue\ndaily: daily=7 weekly=4" in text


def test_the_colours_of_an_explicit_theme_do_not_follow_the_reader_s(opened: Opened) -> None:
    opened.page.emulate_media(color_scheme="light")

    opened.page.set_content(render_page(everything(), theme=Theme.DARK))

    assert opened.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(22, 29, 38)"
    assert opened.page.evaluate("getComputedStyle(document.querySelector('.lk')).color") == "rgb(235, 235, 240)"


def test_paper_is_light_whatever_the_theme(opened: Opened) -> None:
    opened.page.emulate_media(media="print", color_scheme="dark")
    for theme in Theme:
        opened.page.set_content(render_page(everything(), theme=theme))

        assert (
            opened.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
        )
        assert opened.page.evaluate("getComputedStyle(document.querySelector('.lk')).color") == "rgb(15, 20, 26)"


@pytest.mark.skipif(PDFTOTEXT is None, reason=WITHOUT_PDFTOTEXT)
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_printed_each_page_has_the_dates_and_no_row_is_torn(opened: Opened, tmp_path: Path, paper: str) -> None:
    view = everything()
    rows = tuple(replace(row, name=f"{row.name[:20]}-{number}") for number in range(3) for row in view.rows)
    opened.page.set_content(render_page(replace(view, rows=rows), theme=Theme.AUTO))

    pages = printed(opened, tmp_path / "calendar.pdf", paper)

    assert 3 <= len(pages) <= 6
    with_rows = [page for page in pages if "eu-central-1" in page]
    assert len(with_rows) >= 3
    for page in with_rows:
        assert "Recoverable to" in page
        assert all(label in page for label in ("17 May", "24 May", "31 May", "7 Jun", "today"))
    assert "Each cell is a day, 17 May to 15 Jun 2026" in pages[0]
    for number in range(3):
        (page,) = (page for page in pages if f"late-{number}\n" in page)
        after = page[page.index(f"late-{number}\n") :]
        assert "7 to 12 Jun 2026" in after, "its days are with its name"
        assert "overdue since 13 Jun 03:00" in after, "and so is what is said below it"


def printed(opened: Opened, path: Path, paper: str) -> list[str]:
    """Return the text of each page that the browser prints."""
    opened.page.pdf(path=path, format=paper)
    assert PDFTOTEXT
    text = subprocess.run([PDFTOTEXT, path, "-"], check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own file
    return text.split("\f")[:-1]


# A tag is never more than text


def hostile(text: str) -> View:
    """Return a view in which every text is that one."""

    def row(of: Row) -> Row:
        note = Problem(text, text, text, text, text, text, text, Severity.ERROR)
        expiring, held = (Expiring(text, NOW),), (Held(text, text),)
        return replace(
            of, name=text, region=text, policy=text, schedule=text, keep=text, notes=(note,), expiring=expiring,
            held=held, failed=(f"failed {text}",), included_in=text, why=f"why {text}", helps=f"help {text}",
        )  # fmt: skip

    view = everything()
    other = Problem(text, text, text, text, text, text, None, Severity.WARNING)
    return replace(view, sentence=text, rows=tuple(map(row, view.rows)), others=(other,))


def assert_clean(html: str) -> None:
    """Assert that CloudWatch would find nothing to take out."""
    elements = Elements(html).found
    assert {name for name, _ in elements} <= ALLOWED
    attributes = {key for _, given in elements for key in given}
    assert not [key for key in attributes if key.startswith("on") or key in {"href", "src", "xlink:href", "srcset"}]
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_inert(opened: Opened, text: str) -> None:
    html = render_calendar(hostile(text), theme=Theme.LIGHT, endpoint=ARN)

    opened.page.set_content(framed(html, theme="light", width=600))
    opened.page.hover(".lk-strip >> nth=0")
    opened.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    assert_clean(html)
    assert opened.did == []
    assert Elements(html).names == Elements(render_calendar(hostile("harmless"), theme=Theme.LIGHT, endpoint=ARN)).names
    shown = opened.page.locator("tbody th > div").first.text_content()
    assert shown == text, "it is shown as it was written"
    message = render_message(text, theme=Theme.DARK)
    assert Elements(message).names == ["div", "style", "p"]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_function_s_own_html_on_a_fleet_with_hostile_tags(keeper: Keeper, opened: Opened, width: int) -> None:
    now = keeper.sandbox.now()
    tags = [
        {"backup": "javascript:alert"},
        {"backup": "daily", "backup:keep": "../../@import"},
        {"backup": "http://example.com/x.js"},
        {"backup": "daily", "backup:at": "data:text/html"},
        {"backup": "x" * 256},
        {"backup": "daily", "backup:hold": "on = alert"},
    ]
    disks = [Seed(kind="Disk", name=f"hostile-{number}", tags=each) for number, each in enumerate(tags)]
    keeper.sandbox.seed([*fleet(now), *disks, Seed(kind="Disk", name="n" * 255, tags={"backup": "daily"})])
    run_regions(keeper.regions, keeper.settings, now, seconds_left=lambda: 900.0, on_outcome=noop)

    for theme in THEMES:
        html = widget(theme=theme)
        opened.page.set_content(framed(html, theme=theme, width=width))

        assert_clean(html)
        assert opened.page.evaluate(SPILLED) == [0]
        assert opened.page.locator("tbody").count() == 19
        assert "http://example.com/x.js" in opened.page.inner_text("body")
    assert opened.did == []


# A thousand sources


def test_a_thousand_sources_are_shown_in_pages_or_at_once(opened: Opened, tmp_path: Path) -> None:
    page = render_calendar(many(1000, MAX_PAGE_SIZE), theme=Theme.LIGHT, endpoint=ARN)
    opened.page.set_content(framed(page, theme="light", width=1400, height="400"))
    assert opened.page.locator("tbody").count() == MAX_PAGE_SIZE
    assert "1 to 200 of 1,000" in opened.page.inner_text(".lk-pages")

    whole = tmp_path / "calendar.html"
    whole.write_text(render_page(many(1000, None), theme=Theme.LIGHT), encoding="utf-8")
    opened.page.goto(whole.as_uri())
    assert opened.page.locator("tbody").count() == 1000
    assert opened.page.locator(".lk-pages").count() == 0


def test_the_largest_page_is_far_below_what_lambda_can_answer() -> None:
    six_mb = 6_000_000

    assert len(render_calendar(many(1000, MAX_PAGE_SIZE), theme=Theme.LIGHT, endpoint=ARN).encode()) < six_mb / 5


def test_the_order_that_is_on_is_marked(opened: Opened) -> None:
    plan: Any = make_plan(Inventory((source(backup="daily"),), ()), Settings(), NOW)
    for order, heading in ((Order(), "Status ▴"), (Order(backwards=True), "Status ▾")):
        html = render_calendar(make_view(plan, Settings(), order), theme=Theme.LIGHT, endpoint=ARN)
        opened.page.set_content(framed(html, theme="light", width=1400))

        assert opened.page.locator("thead .lk-now >> nth=0").inner_text() == heading


@pytest.mark.parametrize(
    ("order", "heading", "direction"),
    [
        ("name", "Source ▴", "ascending"),
        ("-name", "Source ▾", "descending"),
        ("status", "Status ▴", "other"),
        ("cost", "Full size, cost ▾", "descending"),
        ("-size", "Full size ▴, cost", "ascending"),
    ],
)
def test_the_sorted_column_is_announced_as_such(opened: Opened, order: str, heading: str, direction: str) -> None:
    plan: Any = make_plan(Inventory((source(backup="daily"),), ()), Settings(), NOW)
    html = render_calendar(make_view(plan, Settings(), parse_order(order)), theme=Theme.LIGHT, endpoint=ARN)
    opened.page.set_content(framed(html, theme="light", width=1400))

    (sorted_column,) = opened.page.locator("[aria-sort]").all()

    assert (sorted_column.inner_text(), sorted_column.get_attribute("aria-sort")) == (heading, direction)
