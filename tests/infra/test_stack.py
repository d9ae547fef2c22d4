"""What a deployment consists of."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match
from cdk_nag import AwsSolutionsChecks
from moto.core.models import DEFAULT_ACCOUNT_ID

from infra.sections import FUNCTION_ERRORS, NO_RUN, SECTIONS, SNAPSHOTS_FAILED, Section
from lightkeeper.metrics import MetricName
from lightkeeper.version import VERSION
from tests.support.synth import (
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
from tests.support.synth import function as keeper

pytestmark = pytest.mark.xdist_group("stack")
ROOT = Path(__file__).parents[2]
Template = dict[str, Any]


def test_the_template_is_the_reviewed_one(default: Template) -> None:
    assert text(default) == REVIEWED.read_text(encoding="utf-8"), f"review the change, then write it: {HOW}"


def test_no_resource_has_another_logical_id_than_in_the_first_release() -> None:
    # With another logical id, CloudFormation makes a new resource and deletes the old one: a log or a queue with what
    # is in it, a topic with its confirmed subscriptions, a role that a policy of the organization spares by name.
    of = template(encryptNotifications=True)

    assert {name: each["Type"].removeprefix("AWS::") for name, each in of["Resources"].items()} == {
        "KeeperFunction7330A899": "Lambda::Function",
        "KeeperFunctionEventInvokeConfig5B9DD33C": "Lambda::EventInvokeConfig",
        "KeeperLogs09650BBA": "Logs::LogGroup",
        "KeeperRoleEFECB23C": "IAM::Role",
        "CalendarFunction60941CAE": "Lambda::Function",
        "CalendarLogs6012FF4D": "Logs::LogGroup",
        "CalendarRole91B37F60": "IAM::Role",
        "TickGroup6BE9312F": "Scheduler::ScheduleGroup",
        "TickRole4D313812": "IAM::Role",
        "TickSchedule39698845": "Scheduler::Schedule",
        "FailuresQueueB0898B50": "SQS::Queue",
        "FailuresQueuePolicy16CEDF01": "SQS::QueuePolicy",
        "NotificationsKeyADCFA950": "KMS::Key",
        "NotificationsTopicAE679CBD": "SNS::Topic",
        "NotificationsTopicPolicyAF92D34A": "SNS::TopicPolicy",
        "AlarmsDeadLetters20E28703": "CloudWatch::Alarm",
        "AlarmsFunctionErrors8A553A4B": "CloudWatch::Alarm",
        "AlarmsNoRun0602FE85": "CloudWatch::Alarm",
        "AlarmsResourcesOverdue97ED9AD3": "CloudWatch::Alarm",
        "AlarmsSnapshotsFailed403A8AC6": "CloudWatch::Alarm",
        "AlarmsTagProblemsB441E707": "CloudWatch::Alarm",
        "Dashboard7A714131": "CloudWatch::Dashboard",
    }


def test_the_function_is_small_and_has_time(default: Template) -> None:
    function = keeper(default)

    assert function["Architectures"] == ["arm64"]
    assert function["Runtime"] == "python3.14"
    assert function["Handler"] == "lightkeeper.handler.handle"
    assert function["Timeout"] == 15 * 60
    assert "TracingConfig" not in function, "without a tracer in the code, a trace shows no more than the log"
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
    read, create, delete, mark, unmark, tag = lightsail_policy(default)["Statement"]
    kinds = ("DiskSnapshot", "InstanceSnapshot", "RelationalDatabaseSnapshot")
    snapshots = [f"arn:aws:lightsail:*:{DEFAULT_ACCOUNT_ID}:{kind}/*" for kind in kinds]
    ours = {"aws:ResourceTag/lightkeeper:owner": "Lightkeeper"}

    assert all(action.startswith("lightsail:Get") for action in read["Action"])
    assert "Condition" not in read
    assert create["Condition"] == {"StringEquals": {"aws:RequestTag/lightkeeper:owner": "Lightkeeper"}}
    assert create["Resource"] == "*", "a snapshot of a database is judged on nothing narrower"
    assert [each["Resource"] for each in (delete, mark, unmark)] == [snapshots] * 3
    assert [each["Condition"]["StringEquals"] for each in (delete, mark, unmark)] == [ours] * 3
    assert delete["Condition"]["Null"] == {
        "aws:ResourceTag/lightkeeper:expires": "false",
        "aws:ResourceTag/backup:hold": "true",
    }
    for statement, keys in ((mark, ["lightkeeper:expires"]), (unmark, ["lightkeeper:expires", "backup:hold"])):
        assert statement["Condition"]["ForAllValues:StringEquals"] == {"aws:TagKeys": keys}
        assert statement["Condition"]["Null"] == {"aws:TagKeys": "false"}, "all of no keys would be among these, too"
    assert (tag["Action"], tag["Resource"]) == ("lightsail:TagResource", "*")
    assert "ResourceTag" not in json.dumps(tag), "what is made may have no tags yet when AWS asks"
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

    assert len(actions) == 9
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


def test_the_strict_role_may_not_tag_at_creates_and_is_otherwise_the_same(default: Template) -> None:
    strict = lightsail_policy(template(tagOnCreate=False))["Statement"]

    *rest, tag = lightsail_policy(default)["Statement"]
    assert strict == rest
    assert tag["Condition"]["StringEquals"] == {"aws:RequestTag/lightkeeper:owner": "Lightkeeper"}


def test_the_stack_cannot_be_deleted_by_a_slip() -> None:
    assert stack().termination_protection is True


def test_that_nobody_hears_is_a_warning_at_synth() -> None:
    warning = Match.string_like_regexp(r'Nobody hears of any alarm.*"notify": \["ops@example.com"\]')

    Annotations.from_stack(stack()).has_warning("/Lightkeeper/Notifications/Topic", warning)
    Annotations.from_stack(stack(notify=["ops@example.com"])).has_no_warning("*", Match.any_value())


def test_everybody_in_cdk_json_is_notified_by_e_mail_or_over_https() -> None:
    of = template(notify=["ops@example.com", "night@example.com", "https://example.com/hook"])

    notified = [resource["Properties"] for resource in resources(of, "AWS::SNS::Subscription")]
    assert {(each["Protocol"], each["Endpoint"]) for each in notified} == {
        ("email", "ops@example.com"),
        ("email", "night@example.com"),
        ("https", "https://example.com/hook"),
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

    assert len(alarms) == len(SECTIONS) <= 10
    assert {alarm["AlarmDescription"] for alarm in alarms} == {section.description() for section in SECTIONS}
    for section in SECTIONS:
        assert f"\n## {section.heading}\n" in runbook
        assert f'"{section.heading}" in docs/runbook.md' in section.description()


def test_with_the_runbook_s_address_an_alarm_links_to_its_section() -> None:
    of = template(runbookUrl="https://example.com/docs/runbook.md")

    said = {alarm["Properties"]["AlarmDescription"] for alarm in resources(of, "AWS::CloudWatch::Alarm")}

    assert all(re.search(r"See https://example\.com/docs/runbook\.md#[a-z-]+$", each) for each in said)
    variables = keeper(of)["Environment"]["Variables"]
    assert variables["LIGHTKEEPER_RUNBOOK"] == "https://example.com/docs/runbook.md"


def test_without_a_runbook_s_address_the_function_links_to_nothing(default: Template) -> None:
    assert "LIGHTKEEPER_RUNBOOK" not in keeper(default)["Environment"]["Variables"]


def name_of(alarm: dict[str, Any]) -> str:
    parts = alarm["Properties"]["AlarmName"]["Fn::Join"][1]
    return "".join(part if isinstance(part, str) else "eu-central-1" for part in parts)


def test_an_alarm_s_name_says_what_is_wrong_where_and_is_its_deployment_s_alone(default: Template) -> None:
    names = {name_of(each) for each in resources(default, "AWS::CloudWatch::Alarm")}
    others = {name_of(each) for each in resources(template(deployment="Shop"), "AWS::CloudWatch::Alarm")}

    assert "Lightkeeper: resources overdue (Lightkeeper, eu-central-1)" in names
    assert "Lightkeeper: no run (Shop, eu-central-1)" in others
    assert len(names | others) == 2 * len(SECTIONS)
    longest = template(deployment="L" * 100)
    # CloudWatch takes 255 characters.
    assert max(len(name_of(each)) for each in resources(longest, "AWS::CloudWatch::Alarm")) <= 255


def test_the_alarms_that_ring_tell_every_topic_when_they_begin_and_when_they_are_over() -> None:
    theirs = f"arn:aws:sns:eu-central-1:{DEFAULT_ACCOUNT_ID}:pager"
    of = template(notify=[theirs, "ops@example.com"])
    own = {"Ref": next(k for k, v in of["Resources"].items() if v["Type"] == "AWS::SNS::Topic")}

    for section in SECTIONS:
        alarm = alarm_of(of, section)
        expected = [own, theirs] if section.rings else None
        assert alarm.get("AlarmActions") == alarm.get("OKActions") == expected, section.heading


def test_only_what_a_run_tells_and_overdue_repeats_rings_no_alarm() -> None:
    assert [section for section in SECTIONS if not section.rings] == [SNAPSHOTS_FAILED]


def test_the_function_may_publish_to_its_own_topic_and_to_those_of_notify_and_to_no_other(default: Template) -> None:
    theirs = f"arn:aws:sns:eu-central-1:{DEFAULT_ACCOUNT_ID}:pager"

    def topics(of: Template) -> list[Any]:
        return [
            statement["Resource"]
            for policy in function_role(of)["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            if "sns:Publish" in statement["Action"]
        ]

    (own,) = topics(default)
    assert topics(template(notify=["ops@example.com", "https://example.com/hook"])) == [own]
    assert topics(template(notify=[theirs])) == [own, theirs]


def test_a_topic_of_another_region_is_refused_before_anything_is_changed() -> None:
    of = template(notify=[f"arn:aws:sns:us-east-1:{DEFAULT_ACCOUNT_ID}:pager"])

    rule = next(each for name, each in of["Rules"].items() if "TopicsAreInThisRegion" in name)
    (assertion,) = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}
    assert "expected a topic in the Region of the stack" in assertion["AssertDescription"]


def alarm_of(of: Template, section: Section) -> dict[str, Any]:
    (alarm,) = (
        resource["Properties"]
        for resource in resources(of, "AWS::CloudWatch::Alarm")
        if resource["Properties"]["AlarmDescription"] == section.description()
    )
    found: dict[str, Any] = alarm
    return found


@pytest.mark.parametrize(
    ("tick", "period", "periods"),
    [
        ("rate(1 minute)", 60, 16),
        ("rate(5 minutes)", 300, 4),
        ("rate(1 hour)", 3600, 3),
        ("rate(6 hours)", 3600, 18),
        ("rate(2 days)", 3600, 144),
        ("cron(15 * * * ? *)", 3600, 3),
        ("cron(0 3 * * ? *)", 3600, 72),
        # From Friday at five to Monday at ten.
        ("cron(0 8-17 ? * MON-FRI *)", 3600, 65),
        # From Wednesday to Monday, with Saturday and Sunday between.
        ("cron(0 3 ? * MON-FRI *)", 3600, 120),
    ],
)
def test_three_ticks_without_a_complete_run_are_an_alarm(tick: str, period: int, periods: int) -> None:
    alarm = alarm_of(template(tick=tick, defaultPolicy="monthly"), NO_RUN)

    filled, runs = alarm["Metrics"]
    assert filled["Expression"] == f"FILL({runs['Id']}, 0)"
    assert filled["ReturnData"] is True
    assert runs["MetricStat"]["Metric"]["MetricName"] == MetricName.RESOURCES_PROTECTED
    assert (runs["MetricStat"]["Stat"], runs["MetricStat"]["Period"]) == ("SampleCount", period)
    assert alarm["EvaluationPeriods"] == periods
    assert alarm["TreatMissingData"] == "breaching"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)


@pytest.mark.parametrize("tick", ["rate(1 minute)", "rate(31 minutes)", "rate(1 hour)", "rate(2 days)"])
def test_a_failed_run_is_looked_for_long_enough_to_have_ended(tick: str) -> None:
    of = template(tick=tick, defaultPolicy="monthly")

    # Three attempts, each to its end, and the waits between them.
    metrics = alarm_of(of, FUNCTION_ERRORS)["Metrics"]
    (period,) = {each["MetricStat"]["Period"] for each in metrics if "MetricStat" in each}
    assert 3 * keeper(of)["Timeout"] + 180 <= period <= 5400


def test_the_stack_says_which_release_it_is(default: Template) -> None:
    assert default["Description"] == f"Lightkeeper {VERSION}: tag-driven backups for Amazon Lightsail"
    assert default["Outputs"]["Version"]["Value"] == VERSION


def test_the_outputs_lead_to_function_dashboard_topic_and_queue(default: Template) -> None:
    assert set(default["Outputs"]) == {
        "Version",
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
