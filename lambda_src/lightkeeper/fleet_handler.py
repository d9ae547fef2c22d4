"""The functions before and after the runs in an organization's accounts: wiring only."""

import os
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import TypedDict

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from lightkeeper.accounts import Organizations, find_accounts
from lightkeeper.event import read_time
from lightkeeper.organization import ORGANIZATION_VARIABLE, Organization
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from lightkeeper.times import format_instant


class ListedAccount(TypedDict):
    """An account to look after."""

    account: str
    """12 digits."""
    name: str | None
    """Its name in the organization, where that is known."""


class AccountsAnswer(TypedDict):
    """What the runs of one time are about."""

    time: str
    """Their scheduled time, ISO 8601, UTC: the same for all accounts."""
    regions: list[str]
    """The Regions of the settings; none: the deployment's own."""
    accounts: list[ListedAccount]
    """By id, each once."""
    unlisted: list[str]
    """Sentences: of which units the accounts could not be listed, and why."""


def list_accounts(event: Mapping[str, object], context: LambdaContext) -> AccountsAnswer:
    """Return which accounts to look after: those of the settings and the deployment's own.

    Parameters
    ----------
    event
        ``{"time": ISO 8601}``: the scheduled time of the runs (default: now).
    context
        Lambda's: the function's ARN says which account is the deployment's own.

    Raises
    ------
    CallError
        If no unit at all could be listed.
    InvalidValueError, SettingsError
        If the event or the settings are not understood.
    """
    settings = Settings.from_env(os.environ)
    organization = Organization.from_json(os.environ[ORGANIZATION_VARIABLE])
    now = read_time(event, settings, datetime.now(UTC))  # noqa: TID251 - entry point
    sender = Sender.of(context.invoked_function_arn, settings.deployment, runbook=None, dashboard=None)
    with closing(Organizations(sender.region)) as directory:
        accounts = find_accounts(organization, sender.account, directory)
    answer = AccountsAnswer(
        time=format_instant(now),
        regions=[*settings.regions],
        accounts=[ListedAccount(account=each.id, name=each.name) for each in accounts.found],
        unlisted=[*accounts.unlisted],
    )
    logger = Logger(service=settings.deployment)
    logger.append_keys(run=now.isoformat(), request_id=context.aws_request_id)
    for sentence in accounts.unlisted:
        logger.error("unlisted", extra={"detail": {"message": sentence}})
    logger.info("accounts", extra={"detail": {"accounts": len(accounts.found), "unlisted": len(accounts.unlisted)}})
    return answer
