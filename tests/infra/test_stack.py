"""What a deployment consists of."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

from infra.alarms import SECTIONS
from tests.infra.synth import (
    CALENDAR,
    HOW,
    REVIEWED,
    function_role,
    lightsail_policy,
    only,
    resources,
    stack,
    template,
    text,
)
from tests.infra.synth import function as keeper

pytestmark = pytest.mark.xdist_group("stack")
ROOT = Path(__file__).parents[2]
Template = dict[str, Any]


def test_the_template_is_the_reviewed_one(default: Template) -> None:
    assert text(default) == REVIEWED.read_text(encoding="utf-8"), f"review it, then write it anew: {HOW}"


def test_the_function_is_small_traced_and_has_time(default: Template) -> None:
    function = keeper(default)

    assert function["Architectures"] == ["arm64"]
    assert function["Runtime"] == "python3.14"
    assert function["Handler"] == "lightkeeper.handler.handle"
    assert function["Timeout"] == 15 * 60
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert function["LoggingConfig"]["LogGroup"]["Ref"] in default["Resources"]
    assert "ReservedConcurrentExecutions" not in function


@pytest.mark.parametrize("days", [1, 90, 3653])
def test_logs_are_kept_as_long_as_cdk_json_says(days: int) -> None:
    groups = resources(template(logRetentionDays=days), "AWS::Logs::LogGroup")

    assert [group["Properties"]["RetentionInDays"] for group in groups] == [days, days]


def test_a_failed_run_is_tried_again_and_then_kept_in_the_queue(default: Template) -> None:
    invocations = only(default, "AWS::Lambda::EventInvokeConfig")

    assert invocations["MaximumRetryAttempts"] == 2
    assert invocations["MaximumEventAgeInSeconds"] == 3600
    queue = invocations["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
    assert default["Resources"][queue]["Type"] == "AWS::SQS::Queue"


def test_the_schedule_gives_its_own_time_and_keeps_what_it_cannot_deliver(default: Template) -> None:
    schedule = only(default, "AWS::Scheduler::Schedule")

    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert json.loads(schedule["Target"]["Input"]) == {"time": "<aws.scheduler.scheduled-time>"}
    assert schedule["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 3}
    queue = schedule["Target"]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert default["Resources"][queue]["Type"] == "AWS::SQS::Queue"
    assert schedule["GroupName"] == only(default, "AWS::Scheduler::ScheduleGroup")["Name"]


def test_tick_and_zone_are_those_of_cdk_json() -> None:
    schedule = only(template(tick="cron(15 * * * ? *)", timeZone="Europe/Zurich"), "AWS::Scheduler::Schedule")

    assert schedule["ScheduleExpression"] == "cron(15 * * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Zurich"


def test_the_schedule_may_run_the_function_and_nothing_else(default: Template) -> None:
    name = only(default, "AWS::Scheduler::Schedule")["Target"]["RoleArn"]["Fn::GetAtt"][0]
    role = default["Resources"][name]["Properties"]

    (policy,) = role["Policies"]
    allowed = {statement["Action"]: statement["Resource"] for statement in policy["PolicyDocument"]["Statement"]}
    assert set(allowed) == {"lambda:InvokeFunction", "sqs:SendMessage"}
    assert all(set(resource) == {"Fn::GetAtt"} for resource in allowed.values()), "each names one resource"
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert set(trust["Condition"]["StringEquals"]) == {"aws:SourceAccount", "aws:SourceArn"}


def test_queue_and_topic_are_for_tls_only_and_the_queue_is_encrypted(default: Template) -> None:
    assert only(default, "AWS::SQS::Queue")["SqsManagedSseEnabled"] is True
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
        denied = [
            statement
            for statement in only(default, kind)["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny"
        ]
        assert [statement["Condition"] for statement in denied] == [{"Bool": {"aws:SecureTransport": "false"}}], kind


def test_the_function_s_policy_is_the_least_there_is(default: Template) -> None:
    read, create, change = lightsail_policy(default)["Statement"]

    assert all(action.startswith("lightsail:Get") for action in read["Action"])
    assert "Condition" not in read
    assert create["Condition"] == {"StringEquals": {"aws:RequestTag/lightkeeper:owner": "Lightkeeper"}}
    assert change["Condition"] == {"StringEquals": {"aws:ResourceTag/lightkeeper:owner": "Lightkeeper"}}
    others = [
        action
        for policy in function_role(default)["Policies"]
        if policy["PolicyName"] != "Lightsail"
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]
    assert sorted(others) == [
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sns:ListTagsForResource",
        "sns:Publish",
        "sns:TagResource",
        "sns:UntagResource",
        "sqs:SendMessage",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ]
    assert resources(default, "AWS::IAM::Policy") == [], "no policy beside those of the roles"
    assert all("ManagedPolicyArns" not in role["Properties"] for role in resources(default, "AWS::IAM::Role"))


def test_the_calendar_s_role_has_no_permission_to_write_anything_but_its_log(default: Template) -> None:
    actions = [
        action
        for policy in function_role(default, CALENDAR)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]

    assert len(actions) == 6
    assert all(action.startswith(("lightsail:Get", "logs:")) for action in actions)
    (log,) = (each for each in function_role(default, CALENDAR)["Policies"] if each["PolicyName"] == "Log")
    (statement,) = log["PolicyDocument"]["Statement"]
    assert default["Resources"][statement["Resource"]["Fn::GetAtt"][0]]["Type"] == "AWS::Logs::LogGroup"


def test_nobody_from_outside_may_invoke_a_function(default: Template) -> None:
    assert resources(default, "AWS::Lambda::Permission") == []
    assert resources(default, "AWS::Lambda::Url") == []


def test_another_deployment_is_another_stack_whose_permissions_are_for_its_own_snapshots() -> None:
    assert stack(deployment="Night-Shift").stack_name == "Night-Shift"
    of = template(deployment="Night-Shift")

    assert "Lightkeeper" not in json.dumps([s.get("Condition") for s in lightsail_policy(of)["Statement"]])
    assert of["Resources"] != template()["Resources"]


def test_tagging_at_creation_can_be_allowed_where_aws_asks_for_it() -> None:
    statement = lightsail_policy(template(tagOnCreate=True))["Statement"][-1]

    assert statement["Action"] == "lightsail:TagResource"
    assert statement["Condition"] == {"StringEquals": {"aws:RequestTag/lightkeeper:owner": "Lightkeeper"}}


def test_everybody_in_cdk_json_is_told_by_e_mail() -> None:
    of = template(notify=["ops@example.com", "night@example.com"])

    told = [resource["Properties"] for resource in resources(of, "AWS::SNS::Subscription")]
    assert {(each["Protocol"], each["Endpoint"]) for each in told} == {
        ("email", "ops@example.com"),
        ("email", "night@example.com"),
    }


def test_no_key_is_paid_for_unless_asked_for(default: Template) -> None:
    assert resources(default, "AWS::KMS::Key") == []
    assert "KmsMasterKeyId" not in only(default, "AWS::SNS::Topic")


@pytest.mark.parametrize("encrypted", [False, True])
def test_cloudwatch_may_publish_alarms(*, encrypted: bool) -> None:
    of = template(encryptNotifications=encrypted)

    (publish,) = (
        statement
        for statement in only(of, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    )
    assert publish["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert publish["Action"] == "sns:Publish"
    assert publish["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    if encrypted:
        key = only(of, "AWS::KMS::Key")
        assert key["EnableKeyRotation"] is True
        assert "KmsMasterKeyId" in only(of, "AWS::SNS::Topic")
        (use,) = (
            statement
            for statement in key["KeyPolicy"]["Statement"]
            if statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        )
        assert set(use["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}


def test_each_alarm_says_what_to_do_and_where_to_read_on(default: Template) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    alarms = [resource["Properties"] for resource in resources(default, "AWS::CloudWatch::Alarm")]
    topic = {"Ref": next(k for k, v in default["Resources"].items() if v["Type"] == "AWS::SNS::Topic")}

    assert len(alarms) == len(SECTIONS) <= 10
    assert {alarm["AlarmDescription"] for alarm in alarms} == {section.description for section in SECTIONS}
    for section in SECTIONS:
        assert f"\n## {section.heading}\n" in runbook
        assert f'"{section.heading}" in docs/runbook.md' in section.description
    assert all(alarm["AlarmActions"] == alarm["OKActions"] == [topic] for alarm in alarms)


@pytest.mark.parametrize(
    ("tick", "period", "periods"),
    [
        ("rate(1 minute)", 60, 3),
        ("rate(1 hour)", 3600, 3),
        ("rate(6 hours)", 6 * 3600, 3),
        ("rate(2 days)", 86400, 6),
        ("cron(0 3 * * ? *)", 86400, 3),
    ],
)
def test_silence_for_three_ticks_is_an_alarm(tick: str, period: int, periods: int) -> None:
    of = template(tick=tick)

    (alarm,) = (
        resource["Properties"]
        for resource in resources(of, "AWS::CloudWatch::Alarm")
        if resource["Properties"]["MetricName"] == "Invocations"
    )
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (period, periods)
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    assert alarm["Threshold"] == 1


def test_the_outputs_lead_to_function_dashboard_topic_and_queue(default: Template) -> None:
    assert set(default["Outputs"]) == {
        "FunctionName",
        "CalendarFunctionName",
        "DashboardAddress",
        "TopicArn",
        "DeadLetterQueueAddress",
    }


def test_everything_goes_with_the_stack(default: Template) -> None:
    kept = [name for name, each in default["Resources"].items() if each.get("DeletionPolicy", "Delete") != "Delete"]

    assert kept == []


@pytest.mark.parametrize("keys", [{}, {"encryptNotifications": True, "notify": ["ops@example.com"]}])
def test_cdk_nag_has_nothing_to_say(keys: dict[str, object]) -> None:
    app = stack(**keys).node.root

    report = AwsSolutionsChecks(app).validate_scope(app)

    assert [violation.rule_name for violation in report.violations] == []


def test_cdk_nag_would_say_something() -> None:
    a_stack = stack()
    sqs.Queue(a_stack, "Careless")
    careful = sqs.Queue(a_stack, "Acknowledged")
    Validations.of(careful).acknowledge(Acknowledgment(id="AwsSolutions-SQS3", reason="For comparison."))

    report = AwsSolutionsChecks(a_stack.node.root).validate_scope(a_stack.node.root)

    (paths,) = (
        [found.construct_path for found in violation.violating_resources]
        for violation in report.violations
        if violation.rule_name == "AwsSolutions-SQS3"
    )
    assert paths == ["Lightkeeper/Careless/Resource"]


def test_cfn_lint_has_nothing_to_say() -> None:
    # W3005: the CDK names a dependency on the role beside the reference to it.
    cfn_lint = Path(sys.executable).parent / "cfn-lint"
    command = [str(cfn_lint), "--template", str(REVIEWED), "--ignore-checks", "W3005"]

    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own arguments

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
