"""The package: what its wheel holds, what a stranger's empty environment gets with it, and what the command loads."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Final

import pytest

from lightkeeper.version import VERSION
from tests.support.keeper import Keeper

pytestmark = pytest.mark.xdist_group("package")
ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
UV: Final = ROOT / ".uv" / "bin" / "uv"
EXTRAS: Final = {"demo": {"aws_lambda_powertools", "lightsail_sandbox", "moto"}, "plot": {"matplotlib"}}
AWS: Final = {"boto3", "botocore"}
LOADING: Final = """
import sys
from lightkeeper_cli.main import main
try:
    main()
finally:
    sys.stderr.write(" ".join({name.partition(".")[0] for name in sys.modules}))
"""


def loaded(*arguments: str) -> set[str]:
    """Return the libraries that a process has loaded when the command ends in it."""
    command = [sys.executable, "-c", LOADING, *arguments]
    ended = subprocess.run(command, input="2026-01-01\n", capture_output=True, check=True, text=True)  # noqa: S603 - ourselves
    return set(ended.stderr.splitlines()[-1].split())


def requirements(group: str) -> set[str]:
    return set(PROJECT["dependency-groups"][group])


# What is loaded


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("status", "--help")])
def test_the_command_starts_without_aws_without_tables_and_without_any_extra(arguments: tuple[str, ...]) -> None:
    assert not loaded(*arguments) & {*AWS, "rich", "jinja2", *EXTRAS["demo"], *EXTRAS["plot"]}


@pytest.mark.parametrize("arguments", [("keep", "7"), ("simulate", "--days", "1")])
def test_what_needs_no_aws_loads_none(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert not loaded(*arguments) & {*AWS, "jinja2", *EXTRAS["demo"], *EXTRAS["plot"]}


@pytest.mark.parametrize("verb", ["plan", "run", "status"])
def test_what_talks_to_aws_loads_no_extra(
    keeper: Keeper, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.disk("shop", {})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdk.json").write_text('{"lightkeeper": {}}')

    libraries = loaded(verb, "--json")

    assert libraries >= AWS
    assert not libraries & {"jinja2", *EXTRAS["demo"], *EXTRAS["plot"]}


# What is declared


def test_what_ships_to_lambda_is_asked_for_in_the_same_words_as_by_who_installs_the_package() -> None:
    extras: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
    installed = {*PROJECT["project"]["dependencies"], *(each for extra in extras.values() for each in extra)}

    assert requirements("lambda") | requirements("calendar") <= installed


# What is built and installed


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built without fetching anything."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own command
    (path,) = folder.iterdir()
    return path


def install(wheel: Path, folder: Path, extras: str = "") -> Path:
    """Install the wheel into a new environment from the index that this machine is set up with; return its commands."""
    if not UV.exists():
        pytest.skip(f"{UV} is not there; `make setup` brings it")
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)  # noqa: S603 - our own command
    into: list[str | Path] = [
        UV,
        "pip",
        "install",
        "--python",
        folder / "bin" / "python",
        "--constraint",
        ROOT / "requirements.txt",
    ]
    ended = subprocess.run([*into, f"{wheel}{extras}"], check=False, capture_output=True, text=True)  # noqa: S603 - as above
    if ended.returncode:
        asked = subprocess.run([*into, "--dry-run", "typer"], check=False, capture_output=True, text=True)  # noqa: S603 - as above
        if asked.returncode:
            pytest.skip(f"no index of packages answers: {asked.stderr.strip().splitlines()[-1]}")
    assert ended.returncode == 0, ended.stderr
    return folder / "bin"


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment with nothing but the wheel and what it asks for."""
    return install(wheel, tmp_path_factory.mktemp("bare"))


def typed(commands: Path, folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder, with nothing of this project in its way."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(  # noqa: S603 - our own command
        [commands / "lightkeeper", *arguments],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.mark.slow
def test_the_wheel_holds_our_packages_and_nothing_else_at_the_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    folders = {name.partition("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {
        "lightkeeper",
        "recovery_calendar",
        "lightkeeper_cli",
        "lightsail_sandbox",
    }
    assert all("/" in name for name in names)
    assert not any("__pycache__" in name or name.endswith(".txt") for name in names if ".dist-info/" not in name)


@pytest.mark.slow
def test_the_command_says_what_it_does_and_which_version_it_is(commands: Path, tmp_path: Path) -> None:
    shown, version = typed(commands, tmp_path, "--help"), typed(commands, tmp_path, "--version")

    assert (shown.returncode, version.returncode) == (0, 0)
    for verb in ("plan", "run", "take", "status", "keep", "simulate", "demo"):
        assert f"\n  {verb} " in shown.stdout
    assert version.stdout == f"lightkeeper {VERSION}\n"


def test_the_version_stands_in_one_place_from_which_the_package_takes_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        said = archive.read(metadata).decode().splitlines()

    assert "version" not in PROJECT["project"]
    assert f"Version: {VERSION}" in said


@pytest.mark.slow
def test_the_installed_command_judges_times_and_simulates(commands: Path, tmp_path: Path) -> None:
    kept = typed(commands, tmp_path, "keep", "1", stdin="2026-01-01\n2026-01-02\n")
    simulated = typed(commands, tmp_path, "simulate", "--days", "3")

    assert kept.stdout.splitlines() == ["keep 2026-01-02 last snapshot", "remove 2026-01-01"]
    assert "Snapshots held at the end" in simulated.stdout


@pytest.mark.slow
def test_the_installed_command_plans_runs_and_draws_the_calendar(
    commands: Path, tmp_path: Path, keeper: Keeper
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    (tmp_path / "cdk.json").write_text('{"lightkeeper": {}}')
    there = ("--endpoint-url", keeper.sandbox.url, "--at", "2026-06-15T12:00:00Z")

    planned = typed(commands, tmp_path, "plan", *there, "--json")
    assert keeper.snapshots() == {}
    ran = typed(commands, tmp_path, "run", *there)
    drawn = typed(commands, tmp_path, "status", *there, "--html", "calendar.html")

    assert [action["action"] for action in json.loads(planned.stdout)["actions"]] == ["create"]
    assert (ran.returncode, len(keeper.snapshots())) == (0, 1)
    assert drawn.returncode == 0, drawn.stderr
    assert "shop" in (tmp_path / "calendar.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "extra"), [(("demo",), "demo"), (("simulate", "--days", "3", "--plot", "plot.png"), "plot")]
)
def test_without_its_extra_a_verb_says_what_to_install(
    commands: Path, tmp_path: Path, arguments: tuple[str, ...], extra: str
) -> None:
    ended = typed(commands, tmp_path, *arguments)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.endswith(
        f'expected Lightkeeper with its extra "{extra}": in the folder of its sources, pip install ".[{extra}]"\n'
    )


@pytest.mark.slow
def test_with_its_extras_it_draws_and_has_a_local_lightsail(wheel: Path, tmp_path: Path) -> None:
    commands = install(wheel, tmp_path / "full", "[demo,plot]")

    plotted = typed(commands, tmp_path, "simulate", "--days", "3", "--plot", "plot.png")
    code = "import lightkeeper_cli.demonstration, lightsail_sandbox.__main__"
    demo = subprocess.run([commands / "python", "-c", code], cwd=tmp_path, check=False)  # noqa: S603 - our own command

    assert plotted.returncode == 0, plotted.stderr
    assert (tmp_path / "plot.png").stat().st_size > 0
    assert demo.returncode == 0
