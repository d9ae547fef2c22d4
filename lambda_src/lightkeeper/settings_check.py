"""The function that checks a template's settings when it is deployed, and tells the template what follows from them.

CloudFormation invokes it before anything that depends on a setting is made or changed, waits for its answer, and takes
attributes out of it. A wrong setting fails the deployment with the sentences that `cdk synth` has for it.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.request import Request, urlopen

from lightkeeper.deployable import read_deployable, rhythm
from lightkeeper.errors import as_json, counted
from lightkeeper.json_objects import as_object, text
from lightkeeper.lightsail import available_regions
from lightkeeper.rows import write_rows
from lightkeeper.settings import ENVIRONMENT_VARIABLE, Settings, SettingsError, StackSettings, settings_object

SUBSCRIPTIONS: Final = 5
"""How many a template has room for."""
COPIES: Final = "copies"
"""Of what a template is written for: whether there are any. Which, and how long, is as in the settings."""
MAX_ANSWER_BYTES: Final = 4096
"""What CloudFormation takes."""
_LONGEST_SENTENCE: Final = 500
_ANSWER_SECONDS: Final = 30
_HOUR: Final = timedelta(hours=1)
_UNEXPECTED: Final = "the settings could not be checked; the log of the stack's checking function says why"
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What CloudFormation is told."""

    reason: str | None = None
    """Why the deployment fails; None where it goes on."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What the template takes with `Fn::GetAtt`."""


def handle(event: Mapping[str, object], _context: object) -> None:
    """Answer CloudFormation, whatever happens: a deployment that gets no answer hangs.

    Parameters
    ----------
    event
        That of a custom resource. Its properties: ``Settings``, the JSON text; ``StackName``; ``Fixed``, the settings
        that the template is written for and cannot change, as JSON text; ``Seen``, what the template's conditions have
        read out of the text, by setting.

    Raises
    ------
    URLError
        If CloudFormation cannot be answered.
    """
    answer = Answer(reason=_UNEXPECTED)
    try:
        answer = _answer(event)
    finally:
        _send(event, answer)


def check(given: str, *, stack_name: str, fixed: Mapping[str, object], seen: Mapping[str, object]) -> Answer:
    """Return what follows from settings, or what is wrong with them.

    Parameters
    ----------
    given
        As a person wrote them: JSON, the `lightkeeper` object of a cdk.json or all of the file.
    stack_name
        The deployment's name, where the settings give none.
    fixed
        The settings that the template cannot change, as parsed JSON; of `copies`, whether there are any.
    seen
        What the template's conditions have read, by setting.
    """
    try:
        mapping = {"deployment": stack_name, **settings_object(_parsed(given))}
        settings, own = read_deployable(mapping, regions_with_lightsail=available_regions())
        written = settings.to_mapping() | write_rows(own)
        wrong = [
            *more_than_one_account(own),
            *_not_as_fixed(written, fixed),
            *_copies_not_as_fixed(settings, fixed),
            *_no_place_for(settings),
            *_not_as_seen(settings, own, seen),
        ]
    except SettingsError as error:
        wrong = [*error.errors]
        return Answer(reason=_reason(wrong))
    if wrong:
        return Answer(reason=_reason(wrong))
    return Answer(attributes=attributes(settings, own))


def attributes(settings: Settings, own: StackSettings) -> dict[str, str]:
    """Return what a template takes of settings, by name."""
    of = rhythm(settings)
    endpoints = {f"Endpoint{number}": listener for number, listener in enumerate(settings.notify, start=1)}
    protocols = {
        f"Protocol{number}": "https" if listener in settings.notify_endpoints else "email"
        for number, listener in enumerate(settings.notify, start=1)
    }
    return {
        "Environment": settings.to_env()[ENVIRONMENT_VARIABLE],
        "Deployment": settings.deployment,
        "Tick": settings.tick,
        "TimeZone": settings.time_zone.key,
        "DefaultPolicy": settings.default_policy,
        "NewsPeriod": f"{of.news_period.total_seconds():.0f}",
        "ErrorPeriod": f"{of.error_period.total_seconds():.0f}",
        "PeriodsWithoutARun": str(of.periods_without_a_run),
        "OverdueHours": f"{of.overdue_age / _HOUR:g}",
        "LogRetentionDays": str(own.log_retention_days),
        "RunbookUrl": own.runbook_url or "",
        "Addresses": f"{len(settings.notify)} address{'' if len(settings.notify) == 1 else 'es'}",
        **endpoints,
        **protocols,
    }


def seen_in(settings: Settings, own: StackSettings) -> dict[str, str]:
    """Return what a template's conditions read where they read right, by setting: `true`, `false` or a number."""
    return {
        "encryptNotifications": as_json(own.encrypt_notifications),
        "tagOnCreate": as_json(own.tag_on_create),
        "runbookUrl": as_json(own.runbook_url is not None),
        "notify": str(len(settings.notify)),
    }


