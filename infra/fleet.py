"""The runs over many accounts: a state machine that lists them, has each looked after, and reports on all together.

One account's failure, refusal or time-out is data, and never another's: see docs/organisation.md.
"""

from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.bundling import ARCHITECTURE, KEEPER, RUNTIME, function_code
from infra.hub_permissions import Hub, accounts_role, machine_role, report_role
from infra.notifications import Notifications
from infra.props import LOG_RETENTION, Props
from lightkeeper.deployable import RUN_LIMIT, accounts_environment
from lightkeeper.organization import Organization

ACCOUNTS_FAILED: Final = "AccountsFailed"
"""The error of an execution that came to its end, and in which an account failed."""
_MAP: Final = "EachAccount"
_FUNCTION_TIMEOUT: Final = Duration.minutes(5)
# By then Lambda has ended the function, and said so: what is left is an answer that never comes.
_LATER: Final = Duration.minutes(1)
# 500 accounts with work for five minutes each, twenty at a time, are through in two hours, and another firing meanwhile
# does no harm. What lasts three times as long hangs.
_MACHINE_TIMEOUT: Final = Duration.hours(6)
# It holds a name and a number of each account: what boto3 takes is nearly all.
_LISTS_MEMORY_MIB: Final = 256
# For 500 accounts of 20 sources, 134 MiB and 1.2 s of a processor, of which Lambda gives about a third with this much.
_REPORT_MEMORY_MIB: Final = 512
# Lambda itself failed, not the function: the same event once more, with no other than its result.
_SERVICE_ERRORS: Final = (
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
)
# An account that is new to AWS may run ten functions at a time, and may need them for something else.
_THROTTLES: Final = ("Lambda.TooManyRequestsException",)


