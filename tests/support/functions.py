"""The two functions as Lambda and CloudWatch call them, in this process."""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from lightkeeper import handler
from lightkeeper.fleet import AccountAnswer
from lightkeeper.report import Summary
from recovery_calendar.handler import handle

NOON = "2026-06-15T12:00:00Z"
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:Calendar"
Run = Callable[..., None]
"""Lets Lightkeeper's function run at the sandbox's time; takes the parts of an event."""


class Context(LambdaContext):
    """Fifteen minutes, as Lambda says it."""

    _aws_request_id = "request-1"
    _invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:Lightkeeper-KeeperFunction"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 900_000


def invoke(event: dict[str, object]) -> Summary:
    """Call Lightkeeper's function."""
    log_to_stdout()
    return cast("Summary", handler.handle(event, Context()))


def invoke_in(account: str, event: dict[str, object], context: Context | None = None) -> AccountAnswer:
    """Call it for an account of an organization."""
    log_to_stdout()
    return cast("AccountAnswer", handler.handle({**event, "account": account}, context or Context()))


def log_to_stdout() -> None:
    """Have the functions log to this test's standard output: a Logger keeps that of an earlier test."""
    for stream in logging.getLogger("Lightkeeper").handlers:
        assert isinstance(stream, logging.StreamHandler)
        stream.stream = sys.stdout


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what it has printed since this was asked last."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@dataclass(frozen=True)
class WidgetContext:
    """What the calendar reads of its context."""

    invoked_function_arn: str = ARN
    seconds: float = 60

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)


def widget(
    clicked: Mapping[str, object] | None = None,
    *,
    original: Mapping[str, object] | None = None,
    theme: str = "light",
    time: str = NOON,
    seconds: float = 60,
) -> str:
    """Return what a widget shows, called with CloudWatch's event, `seconds` before Lambda ends the function."""
    context = {
        "dashboardName": "Lightkeeper",
        "widgetId": "widget-1",
        "accountId": "123456789012",
        "locale": "en",
        "timezone": {"label": "UTC", "offsetISO": "+00:00", "offsetInMinutes": 0},
        "period": 300,
        "timeRange": {"mode": "relative", "start": 1, "end": 2, "relativeStart": 86400012},
        "theme": theme,
        "linkCharts": True,
        "title": "Recovery calendar",
        "forms": {"all": {}},
        "params": original or {},
        "width": 588,
        "height": 369,
    }
    return handle({"time": time, **(clicked or {}), "widgetContext": context}, WidgetContext(seconds=seconds))
