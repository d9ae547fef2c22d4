"""The stack that puts the member roles into all accounts of units, and into each that joins them: a StackSet.

It stands in the organization's management account, or in one that may act for it.
"""

import json
from typing import Final

from aws_cdk import Aws, CfnParameter, CfnStackSet, CfnTag, LegacyStackSynthesizer, Stack
from constructs import Construct

from infra.member_stack import ACCOUNT_ID, AN_ORGANIZATION, HUB_ACCOUNT, ORGANIZATION_ID, member_template
from infra.props import Props
from lightkeeper.organization import Organization
from lightkeeper.version import VERSION

CALL_AS: Final = "CallAs"
AS_ITSELF: Final = "SELF"
AS_DELEGATE: Final = "DELEGATED_ADMIN"
# Which account has taken them, the hub says with each run: one that has not must not stop the others, nor take the
# roles away from them again.
_TOLERATED: Final = CfnStackSet.OperationPreferencesProperty(
    failure_tolerance_percentage=100, max_concurrent_percentage=25
)


class MembersStack(Stack):
    """The StackSet."""

    def __init__(self, scope: Construct, construct_id: str, *, props: Props, organization: Organization) -> None:
        deployment = props.settings.deployment
        super().__init__(
            scope,
            construct_id,
            description=f"Lightkeeper {VERSION}: puts the roles by which {deployment} backs up Amazon Lightsail into "
            "the accounts of an organization",
            # Without it no account lets the deployment in any more.
            termination_protection=True,
            synthesizer=LegacyStackSynthesizer(),
        )
        hub = CfnParameter(
            self,
            HUB_ACCOUNT,
            description=f"The account in which {deployment} is deployed: 12 digits",
            allowed_pattern=ACCOUNT_ID,
            constraint_description=f"{HUB_ACCOUNT}: expected the id of an account, which has 12 digits",
        ).value_as_string
        organization_id = CfnParameter(
            self,
            ORGANIZATION_ID,
            description="The organization, such as o-a1b2c3d4e5",
            allowed_pattern=AN_ORGANIZATION,
            constraint_description=f"{ORGANIZATION_ID}: expected the id of an organization, such as o-a1b2c3d4e5",
        ).value_as_string
        call_as = CfnParameter(
            self,
            CALL_AS,
            default=AS_ITSELF,
            allowed_values=[AS_ITSELF, AS_DELEGATE],
            description=f"{AS_ITSELF} in the management account; {AS_DELEGATE} in an account that acts for it",
        ).value_as_string
        CfnStackSet(
            self,
            "StackSet",
            stack_set_name=members_stack_name(deployment),
            description=f"Roles by which {deployment} backs up Amazon Lightsail in each account",
            permission_model="SERVICE_MANAGED",
            call_as=call_as,
            template_body=json.dumps(member_template(props, organization), separators=(",", ":")),
            capabilities=["CAPABILITY_NAMED_IAM"],
            parameters=[
                CfnStackSet.ParameterProperty(parameter_key=HUB_ACCOUNT, parameter_value=hub),
                CfnStackSet.ParameterProperty(parameter_key=ORGANIZATION_ID, parameter_value=organization_id),
            ],
            # An account that leaves lets the deployment in no longer. Its snapshots stay: a stack holds only roles.
            auto_deployment=CfnStackSet.AutoDeploymentProperty(enabled=True, retain_stacks_on_account_removal=False),
            # As CloudFormation writes it: the library hands it on as it is.
            managed_execution={"Active": True},
            operation_preferences=_TOLERATED,
            stack_instances_group=[
                # Roles are in all Regions.
                CfnStackSet.StackInstancesProperty(regions=[Aws.REGION], deployment_targets=_targets(organization))
            ],
            tags=[CfnTag(key=key, value=value) for key, value in props.own.tags.items()] or None,
        )


def members_stack_name(deployment: str) -> str:
    """Return the name of the stack, and of its StackSet."""
    return f"{deployment}-members"


def _targets(organization: Organization) -> CfnStackSet.DeploymentTargetsProperty:
    units = [*organization.units]
    if not organization.excluded:
        return CfnStackSet.DeploymentTargetsProperty(organizational_unit_ids=units)
    return CfnStackSet.DeploymentTargetsProperty(
        organizational_unit_ids=units, accounts=[*organization.excluded], account_filter_type="DIFFERENCE"
    )
