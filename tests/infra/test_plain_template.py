"""The plain template: for any settings the same stack as the CDK's, and no more."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.plain_template import CHECKED, plain_template
from infra.props import Props
from infra.template_trees import replaced
from lightkeeper.rows import rows_of
from lightkeeper.settings import Settings, StackSettings
from lightkeeper.settings_check import Answer, attributes, check
from tests.support.formation import Formation
from tests.support.synth import template

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stack")]
VERSION = "1.2.3"
ROWS = {row.key: row for kind in (Settings, StackSettings) for row in rows_of(kind).values()}
FIXED = {"tagKey", "tags"}
# A plain template looks after its own account alone, and is written for a deployment with copies or for one without.
REFUSED = {"organization", "copies"}
OFFICE = {"policies": {"office": {"schedule": "0 18 * * 1-5", "keep": "daily=5"}}}
ALONE = [
    {key: row.example} | (OFFICE if key == "defaultPolicy" else {})
    for key, row in ROWS.items()
    if key not in {*FIXED, *REFUSED}
]
TOGETHER = {key: row.example for key, row in ROWS.items() if key not in {*FIXED, *REFUSED, "defaultPolicy"}}
CASES = [
    {},
    *ALONE,
    TOGETHER,
    OFFICE | {"defaultPolicy": "office", "overdueAfter": "90h", "tick": "cron(0 8-20/3 ? * MON-FRI *)"},
    {"notify": [f"{name}@example.com" for name in "abcde"], "runbookUrl": "https://example.com/?a=[1]"[:22]},
    {"notify": [], "encryptNotifications": True, "tagOnCreate": False, "runbookUrl": None},
]


@cache
def plain(settings: str = "{}") -> dict[str, Any]:
    given = json.loads(settings)
    return plain_template(Props.from_document({"lightkeeper": given}), VERSION, given)


def formation(text: str, found: dict[str, str] | None = None, of: dict[str, Any] | None = None) -> Formation:
    numbers = {name: int(value) if value.isdigit() else value for name, value in (found or {}).items()}
    return Formation(of or plain(), {"Settings": text, "AWS::StackName": "Lightkeeper"}, CHECKED, numbers)


def asked(text: str, of: dict[str, Any] | None = None) -> Answer:
    """Return what the function answers to the template, deployed with these settings."""
    properties = formation(text, of=of).properties(CHECKED)
    return check(
        properties["Settings"],
        stack_name=properties["StackName"],
        fixed=json.loads(properties["Fixed"]),
        seen=properties["Seen"],
    )


def with_a_group_without_a_name(of: dict[str, Any]) -> dict[str, Any]:
    """Return the CDK's template with its group of schedules named by CloudFormation, as in the plain one."""
    ((name, group),) = (
        (name, each) for name, each in of["Resources"].items() if each["Type"] == "AWS::Scheduler::ScheduleGroup"
    )
    made = group["Properties"].pop("Name")
    without: dict[str, Any] = replaced(of, {made: {"Ref": name}})
    return without


def without_code(resources: dict[str, Any]) -> dict[str, Any]:
    """Return resources without where their code is, and subscriptions by their address."""
    found = {}
    for name, each in resources.items():
        properties = {key: value for key, value in each["Properties"].items() if key != "Code"}
        if each["Type"] == "AWS::SNS::Subscription":
            found[f"subscription of {properties['Endpoint']}"] = {**each, "Properties": properties}
        else:
            found[name] = {**each, "Properties": properties}
    return found


@pytest.mark.parametrize("keys", CASES, ids=lambda keys: "-".join(keys) or "none")
@pytest.mark.parametrize("indent", [None, 3])
def test_for_any_settings_it_is_the_stack_of_the_cdk(keys: dict[str, object], indent: int | None) -> None:
    text = json.dumps(keys, indent=indent)
    cdk = Formation(with_a_group_without_a_name(template(**keys)), {}, "", {})

    answer = asked(text)
    of = formation(text, dict(answer.attributes))
    resources = {name: each for name, each in of.resources().items() if not name.startswith("Check")}

    assert answer.reason is None
    assert without_code(resources) == without_code(cdk.resources())
    assert of.outputs() == cdk.outputs()


def test_one_with_copies_is_the_stack_of_the_cdk_with_copies_whichever_they_are() -> None:
    made_for = json.dumps({"copies": {"eu-north-1": {"schedule": "0 5 * * *", "keep": "daily=7"}}})
    other = {"copies": {"eu-west-1": {"schedule": "0 6 * * 0", "keep": "weekly=4"}}, "timeZone": "Europe/Zurich"}
    cdk = Formation(with_a_group_without_a_name(template(**other)), {}, "", {})

    answer = asked(json.dumps(other), plain(made_for))
    of = formation(json.dumps(other), dict(answer.attributes), plain(made_for))
    resources = {name: each for name, each in of.resources().items() if not name.startswith("Check")}

    assert answer.reason is None
    assert without_code(resources) == without_code(cdk.resources())


def test_copies_want_a_template_that_is_written_for_them() -> None:
    copies = json.dumps({"copies": ROWS["copies"].example})

    assert asked(copies).reason == (
        "Settings: copies: this template is written for a deployment without copies in other Regions; expected none, "
        "or a template of your own: make dist CONFIG=FILE"
    )
    assert asked("{}", plain(copies)).reason == (
        "Settings: copies: this template is written for a deployment with copies; expected some, or a template of "
        "your own: make dist CONFIG=FILE"
    )