def more_than_one_account(own: StackSettings) -> list[str]:
    """Return what is wrong with settings for many accounts: a plain template makes a deployment for one."""
    sentence = (
        "organization: a plain template looks after one account, its own; expected null, or a deployment from a "
        "checkout, see docs/organisation.md"
    )
    return [sentence] if own.organization else []


def _parsed(given: str) -> object:
    try:
        parsed: object = json.loads(given)
    except (ValueError, RecursionError) as error:
        raise SettingsError([f"not JSON ({error}); expected a JSON object with the settings in it"]) from None
    return parsed


def _not_as_fixed(written: Mapping[str, object], fixed: Mapping[str, object]) -> list[str]:
    return [
        f"{key}: {as_json(written[key])} is not what this template is written for; expected {as_json(value)}, or a "
        "template of your own: make dist CONFIG=FILE"
        for key, value in fixed.items()
        if key != COPIES and written[key] != value
    ]


def _copies_not_as_fixed(settings: Settings, fixed: Mapping[str, object]) -> list[str]:
    """Compare whether there are copies: with them the role may do more, and the dashboard shows more."""
    has_copies = bool(fixed.get(COPIES))
    if bool(settings.copies) is has_copies:
        return []
    expected = "some" if has_copies else "none"
    written_for = "a deployment with copies" if has_copies else "a deployment without copies in other Regions"
    sentence = (
        f"{COPIES}: this template is written for {written_for}; expected {expected}, or a template of your own: "
        "make dist CONFIG=FILE"
    )
    return [sentence]


def _no_place_for(settings: Settings) -> list[str]:
    topics = [
        f'notify: "{topic}" is a topic, and this template has alarms for its own only; expected an e-mail or https '
        "address"
        for topic in settings.notify_topics
    ]
    number = len(settings.notify)
    if number <= SUBSCRIPTIONS:
        return topics
    expected = f"expected at most {SUBSCRIPTIONS}, such as a mailing list"
    return [*topics, f"notify: {number} are more than this template has room for; {expected}"]


def _not_as_seen(settings: Settings, own: StackSettings, seen: Mapping[str, object]) -> list[str]:
    """Compare with what the template has read: it sees text, and would make another stack than the settings say."""
    return [
        f"{key}: cannot be read by CloudFormation as it is written here; expected plain JSON with the key once, and "
        'no "\\" or "]" in its value'
        for key, right in seen_in(settings, own).items()
        if seen.get(key, right) != right and not (key == "notify" and len(settings.notify) > SUBSCRIPTIONS)
    ]


def _reason(wrong: list[str]) -> str:
    """Return the sentences, as many as there is room for; the first one in any case, if not to its end."""
    kept: list[str] = []
    for number, sentence in enumerate(wrong):
        line = f"Settings: {sentence}"
        if not kept and len(line) > _LONGEST_SENTENCE:
            line = f"{line[:_LONGEST_SENTENCE]}..."
        if kept and sum(len(_as_text(each)) for each in (*kept, line)) > MAX_ANSWER_BYTES // 2:
            left = len(wrong) - number
            kept.append(f"Settings: {counted(left, 'more error')}")
            break
        kept.append(line)
    # JSON can write half a letter, which no encoding can.
    return "\n".join(kept).encode(errors="replace").decode()


def _answer(event: Mapping[str, object]) -> Answer:
    if event["RequestType"] == "Delete":
        return Answer()
    properties = as_object(event["ResourceProperties"], "properties")
    answer = check(
        text(properties["Settings"]),
        stack_name=text(properties["StackName"]),
        fixed=as_object(json.loads(text(properties["Fixed"])), "an object of settings"),
        seen=as_object(properties["Seen"], "what the conditions have read"),
    )
    size = len(_document(event, answer))
    if size > MAX_ANSWER_BYTES:
        sentence = (
            f"all settings together make an answer of {size:,} bytes; expected at most {MAX_ANSWER_BYTES:,}, which is "
            "all that CloudFormation takes: shorten policies and notify, or make two deployments"
        )
        return Answer(reason=_reason([sentence]))
    return answer


def _document(event: Mapping[str, object], answer: Answer) -> bytes:
    properties = event.get("ResourceProperties")
    name = properties.get("StackName") if isinstance(properties, Mapping) else None
    document = {
        "Status": "FAILED" if answer.reason else "SUCCESS",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        # Always the same, so that no change of the settings replaces anything.
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"{name}-settings",
        **({"Reason": answer.reason} if answer.reason else {}),
        **({"Data": {**answer.attributes}} if answer.attributes else {}),
    }
    return _as_text(document)


def _as_text(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def _send(event: Mapping[str, object], answer: Answer) -> None:
    if answer.reason:
        _log.warning(answer.reason)
    # CloudFormation has signed the address for a request without a type.
    request = Request(  # noqa: S310 - CloudFormation's own address
        text(event["ResponseURL"]), data=_document(event, answer), method="PUT", headers={"Content-Type": ""}
    )
    with urlopen(request, timeout=_ANSWER_SECONDS):  # noqa: S310 - as above
        pass
