"""A widget's HTML as CloudWatch shows it, in the Chromium that is on the machine; and pictures of it.

CloudWatch puts what a function returns, cleaned of anything that could act, into a box of the dashboard that scrolls.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from playwright.sync_api import Browser, Dialog, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WITHOUT = "There is no Chromium, so the calendar is not tried in a browser; `apt-get install chromium` brings one."
PDFTOTEXT = shutil.which("pdftotext")
WITHOUT_PDFTOTEXT = "There is no pdftotext to read what was printed; `apt-get install poppler-utils` brings one."
BACKGROUNDS = {"light": "#ffffff", "dark": "#161d26"}
_TEXTS = {"light": "#16191f", "dark": "#d5dbdb"}
_PATIENCE_MS = 120_000
"""For a browser on a busy machine."""
ALLOWED = {
    *("div", "style", "h2", "p", "span", "ul", "li", "a", "details", "summary", "cwdb-action"),
    *("table", "caption", "colgroup", "col", "thead", "tbody", "tr", "th", "td"),
    *("svg", "g", "title", "path", "rect", "text"),
}
# CloudWatch's own style of a dashboard, which a widget with `cwdb-no-default-styles` does without.
_FRAME = """<!doctype html>
<meta charset="utf-8">
<style>
body {{ margin: 0; background: {background}; color: {text}; font: 14px/22px "Amazon Ember", Roboto, Arial, sans-serif }}
.custom-widget {{ width: {width}px; height: {height}px; padding: 10px; box-sizing: border-box; overflow: auto }}
</style>
<div class="custom-widget">{html}</div>
"""


def framed(html: str, *, theme: str, width: int, height: str = "auto") -> str:
    """Return a document in which the widget stands as on a dashboard."""
    frame = _FRAME.format(background=BACKGROUNDS[theme], text=_TEXTS[theme], width=width, height=height, html=html)
    return frame.replace("height: autopx", "height: auto")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start the browser for a while."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, timeout=_PATIENCE_MS)
        yield browser
        browser.close()


def screenshot(browser: Browser, html: str, path: Path, *, theme: str, width: int) -> None:
    """Write a picture of a widget as a PNG, with twice the pixels."""
    page = browser.new_page(viewport={"width": width, "height": 100}, device_scale_factor=2)
    page.set_content(framed(html, theme=theme, width=width))
    page.screenshot(path=path, full_page=True)
    page.close()


@dataclass
class Opened:
    """A page, and what it has tried to do."""

    page: Page
    did: list[str] = field(default_factory=list)
    """Dialogs, messages and errors of scripts, requests."""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(_PATIENCE_MS)
        self.page.on("dialog", self._dismiss)
        self.page.on("console", lambda message: self.did.append(f"console {message.text}"))
        self.page.on("pageerror", lambda error: self.did.append(f"error {error}"))
        self.page.on("request", lambda request: self.did.append(f"request {request.url}"))

    def _dismiss(self, dialog: Dialog) -> None:
        self.did.append(f"dialog {dialog.message}")
        dialog.dismiss()


class Elements(HTMLParser):
    """The elements of a piece of HTML with their attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.found]
