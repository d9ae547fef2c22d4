"""What is deployed into each account of an organization: a small template with roles, and nothing to be built for it.

It asks for no bootstrap: it can be pasted into the console, handed to a StackSet, or deployed by `make deploy-member`.
"""

from tempfile import TemporaryDirectory
from typing import Any, Final

from aws_cdk import App, CfnCondition, CfnOutput, CfnParameter, Fn, LegacyStackSynthesizer, Stack, Tags, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from infra.member_roles import MemberRoles
from infra.props import Props
from lightkeeper.organization import Organization
from lightkeeper.version import VERSION

HUB_ACCOUNT: Final = "HubAccount"
ORGANIZATION_ID: Final = "OrganizationId"
ACCOUNT_ID: Final = "[0-9]{12}"
AN_ORGANIZATION: Final = "o-[a-z0-9]{10,32}"


class MemberStack(Stack):
    """The roles by which a deployment of another account looks after this one.

    It is not protected against deletion: the hub notices that it is no longer let in, and says so.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: Props, organization: Organization) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Lightkeeper {VERSION}: roles by which {props.settings.deployment} of another account backs "
            "up Amazon Lightsail here",
            # With the credentials of whoever deploys, and no bucket.
            synthesizer=LegacyStackSynthesizer(),
            analytics_reporting=False,
        )
        self.template_options.template_format_version = "2010-09-09"
        hub = CfnParameter(
            self,
            HUB_ACCOUNT,
            description=f"The account in which {props.settings.deployment} is deployed: 12 digits",
            allowed_pattern=ACCOUNT_ID,
            constraint_description=f"{HUB_ACCOUNT}: expected the id of an account, which has 12 digits",
        ).value_as_string
        is_required = bool(organization.units)
        organization_id = CfnParameter(
            self,
            ORGANIZATION_ID,
            default=None if is_required else "",
            description="The organization that the deployment's account belongs to, such as o-a1b2c3d4e5"
            + ("" if is_required else "; empty: it need not belong to any"),
            allowed_pattern=AN_ORGANIZATION if is_required else f"({AN_ORGANIZATION})?",
            constraint_description=f"{ORGANIZATION_ID}: expected the id of an organization, such as o-a1b2c3d4e5"
            + ("" if is_required else ", or nothing"),
        ).value_as_string
        has_organization = (
            None
            if is_required
            else CfnCondition(
                self, "HasOrganization", expression=Fn.condition_not(Fn.condition_equals(organization_id, ""))
            )
        )
        roles = MemberRoles(
            self,
            "Roles",
            props=props,
            organization=organization,
            hub=hub,
            organization_id=organization_id,
            has_organization=has_organization,
        )
        for key, value in props.own.tags.items():
            Tags.of(self).add(key, value)

        CfnOutput(self, "Version", value=VERSION, description="The release of Lightkeeper")
        CfnOutput(self, "MemberRole", value=roles.names.member, description="What a run assumes")
        CfnOutput(self, "ViewerRole", value=roles.names.viewer, description="What the recovery calendar assumes")
        CfnOutput(self, "OperatorRole", value=roles.names.operator, description="What people assume with --account")


def member_stack_name(deployment: str) -> str:
    """Return the name of the stack in each account."""
    return f"{deployment}-member"


def member_template(props: Props, organization: Organization) -> dict[str, Any]:
    """Return the stack's template, as parsed JSON."""
    name = member_stack_name(props.settings.deployment)
    # Apart from what the CDK's command line is just having made.
    with TemporaryDirectory() as folder:
        app = App(outdir=folder)
        MemberStack(app, name, props=props, organization=organization)
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        template: dict[str, Any] = app.synth().get_stack_by_name(name).template
    return template
