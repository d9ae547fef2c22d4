"""Whether the stack's tests could run."""

import shutil
import subprocess

import pytest

from tests.conftest import NEEDS_NODE

NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason=f"Node is not there, so the stack is not tested: {', '.join(NEEDS_NODE)}")
def test_there_is_a_node_that_the_cdk_supports() -> None:
    version = subprocess.run([str(NODE), "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603 - found on the path

    assert int(version.removeprefix("v").partition(".")[0]) >= 20
