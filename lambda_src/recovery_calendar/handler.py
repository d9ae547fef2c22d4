"""The function behind the dashboard's widgets: wiring only. It reads; it has nothing to write with.

Source of the protocol: Amazon CloudWatch's documentation on custom widgets.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Protocol, Self, assert_never

from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError
from lightkeeper.fleet import FLEET_KEY, DocumentError, Fleet
from lightkeeper.inventory import plan_regions
from lightkeeper.lightsail import Lightsail, connect
from lightkeeper.members import NotOnboardedError, assume, session_name
from lightkeeper.organization import MEMBER_ROLE_VARIABLE, RESULTS_VARIABLE, MemberRoles, role_arn
from lightkeeper.results import Results, ResultsError
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings, SettingsError
from lightkeeper.times import parse_instant
from recovery_calendar.fleet_view import Account, FleetOrder, make_fleet_view
from recovery_calendar.live import Kept, LateError, in_time, plan_in_time
from recovery_calendar.render import (
    Opened,
    Theme,
    render_calendar,
    render_fleet,
    render_fleet_sentence,
    render_message,
    render_sentence,
)
from recovery_calendar.request import (
    DOCUMENTATION,
    FLEET_DOCUMENTATION,
    AllAccounts,
    Event,
    Kind,
    OneAccount,
    OnlyAccount,
    Request,
    read_event,
    theme_of,
    wants_documentation,
)
from recovery_calendar.view import View, make_view

NO_REPORT_YET: Final = (
    "There is no report of the accounts yet: the next run writes the first one. If it does not, look at the last "
    "executions of the state machine in Step Functions"
)
"""What is said before the first run has come to its end."""
_NO_REPORT: Final = (DocumentError, LateError, ResultsError)
# What it takes to draw, and to answer.
_MARGIN_SECONDS: Final = 6
# Of an account that is opened, the last report says no more than its name.
_PATIENCE_FOR_A_NAME_SECONDS: Final = 5


class Context(Protocol):
    """What is needed of Lambda's context."""

    @property
    def invoked_function_arn(self) -> str:
        """The ARN this function was called by."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it may still work."""


# Lambda keeps the process between invocations, and a connection with it. It only reads, four lists at each look.
@lru_cache(maxsize=1)
def connections(regions: tuple[str, ...]) -> dict[str, Lightsail]:
    """Return the connections to these Regions, or to the function's own."""
    return connect(regions, max_concurrency=1)


def _targets(settings: Settings) -> Mapping[str, Lightsail]:
    """Return the connections to the Regions that copies go to."""
    return target_connections(tuple(settings.copies)) if settings.copies else {}


@lru_cache(maxsize=1)
def target_connections(regions: tuple[str, ...]) -> dict[str, Lightsail]:
    """Return the connections to the Regions that copies go to."""
    return connect(regions, max_concurrency=1)


# The same for other accounts, and for the bucket with the reports.
@lru_cache(maxsize=1)
def kept() -> Kept[Lightsail]:
    """Return the connections to other accounts."""
    return Kept()


@lru_cache(maxsize=1)
def results(bucket: str, region: str) -> Results:
    """Return the connection to the bucket."""
    return Results(bucket, region=region)


@dataclass(frozen=True, slots=True)
class _Hub:
    """What the function has where the deployment looks after many accounts."""

    bucket: str
    viewer: str
    """The name of the role that each account has for it."""

    @staticmethod
    def is_one(environ: Mapping[str, str]) -> bool:
        """Return whether the deployment looks after more accounts than its own."""
        return bool(environ.get(RESULTS_VARIABLE) and environ.get(MEMBER_ROLE_VARIABLE))

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        return cls(environ[RESULTS_VARIABLE], MemberRoles.of(environ[MEMBER_ROLE_VARIABLE]).viewer)


@dataclass(frozen=True, slots=True)
class _Look:
    """A person's look at the calendar."""

    request: Request
    settings: Settings
    now: datetime
    """Of what is shown, UTC."""
    clock: datetime
    """The time, UTC."""
    theme: Theme
    context: Context

    @property
    def endpoint(self) -> str:
        return self.context.invoked_function_arn

    @property
    def sender(self) -> Sender:
        return Sender.of(self.endpoint, self.settings.deployment, runbook=None, dashboard=None)

    def seconds_left(self) -> float:
        """Return how long may still be read."""
        return self.context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS


