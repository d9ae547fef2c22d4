"""Events: whatever a function is called with is understood or answered with a sentence, and nothing is written.

The deployed schedule and the dashboard call with what the stack wrote; anybody with permission calls with anything.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lightkeeper import handler, logged_run
from lightkeeper.errors import InvalidValueError
from lightkeeper.event import read_event
from lightkeeper.faults import CallError
from lightkeeper.lightsail import Lightsail, connect
from lightkeeper.settings import Settings
from recovery_calendar import handler as calendar
from recovery_calendar.request import DOCUMENTATION
from tests.support.functions import NOON, WidgetContext, invoke
from tests.support.hub import HUB
from tests.support.keeper import OTHER_REGION, REGION, Keeper
from tests.support.words import anything_or, deep_values, json_values, near, numbers_as_text

CLOCK = datetime(2026, 6, 15, 12, tzinfo=UTC)
tempting = st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x>', "</div><cwdb-action>", "&lt;b&gt;", "{{ 7 * 7 }}", "{% raw %}"]
)
times = anything_or([NOON, "2026-06-15", "<aws.scheduler.scheduled-time>", "1970-01-01T00:00Z", "2999-12-31T23:59Z"])
regions = st.lists(near([REGION, OTHER_REGION, "us-west-1", "*"]) | json_values, max_size=3)
run_events = st.fixed_dictionaries(
    {},
    optional={
        "time": times | json_values | deep_values,
        "dryRun": st.booleans() | json_values | deep_values,
        "regions": regions | json_values | deep_values,
        "account": near([HUB, "111122223333"]) | json_values | deep_values,
        "name": st.text(max_size=5) | json_values | deep_values,
    },
)
other_events = json_values | deep_values | st.dictionaries(near(["time", "dryRun", "regions", "detail"]), json_values)
widget_values = {
    "view": near(["calendar", "sentence"]) | json_values | deep_values,
    "sort": near(["status", "-name", "--name", "cost"]) | json_values | numbers_as_text,
    "page": st.integers() | json_values | deep_values,
    "pageSize": st.integers(-1, 201) | json_values | numbers_as_text,
    "time": times | json_values | tempting,
}
parameters = st.fixed_dictionaries({}, optional=widget_values) | st.dictionaries(
    near(["view", "sort", "page", "pageSize", "time", "widgetContext"]) | tempting,
    json_values | tempting,
    max_size=3,
)
contexts = st.fixed_dictionaries(
    {}, optional={"params": parameters | json_values | deep_values, "theme": near(["dark", "light"]) | json_values}
)
widgets = st.builds(
    lambda clicked, more: {**clicked, **more},
    parameters,
    st.fixed_dictionaries({}, optional={"widgetContext": contexts | json_values | deep_values}),
)


class Connections:
    """Those that a function has made."""

    def __init__(self) -> None:
        self._made: list[Lightsail] = []

    def connect(self, regions: Iterable[str], **options: Any) -> dict[str, Lightsail]:  # noqa: ANN401 - as they give
        made = connect(regions, **options)
        self._made.extend(made.values())
        return made

    def close(self) -> bool:
        """Close them, and return whether there were any."""
        there_were = bool(self._made)
        while self._made:
            self._made.pop().close()
        calendar.connections.cache_clear()
        return there_were


@pytest.fixture
def connections(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connections]:  # noqa: ARG001 - its AWS
    made = Connections()
    calendar.connections.cache_clear()
    for module in (logged_run, calendar):
        monkeypatch.setattr(module, "connect", made.connect)
    yield made
    made.close()


def test_an_event_is_understood_or_refused_in_words_before_anything_is_read(
    keeper: Keeper, connections: Connections
) -> None:
    keeper.disk("shop", {"backup": "daily"})

    @given(run_events | other_events)
    @example({"regions": [REGION, "<script>"], "dryRun": True})
    def called_with(event: Any) -> None:  # noqa: ANN401 - anything
        try:
            request = read_event(event, Settings(), CLOCK)
        except InvalidValueError as refused:
            with pytest.raises(InvalidValueError, match=re.escape(str(refused))):
                invoke(event)
            assert not connections.close()
            return
        if request.account is not None:
            with pytest.raises(InvalidValueError, match="looks after its own account alone"):
                invoke(event)
            assert not connections.close()
            return
        try:
            summary = invoke({**event, "dryRun": True})
        except InvalidValueError as refused:
            assert "expected" in refused.message  # noqa: PT017 - all three outcomes are right
            assert not {*request.regions} <= {REGION, OTHER_REGION}, "what cannot be the name of a Region"
        except (handler.RunFailedError, CallError):
            assert not {*request.regions} <= {REGION, OTHER_REGION}, "a Region that does not exist"
        else:
            assert summary["dryRun"]
        connections.close()

    called_with()
    assert keeper.writes() == []


def test_a_widget_is_shown_or_answered_in_words_and_all_of_it_is_escaped(
    keeper: Keeper, connections: Connections
) -> None:
    keeper.disk("shop", {"backup": "<script>"})

    def tags_of(html: str) -> list[str]:
        return re.findall(r"<[^\s>]*", html)

    message = tags_of(calendar.handle({"page": 0}, WidgetContext()))

    @given(widgets | json_values | deep_values)
    @example([])
    @example({"widgetContext": {"params": {"<script>": 1}}})
    def called_with(event: Any) -> None:  # noqa: ANN401 - anything
        html = calendar.handle(event, WidgetContext())
        if 'role="alert"' in html:
            assert tags_of(html) == message
        elif html != DOCUMENTATION:
            assert html.lstrip().startswith("<")
            assert {"<script", "<img"}.isdisjoint(tags_of(html))
        connections.close()

    called_with()
    assert keeper.writes() == []
