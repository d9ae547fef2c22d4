"""What is deployed without a checkout: the zips, a plain template, what is in them, and how to check and deploy it all.

As a command: ``python -m infra.distribution [FILE]``, with the settings that the template is written for.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra.bundling import CALENDAR, KEEPER, ROOT, write_zip
from infra.config_file import ConfigFileError, read_config_file
from infra.plain_template import plain_template
from infra.props import Props
from infra.sbom import sbom
from lightkeeper.settings import settings_object
from lightkeeper.version import VERSION

DIST: Final = ROOT / "dist"
TEMPLATE: Final = "template.json"
_README: Final = """\
Lightkeeper {version}: tag-driven backups for Amazon Lightsail

To be deployed with CloudFormation alone: no checkout, no Node, no bootstrap.

1. Check what you have got:   sha256sum --check SHA256SUMS
2. Put this folder into a bucket of the Region where the stack shall be:
   aws s3 cp --recursive . s3://BUCKET/lightkeeper-{version}/
3. Create the stack, named Lightkeeper, from template.json, with the parameters
     CodeBucket   BUCKET
     CodePrefix   empty, or what stands before "lightkeeper-{version}/", with "/" at its end
     Settings     JSON, such as {{"notify": ["ops@example.com"]}}
   and with the capability CAPABILITY_IAM. Wrong settings fail the stack, and its events say what was expected.

lightkeeper.zip         what takes and deletes snapshots, and what checks the settings
recovery-calendar.zip   what draws the dashboard's calendar
template.json           the stack
sbom.json               which packages are in the zips, with releases and licences (CycloneDX)

The whole story, with Terraform and StackSets: docs/without-a-checkout.md of this release.
"""


def write_distribution(parent: Path, props: Props, given: Mapping[str, object]) -> Path:
    """Write the folder of this release, in place of an earlier one; return it. The same settings give the same bytes.

    Parameters
    ----------
    parent
        The folder in which it is written.
    props
        What the template is written for.
    given
        The same, as they stand in a file.

    Raises
    ------
    BundlingError
        If the dependencies cannot be installed.
    PlainTemplateError, SbomError
        If the code and what it is made of do not fit together.
    """
    parent.mkdir(parents=True, exist_ok=True)
    name = f"lightkeeper-{VERSION}"
    with tempfile.TemporaryDirectory(dir=parent) as making:
        fresh = Path(making) / name
        fresh.mkdir()
        bundles = {fresh / bundle.name: bundle for bundle in (KEEPER, CALENDAR)}
        for path, bundle in bundles.items():
            write_zip(path, bundle)
        locks = {path: bundle.lock for path, bundle in bundles.items()}
        (fresh / "sbom.json").write_text(_as_text(sbom("lightkeeper", VERSION, locks)), encoding="utf-8")
        template = plain_template(props, VERSION, given)
        (fresh / TEMPLATE).write_text(template_text(template), encoding="utf-8")
        (fresh / "README.txt").write_text(_README.format(version=VERSION), encoding="utf-8")
        sums = "".join(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(fresh.iterdir())
        )
        (fresh / "SHA256SUMS").write_text(sums, encoding="utf-8")
        shutil.rmtree(parent / name, ignore_errors=True)
        return fresh.rename(parent / name)


def template_text(template: Mapping[str, Any]) -> str:
    """Return the template, a line for each thing in it: CloudFormation takes 51,200 bytes where it is sent as text."""
    parts = []
    for key, part in template.items():
        if isinstance(part, dict):
            lines = ",\n".join(f"  {json.dumps(name)}: {_compact(each)}" for name, each in part.items())
            parts.append(f" {json.dumps(key)}: {{\n{lines}\n }}")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(part)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _compact(part: object) -> str:
    return json.dumps(part, separators=(",", ":"))


def _as_text(document: object) -> str:
    return json.dumps(document, indent=1) + "\n"


def _read(document: object) -> tuple[Props, dict[str, object]]:
    return Props.from_document(document), dict(settings_object(document))


def main(config: str = "") -> None:
    """Write the folder, or end with what is wrong with the settings."""
    try:
        props, given = read_config_file(config, _read)
    except ConfigFileError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{write_distribution(DIST, props, given).relative_to(ROOT)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
