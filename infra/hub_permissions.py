"""What is allowed beside that where a deployment looks after many accounts: docs/security.md explains each.

What may be done in those accounts is their own roles' to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from aws_cdk import CfnElement, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.notifications import Notifications
from infra.permissions import ANY_RESOURCE, HubPart, notification_statements, role, write_to
from infra.props import Props
from infra.results import Results
from lightkeeper.fleet import FLEET_KEY, account_key
from lightkeeper.organization import MEMBER_ROLE_VARIABLE, RESULTS_VARIABLE, HubRoles, Organization, role_arn

_ACCOUNTS: Final = account_key("*")
_STATES_IN_NAG: Final = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>"
_LOG_DELIVERY: Final = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
_TRACING: Final = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
_ONE_ROLE_IN_EACH_ACCOUNT: Final = (
    "One role by its whole name, in whatever account has it: the accounts come and go, and each decides whom its role "
    "lets in."
)
_ONE_DOCUMENT_EACH: Final = "One document for each account, in this bucket alone; the accounts come and go."


@dataclass(frozen=True, slots=True)
class Hub:
    """What a deployment has beside its own where it looks after many accounts."""

    organization: Organization
    """Which accounts."""
    results: s3.Bucket
    """Where it stands how they are."""
    keeper: HubPart
    """Of the function that takes and deletes snapshots."""
    calendar: HubPart
    """Of the function that draws the recovery calendar."""

    @classmethod
    def of(cls, scope: Construct, *, props: Props, organization: Organization) -> "Hub":
        """Make the bucket, and say what the functions may do with it and in the accounts."""
        results = Results(scope, "Results").bucket
        return cls(
            organization=organization,
            results=results,
            keeper=_keeper_part(scope, props=props, organization=organization, results=results),
            calendar=_calendar_part(scope, props=props, organization=organization, results=results),
        )


def _keeper_part(scope: Construct, *, props: Props, organization: Organization, results: s3.Bucket) -> HubPart:
    """Return what the function that takes and deletes snapshots has beside its own: it gets into each account."""
    member = organization.roles(props.settings.deployment).member
    return HubPart(
        role_name=HubRoles.of(props.settings.deployment).keeper,
        environment={MEMBER_ROLE_VARIABLE: member, RESULTS_VARIABLE: results.bucket_name},
        policies={
            "Members": [_assume(scope, member)],
            "Results": [_documents("s3:PutObject", results, _ACCOUNTS)],
        },
        acknowledged={
            _assume_finding(member): _ONE_ROLE_IN_EACH_ACCOUNT,
            _documents_finding(scope, results, _ACCOUNTS): _ONE_DOCUMENT_EACH,
        },
    )


def _calendar_part(scope: Construct, *, props: Props, organization: Organization, results: s3.Bucket) -> HubPart:
    """Return what the calendar's function has beside its own: it reads how all accounts stand, and looks into one."""
    roles = organization.roles(props.settings.deployment)
    return HubPart(
        role_name=HubRoles.of(props.settings.deployment).calendar,
        environment={MEMBER_ROLE_VARIABLE: roles.member, RESULTS_VARIABLE: results.bucket_name},
        policies={
            "Members": [_assume(scope, roles.viewer)],
            "Results": [_documents("s3:GetObject", results, FLEET_KEY), _list(results)],
        },
        acknowledged={_assume_finding(roles.viewer): _ONE_ROLE_IN_EACH_ACCOUNT},
    )


def accounts_role(scope: Construct, *, organization: Organization, log_group: logs.ILogGroup) -> iam.IRole:
    """Return the role of the function that lists the accounts: it can do nothing else; with a list, not even that."""
    by_units = bool(organization.units)
    listing = iam.PolicyStatement(
        sid="ListAccounts",
        actions=["organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"],
        resources=["*"],
    )
    return role(
        scope,
        "Role",
        iam.ServicePrincipal("lambda.amazonaws.com"),
        "What the function may do that lists the accounts of Lightkeeper: see docs/security.md",
        policies={"Log": [write_to(log_group)], **({"Organization": [listing]} if by_units else {})},
        acknowledged={ANY_RESOURCE: "The units within a unit are not known before they are listed."}
        if by_units
        else {},
    )


