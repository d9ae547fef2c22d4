"""The function's zip: small, the same on every build, and complete."""

import ast
import importlib.metadata
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_

from infra.bundling import CALENDAR, KEEPER, ROOT, RUNTIME, Bundle, function_code, write_zip
from lightsail_sandbox.client import Sandbox, Seed
from tests.support.interpreter import LIKE_LAMBDA, run_like_lambda

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]
_LIMIT = 4_000_000
"""Lambda takes 50 MB."""
_RUN = """
import json
from types import SimpleNamespace
from lightkeeper.handler import handle

context = SimpleNamespace(
    aws_request_id="r-1",
    invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:keeper",
    get_remaining_time_in_millis=lambda: 900_000,
)
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


def test_each_function_is_deployed_with_its_own(bundle: Path, calendar: Path, tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    stack = Stack(app, "Stack")
    for kind in (KEEPER, CALENDAR):
        lambda_.Function(stack, kind.name, runtime=RUNTIME, handler="any", code=function_code(kind))

    app.synth()

    deployed = [path.read_bytes() for path in tmp_path.glob("asset.*")]
    assert sorted(deployed) == sorted([bundle.read_bytes(), calendar.read_bytes()])


def test_they_are_small(bundle: Path, calendar: Path) -> None:
    assert bundle.stat().st_size < _LIMIT
    assert calendar.stat().st_size < _LIMIT


def test_no_compressor_has_a_say_in_their_bytes(bundle: Path, calendar: Path) -> None:
    for path in (bundle, calendar):
        with zipfile.ZipFile(path) as archive:
            assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize("kind", [KEEPER, CALENDAR], ids=lambda kind: kind.name)
def test_every_package_is_there_with_its_release_and_its_licence_and_nothing_of_its_installation(
    kind: Bundle, bundle: Path, calendar: Path, tmp_path: Path
) -> None:
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", kind.lock.read_text(encoding="utf-8"), re.MULTILINE))
    with zipfile.ZipFile(bundle if kind == KEEPER else calendar) as archive:
        archive.extractall(tmp_path)

    found = list(importlib.metadata.distributions(path=[str(tmp_path)]))

    assert {each.name.lower().replace("_", "-"): each.version for each in found} == locked
    for folder in tmp_path.glob("*.dist-info"):
        names = {path.name for path in folder.rglob("*") if path.is_file()}
        assert any(name.startswith("LICEN") for name in names), folder.name
        assert not names & {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "WHEEL"}, folder.name


def test_the_calendar_s_holds_both_packages_its_templates_and_its_dependencies(calendar: Path) -> None:
    with zipfile.ZipFile(calendar) as archive:
        names = archive.namelist()

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
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

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
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


def test_what_ships_of_powertools_imports_nothing_that_does_not(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        names = frozenset(archive.namelist())
        wanted = {
            module
            for name in names
            if name.startswith("aws_lambda_powertools/") and name.endswith(".py")
            for module in _imports(archive.read(name))
        }

    missing = {name for name in wanted if not {f"{name}.py", f"{name}/__init__.py"} & names}
    assert missing == {"aws_lambda_powertools/event_handler/openapi/compat"}, "only for models of Pydantic, to log them"


def _imports(source: bytes) -> Iterator[str]:
    """Yield each module of Powertools that some code imports, at once or later, as a path."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aws_lambda_powertools."):
            yield str(node.module).replace(".", "/")


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
