"""What a deployment for many accounts consists of: its state machine, functions and bucket, and who may do what."""

import json
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from cdk_nag import AwsSolutionsChecks

from infra.sections import FLEET_SECTIONS
from lightkeeper.fleet_metrics import FleetMetricName
from lightkeeper.organization import HubRoles, Organization
from lightkeeper.settings import ENVIRONMENT_VARIABLE, Settings
from tests.support.synth import (
    CALENDAR,
    HOW,
    KEEPER,
    MANY,
    REVIEWED_FLEET,
    function,
    function_role,
    only,
    resources,
    stack,
    template,
)
from tests.support.synth import text as reviewable

pytestmark = pytest.mark.xdist_group("stack")
Template = dict[str, Any]
UNITS = {"units": ["ou-ab12-cd34ef56"], "except": ["444455556666"]}
LIST = {"accounts": ["111122223333"]}
ACCOUNTS = "lightkeeper.fleet_handler.list_accounts"
REPORT = "lightkeeper.fleet_handler.report_fleet"
SERVICE_ERRORS = {
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
}
SECURITY = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
THROTTLES = {"Lambda.TooManyRequestsException"}


@pytest.fixture(scope="module")
def fleet() -> Template:
    return template(organization=UNITS)


def test_an_account_has_one_of_it_whatever_the_region_and_any_number_of_the_other_kind(fleet: Template) -> None:
    """Roles are an account's: a second stack cannot be made where the first has named its own."""
    hub = HubRoles.of("Lightkeeper")

    assert {*names_of_roles(fleet)} == {hub.keeper, hub.calendar}
    assert names_of_roles(template()) == []


def names_of_roles(of: Template) -> list[str]:
    """Return the names that the template itself gives to roles."""
    properties = (role["Properties"] for role in resources(of, "AWS::IAM::Role"))
    return [each["RoleName"] for each in properties if "RoleName" in each]


def machine(of: Template) -> dict[str, Any]:
    return only(of, "AWS::StepFunctions::StateMachine")


def definition(of: Template) -> dict[str, Any]:
    """Return the state machine's definition, with logical ids for ARNs."""
    parts = machine(of)["DefinitionString"]["Fn::Join"][1]
    written: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else name_in(part) for part in parts))
    return written


def name_in(part: dict[str, Any]) -> str:
    """Return the logical id that a part of a template leads to; of what AWS itself gives, its name."""
    match part:
        case {"Fn::GetAtt": [str(name), _]} | {"Ref": str(name)}:
            return name
        case _:
            raise ValueError(f"{part!r} leads nowhere")


def tasks(of: Template) -> dict[str, dict[str, Any]]:
    """Return the states that invoke a function, by their names; that of each account is inside the map."""
    states = definition(of)["States"]
    inner = states["EachAccount"]["ItemProcessor"]["States"]
    return {name: each for name, each in {**states, **inner}.items() if each["Type"] == "Task"}


def timeout_of(of: Template, handler: str) -> int:
    seconds: int = function(of, handler)["Timeout"]
    return seconds


def statements(of: Template, handler: str) -> list[dict[str, Any]]:
    return [each for policy in function_role(of, handler)["Policies"] for each in policy["PolicyDocument"]["Statement"]]


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(found: list[dict[str, Any]], prefix: str = "") -> set[str]:
    return {action for each in found for action in listed(each["Action"]) if action.startswith(prefix)}


def text(value: object) -> str:
    """Return an ARN of a template as text, with names for what AWS gives."""
    match value:
        case str():
            return value
        case {"Fn::Join": ["", [*parts]]}:
            return "".join(text(part) for part in parts)
        case dict():
            return f"<{name_in(value)}>"
        case _:
            raise ValueError(f"{value!r} is no text of a template")


# The state machine


