from typing import Any

import pytest

from tests.support.synth import template


@pytest.fixture(scope="session")
def default() -> dict[str, Any]:
    """The template of a deployment without any settings."""
    return template()