def test_it_adds_the_check_and_nothing_else() -> None:
    added = [each["Type"] for name, each in formation("{}").template["Resources"].items() if name.startswith("Check")]

    assert sorted(added) == [
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "Custom::LightkeeperSettings",
    ]


def test_it_asks_for_no_bootstrap_and_has_no_trace_of_the_cdk() -> None:
    text = json.dumps(plain())

    assert set(plain()) == {
        "AWSTemplateFormatVersion",
        "Description",
        "Parameters",
        "Conditions",
        "Resources",
        "Outputs",
    }
    assert set(plain()["Parameters"]) == {"CodeBucket", "CodePrefix", "Settings"}
    assert "cdk" not in text.lower().replace("cdk.json", "")
    assert "tands-" not in text.lower()


def test_its_code_is_in_the_folder_of_its_release_in_any_bucket() -> None:
    code = [each["Properties"]["Code"] for each in plain()["Resources"].values() if "Code" in each["Properties"]]

    assert {each["S3Bucket"]["Ref"] for each in code} == {"CodeBucket"}
    assert sorted(each["S3Key"]["Fn::Sub"] for each in code) == [
        f"${{CodePrefix}}lightkeeper-{VERSION}/lightkeeper.zip",
        f"${{CodePrefix}}lightkeeper-{VERSION}/lightkeeper.zip",
        f"${{CodePrefix}}lightkeeper-{VERSION}/recovery-calendar.zip",
    ]


@pytest.mark.parametrize(
    "keys",
    [{"tick": "rate(3 days)", "grace": "soon"}, {"graze": "1d"}, {"regions": ["eu-central-3"]}, {"deployment": "a b"}],
)
def test_what_is_wrong_is_answered_as_the_cdk_s_synthesis_answers_it(keys: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=":") as synth:
        Props.from_document({"lightkeeper": keys})

    assert asked(json.dumps(keys)).reason == "\n".join(f"Settings: {line}" for line in str(synth.value).splitlines())


def test_what_the_template_is_written_for_cannot_be_changed_but_another_can_be_made() -> None:
    keys = '{"tagKey": "save", "tags": {"team": "web"}}'
    reason = asked(keys).reason

    assert reason == (
        'Settings: tagKey: "save" is not what this template is written for; expected "backup", or a template of your '
        "own: make dist CONFIG=FILE\n"
        'Settings: tags: {"team": "web"} is not what this template is written for; expected {}, or a template of your '
        "own: make dist CONFIG=FILE"
    )
    own = plain(keys)
    assert asked(keys, own).reason is None
    assert own["Parameters"]["Settings"]["Default"] == keys
    assert "aws:ResourceTag/save:hold" in json.dumps(own)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"notify": ["a@b.example"], "notify": ["a@b.example", "c@d.example"]}', "notify"),
        ('{"encryptNotifications": true, "encryptNotifications": false}', "encryptNotifications"),
        ('{"tag\\u004fnCreate": false}', "tagOnCreate"),
        ('{"runbookUrl": null, "runbookUrl": "https://example.com/a"}', ""),
    ],
)
def test_settings_that_cloudformation_reads_otherwise_are_refused(text: str, key: str) -> None:
    reason = asked(text).reason

    if key:
        assert reason is not None
        assert reason.startswith(f"Settings: {key}: cannot be read by CloudFormation as it is written here; expected")
    else:
        assert reason is None, "both see the last one"


def test_more_addresses_than_there_is_room_for_are_refused() -> None:
    reason = asked(json.dumps({"notify": [f"{name}@example.com" for name in "abcdef"]})).reason

    assert reason == (
        "Settings: notify: 6 are more than this template has room for; expected at most 5, such as a mailing list"
    )


def test_cfn_lint_has_nothing_to_say(tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(plain()), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--template", str(path), "--ignore-checks", "W3005"]

    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own arguments

    assert (done.returncode, done.stdout) == (0, "")


def test_it_is_small_enough_to_be_sent_without_a_bucket() -> None:
    assert len(json.dumps(plain(), separators=(",", ":"))) < 51_200


def test_every_attribute_that_it_takes_is_answered() -> None:
    taken = set()

    def look(part: object) -> None:
        match part:
            case {"Fn::GetAtt": ["Checked", str(name)]}:
                taken.add(name)
            case dict():
                for value in part.values():
                    look(value)
            case list():
                for value in part:
                    look(value)
            case _:
                pass

    look(plain()["Resources"])
    own = StackSettings.from_mapping({"runbookUrl": "https://example.com/a"})
    five = Settings.from_mapping({"notify": [f"{name}@example.com" for name in "abcde"]})

    assert taken == set(attributes(five, own))


def test_a_template_of_one_s_own_has_the_tags_of_its_settings_and_no_others_can_be_asked_for() -> None:
    text = json.dumps({"tags": {"cost-centre": "backup"}})
    own = plain(text)

    functions = [each for each in own["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
    assert all(each["Properties"]["Tags"] == [{"Key": "cost-centre", "Value": "backup"}] for each in functions)
    assert asked(text, own).reason is None
    assert str(asked(text).reason).startswith('Settings: tags: {"cost-centre": "backup"} is not what this template is')
