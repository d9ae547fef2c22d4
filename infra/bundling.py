"""The functions' zips, made without Docker and the same to the byte on every build."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jsii
from aws_cdk import AssetHashType, BundlingOptions, BundlingOutput, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

ROOT: Final = Path(__file__).parent.parent
ARCHITECTURE: Final = lambda_.Architecture.ARM_64
RUNTIME: Final = lambda_.Runtime.PYTHON_3_14
"""What the functions run on, and so what their zips are made for."""
_PLATFORM: Final = "aarch64-manylinux2014"
_PYTHON: Final = RUNTIME.name.removeprefix("python")
_CACHE: Final = ROOT / ".bundle"
_INSTALLED: Final = "installed"
_DIGESTS: Final = "SHA256SUMS"
# What compiles differently each time, what only a type checker reads, and what nobody imports in Lambda.
_LEFT_OUT_ENDINGS: Final = ("__pycache__", ".c", ".pyc", ".pyi", "py.typed", ".lock")
_LEFT_OUT: Final = frozenset(
    {
        "bin",
        "aws_lambda_powertools/event_handler",
        "aws_lambda_powertools/metrics/provider/datadog",
        "aws_lambda_powertools/middleware_factory",
    }
)
# Of these folders only what the logger and the metrics import; a test imports each module from the zip.
_ONLY: Final = {"aws_lambda_powertools/utilities": frozenset({"__init__.py", "jmespath_utils", "typing"})}
# Of a package's metadata, its name, its release and its licences: whoever scans a zip for what has become unsafe finds
# them there. The rest says how it came onto this machine.
_METADATA: Final = ("METADATA", "LICEN", "COPYING", "NOTICE", "AUTHORS", "licenses")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o100644


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes into a function's zip."""

    name: str
    lock: Path
    """Its locked dependencies."""
    packages: tuple[Path, ...]
    """Ours: those that it needs, and its own at the end."""


_SOURCE: Final = ROOT / "lambda_src"
_CORE: Final = _SOURCE / "lightkeeper"
KEEPER: Final = Bundle("lightkeeper.zip", _SOURCE / "requirements.txt", (_CORE,))
CALENDAR: Final = Bundle(
    "recovery-calendar.zip", _SOURCE / "requirements-calendar.txt", (_CORE, _SOURCE / "recovery_calendar")
)


class BundlingError(Exception):
    """A function's zip cannot be made."""


def function_code(bundle: Bundle) -> lambda_.Code:
    """Return a function's code as an asset whose hash is that of the zip."""
    return lambda_.Code.from_asset(
        # The CDK makes an asset once for each source and its options, and does not tell one local bundling from
        # another: with the same source, all functions would get the first one's zip.
        str(bundle.packages[-1]),
        asset_hash_type=AssetHashType.OUTPUT,
        bundling=BundlingOptions(
            image=DockerImage.from_registry("never-used"),
            local=_LocalBundling(bundle),
            output_type=BundlingOutput.ARCHIVED,
        ),
    )


def write_zip(path: Path, bundle: Bundle) -> None:
    """Write a function's zip: our packages and its locked dependencies for the target platform.

    Raises
    ------
    BundlingError
        If the dependencies cannot be installed.
    """
    files = _files(_dependencies(bundle.lock))
    for package in bundle.packages:
        files |= {f"{package.name}/{name}": file for name, file in _files(package).items()}
    # Not compressed: what a compressor writes depends on its release, and another zip is another deployment. Lambda
    # takes up to 50 MB.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _READABLE << 16
            entry.create_system = 3  # Unix, on whatever machine
            archive.writestr(entry, files[name].read_bytes(), zipfile.ZIP_STORED)


@jsii.implements(ILocalBundling)
class _LocalBundling:
    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        """Write the zip, so that the CDK never asks for Docker."""
        write_zip(Path(output_dir) / self._bundle.name, self._bundle)
        return True


def _files(root: Path) -> dict[str, Path]:
    return {path.relative_to(root).as_posix(): path for path in _walk(root, root)}


def _walk(folder: Path, root: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if not _ships(path, root):
            continue
        if path.is_dir():
            yield from _walk(path, root)
        else:
            yield path


def _ships(path: Path, root: Path) -> bool:
    if path.parent.name.endswith(".dist-info"):
        return path.name.startswith(_METADATA)
    if path.name.endswith(_LEFT_OUT_ENDINGS) or path.relative_to(root).as_posix() in _LEFT_OUT:
        return False
    only = _ONLY.get(path.parent.relative_to(root).as_posix())
    return only is None or path.name in only


def _dependencies(lock: Path) -> Path:
    """Return a folder with the locked dependencies. Installed once for each lock: later builds need no network.

    What lies there is compared with the digests that were noted when it was installed. Where it is not the same any
    more, damaged or changed by hand, it is installed again.
    """
    digest = hashlib.sha256(json.dumps([_PLATFORM, _PYTHON, lock.read_text(encoding="utf-8")]).encode()).hexdigest()
    entry = _CACHE / digest[:16]
    if not _is_whole(entry):
        _CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as making:
            fresh = Path(making) / "fresh"
            _install(lock, fresh / _INSTALLED)
            (fresh / _DIGESTS).write_text(_digests(fresh / _INSTALLED), encoding="utf-8")
            _put(fresh, entry, away=Path(making) / "old")
    return entry / _INSTALLED


def _put(fresh: Path, entry: Path, *, away: Path) -> None:
    """Put a fresh entry into the cache, unless another build was faster."""
    if _is_whole(entry):
        return
    if entry.exists():
        sys.stderr.write(f"{entry} is not what was installed there; the dependencies are installed again.\n")
        entry.rename(away)
    fresh.rename(entry)


def _is_whole(entry: Path) -> bool:
    noted = entry / _DIGESTS
    return noted.is_file() and noted.read_text(encoding="utf-8") == _digests(entry / _INSTALLED)


def _digests(folder: Path) -> str:
    """Return the digest of each file, as `sha256sum` writes and checks them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}" for path in files
    )
    return "".join(f"{line}\n" for line in lines)


def _install(lock: Path, folder: Path) -> None:
    uv = ROOT / ".uv" / "bin" / "uv"
    found = str(uv) if uv.exists() else shutil.which("uv")
    if found is None:
        raise BundlingError("uv is not there to install the function's dependencies; run make first, it brings uv.")
    command = [found, "pip", "install", "--quiet", "--target", str(folder), "--require-hashes", "--requirement"]
    command += [str(lock), "--only-binary", ":all:", "--python-platform", _PLATFORM, "--python-version", _PYTHON]
    command += ["--link-mode", "copy"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=dict(os.environ))  # noqa: S603 - no shell, every argument is ours
    if done.returncode:
        raise BundlingError(f"The function's dependencies cannot be installed: {done.stderr.strip()}")
