"""What `cdk` runs: reads the settings, says what is wrong with them, or synthesizes the stack. No call to AWS or git.

The settings are in the file that the context names (`cdk deploy --context config=FILE`), else in cdk.json. With
`--context part=members` or `part=member` it is not the deployment, but what lets it into other accounts.
"""

import sys
from pathlib import Path
from typing import assert_never

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.config_file import ConfigFileError, read_config_file
from infra.member_stack import MemberStack, member_stack_name
from infra.members_stack import MembersStack, members_stack_name
from infra.parts import Part, organization_of, read_part
from infra.props import Props
from infra.stack import LightkeeperStack
from lightkeeper.errors import InvalidValueError

_CDK_JSON = Path(__file__).parent / "cdk.json"


def main() -> None:
    """Synthesize, or end with a sentence for each thing that is wrong."""
    app = App()
    try:
        props = read_config_file(app.node.try_get_context("config"), Props.from_document, cdk_json=_CDK_JSON)
        _make(app, read_part(app.node.try_get_context("part")), props)
    except (ConfigFileError, InvalidValueError) as error:
        sys.exit(str(error))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


def _make(app: App, part: Part | None, props: Props) -> None:
    deployment, given = props.settings.deployment, props.own.organization
    match part:
        case None:
            LightkeeperStack(app, props.stack_name, props=props)
        case Part.MEMBERS:
            MembersStack(app, members_stack_name(deployment), props=props, organization=organization_of(part, given))
        case Part.MEMBER:
            MemberStack(app, member_stack_name(deployment), props=props, organization=organization_of(part, given))
        case _:
            assert_never(part)


if __name__ == "__main__":
    main()
