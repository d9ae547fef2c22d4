"""What an account has in which a deployment of another account, the hub, looks after Lightsail: three roles, no more.

Each lets in the hub alone, and wants the deployment's name as external id. The roles of the hub's functions are named
in conditions: as a principal, IAM would keep a role by its id, and not know it again once the hub was deployed anew.
"""

from typing import Final

from aws_cdk import Aws, CfnCondition, Fn, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.permissions import ANY_RESOURCE, NO_RESOURCE_TO_READ, RUN_FINDINGS, calendar_statements, role, run_statements
from infra.props import Props
from infra.restore_policy import STATIC_IP, rescue_policy, restore_policy
from lightkeeper.kinds import SOURCES
from lightkeeper.organization import HubRoles, Organization, role_arn

_OPERATOR_FINDINGS: Final = RUN_FINDINGS | {
    f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:lightsail:*:<AWS::AccountId>:{kind}/*]": "What a restore makes "
    "has a random identifier for its name, so what finishes it is narrowed by the tag of restores, in conditions; "
    "addresses have no tags."
    for kind in (*(api.arn_type for api in SOURCES.values()), STATIC_IP)
}


class MemberRoles(Construct):
    """The roles.

    Parameters
    ----------
    scope, construct_id
        Where they stand.
    props
        The deployment's.
    organization
        Its setting of that name, by which the roles are called.
    hub
        The account of the deployment.
    organization_id
        The organization that whoever comes in must belong to.
    has_organization
        Where that counts; None: always.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing that decides who comes in
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: Props,
        organization: Organization,
        hub: str,
        organization_id: str,
        has_organization: CfnCondition | None,
    ) -> None:
        super().__init__(scope, construct_id)
        deployment, stack = props.settings.deployment, Stack.of(self)
        names, of_hub = organization.roles(deployment), HubRoles.of(deployment)
        anybody = {"sts:ExternalId": deployment}
        ours = {**anybody, "aws:PrincipalOrgID": organization_id}
        whoever = {
            "StringEquals": Fn.condition_if(has_organization.logical_id, ours, anybody) if has_organization else ours
        }

        def only(name: str) -> dict[str, object]:
            return {**whoever, "ArnEquals": {"aws:PrincipalArn": role_arn(Aws.PARTITION, hub, name)}}

        account = iam.AccountPrincipal(hub)
        run = run_statements(props, stack)
        restore = restore_policy(deployment, partition=stack.partition, account=stack.account)
        rescue = rescue_policy(deployment, partition=stack.partition, account=stack.account)
        self.names = names
        role(
            self,
            "Member",
            account.with_conditions(only(of_hub.keeper)),
            f"What a run of {deployment} may do in this account; see docs/security.md of Lightkeeper",
            policies={"Lightsail": run},
            acknowledged=RUN_FINDINGS,
            name=names.member,
        )
        role(
            self,
            "Viewer",
            account.with_conditions(only(of_hub.calendar)),
            f"What the recovery calendar of {deployment} may do in this account: read; see docs/security.md of "
            "Lightkeeper",
            policies={"Lightsail": calendar_statements()},
            acknowledged={ANY_RESOURCE: NO_RESOURCE_TO_READ},
            name=names.viewer,
        )
        role(
            self,
            "Operator",
            account.with_conditions(whoever),
            f"What people of {deployment} may do in this account: what a run may, restore and rescue; see "
            "docs/security.md of Lightkeeper",
            policies={
                "Lightsail": run,
                "Restore": [iam.PolicyStatement.from_json(each) for each in restore["Statement"]],
                "Rescue": [iam.PolicyStatement.from_json(each) for each in rescue["Statement"]],
            },
            acknowledged=_OPERATOR_FINDINGS,
            name=names.operator,
        )
