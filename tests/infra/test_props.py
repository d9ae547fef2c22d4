"""What cdk.json may say to the stack, and how it answers what is wrong."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.props import LOG_RETENTION, Props
from lightkeeper.deployable import longest_environment
from lightkeeper.settings import LOG_RETENTIONS, RENAMED, Settings, SettingsError, StackSettings
from tests.support.synth import function, template

pytestmark = pytest.mark.xdist_group("stack")
ROOT = Path(__file__).parents[2]


HOURLY = {"schedule": "0 * * * *", "keep": "24"}
COPY = {"schedule": "0 5 * * *", "keep": "daily=7"}


def errors(**keys: object) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        Props.from_document({"app": "x", "lightkeeper": keys})
    return list(raised.value.errors)


def test_the_shipped_cdk_json_is_the_defaults() -> None:
    assert Props.from_document(json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))) == Props.from_document({})


def test_the_stack_s_own_keys_stand_beside_those_of_the_runtime() -> None:
    props = Props.from_document(
        {"lightkeeper": {"grace": "2d", "encryptNotifications": True, "logRetentionDays": 30, "tagOnCreate": False}}
    )

    assert props.settings == Settings.from_mapping({"grace": "2d"})
    assert props.own == StackSettings(encrypt_notifications=True, log_retention_days=30, tag_on_create=False)


def test_the_cdk_has_a_word_for_every_retention_that_is_understood() -> None:
    assert tuple(LOG_RETENTION) == LOG_RETENTIONS


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_key_by_its_former_name_is_answered_with_the_present_one_and_nothing_else(old: str, new: str) -> None:
    assert errors(**{old: 4}) == [f'{old}: was renamed; expected "{new}"']


def test_the_command_line_reads_the_same_file_without_complaint() -> None:
    assert Settings.from_file({"lightkeeper": {"encryptNotifications": True}}) == Settings()


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"encryptNotification": True}, 'did you mean "encryptNotifications"?'),
        ({"graze": "1d"}, 'did you mean "grace"?'),
        ({"encryptNotifications": "yes"}, 'encryptNotifications: "yes" is neither true nor false'),
        ({"logRetentionDays": 31}, "logRetentionDays: 31 is not a retention; expected one of 1, 3, 5, 7, 14, 30,"),
        ({"logRetentionDays": True}, "logRetentionDays: true is not a retention"),
        ({"deployment": "my backups"}, 'deployment: "my backups" cannot be the name of a stack'),
        (
            {"tick": "rate(3 days)", "defaultPolicy": "weekly"},
            'tick: "rate(3 days)" is too rare to notice that it has stopped; expected three runs within a week',
        ),
        (
            {"tick": "cron(0 3 ? * SUN *)", "defaultPolicy": "weekly"},
            'tick: "cron(0 3 ? * SUN *)" is too rare to notice',
        ),
        ({"tick": "cron(0 3 * * ? 2027)"}, 'tick: "cron(0 3 * * ? 2027)" ends with the year "2027"'),
        ({"tick": "rate(2 days)"}, 'tick: "rate(2 days)" is rarer than the policy "daily" ("0 3 * * * UTC")'),
        ({"tick": "rate(61 minutes)", "policies": {"hourly": HOURLY}}, 'is rarer than the policy "hourly"'),
        ({"policies": {"quarter": HOURLY | {"schedule": "*/15 * * * *"}}}, 'is rarer than the policy "quarter"'),
        (
            {"tick": "cron(0 8-17 ? * MON-FRI *)", "policies": {"office": HOURLY | {"schedule": "0 18 * * 1-6"}}}
            | {"defaultPolicy": "monthly"},
            'is rarer than the policy "office" ("0 18 * * 1-6 UTC"): some of its snapshots would never be taken',
        ),
        ({"regions": ["eu-central-3"]}, 'regions: "eu-central-3" is not a Region with Lightsail; expected one of "ap-'),
        ({"regions": ["eu-central-1", "eu-centrall-1"]}, 'did you mean "eu-central-1"?'),
        ({"regions": ["us-west-1"]}, 'regions: "us-west-1" is not a Region with Lightsail'),
        ({"copies": {"us-west-1": COPY}}, 'copies: "us-west-1" is not a Region with Lightsail; expected one of "ap-'),
        ({"copies": {"eu-nort-1": COPY}}, 'did you mean "eu-north-1"?'),
        (
            {"copies": {"eu-north-1": COPY | {"schedule": "*/15 * * * *"}}},
            'is rarer than the schedule of copies to eu-north-1 ("*/15 * * * * UTC"): some of them would never be made',
        ),
    ],
)
def test_a_wrong_value_is_answered_with_one_sentence(keys: dict[str, object], sentence: str) -> None:
    (error,) = errors(**keys)

    assert sentence in error


def test_everything_that_is_wrong_is_named_at_once_in_the_runtime_s_words() -> None:
    given = {"grace": "soon", "orphans": "keeep"}
    with pytest.raises(SettingsError) as runtime:
        Settings.from_mapping(given)

    assert errors(**given, logRetentionDays=0)[:2] == list(runtime.value.errors)
    assert len(errors(**given, logRetentionDays=0)) == 3


@pytest.mark.parametrize(
    "keys",
    [
        {"tick": "cron(0 3 * * ? *)"},
        {"tick": "rate(1 day)", "defaultPolicy": "weekly"},
        {"tick": "cron(0 8-17 ? * MON-FRI *)", "policies": {"office": HOURLY | {"schedule": "0 12 * * 1-5"}}}
        | {"defaultPolicy": "office"},
        {"tick": "rate(15 minutes)", "policies": {"quarter": HOURLY | {"schedule": "*/15 * * * *"}}},
        {"regions": ["eu-central-1", "ap-southeast-5"]},
    ],
)
def test_a_tick_for_each_slot_and_regions_with_lightsail_are_accepted(keys: dict[str, object]) -> None:
    assert Props.from_document({"lightkeeper": keys}).settings == Settings.from_mapping(keys)


def test_each_region_without_lightsail_is_named_but_a_run_does_not_refuse_it() -> None:
    regions = ["eu-central-3", "eu-central-1", "us-west-1"]

    assert [error.split()[1] for error in errors(regions=regions)] == ['"eu-central-3"', '"us-west-1"']
    assert Settings.from_mapping({"regions": regions}).regions == tuple(regions), "there it fails alone"


def test_settings_that_lambda_would_not_take_are_refused_with_what_to_shorten() -> None:
    def policies(number: int) -> dict[str, object]:
        return {f"policy-number-{each}": HOURLY | {"schedule": "0 3 * * *"} for each in range(number)}

    most = max(number for number in range(60) if not refusals(policies=policies(number)))
    (error,) = errors(policies=policies(most + 1))

    assert most > 15
    assert error.startswith("policies: with it, all settings together are 4,")
    assert "expected at most 4,096, which is all that Lambda takes" in error
    assert [each.partition(":")[0] for each in errors(notify=[f"somebody-{n}@example.com" for n in range(200)])] == [
        "notify"
    ]


@pytest.mark.parametrize(
    ("deployment", "role", "sentence"),
    [
        ("L", None, 'deployment: "L" is too short to be an external id; expected 2 characters or more'),
        (
            "L" * 49,
            None,
            (
                f'deployment: "{"L" * 49}" is too long for the name of a role, "{"L" * 49}-member-operator"; expected '
                'up to 48 characters, or "roleName" in "organization"'
            ),
        ),
        (
            "L" * 52,
            "Backups",
            (
                f'deployment: "{"L" * 52}" is too long for the name of a role, "{"L" * 52}-hub-calendar"; expected '
                "up to 51 characters"
            ),
        ),
    ],
)
def test_a_deployment_whose_name_makes_no_roles_cannot_look_after_other_accounts(
    deployment: str, role: str | None, sentence: str
) -> None:
    organization = {"units": ["r-ab12"]} | ({"roleName": role} if role else {})

    assert refusals(deployment=deployment, organization=organization) == (sentence,)
    assert refusals(deployment=deployment) == ()


@pytest.mark.parametrize(("deployment", "role"), [("LK", None), ("L" * 48, None), ("L" * 51, "Backups")])
def test_a_deployment_whose_name_makes_roles_can(deployment: str, role: str | None) -> None:
    organization = {"units": ["r-ab12"]} | ({"roleName": role} if role else {})

    assert refusals(deployment=deployment, organization=organization) == ()


def test_more_accounts_than_lambda_takes_in_an_environment_are_refused_with_what_to_do() -> None:
    def accounts(number: int) -> dict[str, object]:
        return {"accounts": [f"{each:012}" for each in range(number)]}

    most = max(number for number in range(1, 400) if not refusals(organization=accounts(number)))
    (error,) = refusals(organization=accounts(most + 1))

    assert most > 150
    assert error.startswith(
        f"organization: with {most + 1} accounts in it, the environment of the function that reports"
    )
    assert error.endswith(
        'which is all that Lambda takes: name the "units" that the accounts are in, or make two deployments'
    )


def test_the_settings_and_what_leads_into_other_accounts_share_an_environment() -> None:
    def policies(number: int) -> dict[str, object]:
        return {f"policy-number-{each}": HOURLY | {"schedule": "0 3 * * *"} for each in range(number)}

    most = max(number for number in range(60) if not refusals(policies=policies(number), deployment="L" * 48))
    organization = {"units": ["r-ab12"], "roleName": "R" * 55}
    (error,) = refusals(policies=policies(most), organization=organization, deployment="L" * 48)

    assert error.startswith("policies: with it, all settings together are 4,")


def refusals(**keys: object) -> tuple[str, ...]:
    try:
        Props.from_document({"lightkeeper": keys})
    except SettingsError as error:
        return error.errors
    return ()


@pytest.mark.parametrize("deployment", ["L", "Lightkeeper", "L" * 100])
def test_the_environment_is_measured_at_least_as_long_as_it_can_become(deployment: str) -> None:
    of = template(deployment=deployment)
    (topic,) = (name for name, each in of["Resources"].items() if each["Type"] == "AWS::SNS::Topic")
    # CloudFormation adds a hyphen and a dozen characters or so to the name; GovCloud's Regions have the longest names.
    real = {
        topic: f"arn:aws-us-gov:sns:us-gov-west-1:123456789012:{deployment}-{topic}-ABCDEFGHIJKLM",
        "AWS::Region": "us-gov-west-1",
    }
    environment = {name: joined(value, real) for name, value in function(of)["Environment"]["Variables"].items()}

    measured = longest_environment(Settings.from_mapping({"deployment": deployment}))

    assert environment.keys() == measured.keys()
    for name, value in environment.items():
        assert len(value) <= len(measured[name]) <= len(value) + 64, name


def joined(value: object, real: dict[str, str]) -> str:
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return real[name]
        case {"Fn::Join": ["", [*parts]]}:
            return "".join(joined(part, real) for part in parts)
        case _:
            raise ValueError(f"{value!r} is no text of a template")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (b'{"lightkeeper": {"grace": "soon", "tagKy": "save"}}', ["cdk.json: lightkeeper: "] * 2),
        (b'{"lightkeeper": {', ["cdk.json: not JSON "]),
        (b'{"lightkeeper": "\xff"}', ["cdk.json: not JSON "]),
        (b"[" * 100_000, ["cdk.json: not JSON "]),
    ],
)
def test_synth_ends_with_those_sentences(tmp_path: Path, text: bytes, sentences: list[str]) -> None:
    shutil.copy(ROOT / "app.py", tmp_path)
    (tmp_path / "cdk.json").write_bytes(text)

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(tmp_path / "app.py"), run_name="__main__")

    told = str(ended.value.code).splitlines()
    assert [line[: len(words)] for line, words in zip(told, sentences, strict=True)] == sentences


def test_the_process_of_synth_prints_such_a_sentence_and_nothing_else(tmp_path: Path) -> None:
    shutil.copy(ROOT / "app.py", tmp_path)
    (tmp_path / "cdk.json").write_bytes(b'{"lightkeeper": {"grace": "soon"}}')
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}

    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT), "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"},
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    (error,) = (line for line in done.stderr.splitlines() if line.startswith("cdk.json: "))
    assert error.startswith('cdk.json: lightkeeper: grace: "soon" ')
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "address", ["docs/runbook.md", "http://example.com", "https://a.example/b) [c](d", "https://a#b", 7]
)
def test_an_address_that_would_make_no_link_is_refused(address: object) -> None:
    (error,) = errors(runbookUrl=address)

    assert error.startswith(f"runbookUrl: {json.dumps(address)} is not an address; expected ")
