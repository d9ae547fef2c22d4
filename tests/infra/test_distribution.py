"""The folder that `make dist` writes: the same on every build, and what it says of itself is so."""

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra.bundling import KEEPER
from infra.distribution import write_distribution
from infra.props import Props
from infra.sbom import SbomError, sbom
from lightkeeper.version import VERSION
from tests.support.local_aws import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]
DOCUMENT = (ROOT / "docs" / "without-a-checkout.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_distribution(tmp_path_factory.mktemp("dist"), Props.from_document({}), {})


@pytest.fixture(scope="module")
def bill(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "sbom.json").read_text(encoding="utf-8"))
    return found


def test_it_is_named_after_the_release_and_holds_what_the_document_says(folder: Path) -> None:
    shown = re.search(r"```\n(dist/.*?)```", DOCUMENT, re.DOTALL)
    assert shown
    first, *files = shown[1].splitlines()

    assert folder.name == f"lightkeeper-{VERSION}"
    assert first == f"dist/{folder.name}/"
    assert {line.split()[0] for line in files} == {path.name for path in folder.iterdir()}


def test_every_build_is_the_same_to_the_byte(folder: Path, tmp_path: Path) -> None:
    again = write_distribution(tmp_path, Props.from_document({}), {})
    once_more = write_distribution(tmp_path, Props.from_document({}), {})

    assert again == once_more
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="there is no sha256sum")
def test_its_digests_can_be_checked_as_its_readme_says(folder: Path) -> None:
    assert "sha256sum --check SHA256SUMS" in (folder / "README.txt").read_text(encoding="utf-8")
    command = ["/bin/sh", "-c", "sha256sum --check SHA256SUMS"]

    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)  # noqa: S603 - our own words

    assert done.returncode == 0
    assert done.stdout.count(": OK") == len([*folder.iterdir()]) - 1


def test_the_bill_names_every_package_in_the_zips_with_its_release_and_licence(
    folder: Path, bill: dict[str, Any]
) -> None:
    by_zip = {each["ref"]: set(each["dependsOn"]) for each in bill["dependencies"]}
    for name in ("lightkeeper.zip", "recovery-calendar.zip"):
        with zipfile.ZipFile(folder / name) as archive:
            packages = {each.partition(".dist-info/")[0] for each in archive.namelist() if ".dist-info/" in each}
        assert by_zip[name] == {
            f"pkg:pypi/{package.replace('_', '-')}".replace("-" + package.rsplit("-", 1)[1], "")
            + f"@{package.rsplit('-', 1)[1]}"
            for package in packages
        }
    libraries = [each for each in bill["components"] if each["type"] == "library"]
    assert {each["name"] for each in libraries} >= {"aws-lambda-powertools", "cronsim", "jinja2", "tzdata"}
    for each in libraries:
        assert each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}"
        assert all(licence.get("expression") or licence["license"]["name"] for licence in each["licenses"])
        assert "see the package" not in json.dumps(each["licenses"])
        (from_where,) = each["externalReferences"]
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest["content"]) for digest in from_where["hashes"])
        assert from_where["hashes"]


def test_the_bill_names_the_zips_by_their_digests(folder: Path, bill: dict[str, Any]) -> None:
    for each in bill["components"]:
        if each["type"] == "file":
            digest = hashlib.sha256((folder / each["name"]).read_bytes()).hexdigest()
            assert each["hashes"] == [{"alg": "SHA-256", "content": digest}]


def test_what_a_reference_of_the_bill_names_is_there_once(bill: dict[str, Any]) -> None:
    refs = [each["bom-ref"] for each in bill["components"]]

    assert len(refs) == len(set(refs))
    assert {ref for each in bill["dependencies"] for ref in each["dependsOn"]} == set(refs)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])


def test_a_zip_that_is_not_of_its_lock_gets_no_bill(folder: Path, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(KEEPER.lock.read_text(encoding="utf-8").replace("cronsim==2.8", "cronsim==2.9"), encoding="utf-8")

    with pytest.raises(SbomError, match=r"lightkeeper.zip: cronsim 2\.[89] is in the zip or in requirements.txt"):
        sbom("lightkeeper", VERSION, {folder / "lightkeeper.zip": lock})


def test_the_template_is_small_enough_to_be_sent_as_text(folder: Path) -> None:
    assert (folder / "template.json").stat().st_size < 51_200


def test_the_document_names_this_release() -> None:
    assert set(re.findall(r"lightkeeper-([0-9]+\.[0-9]+\.[0-9]+)", DOCUMENT)) == {VERSION}


@pytest.mark.parametrize("text", re.findall(r"(?<=Settings=)\{.*?\}(?=')", DOCUMENT))
def test_the_settings_of_the_document_are_understood(text: str) -> None:
    assert Props.from_document(json.loads(text)).stack_name == "Lightkeeper"
