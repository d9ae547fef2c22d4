"""What is in the zips: a software bill of materials in CycloneDX's JSON, made of the zips and their locks."""

import email
import hashlib
import re
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from pathlib import Path
from typing import Any, Final

_METADATA: Final = re.compile(r"[^/]+\.dist-info/METADATA")
_PINNED: Final = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?P<hashes>(?:\s+\\\n\s+--hash=\S+)*)", re.MULTILINE
)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_LICENSE: Final = "License :: OSI Approved :: "
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "lightkeeper")


class SbomError(Exception):
    """A zip holds a package that its lock does not know, or lacks one."""


def sbom(name: str, version: str, zips: Mapping[Path, Path]) -> dict[str, Any]:
    """Return the document: the same for the same zips.

    Parameters
    ----------
    name, version
        What the zips are of.
    zips
        The lock of each.

    Raises
    ------
    SbomError
        If a zip and its lock do not name the same packages and releases.
    """
    components: dict[str, dict[str, Any]] = {}
    dependencies = []
    for path, lock in zips.items():
        packages = {component["bom-ref"]: component for component in _packages(path, lock)}
        components |= packages
        components[path.name] = {
            "type": "file",
            "bom-ref": path.name,
            "name": path.name,
            "version": version,
            "hashes": _hashes([hashlib.sha256(path.read_bytes()).hexdigest()]),
        }
        dependencies.append({"ref": path.name, "dependsOn": sorted(packages)})
    whole = f"{name}@{version}"
    digests = [components[path.name]["hashes"][0]["content"] for path in zips]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # No time and no chance: whoever builds the same release gets the same document.
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, ' '.join(digests))}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": whole, "name": name, "version": version}},
        "components": [components[ref] for ref in sorted(components)],
        "dependencies": [{"ref": whole, "dependsOn": sorted(path.name for path in zips)}, *dependencies],
    }


def _packages(path: Path, lock: Path) -> Iterator[dict[str, Any]]:
    pinned = {
        (_normal(found["name"]), found["version"]): _HASH.findall(found["hashes"])
        for found in _PINNED.finditer(lock.read_text(encoding="utf-8"))
    }
    with zipfile.ZipFile(path) as archive:
        found = [
            email.message_from_bytes(archive.read(name)) for name in archive.namelist() if _METADATA.fullmatch(name)
        ]
    shipped = {(_normal(each["Name"]), each["Version"]): each for each in found}
    if different := sorted(set(shipped) ^ set(pinned)):
        name, version = different[0]
        raise SbomError(f"{path.name}: {name} {version} is in the zip or in {lock.name}; expected it in both")
    for (name, version), metadata in shipped.items():
        purl = f"pkg:pypi/{name}@{version}"
        yield {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "purl": purl,
            "description": metadata["Summary"],
            "licenses": _licences(metadata),
            "externalReferences": [
                {
                    "type": "distribution",
                    "url": purl,
                    "comment": "What is in the zip was unpacked from one of these files; the lock allows no other.",
                    "hashes": _hashes(pinned[name, version]),
                }
            ],
        }


def _licences(metadata: Message) -> list[dict[str, Any]]:
    """Return the licences as the package names them: an expression, or names."""
    if metadata["License-Expression"]:
        return [{"expression": metadata["License-Expression"]}]
    classifiers = metadata.get_all("Classifier", [])
    names = [each.removeprefix(_LICENSE) for each in classifiers if each.startswith(_LICENSE)]
    return [{"license": {"name": each}} for each in names or [metadata["License"] or "see the package's own metadata"]]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _hashes(digests: Sequence[str]) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest} for digest in digests]
