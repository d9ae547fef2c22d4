"""Who hears of a deployment's alarms and findings, and who has not confirmed: what SNS says, beside the settings."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from lightkeeper.settings import Settings
from lightkeeper_cli.aws import aws_errors

PERMISSION: Final = "sns:ListSubscriptionsByTopic"
_PENDING: Final = "PendingConfirmation"
_DELETED: Final = "Deleted"
_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=5,
    read_timeout=20,
)


class Hears(StrEnum):
    """Whether a listener hears, in words."""

    YES = "hears"
    NOT_CONFIRMED = "HAS NOT CONFIRMED, so it gets nothing"
    GONE = "IS NOT SUBSCRIBED, so it gets nothing"
    TOPIC = "gets everything; who hears there is its owner's to say"


@dataclass(frozen=True, slots=True)
class Listener:
    """An address or a topic that is to hear of alarms and findings."""

    protocol: str
    """As SNS calls it; `topic` for other people's topics."""
    endpoint: str
    hears: Hears

    @property
    def shown(self) -> str:
        """Return the endpoint as it may be shown: what comes after a host is often a secret."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.hostname}/..." if parts.scheme in {"http", "https"} else self.endpoint


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription to a topic, as SNS lists it."""

    protocol: str
    endpoint: str
    arn: str
    """`PendingConfirmation` or `Deleted` where it is none."""


def read_subscriptions(topic: str) -> tuple[Subscription, ...]:
    """Return the subscriptions to a topic, by its ARN.

    Raises
    ------
    CallError
        If SNS cannot be asked.
    """
    region = topic.split(":")[3]
    with aws_errors("ListSubscriptionsByTopic", PERMISSION):
        client = boto3.Session().client("sns", region_name=region, config=_CONFIG)
        with closing(client):
            pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
            found = [each for page in pages for each in page["Subscriptions"]]
    return tuple(
        Subscription(each.get("Protocol", ""), each.get("Endpoint", ""), each.get("SubscriptionArn", ""))
        for each in found
    )


def listeners(settings: Settings, subscriptions: Iterable[Subscription]) -> tuple[Listener, ...]:
    """Return everybody that the settings name or that is subscribed, in this order, each once."""
    stand = {each.endpoint: each for each in subscriptions}
    named = dict.fromkeys(settings.notify_addresses, "email")
    named |= dict.fromkeys(settings.notify_endpoints, "https")
    return (
        *(
            _listener(stand.get(endpoint, Subscription(protocol, endpoint, _DELETED)))
            for endpoint, protocol in named.items()
        ),
        *(_listener(each) for endpoint, each in stand.items() if endpoint not in named),
        *(Listener("topic", arn, Hears.TOPIC) for arn in settings.notify_topics),
    )


def _listener(subscription: Subscription) -> Listener:
    hears = {_PENDING: Hears.NOT_CONFIRMED, _DELETED: Hears.GONE}.get(subscription.arn, Hears.YES)
    return Listener(subscription.protocol, subscription.endpoint, hears)


def who_hears(found: Sequence[Listener]) -> list[str]:
    """Return who hears, line by line; what is wrong comes last and stands out."""
    width = max((len(each.shown) for each in found), default=0)
    lines = [f"  {each.shown:<{width}}  {each.protocol:<5}  {each.hears}" for each in found]
    unconfirmed = [each for each in found if each.hears is Hears.NOT_CONFIRMED]
    gone = [each for each in found if each.hears is Hears.GONE]
    if not any(each.hears in {Hears.YES, Hears.TOPIC} for each in found):
        lines.append("NOBODY HEARS of any alarm, nor of what a run finds.")
    if not found:
        lines.append('Write "notify": ["ops@example.com"] into the settings, and deploy.')
    if unconfirmed:
        lines.append(
            f"{_names(unconfirmed)}: AWS has sent a mail with a link, or a request with a SubscribeURL; whoever gets "
            "it has to follow it within three days. After that, subscribe it again."
        )
    if gone:
        lines.append(
            f"{_names(gone)}: unsubscribed since the deployment, or never confirmed; subscribe it again: "
            'docs/runbook.md says how, in "The messages".'
        )
    return lines


def _names(found: Iterable[Listener]) -> str:
    return ", ".join(each.shown for each in found)
