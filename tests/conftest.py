import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import hypothesis
import pytest

from sandbox.client import Sandbox, running_sandbox

# The CDK's libraries start Node as soon as they are imported. `test_node.py` says so where it is missing.
NEEDS_NODE = ["infra", "contract", "e2e", "docs/test_configuration.py", "fuzz/test_props.py"]
collect_ignore = [] if shutil.which("node") else NEEDS_NODE

# How fast examples come says something about the machine, nothing about the code.
AT_ANY_PACE = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("ci", AT_ANY_PACE, derandomize=True, print_blob=True)
# HYPOTHESIS_PROFILE=hunt: many more examples, other ones each time.
hypothesis.settings.register_profile("hunt", AT_ANY_PACE, max_examples=2000, print_blob=True)
# Thousands of times over: it is enough that a test fails, however long the example.
hypothesis.settings.register_profile(
    "mutants",
    AT_ANY_PACE,
    derandomize=True,
    max_examples=30,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def _session_sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_session_sandbox: Sandbox) -> Sandbox:
    """An empty local Lightsail where it is noon on 15 June 2026, and stays so until the test moves the clock."""
    _session_sandbox.reset()
    _session_sandbox.set_time(NOON)
    return _session_sandbox
