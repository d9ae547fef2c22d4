"""Writes the template of the roles of one account, to be pasted or handed to whoever runs that account.

As a command: ``python -m infra.member_template [FILE]``, with the settings that the roles are for.
"""

import sys

from infra.bundling import ROOT
from infra.config_file import ConfigFileError, read_config_file
from infra.distribution import DIST, template_text
from infra.member_stack import member_stack_name, member_template
from infra.parts import Part, organization_of
from infra.props import Props
from lightkeeper.errors import InvalidValueError


def main(config: str = "") -> None:
    """Write the template and print its path, or end with what is wrong with the settings."""
    try:
        props = read_config_file(config, Props.from_document)
        organization = organization_of(Part.MEMBER, props.own.organization)
    except (ConfigFileError, InvalidValueError) as error:
        sys.exit(str(error))
    DIST.mkdir(exist_ok=True)
    path = DIST / f"{member_stack_name(props.settings.deployment)}.json"
    path.write_text(template_text(member_template(props, organization)), encoding="utf-8")
    sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
