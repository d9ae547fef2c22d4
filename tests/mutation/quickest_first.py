"""A pytest plugin for mutmut: the tests that took the least time come first, as the first that fails ends the run.

mutmut's fork server takes the tests of a mutant in no order, and a slow one then often comes before one that fails.
What the server has loaded is kept out of the garbage collection of each process that it forks: that would copy it all.
"""

import gc
import json
from functools import cache
from pathlib import Path
from typing import Final

import pytest

_TIMES: Final = Path("mutmut-stats.json")
"""What mutmut has noted when no mutant was in the way. While it does so, there is nothing yet to go by."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort what has been collected."""
    if _TIMES.exists():
        seconds = _seconds()
        items.sort(key=lambda item: seconds.get(item.nodeid, 0))


def pytest_collection_finish() -> None:
    """Keep what has been loaded where it is."""
    gc.freeze()


@cache  # read by the server, before it forks
def _seconds() -> dict[str, float]:
    seconds: dict[str, float] = json.loads(_TIMES.read_text(encoding="utf-8"))["duration_by_test"]
    return seconds
