"""The dependencies of a zip are installed once, and never taken from a cache that is not what was installed."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra import bundling
from infra.bundling import Bundle, write_zip

_GOOD = "RIGHT = True\n"


@dataclass
class Workshop:
    """Builds a zip from a lock of its own, by an installation that needs no network."""

    folder: Path
    installations: int = 0
    lock: Path = field(init=False)

    def __post_init__(self) -> None:
        self.lock = self.folder / "requirements.txt"
        self.lock.write_text("package==1.0\n")

    def build(self) -> str:
        """Return what a new zip holds of the package."""
        write_zip(self.folder / "new.zip", Bundle("new.zip", self.lock, ()))
        with zipfile.ZipFile(self.folder / "new.zip") as archive:
            return archive.read("package/__init__.py").decode()

    @property
    def installed(self) -> Path:
        """The package in the cache."""
        (found,) = self.folder.glob("cache/*/installed/package")
        return found

    def install(self, _lock: Path, folder: Path) -> None:
        """Stand in for uv."""
        self.installations += 1
        (folder / "package").mkdir(parents=True)
        (folder / "package" / "__init__.py").write_text(_GOOD)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    workshop = Workshop(tmp_path)
    monkeypatch.setattr(bundling, "_CACHE", tmp_path / "cache")
    monkeypatch.setattr(bundling, "_install", workshop.install)
    return workshop


def test_the_second_build_installs_nothing(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    assert [workshop.build(), workshop.build()] == [_GOOD, _GOOD]
    assert workshop.installations == 1
    assert capsys.readouterr().err == ""


def test_another_lock_is_another_installation(workshop: Workshop) -> None:
    workshop.build()
    workshop.lock.write_text("package==1.1\n")

    workshop.build()

    assert workshop.installations == 2


def _edited(package: Path) -> None:
    (package / "__init__.py").write_text("RIGHT = False\n")


def _cut_short(package: Path) -> None:
    (package / "__init__.py").write_text("")


def _half_gone(package: Path) -> None:
    (package / "__init__.py").unlink()


def _added_to(package: Path) -> None:
    (package / "more.py").write_text("")


def _unaccounted_for(package: Path) -> None:
    (package.parents[1] / "SHA256SUMS").unlink()


@pytest.mark.parametrize("harm", [_edited, _cut_short, _half_gone, _added_to, _unaccounted_for])
def test_a_cache_that_is_not_what_was_installed_is_noticed_and_made_again(
    workshop: Workshop, harm: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.build()
    harm(workshop.installed)

    assert workshop.build() == _GOOD

    assert workshop.installations == 2
    assert "is not what was installed there; the dependencies are installed again" in capsys.readouterr().err
    with zipfile.ZipFile(workshop.folder / "new.zip") as archive:
        assert archive.namelist() == ["package/__init__.py"]
    left = sorted(path.name for path in workshop.folder.glob("cache/*/*"))
    assert left == ["SHA256SUMS", "installed"], "nothing of the old entry stays"