class Fleet(Construct):
    """The state machine, and the two functions around the one that takes and deletes snapshots.

    Parameters
    ----------
    scope, construct_id
        Where it stands.
    props
        The deployment's.
    hub
        Which accounts, and where it is written how they stand.
    keeper
        The function that looks after one account.
    notifications
        Where the report tells what needs a person.
    dashboard
        The dashboard's URL, for those messages.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing it is joined to
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: Props,
        hub: Hub,
        keeper: lambda_.IFunction,
        notifications: Notifications,
        dashboard: str,
    ) -> None:
        super().__init__(scope, construct_id)
        lists, reports = Construct(self, "Accounts"), Construct(self, "Report")
        lists_log = _log(lists, props)
        self.report_log = _log(reports, props)
        self.accounts = _function(
            lists,
            "Lists the accounts that Lightkeeper looks after",
            handler="lightkeeper.fleet_handler.list_accounts",
            environment=accounts_environment(props.settings, hub.organization),
            role=accounts_role(lists, organization=hub.organization, log_group=lists_log),
            memory_mib=_LISTS_MEMORY_MIB,
            log_group=lists_log,
        )
        self.report = _function(
            reports,
            "Reports how all accounts stand that Lightkeeper looks after: metrics, one message, one document",
            handler="lightkeeper.fleet_handler.report_fleet",
            environment={
                **props.environment(topic=notifications.topic.topic_arn, dashboard=dashboard),
                **hub.environment,
                **accounts_environment(props.settings, hub.organization),
            },
            role=report_role(reports, results=hub.results, log_group=self.report_log, notifications=notifications),
            memory_mib=_REPORT_MEMORY_MIB,
            log_group=self.report_log,
        )
        self.machine = self._machine(props, hub.organization, keeper)

    def _machine(self, props: Props, organization: Organization, keeper: lambda_.IFunction) -> sfn.StateMachine:
        scope, name = Construct(self, "Machine"), machine_name(props)
        log_group = logs.LogGroup(
            scope,
            "Logs",
            # With this prefix, the policy that lets Step Functions write does not grow with each state machine.
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=LOG_RETENTION[props.own.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        machine = sfn.StateMachine(
            scope,
            "StateMachine",
            # Its role names it.
            state_machine_name=name,
            comment="Lightkeeper: looks after each account, then reports on all",
            definition_body=sfn.DefinitionBody.from_chainable(
                self._definition(Construct(scope, "States"), organization, keeper)
            ),
            role=machine_role(scope, machine=name, map_label=_MAP, functions=[self.accounts, keeper, self.report]),
            timeout=_MACHINE_TIMEOUT,
            tracing_enabled=True,
            # What goes in and out names accounts; each execution shows it for 90 days to who may see that.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )
        # The library's own policy for the map is attached to nothing: the role has all that is in it.
        machine.node.try_remove_child("DistributedMapPolicy")
        return machine

    def _definition(self, scope: Construct, organization: Organization, keeper: lambda_.IFunction) -> sfn.IChainable:
        accounts = _invoke(scope, "Accounts", self.accounts, timeout=_FUNCTION_TIMEOUT)
        each = sfn.DistributedMap(
            scope,
            _MAP,
            label=_MAP,
            map_execution_type=sfn.StateMachineType.STANDARD,
            max_concurrency=organization.max_concurrency,
            # A failure is data, which the report judges. This is for what not even the catch below has reached.
            tolerated_failure_percentage=100,
            items_path="$.accounts",
            item_selector={
                "account.$": "$$.Map.Item.Value.account",
                "name.$": "$$.Map.Item.Value.name",
                "time.$": "$.time",
                "regions.$": "$.regions",
            },
            # In place of the list: an execution carries 256 KiB, and both may be long.
            result_path="$.accounts",
        )
        run = _invoke(scope, "Run", keeper, timeout=Duration.seconds(RUN_LIMIT.total_seconds()))
        failed = sfn.Pass(
            scope,
            "Failed",
            comment="The error's name alone: its cause may be as long as a log",
            parameters={"account.$": "$.account", "name.$": "$.name", "error.$": "$.error.Error"},
        )
        each.item_processor(run.add_catch(failed, errors=["States.ALL"], result_path="$.error"))
        report = _invoke(
            scope,
            "Report",
            self.report,
            timeout=_FUNCTION_TIMEOUT,
            payload={"time.$": "$.time", "results.$": "$.accounts", "unlisted.$": "$.unlisted"},
        )
        ended = sfn.Choice(scope, "Has any account failed?")
        ended.when(
            sfn.Condition.number_greater_than("$.failed", 0),
            sfn.Fail(scope, ACCOUNTS_FAILED, error=ACCOUNTS_FAILED, cause_path="$.cause"),
        )
        ended.otherwise(sfn.Succeed(scope, "Done"))
        return sfn.Chain.start(accounts).next(each).next(report).next(ended)


def machine_name(props: Props) -> str:
    """Return the name of the state machine."""
    return f"{props.settings.deployment}-accounts"


def _invoke(
    scope: Construct,
    name: str,
    function: lambda_.IFunction,
    *,
    timeout: Duration,
    payload: Mapping[str, str] | None = None,
) -> tasks.LambdaInvoke:
    """Return a task that has a function's answer for its own, with nothing around it.

    Parameters
    ----------
    scope, name
        Where it stands.
    function
        What it invokes.
    timeout
        The function's own. The task waits a little longer: Lambda ends the function, and says so.
    payload
        The event; None: what goes in.
    """
    task = tasks.LambdaInvoke(
        scope,
        name,
        lambda_function=function,
        payload=sfn.TaskInput.from_object(payload) if payload else None,
        payload_response_only=True,
        # Those below are the same errors, with chance in when they are tried again.
        retry_on_service_exceptions=False,
        task_timeout=sfn.Timeout.duration(timeout.plus(_LATER)),
    )
    task.add_retry(
        errors=[*_SERVICE_ERRORS],
        interval=Duration.seconds(2),
        backoff_rate=2,
        max_delay=Duration.seconds(30),
        max_attempts=5,
        jitter_strategy=sfn.JitterType.FULL,
    )
    task.add_retry(
        errors=[*_THROTTLES],
        interval=Duration.seconds(5),
        backoff_rate=2,
        max_delay=Duration.minutes(1),
        max_attempts=15,
        jitter_strategy=sfn.JitterType.FULL,
    )
    return task


def _log(scope: Construct, props: Props) -> logs.LogGroup:
    return logs.LogGroup(
        scope, "Logs", retention=LOG_RETENTION[props.own.log_retention_days], removal_policy=RemovalPolicy.DESTROY
    )


def _function(  # noqa: PLR0913 - a function has that many sides
    scope: Construct,
    description: str,
    *,
    handler: str,
    environment: Mapping[str, str],
    role: iam.IRole,
    memory_mib: int,
    log_group: logs.ILogGroup,
) -> lambda_.Function:
    return lambda_.Function(
        scope,
        "Function",
        description=description,
        runtime=RUNTIME,
        architecture=ARCHITECTURE,
        handler=handler,
        code=function_code(KEEPER),
        environment=environment,
        role=role,
        timeout=_FUNCTION_TIMEOUT,
        memory_size=memory_mib,
        log_group=log_group,
        logging_format=lambda_.LoggingFormat.JSON,
    )