def report_role(
    scope: Construct, *, results: s3.Bucket, log_group: logs.ILogGroup, notifications: Notifications
) -> iam.IRole:
    """Return the role of the function that makes one report of all accounts: it gets into none of them."""
    return role(
        scope,
        "Role",
        iam.ServicePrincipal("lambda.amazonaws.com"),
        "What the function may do that reports on all accounts of Lightkeeper: see docs/security.md",
        policies={
            "Log": [write_to(log_group)],
            "Results": [
                _documents("s3:GetObject", results, _ACCOUNTS, FLEET_KEY),
                _documents("s3:PutObject", results, FLEET_KEY),
                _list(results),
            ],
            "Notifications": notification_statements(notifications),
        },
        acknowledged={_documents_finding(scope, results, _ACCOUNTS): _ONE_DOCUMENT_EACH},
    )


def machine_role(
    scope: Construct, *, machine: str, map_label: str, functions: Sequence[lambda_.IFunction]
) -> iam.IRole:
    """Return the role of the state machine: it invokes its functions, and starts and ends its own executions.

    Parameters
    ----------
    scope
        Where it stands.
    machine
        The state machine's name: its own ARN, which it needs, would come too late.
    map_label
        The name that the executions of single accounts have in their ARNs.
    functions
        Those that it invokes.
    """
    stack = Stack.of(scope)
    arn = f"arn:{stack.partition}:states:{stack.region}:{stack.account}"
    names = [f"{machine}:*", f"{machine}/{map_label}:*"]
    only_this_machine = {
        "StringEquals": {"aws:SourceAccount": stack.account},
        # Executions of single accounts have the label behind the name.
        "ArnLike": {"aws:SourceArn": [f"{arn}:stateMachine:{machine}", f"{arn}:stateMachine:{machine}/{map_label}"]},
    }
    return role(
        scope,
        "Role",
        iam.ServicePrincipal("states.amazonaws.com", conditions=only_this_machine),
        "What the state machine of Lightkeeper may do: see docs/security.md",
        policies={
            "Run": [
                iam.PolicyStatement(
                    actions=["lambda:InvokeFunction"], resources=[each.function_arn for each in functions]
                ),
            ],
            "Accounts": [
                iam.PolicyStatement(actions=["states:StartExecution"], resources=[f"{arn}:stateMachine:{machine}"]),
                iam.PolicyStatement(
                    actions=["states:DescribeExecution", "states:StopExecution"],
                    resources=[f"{arn}:execution:{each}" for each in names],
                ),
            ],
            "Seen": [
                iam.PolicyStatement(actions=[*_LOG_DELIVERY], resources=["*"]),
                iam.PolicyStatement(actions=[*_TRACING], resources=["*"]),
            ],
        },
        acknowledged={
            ANY_RESOURCE: "The delivery of logs and traces takes no resource.",
            **{
                f"AwsSolutions-IAM5[Resource::{_STATES_IN_NAG}:execution:{each}]": "Executions have random identifiers "
                "for names; these are the machine's own."
                for each in names
            },
        },
    )


def _assume(scope: Construct, name: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="Assume", actions=["sts:AssumeRole"], resources=[role_arn(Stack.of(scope).partition, "*", name)]
    )


def _documents(action: str, results: s3.Bucket, *keys: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[action], resources=[results.arn_for_objects(key) for key in keys])


def _list(results: s3.Bucket) -> iam.PolicyStatement:
    """Return what tells a document that is not there yet from one that is refused."""
    return iam.PolicyStatement(actions=["s3:ListBucket"], resources=[results.bucket_arn])


def _assume_finding(name: str) -> str:
    return f"AwsSolutions-IAM5[Resource::{role_arn('<AWS::Partition>', '*', name)}]"


def _documents_finding(scope: Construct, results: s3.Bucket, key: str) -> str:
    bucket = Stack.of(scope).get_logical_id(cast("CfnElement", results.node.default_child))
    return f"AwsSolutions-IAM5[Resource::<{bucket}.Arn>/{key}]"
