"""The tables of the documents that follow from the code; `make docs` writes them where they stand."""

import inspect
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from typer.core import TyperGroup
from typer.main import get_command

from infra.sections import ADDED_SECTIONS, FINDINGS, SECTIONS
from lightkeeper.actions import ACTIONS
from lightkeeper.finding import WAITS
from lightkeeper.policies import BUILT_IN
from lightkeeper.rows import UTC_ZONE, rows_of
from lightkeeper_cli.main import app

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_JSON_LINE: Final = 110
_SHARED: Final = "run"
"""The verb that has those options only which others share with it."""


def settings_table(*kinds: "type[DataclassInstance]") -> str:
    """Return the table of the keys that classes of settings have rows for."""
    return table(
        ("key", "default", "limits", "meaning", "example"),
        (
            (
                f"`{row.key}`",
                f"`{json.dumps(row.default)}`",
                row.form_in(UTC_ZONE).limits,
                row.meaning,
                f"`{json.dumps(row.example)}`",
            )
            for kind in kinds
            for row in rows_of(kind).values()
        ),
    )


def morning_table() -> str:
    """Return the table of what waits until morning: each alarm, and each kind of message."""
    sections = (*SECTIONS, *ADDED_SECTIONS)
    alarms = ((f'alarm "{each.heading}"', "yes" if each.waits else "no", each.urgency) for each in sections)
    messages = ((f"message `{kind}`", WAITS[kind], urgency) for kind, urgency in FINDINGS.items())
    return table(
        ("what", "waits until morning?", "why", "first"),
        (
            (what, "**no**" if waits == "no" else waits, urgency.why, f"`{urgency.command}`")
            for what, waits, urgency in (*alarms, *messages)
        ),
    )


def policies_table() -> str:
    """Return the table of the built-in policies."""
    return table(
        ("policy", "schedule", "keep"),
        ((f"`{name}`", f"`{schedule}`", f"`{keep}`") for name, (schedule, keep) in BUILT_IN.items()),
    )


def actions_table() -> str:
    """Return the table of what a run can do."""
    rows = ((f"`{action.verb}`", inspect.getdoc(action) or "") for action in ACTIONS)
    return table(("action", "meaning"), rows)


def shared_options_table() -> str:
    """Return the table of the options that several verbs have."""
    return table(("option", "meaning"), _options_of(_SHARED))


def options_table(verb: str) -> str:
    """Return the table of the options that only this verb has."""
    shared = _options_of(_SHARED)
    return table(("option", "meaning"), (option for option in _options_of(verb) if option not in shared))


def permissions_table(*rows: tuple[Iterable[str], str, str]) -> str:
    """Return the table of what a role may do: the permissions, on what, and why."""
    return table(
        ("permission", "on", "why"),
        ((", ".join(f"`{permission}`" for permission in permissions), on, why) for permissions, on, why in rows),
    )


def lightsail(*operations: str) -> list[str]:
    """Return the permissions for operations of Lightsail."""
    return [f"lightsail:{operation}" for operation in operations]


def json_block(document: object) -> str:
    """Return JSON in Markdown, each part of it on one line where it fits."""
    return f"\n```json\n{_json(document, '', 0)}\n```\n"


def table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown, with a line before and after it, where the comments stand that frame it."""
    heading, *below = (f"| {' | '.join(cells)} |" for cells in (headings, *rows))
    return "\n".join(["", heading, f"|{'---|' * len(headings)}", *below, ""])


def _json(part: object, indent: str, taken: int) -> str:
    """Return a part of a document as JSON, where so many characters of the line are taken."""
    whole = json.dumps(part)
    if not isinstance(part, dict | list) or (taken and len(indent) + taken + len(whole) <= _JSON_LINE):
        return whole
    deeper = f"{indent}  "
    if isinstance(part, list):
        inner, (opening, closing) = [_json(each, deeper, 0 if isinstance(each, dict) else 1) for each in part], "[]"
    else:
        inner = [f"{json.dumps(key)}: {_json(each, deeper, len(key) + 5)}" for key, each in part.items()]
        opening, closing = "{}"
    lines = "".join(f"\n{deeper}{each}," for each in inner).removesuffix(",")
    return f"{opening}{lines}\n{indent}{closing}"


def _options_of(verb: str) -> list[tuple[str, str]]:
    """Return the options of a verb, each as its help shows it: how it is written, and what it means."""
    commands = get_command(app)
    if not isinstance(commands, TyperGroup):
        raise TypeError(f"{commands} has no verbs; expected the command line")
    command = commands.commands[verb]
    context = command.make_context(verb, [], resilient_parsing=True)
    records = (each.get_help_record(context) for each in command.params if each.param_type_name == "option")
    # Of several words to choose from, a bar would end the table's cell.
    return [(f"`{usage}`".replace("|", r"\|"), meaning) for usage, meaning in filter(None, records)]
