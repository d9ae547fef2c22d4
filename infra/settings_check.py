"""The function that checks the settings of a plain template when it is deployed. No stack of the CDK has it."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundling import ARCHITECTURE, KEEPER, RUNTIME, function_code
from infra.permissions import check_role

TIMEOUT: Final = Duration.minutes(1)
_MEMORY_MIB: Final = 256


class SettingsCheck(Construct):
    """The function. It is asked by CloudFormation, answers it, and can do nothing else."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description="Checks Lightkeeper's settings when they are deployed",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler="lightkeeper.settings_check.handle",
            code=function_code(KEEPER),
            role=check_role(self, log_group=log_group),
            timeout=TIMEOUT,
            memory_size=_MEMORY_MIB,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
        )
