"""Two releases of Python matter, and each has one place: the oldest that works, and what the functions run on."""

import re
import subprocess
import tomllib

from infra.bundling import ROOT, RUNTIME

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OLDEST = PYPROJECT["project"]["requires-python"].removeprefix(">=")
LAMBDA = RUNTIME.name.removeprefix("python")


def minor(version: str) -> int:
    return int(version.removeprefix("3."))


SUPPORTED = [f"3.{number}" for number in range(minor(OLDEST), minor(LAMBDA) + 1)]


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_each_push_is_checked_with_every_release_from_the_oldest_to_lambda_s() -> None:
    (matrix,) = re.findall(r"python: \[(.*)\]", read(".github/workflows/check.yml"))

    assert re.findall(r'"(.*?)"', matrix) == SUPPORTED


def test_the_package_says_what_is_checked() -> None:
    named = re.findall(r"Programming Language :: Python :: (3\.\d+)", "\n".join(PYPROJECT["project"]["classifiers"]))

    assert named == SUPPORTED


def test_the_night_runs_on_lambda_s() -> None:
    assert set(re.findall(r'python-version: "(.*)"', read(".github/workflows/nightly.yml"))) == {LAMBDA}


def test_types_are_checked_for_the_oldest_and_rules_are_too() -> None:
    assert PYPROJECT["tool"]["mypy"]["python_version"] == OLDEST
    assert "target-version" not in PYPROJECT["tool"]["ruff"], "ruff reads requires-python by itself"


def test_make_takes_the_oldest_from_pyproject() -> None:
    make = ["make", "--dry-run", "--always-make", "lock", ".venv/ready"]

    shown = subprocess.run(make, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own words

    assert set(re.findall(r"--python-version (\S+)", shown)) == {OLDEST}
    assert f"Lightkeeper needs Python {OLDEST} or newer" in shown
    assert not re.search(r"\b3\.\d\d\b", read("Makefile"))


def test_the_readme_names_the_oldest() -> None:
    assert set(re.findall(r"Python (3\.\d+) or newer", read("README.md"))) == {OLDEST}


def test_no_test_runs_a_function_on_another_release() -> None:
    named = {
        (path.name, version)
        for path in (ROOT / "tests").rglob("*.py")
        for version in re.findall(r'"python(3\.\d+)"', path.read_text(encoding="utf-8"))
    }

    assert {version for _, version in named} == {LAMBDA}, named