def handle(event: Event, context: Context) -> str:
    """Return what a custom widget shows.

    Parameters
    ----------
    event
        The widget's parameters, with CloudWatch's own `widgetContext` among them; or `describe`.
    context
        Lambda's.

    Returns
    -------
    str
        HTML; a mistake in the parameters or settings, or a refusal, is a sentence in it. To `describe`: Markdown.
    """
    has_accounts = _Hub.is_one(os.environ)
    if wants_documentation(event):
        return FLEET_DOCUMENTATION if has_accounts else DOCUMENTATION
    theme = Theme.DARK if theme_of(event) == "dark" else Theme.LIGHT
    try:
        request = read_event(event, has_accounts=has_accounts)
        settings = Settings.from_env(os.environ)
        clock = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - an entry point
        now = parse_instant(request.time, settings.time_zone).replace(microsecond=0) if request.time else clock
        look = _Look(request, settings, now, clock, theme, context)
        match request.of:
            case OnlyAccount(order):
                plan = plan_regions(connections(settings.regions), settings, now, _targets(settings))
                return _drawn(make_view(plan, settings, order, request.page, request.page_size), look)
            case OneAccount() as one:
                return _one(one, _Hub.from_env(os.environ), look)
            case AllAccounts(order):
                return _all(order, _Hub.from_env(os.environ), look)
            case _:
                assert_never(request.of)
    except (InvalidValueError, SettingsError, CallError) as error:
        return render_message(str(error), theme=theme)


def _drawn(view: View, look: _Look, opened: Opened | None = None) -> str:
    match look.request.kind:
        case Kind.CALENDAR:
            return render_calendar(view, theme=look.theme, endpoint=look.endpoint, opened=opened)
        case Kind.SENTENCE:
            return render_sentence(view, theme=look.theme)


def _all(order: FleetOrder, hub: _Hub, look: _Look) -> str:
    """Return how all accounts stand, by the last report."""
    request = look.request
    try:
        fleet = _read_fleet(hub, look, look.seconds_left())
    except _NO_REPORT as error:
        return render_message(_why_no_report(error), theme=look.theme)
    if fleet is None:
        return render_message(NO_REPORT_YET, theme=look.theme)
    view = make_fleet_view(fleet, look.settings, look.now, order=order, page=request.page, page_size=request.page_size)
    match request.kind:
        case Kind.CALENDAR:
            return render_fleet(view, theme=look.theme, endpoint=look.endpoint)
        case Kind.SENTENCE:
            return render_fleet_sentence(view, theme=look.theme)


def _one(one: OneAccount, hub: _Hub, look: _Look) -> str:
    """Return the calendar of an account, read at this moment; why it cannot be read is a sentence."""
    request, settings = look.request, look.settings
    opened = Opened(
        one.account, _last_said(one.account, hub, look), one.back.order, one.back.page, request.page_size, one.has_list
    )
    sender = look.sender
    if one.account != sender.account:
        sender = replace(sender, member=one.account)
    try:
        places = _connected(sender, hub, look)
        regions = {name: places[name] for name in settings.regions or (sender.region,)}
        targets = {name: places[name] for name in settings.copies}
        plan = plan_in_time(regions, settings, look.now, look.seconds_left, targets)
    except (CallError, LateError, NotOnboardedError) as error:
        # Credentials that are refused may have been taken back: the next look asks for others.
        kept().forget(one.account)
        said = f"Account {one.account} cannot be shown: {error}"
        return render_message(said, theme=look.theme, endpoint=look.endpoint, opened=opened)
    view = make_view(plan, settings, one.order, request.page, request.page_size, sender=sender)
    return _drawn(view, look, opened)


def _connected(sender: Sender, hub: _Hub, look: _Look) -> Mapping[str, Lightsail]:
    """Return connections to an account's Regions: to another's by the role that it has for the calendar."""
    account, settings = sender.member, look.settings
    if account is None:
        return {**_targets(settings), **connections(settings.regions)}
    partition = look.endpoint.split(":")[1]

    def connect_there() -> Mapping[str, Lightsail]:
        credentials = assume(
            role_arn(partition, account, hub.viewer),
            external_id=settings.deployment,
            session=session_name(settings.deployment, "calendar"),
            region=sender.region,
        )
        names = dict.fromkeys((*(settings.regions or (sender.region,)), *settings.copies))
        return connect(names, max_concurrency=1, credentials=credentials)

    return kept().connections(account, look.clock, lambda: in_time(connect_there, look.seconds_left()))


def _last_said(account: str, hub: _Hub, look: _Look) -> Account | None:
    """Return what the last report says of an account; None where it says nothing, or cannot be read soon."""
    try:
        fleet = _read_fleet(hub, look, min(_PATIENCE_FOR_A_NAME_SECONDS, look.seconds_left()))
    except _NO_REPORT:
        return None
    if fleet is None:
        return None
    rows = (row for row in fleet.rows if row.account == account)
    return next((Account.of(row, fleet, look.settings.time_zone) for row in rows), None)


def _read_fleet(hub: _Hub, look: _Look, seconds: float) -> Fleet | None:
    bucket = results(hub.bucket, look.sender.region)
    document = in_time(lambda: bucket.get(FLEET_KEY), seconds)
    return Fleet.from_json(document) if document is not None else None


def _why_no_report(error: Exception) -> str:
    helps = (
        "the next run writes it anew; if that is of no use, deploy again, so that all functions are of one release"
        if isinstance(error, DocumentError)
        else 'until then, the parameter "account" opens the calendar of an account'
    )
    return f"The last report of the accounts cannot be read: {error}; {helps}"
