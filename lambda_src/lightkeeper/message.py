"""The text of the e-mail about a run: its subject, its body, and how much of it there is room for. Pure.

Texts in it come from tags and from Lightsail's answers, so each is made plain text of one line here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lightkeeper.finding import RUNBOOK, WAITS, Finding
from lightkeeper.metrics import MetricName, longest_without, measure
from lightkeeper.model import Status
from lightkeeper.overview import Overview, Stored
from lightkeeper.run import Run
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from lightkeeper.times import format_minute

MAX_SUBJECT: Final = 99
"""Characters. Source: Amazon SNS's documentation of Publish: less than 100, no line breaks, no control characters."""
MAX_BODY_BYTES: Final = 256 * 1024
"""Source: Amazon SNS's quotas."""
MAX_SHOWN: Final = 50
"""Findings in one part of a message: nobody reads more."""
MAX_PART_BYTES: Final = MAX_BODY_BYTES * 2 // 5
"""Of each of two parts; the rest is for what stands around them."""
_MAX_SENTENCE: Final = 600
_MAX_NAME: Final = 24


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
    sender: Sender,
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
    sender
        Which deployment, of which account, in which Region.
    """
    parts = [first_lines(sender, _headline(new, still), "Run of", run.plan.now, settings)]
    parts += _part("NEW", new, sender)
    parts += _part("STILL OPEN" if new else "OPEN", still, sender)
    parts += ["HOW EVERYTHING STANDS\n" + "\n".join(_standing(run, settings))]
    parts += [where_to_look(sender, "What a run would do", "plan")]
    return Message(_subject(new, still, sender, daily=daily), "\n\n".join(parts) + "\n")


def compose_test(settings: Settings, now: datetime, sender: Sender) -> Message:
    """Return a message that says that messages arrive, at `now` (UTC)."""
    parts = [
        first_lines(sender, "this is a test", "Sent at", now, settings),
        "Messages of this deployment reach you here. There is nothing to do.",
        where_to_look(sender, "What a run would do", "plan"),
    ]
    return Message(cut(f"{head_of(sender)}: ", "this is a test"), "\n\n".join(parts) + "\n")


def first_lines(sender: Sender, headline: str, said: str, instant: datetime, settings: Settings) -> str:
    """Return what a message begins with: whose it is, what it comes to, and of when (UTC)."""
    where = f"{sender.deployment}, account {sender.account}, {sender.region}"
    return f"{where}: {headline}.\n{said} {format_minute(instant, settings.time_zone)}."


def where_to_look(sender: Sender, what: str, *words: str) -> str:
    """Return what a message ends with: the command of these words, which shows what, and the dashboard."""
    # Each on a line of its own: a phone makes a link of it, and a command can be copied.
    look = [f"{what}:", sender.command(*words)]
    return "\n".join([*look, "Dashboard:", sender.dashboard] if sender.dashboard else look)


def plain(text: str, most: int = _MAX_SENTENCE) -> str:
    """Return `text` on one line, without what is not printable, and cut where it is longer than any sentence."""
    line = " ".join("".join(letter if letter.isprintable() or letter.isspace() else "?" for letter in text).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _headline(new: Sequence[Finding], still: Sequence[Finding]) -> str:
    if not new and not still:
        return "nothing needs you"
    return ", ".join([f"{len(new)} new"] * bool(new) + [f"{len(still)} {'still ' if new else ''}open"] * bool(still))


def _subject(new: Sequence[Finding], still: Sequence[Finding], sender: Sender, *, daily: bool) -> str:
    head = f"{head_of(sender)}: "
    if len(new) == 1 and not still:
        (finding,) = new
        said = f": {finding.kind}"
        # The kind is never cut: where there is no room for all of a name, its beginning will do.
        return cut(head, plain(finding.place, MAX_SUBJECT - len(head) - len(said)) + said)
    return cut(head, f"{'daily digest: ' if daily and not new else ''}{_headline(new, still)}")


def head_of(sender: Sender) -> str:
    """Return what a subject begins with."""
    return f"{plain(sender.deployment, _MAX_NAME)} {sender.account} {sender.region}"


def cut(head: str, text: str) -> str:
    """Return a subject, in characters that it may have, and no longer than it may be."""
    return f"{head}{text}".encode("ascii", "replace").decode()[:MAX_SUBJECT]


def _part(heading: str, findings: Sequence[Finding], sender: Sender) -> list[str]:
    """Return a part of the message, as much of it as there is room for."""
    shown: list[str] = []
    room = MAX_PART_BYTES
    for number, finding in enumerate(findings[:MAX_SHOWN], 1):
        text = told(finding, f"{number}. {plain(finding.place)}: {finding.kind} ({finding.region})", sender)
        room -= len(text.encode())
        if room < 0:
            break
        shown.append(text)
    more = [f"and {len(findings) - len(shown)} more"] if len(findings) > len(shown) else []
    return [heading, *shown, *more] if findings else []


def told(finding: Finding, heading: str, sender: Sender) -> str:
    """Return what a message says of a finding, under a heading of one line."""
    lines = [
        heading,
        f"What: {plain(finding.what)}",
        f"Waits until morning: {WAITS[finding.kind]}",
        f"Since: {plain(finding.since)}",
        f"Do: {plain(finding.do)}",
        *([plain(finding.command)] if finding.command else []),
        f"Read: {sender.section(RUNBOOK[finding.kind])}",
    ]
    return "\n".join(lines)


def _standing(run: Run, settings: Settings) -> Iterable[str]:
    """Yield how everything stands."""
    overview = Overview.of(run.plan)
    statuses = ", ".join(f"{overview.counts[status]} {status}" for status in Status if overview.counts[status])
    numbers = measure(run)
    yield overview.sentence(settings)
    yield f"Resources: {statuses or 'none'}"
    if oldest := longest_without(run.plan):
        place = f"{plain(oldest.source_name)} ({oldest.region})"
        hours = numbers[MetricName.OLDEST_RECOVERY_POINT_HOURS]
        since = format_minute(oldest.taken, settings.time_zone)
        yield f"Longest without a new recovery point: {place}, {hours:.0f} h, since {since}"
    yield f"Stored: {Stored.of(run.plan.sources)}"
