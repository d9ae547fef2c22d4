"""The function's zip: small, the same on every build, and complete."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from infra.bundling import CALENDAR, KEEPER, ROOT, Bundle, write_zip
from lightsail_sandbox.client import Sandbox, Seed
from tests.support.interpreter import LIKE_LAMBDA, run_like_lambda

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]
_THREE_MB = 3_000_000
_RUN = """
import json
from types import SimpleNamespace
from lightkeeper.handler import handle

context = SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 900_000)
print("SUMMARY " + json.dumps(handle({"time": "2026-06-15T12:00:00Z"}, context)))
"""


_RUN_CALENDAR = """
from types import SimpleNamespace
from recovery_calendar.handler import handle

context = SimpleNamespace(invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:calendar")
print(handle({"time": "2026-06-15T12:00:00Z"}, context))
"""


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "lightkeeper.zip"
    write_zip(path, KEEPER)
    return path


@pytest.fixture(scope="session")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "calendar.zip"
    write_zip(path, CALENDAR)
    return path


@pytest.mark.parametrize("kind", [KEEPER, CALENDAR], ids=lambda kind: kind.name)
def test_every_build_is_the_same_to_the_byte(kind: Bundle, bundle: Path, calendar: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    os.utime(ROOT / "lambda_src" / "lightkeeper" / "__init__.py")  # a fresh clone has other times

    write_zip(again, kind)

    assert again.read_bytes() == (bundle if kind == KEEPER else calendar).read_bytes()


def test_they_are_small(bundle: Path, calendar: Path) -> None:
    assert bundle.stat().st_size < _THREE_MB
    assert calendar.stat().st_size < _THREE_MB


def test_the_calendar_s_holds_both_packages_its_templates_and_its_dependencies(calendar: Path) -> None:
    with zipfile.ZipFile(calendar) as archive:
        names = archive.namelist()

    assert {name.split("/")[0] for name in names} == {
        "cronsim",
        "jinja2",
        "lightkeeper",
        "markupsafe",
        "recovery_calendar",
        "tzdata",
    }
    folder = ROOT / "lambda_src"
    ours = {path.relative_to(folder).as_posix() for path in (folder / "recovery_calendar" / "templates").iterdir()}
    assert ours <= set(names)
    native = [name for name in names if name.endswith(".so")]
    assert all("aarch64" in name for name in native), "for Lambda's processor, not this machine's"


@pytest.mark.skipif(not LIKE_LAMBDA.exists(), reason=f"there is no {LIKE_LAMBDA}; `make test-all` brings it")
def test_the_calendar_runs_from_its_zip_alone_with_no_more_than_lambda_has(
    calendar: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    tags = {"backup": "daily", "backup:at": "02:30 Europe/Zurich"}
    sandbox.seed([Seed(kind="Disk", name="shop", region="eu-central-1", tags=tags)])
    with zipfile.ZipFile(calendar) as archive:
        archive.extractall(tmp_path / "task")

    done = run_like_lambda(_RUN_CALENDAR, tmp_path / "task", sandbox.environment("eu-central-1"))

    assert done.returncode == 0, done.stderr
    assert "1 waiting for a first recovery point" in done.stdout


def test_it_holds_our_package_and_its_dependencies_and_nothing_of_this_machine(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()

    assert {name.split("/")[0] for name in names} == {
        "aws_lambda_powertools",
        "cronsim",
        "jmespath",
        "lightkeeper",
        "typing_extensions.py",
        "tzdata",
    }
    ours = {
        path.relative_to(ROOT / "lambda_src").as_posix() for path in (ROOT / "lambda_src" / "lightkeeper").rglob("*.py")
    }
    assert ours <= set(names)
    assert not [name for name in names if name.endswith((".pyc", ".so", "RECORD"))]


@pytest.mark.skipif(not LIKE_LAMBDA.exists(), reason=f"there is no {LIKE_LAMBDA}; `make test-all` brings it")
def test_it_runs_from_its_zip_alone_with_no_more_than_lambda_has(
    bundle: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    tags = {"backup": "daily", "backup:at": "02:30 Europe/Zurich"}
    sandbox.seed([Seed(kind="Disk", name="shop", region="eu-central-1", tags=tags)])
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "task")

    done = run_like_lambda(_RUN, tmp_path / "task", sandbox.environment("eu-central-1"))

    assert done.returncode == 0, done.stderr
    (summary,) = (line for line in done.stdout.splitlines() if line.startswith("SUMMARY "))
    assert json.loads(summary.removeprefix("SUMMARY "))["outcomes"] == {"done": 1}


@pytest.mark.skipif(not LIKE_LAMBDA.exists(), reason=f"there is no {LIKE_LAMBDA}; `make test-all` brings it")
def test_without_the_zip_the_same_interpreter_finds_nothing_of_ours(tmp_path: Path, sandbox: Sandbox) -> None:
    done = run_like_lambda(_RUN, tmp_path, sandbox.environment("eu-central-1"))

    assert "No module named 'lightkeeper'" in done.stderr
