"""The text of the e-mail about a run: its subject, its body, and how much of it there is room for. Pure.

Texts in it come from tags and from Lightsail's answers, so each is made plain text of one line here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lightkeeper.findings import RUNBOOK, Finding
from lightkeeper.metrics import MetricName, longest_without, measure
from lightkeeper.model import Status
from lightkeeper.overview import Overview
from lightkeeper.pricing import usd_per_month
from lightkeeper.run import Run
from lightkeeper.settings import Settings
from lightkeeper.times import format_minute

MAX_SUBJECT: Final = 99
"""Characters. Source: Amazon SNS's documentation of Publish: less than 100, no line breaks, no control characters."""
MAX_BODY_BYTES: Final = 256 * 1024
"""Source: Amazon SNS's quotas."""
_MAX_SHOWN: Final = 50
"""Findings in one part of a message: nobody reads more."""
_MAX_PART_BYTES: Final = MAX_BODY_BYTES * 2 // 5
"""Of each of two parts; the rest is for what stands around them."""
_MAX_SENTENCE: Final = 600
_MAX_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: plain text."""

    subject: str
    body: str


def compose(  # noqa: PLR0913 - a message has that many sides
    new: Sequence[Finding],
    still: Sequence[Finding],
    run: Run,
    settings: Settings,
    *,
    daily: bool,
    dashboard: str | None,
) -> Message:
    """Return the message about a run.

    Parameters
    ----------
    new, still
        What is new, and what people were notified of before and is still open.
    run
        For how everything stands.
    settings
        The deployment's.
    daily
        Whether it is the day's digest too.
    dashboard
        The dashboard's address, if there is one.
    """
    parts = [f"{settings.deployment}, run of {format_minute(run.plan.now)}: {_headline(new, still)}."]
    parts += _part("NEW", new)
    parts += _part("STILL OPEN" if new else "OPEN", still)
    parts += ["HOW EVERYTHING STANDS\n" + "\n".join(_standing(run, settings))]
    look = ["Look: .venv/bin/lightkeeper plan"] + ([f"Dashboard: {dashboard}"] if dashboard else [])
    parts += ["\n".join(look)]
    return Message(_subject(new, still, settings, daily=daily), "\n\n".join(parts) + "\n")


def _plain(text: str, most: int = _MAX_SENTENCE) -> str:
    """Return `text` on one line, without what is not printable, and cut where it is longer than any sentence."""
    line = " ".join("".join(letter if letter.isprintable() or letter.isspace() else "?" for letter in text).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _headline(new: Sequence[Finding], still: Sequence[Finding]) -> str:
    if not new and not still:
        return "nothing needs you"
    return ", ".join([f"{len(new)} new"] * bool(new) + [f"{len(still)} {'still ' if new else ''}open"] * bool(still))


def _subject(new: Sequence[Finding], still: Sequence[Finding], settings: Settings, *, daily: bool) -> str:
    name = _plain(settings.deployment, _MAX_NAME)
    if len(new) == 1 and not still:
        (finding,) = new
        text = f"{name}: {_plain(finding.place, _MAX_NAME)}: {finding.kind}"
    else:
        text = f"{name}: {'daily digest: ' if daily and not new else ''}{_headline(new, still)}"
    return text.encode("ascii", "replace").decode()[:MAX_SUBJECT]


def _part(heading: str, findings: Sequence[Finding]) -> list[str]:
    """Return a part of the message, as much of it as there is room for."""
    shown: list[str] = []
    room = _MAX_PART_BYTES
    for number, finding in enumerate(findings[:_MAX_SHOWN], 1):
        text = (
            f"{number}. {_plain(finding.place)}: {finding.kind} ({finding.region})\n"
            f"   What:  {_plain(finding.what)}\n"
            f"   Since: {_plain(finding.since)}\n"
            f"   Do:    {_plain(finding.do)}\n"
            f'   Read:  "{RUNBOOK[finding.kind]}" in docs/runbook.md'
        )
        room -= len(text.encode())
        if room < 0:
            break
        shown.append(text)
    more = [f"and {len(findings) - len(shown)} more"] if len(findings) > len(shown) else []
    return [heading, *shown, *more] if findings else []


def _standing(run: Run, settings: Settings) -> Iterable[str]:
    """Yield how everything stands, by the numbers that go to CloudWatch."""
    overview = Overview.of(run.plan)
    statuses = ", ".join(f"{overview.counts[status]} {status}" for status in Status if overview.counts[status])
    numbers = measure(run)
    stored = numbers[MetricName.STORED_GIB]
    yield overview.sentence(settings)
    yield f"Resources: {statuses or 'none'}"
    if oldest := longest_without(run.plan):
        place = f"{_plain(oldest.source_name)} ({oldest.region})"
        hours = numbers[MetricName.OLDEST_RECOVERY_POINT_HOURS]
        yield f"Longest without a new recovery point: {place}, {hours:.0f} h, since {format_minute(oldest.taken)}"
    yield f"Stored: {stored:g} GiB at full size, at most {usd_per_month(stored):.2f} USD a month"