def test_it_lists_the_accounts_looks_after_each_and_reports_on_all(fleet: Template) -> None:
    of = definition(fleet)
    names = {name: each["Properties"].get("Handler") for name, each in fleet["Resources"].items()}

    order = [of["StartAt"]]
    while "Next" in of["States"][order[-1]]:
        order.append(of["States"][order[-1]]["Next"])
    assert order == ["Accounts", "EachAccount", "Report", "Has any account failed?"]
    assert {name: names[task["Resource"]] for name, task in tasks(fleet).items()} == {
        "Accounts": ACCOUNTS,
        "Run": KEEPER,
        "Report": REPORT,
    }


def test_each_account_is_an_execution_of_its_own_as_many_at_a_time_as_the_settings_say() -> None:
    each = definition(template(organization={**LIST, "maxConcurrency": 7}))["States"]["EachAccount"]

    assert each["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert each["MaxConcurrency"] == 7
    assert each["ToleratedFailurePercentage"] == 100
    assert each["Label"] == "EachAccount"
    assert "ItemReader" not in each
    assert "ResultWriter" not in each


def test_an_event_of_an_account_is_what_the_function_reads(fleet: Template) -> None:
    each = definition(fleet)["States"]["EachAccount"]

    assert each["ItemSelector"] == {
        "account.$": "$$.Map.Item.Value.account",
        "name.$": "$$.Map.Item.Value.name",
        "time.$": "$.time",
        "regions.$": "$.regions",
    }
    assert "Parameters" not in each["ItemProcessor"]["States"]["Run"]


def test_a_failure_in_an_account_is_data_of_few_bytes(fleet: Template) -> None:
    states = definition(fleet)["States"]["EachAccount"]["ItemProcessor"]["States"]

    assert states["Run"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Failed"}]
    assert states["Failed"]["Type"] == "Pass"
    assert states["Failed"]["Parameters"] == {
        "account.$": "$.account",
        "name.$": "$.name",
        "error.$": "$.error.Error",
    }, "and no cause, which may be as long as a log"
    assert states["Failed"]["End"] is True


def test_the_report_gets_the_results_in_place_of_the_accounts_with_nothing_of_lambda_s_around_them(
    fleet: Template,
) -> None:
    states = definition(fleet)["States"]

    assert states["EachAccount"]["ItemsPath"] == states["EachAccount"]["ResultPath"] == "$.accounts"
    assert states["Report"]["Parameters"] == {
        "time.$": "$.time",
        "results.$": "$.accounts",
        "unlisted.$": "$.unlisted",
    }
    for name, task in tasks(fleet).items():
        assert task["Resource"] in fleet["Resources"], f"{name}: a function itself answers with no more than its answer"


def test_the_execution_fails_with_the_report_s_cause_if_an_account_has(fleet: Template) -> None:
    states = definition(fleet)["States"]
    choice = states["Has any account failed?"]

    assert choice["Choices"] == [{"Variable": "$.failed", "NumericGreaterThan": 0, "Next": "AccountsFailed"}]
    assert states[choice["Default"]] == {"Type": "Succeed"}
    assert states["AccountsFailed"] == {"Type": "Fail", "Error": "AccountsFailed", "CausePath": "$.cause"}


def test_only_what_lambda_itself_could_not_do_is_tried_again_and_not_by_all_at_the_same_time(fleet: Template) -> None:
    for name, task in tasks(fleet).items():
        service, throttle = task["Retry"]
        assert (set(service["ErrorEquals"]), set(throttle["ErrorEquals"])) == (SERVICE_ERRORS, THROTTLES), name
        for retry in (service, throttle):
            assert retry["JitterStrategy"] == "FULL"
            assert retry["BackoffRate"] > 1
            assert 1 < retry["MaxAttempts"] <= 15
            assert retry["IntervalSeconds"] <= retry["MaxDelaySeconds"] <= 60
        # Others may need the functions that Lambda runs at a time for as long as one of them lasts.
        assert waits(throttle) > timeout_of(fleet, KEEPER) / 2, name


def waits(retry: dict[str, Any]) -> float:
    """Return the seconds after which a retry gives up, if chance makes each wait as long as it can be."""
    seconds: float = sum(
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** number, retry["MaxDelaySeconds"])
        for number in range(retry["MaxAttempts"])
    )
    return seconds


def test_a_task_waits_a_little_longer_than_its_function_may_last_and_nothing_waits_for_ever(fleet: Template) -> None:
    waiting = {name: task["TimeoutSeconds"] for name, task in tasks(fleet).items()}

    assert waiting == {
        "Accounts": timeout_of(fleet, ACCOUNTS) + 60,
        "Run": timeout_of(fleet, KEEPER) + 60,
        "Report": timeout_of(fleet, REPORT) + 60,
    }
    assert timeout_of(fleet, KEEPER) == 15 * 60
    # Well beyond what a fleet needs whose every account has work for minutes, and shorter than a day.
    assert definition(fleet)["TimeoutSeconds"] == 6 * 3600


def test_its_executions_are_traced_and_logged_without_what_goes_in_and_out(fleet: Template) -> None:
    of = machine(fleet)
    (destination,) = of["LoggingConfiguration"]["Destinations"]
    log = fleet["Resources"][name_in(destination["CloudWatchLogsLogGroup"]["LogGroupArn"])]["Properties"]

    assert of["TracingConfiguration"] == {"Enabled": True}
    assert of["LoggingConfiguration"]["Level"] == "ALL"
    assert of["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert log["LogGroupName"] == "/aws/vendedlogs/states/Lightkeeper-accounts"
    assert log["RetentionInDays"] == 90
    assert machine(template(organization=LIST, deployment="Shop"))["StateMachineName"] == "Shop-accounts"


def test_the_schedule_starts_it_with_its_own_time_and_may_start_nothing_else(fleet: Template) -> None:
    schedule = only(fleet, "AWS::Scheduler::Schedule")
    role = fleet["Resources"][name_in(schedule["Target"]["RoleArn"])]["Properties"]
    (name,) = (name for name, each in fleet["Resources"].items() if each["Type"] == "AWS::StepFunctions::StateMachine")

    assert schedule["Target"]["Arn"] == {"Ref": name}
    assert json.loads(schedule["Target"]["Input"]) == {"time": "<aws.scheduler.scheduled-time>"}
    assert schedule["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 3}
    assert fleet["Resources"][name_in(schedule["Target"]["DeadLetterConfig"]["Arn"])]["Type"] == "AWS::SQS::Queue"
    (policy,) = role["Policies"]
    assert {each["Action"]: name_in(each["Resource"]) for each in policy["PolicyDocument"]["Statement"]} == {
        "states:StartExecution": name,
        "sqs:SendMessage": name_in(schedule["Target"]["DeadLetterConfig"]["Arn"]),
    }
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert set(trust["Condition"]["StringEquals"]) == {"aws:SourceAccount", "aws:SourceArn"}


# The functions


def test_each_function_knows_what_it_reads_and_no_more(fleet: Template) -> None:
    def variables(handler: str) -> dict[str, Any]:
        found: dict[str, Any] = function(fleet, handler)["Environment"]["Variables"]
        return found

    settings = {ENVIRONMENT_VARIABLE}
    hub = {"LIGHTKEEPER_MEMBER_ROLE", "LIGHTKEEPER_RESULTS"}
    telling = {"LIGHTKEEPER_TOPIC", "LIGHTKEEPER_DASHBOARD"}
    assert {handler: set(variables(handler)) for handler in (ACCOUNTS, KEEPER, REPORT, CALENDAR)} == {
        ACCOUNTS: settings | {"LIGHTKEEPER_ORGANIZATION"},
        KEEPER: settings | hub | telling,
        REPORT: settings | hub | telling | {"LIGHTKEEPER_ORGANIZATION"},
        CALENDAR: settings | hub,
    }
    for handler in (KEEPER, REPORT, CALENDAR):
        assert variables(handler)["LIGHTKEEPER_MEMBER_ROLE"] == "Lightkeeper-member"
        assert fleet["Resources"][name_in(variables(handler)["LIGHTKEEPER_RESULTS"])]["Type"] == "AWS::S3::Bucket"
    assert Organization.from_json(variables(ACCOUNTS)["LIGHTKEEPER_ORGANIZATION"]) == Organization.from_mapping(UNITS)
    assert Settings.from_env(variables(ACCOUNTS)) == Settings()


def test_a_role_of_another_name_is_the_one_that_is_assumed() -> None:
    of = template(organization={**LIST, "roleName": "Backups"})

    assert function(of)["Environment"]["Variables"]["LIGHTKEEPER_MEMBER_ROLE"] == "Backups"
    assert of["Outputs"]["MemberRole"]["Value"] == "Backups"
    assert assumed(of, KEEPER) == ["arn:<AWS::Partition>:iam::*:role/Backups"]
    assert assumed(of, CALENDAR) == ["arn:<AWS::Partition>:iam::*:role/Backups-viewer"]


def test_the_two_functions_around_the_accounts_are_small_have_time_and_log_like_the_others(fleet: Template) -> None:
    for handler in (ACCOUNTS, REPORT):
        of = function(fleet, handler)
        assert (of["Architectures"], of["Runtime"], of["Timeout"]) == (["arm64"], "python3.14", 300)
        assert of["MemorySize"] <= 512
        assert of["LoggingConfig"]["LogFormat"] == "JSON"
        assert "ReservedConcurrentExecutions" not in of, "it would take away from what runs in accounts"
    groups = resources(fleet, "AWS::Logs::LogGroup")
    assert [group["Properties"]["RetentionInDays"] for group in groups] == [90] * 5
    assert [group["DeletionPolicy"] for group in groups] == ["Delete"] * 5


# Who may do what


def assumed(of: Template, handler: str) -> list[str]:
    return [
        text(resource)
        for each in statements(of, handler)
        if "sts:AssumeRole" in listed(each["Action"])
        for resource in listed(each["Resource"])
    ]


def test_two_functions_get_into_the_accounts_each_by_its_own_role_there_and_no_other_does(fleet: Template) -> None:
    assert {handler: assumed(fleet, handler) for handler in (ACCOUNTS, KEEPER, REPORT, CALENDAR)} == {
        ACCOUNTS: [],
        KEEPER: ["arn:<AWS::Partition>:iam::*:role/Lightkeeper-member"],
        REPORT: [],
        CALENDAR: ["arn:<AWS::Partition>:iam::*:role/Lightkeeper-member-viewer"],
    }


def test_their_roles_have_the_names_that_the_accounts_let_in(fleet: Template) -> None:
    named = {handler: function_role(fleet, handler).get("RoleName") for handler in (ACCOUNTS, KEEPER, REPORT, CALENDAR)}

    names = HubRoles.of("Lightkeeper")
    assert named == {ACCOUNTS: None, KEEPER: names.keeper, REPORT: None, CALENDAR: names.calendar}
    assert names == HubRoles(keeper="Lightkeeper-hub", calendar="Lightkeeper-hub-calendar")


def test_who_lists_the_accounts_can_do_nothing_else_and_with_a_list_not_even_that(fleet: Template) -> None:
    log = {"logs:CreateLogStream", "logs:PutLogEvents"}

    assert actions(statements(fleet, ACCOUNTS)) == log | {
        "organizations:ListAccountsForParent",
        "organizations:ListOrganizationalUnitsForParent",
    }
    assert actions(statements(template(organization=LIST), ACCOUNTS)) == log


def test_who_reports_sees_no_account_and_may_write_one_document(fleet: Template) -> None:
    found = statements(fleet, REPORT)

    assert actions(found) == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sns:ListTagsForResource",
        "sns:Publish",
        "sns:TagResource",
        "sns:UntagResource",
    }
    assert documents(found, "s3:PutObject") == ["/fleet.json"]
    assert documents(found, "s3:GetObject") == ["/accounts/*.json", "/fleet.json"]


def test_a_run_writes_the_documents_of_accounts_and_the_calendar_reads_that_of_the_fleet(fleet: Template) -> None:
    run, calendar = statements(fleet, KEEPER), statements(fleet, CALENDAR)

    assert actions(run, "s3:") == {"s3:PutObject"}
    assert documents(run, "s3:PutObject") == ["/accounts/*.json"]
    # Who may not list is told of what is not there yet that it is refused.
    assert actions(calendar, "s3:") == {"s3:GetObject", "s3:ListBucket"}
    assert documents(calendar, "s3:GetObject") == ["/fleet.json"]
    assert {action.split(":")[0] for action in actions(calendar)} == {"lightsail", "logs", "sts", "s3"}


def documents(found: list[dict[str, Any]], action: str) -> list[str]:
    """Return what may be done that with, all of it in the bucket."""
    keys = [
        text(resource) for each in found if action in listed(each["Action"]) for resource in listed(each["Resource"])
    ]
    assert all(key.startswith("<ResultsBucket") for key in keys)
    return [key[key.index(">") + 1 :] for key in keys]


def test_what_a_run_may_do_in_lightsail_is_the_same_with_and_without_other_accounts(
    fleet: Template, default: Template
) -> None:
    for handler in (KEEPER, CALENDAR):
        shared = [policy["PolicyName"] for policy in function_role(default, handler)["Policies"]]
        own = {each["PolicyName"]: each for each in function_role(fleet, handler)["Policies"]}
        assert [own[name] for name in shared] == function_role(default, handler)["Policies"]
        assert own.keys() - {*shared} == {"Members", "Results"}


def test_the_state_machine_may_invoke_its_functions_and_manage_its_own_executions(fleet: Template) -> None:
    role = fleet["Resources"][name_in(machine(fleet)["RoleArn"])]["Properties"]
    found = {policy["PolicyName"]: policy["PolicyDocument"]["Statement"] for policy in role["Policies"]}
    arn = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>"

    assert resources(fleet, "AWS::IAM::Policy") == [], "no policy beside those of the roles"
    (invoke,) = found["Run"]
    assert invoke["Action"] == "lambda:InvokeFunction"
    invoked = {fleet["Resources"][name_in(each)]["Properties"]["Handler"] for each in invoke["Resource"]}
    assert invoked == {ACCOUNTS, KEEPER, REPORT}
    start, watch = found["Accounts"]
    assert (start["Action"], text(start["Resource"])) == (
        "states:StartExecution",
        f"{arn}:stateMachine:Lightkeeper-accounts",
    )
    assert watch["Action"] == ["states:DescribeExecution", "states:StopExecution"]
    assert [text(each) for each in watch["Resource"]] == [
        f"{arn}:execution:Lightkeeper-accounts:*",
        f"{arn}:execution:Lightkeeper-accounts/EachAccount:*",
    ]
    assert {action.split(":")[0] for action in actions(found["Seen"])} == {"logs", "xray"}
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert [text(each) for each in trust["Condition"]["ArnLike"]["aws:SourceArn"]] == [
        f"{arn}:stateMachine:Lightkeeper-accounts",
        f"{arn}:stateMachine:Lightkeeper-accounts/EachAccount",
    ]


def test_the_document_on_security_names_each_permission_and_no_other(fleet: Template, default: Template) -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| (`[^|]+) \| [^|]+ \| [^|]+ \|$", SECURITY, re.MULTILINE)
    said: dict[str, set[str]] = {}
    for who, permissions in rows:
        said.setdefault(who, set()).update(re.findall("`([^`]+)`", permissions))

    def role(kind: str, key: str) -> list[dict[str, Any]]:
        policies = fleet["Resources"][name_in(only(fleet, kind)[key])]["Properties"]["Policies"]
        return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]

    def added(handler: str) -> set[str]:
        return actions(statements(fleet, handler)) - actions(statements(default, handler))

    schedule = fleet["Resources"][name_in(only(fleet, "AWS::Scheduler::Schedule")["Target"]["RoleArn"])]["Properties"]
    assert said == {
        "the first function": added(KEEPER),
        "the calendar": added(CALENDAR),
        "who lists the accounts": actions(statements(fleet, ACCOUNTS)),
        "who reports": actions(statements(fleet, REPORT)),
        "the state machine": actions(role("AWS::StepFunctions::StateMachine", "RoleArn")),
        "the schedule": actions([s for policy in schedule["Policies"] for s in policy["PolicyDocument"]["Statement"]]),
    }


@pytest.mark.parametrize("organization", [UNITS, LIST], ids=["units", "accounts"])
def test_no_role_trusts_everybody_and_none_may_do_everything(organization: dict[str, object]) -> None:
    of = template(organization=organization)

    for role in resources(of, "AWS::IAM::Role"):
        for trust in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            assert set(trust["Principal"]) == {"Service"}
        for policy in role["Properties"]["Policies"]:
            for each in policy["PolicyDocument"]["Statement"]:
                assert not any("*" in action for action in listed(each["Action"]))
    for kind in ("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"):
        for each in only(of, kind)["PolicyDocument"]["Statement"]:
            assert each["Effect"] == "Deny" or "*" not in json.dumps(each["Principal"])
    assert resources(of, "AWS::Lambda::Permission") == []


@pytest.mark.parametrize(
    "keys", [{"organization": UNITS}, {"organization": LIST, "encryptNotifications": True, "notify": ["a@example.com"]}]
)
def test_cdk_nag_has_nothing_to_say(keys: dict[str, object]) -> None:
    app = stack(**keys).node.root

    report = AwsSolutionsChecks(app).validate_scope(app)

    assert [violation.rule_name for violation in report.violations] == []


# The bucket


def test_the_bucket_is_encrypted_for_tls_only_and_nobody_else_s(fleet: Template) -> None:
    of = only(fleet, "AWS::S3::Bucket")
    (rule,) = of["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (denied,) = only(fleet, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]

    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert (denied["Effect"], denied["Action"]) == ("Deny", "s3:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert of["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert of["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_what_is_in_it_goes_by_itself_and_no_version_of_it_stays(fleet: Template) -> None:
    of = only(fleet, "AWS::S3::Bucket")
    (rule,) = of["LifecycleConfiguration"]["Rules"]

    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 30)
    assert "Prefix" not in rule
    assert "Filter" not in rule
    assert "VersioningConfiguration" not in of


def test_all_goes_with_the_stack_but_the_bucket_that_make_destroy_deletes(fleet: Template) -> None:
    kept = {
        each["Type"]: each["DeletionPolicy"]
        for each in fleet["Resources"].values()
        if each.get("DeletionPolicy", "Delete") != "Delete"
    }

    assert kept == {"AWS::S3::Bucket": "RetainExceptOnCreate"}
    assert not any(each["Type"].startswith("Custom::") for each in fleet["Resources"].values())


# The rest


def test_the_template_is_the_reviewed_one() -> None:
    assert reviewable(template(**MANY)) == REVIEWED_FLEET.read_text(encoding="utf-8"), (
        f"review the change, then write it: {HOW}"
    )


def test_cfn_lint_has_nothing_to_say() -> None:
    # W3005: the CDK names a dependency on the role beside the reference to it.
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--template", str(REVIEWED_FLEET)]
    command += ["--ignore-checks", "W3005"]

    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own arguments

    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_what_both_deployments_have_keeps_its_logical_id(fleet: Template, default: Template) -> None:
    kinds = {name: each["Type"] for name, each in fleet["Resources"].items()}

    assert {name: each["Type"] for name, each in default["Resources"].items()}.items() <= kinds.items()
    added = [kinds[name].removeprefix("AWS::") for name in kinds.keys() - default["Resources"].keys()]
    assert sorted(added) == [
        "CloudWatch::Alarm",
        "CloudWatch::Alarm",
        "IAM::Role",
        "IAM::Role",
        "IAM::Role",
        "Lambda::Function",
        "Lambda::Function",
        "Logs::LogGroup",
        "Logs::LogGroup",
        "Logs::LogGroup",
        "S3::Bucket",
        "S3::BucketPolicy",
        "StepFunctions::StateMachine",
    ]


def test_the_outputs_lead_to_the_bucket_the_role_the_machine_and_the_list_of_accounts(
    fleet: Template, default: Template
) -> None:
    added = {name: each["Value"] for name, each in fleet["Outputs"].items() if name not in default["Outputs"]}

    assert added.keys() == {"ResultsBucket", "MemberRole", "StateMachineArn", "AccountsFunctionName"}
    lists = fleet["Resources"][name_in(added["AccountsFunctionName"])]["Properties"]
    assert lists["Handler"] == ACCOUNTS
    assert added["MemberRole"] == "Lightkeeper-member"
    assert fleet["Resources"][name_in(added["ResultsBucket"])]["Type"] == "AWS::S3::Bucket"
    assert fleet["Resources"][name_in(added["StateMachineArn"])]["Type"] == "AWS::StepFunctions::StateMachine"


def test_each_alarm_watches_the_fleet_and_says_what_to_do(fleet: Template) -> None:
    alarms = [each["Properties"] for each in resources(fleet, "AWS::CloudWatch::Alarm")]

    assert {alarm["AlarmDescription"] for alarm in alarms} == {section.description() for section in FLEET_SECTIONS}
    assert len(alarms) == len(FLEET_SECTIONS) == 8
    watched = {alarm["MetricName"] for alarm in alarms if "MetricName" in alarm}
    watched |= {
        each["MetricStat"]["Metric"]["MetricName"]
        for alarm in alarms
        for each in alarm.get("Metrics", ())
        if each.get("MetricStat", {}).get("Metric", {}).get("Namespace") == "Lightkeeper"
    }
    assert watched <= set(FleetMetricName)


@pytest.mark.parametrize(("tick", "hours"), [("rate(5 minutes)", 1), ("rate(1 hour)", 1.5), ("rate(1 day)", 36)])
def test_whether_a_report_came_is_looked_for_from_run_to_run_and_half_of_that_more(tick: str, hours: float) -> None:
    of = template(organization=UNITS, tick=tick)

    periods = {
        each["MetricStat"]["Period"]
        for alarm in resources(of, "AWS::CloudWatch::Alarm")
        for each in alarm["Properties"].get("Metrics", ())
        if "MetricStat" in each and len(alarm["Properties"]["Metrics"]) > 2
    }
    assert periods == {hours * 3600}


def test_an_acknowledgement_of_cdk_nag_is_for_what_it_names_alone(fleet: Template) -> None:
    everything = [
        (name, action)
        for name, role in fleet["Resources"].items()
        if role["Type"] == "AWS::IAM::Role"
        for policy in role["Properties"]["Policies"]
        for each in policy["PolicyDocument"]["Statement"]
        for action in listed(each["Action"])
        if each["Resource"] == "*"
    ]

    expected = (
        "lightsail:Get*",
        "lightsail:Create*",
        "lightsail:TagResource",
        "organizations:List*",
        "logs:*",
        "xray:*",
    )
    assert all(any(fnmatchcase(action, each) for each in expected) for _, action in everything)
    assert {name for name, _ in everything if re.search("Report", name)} == set()
