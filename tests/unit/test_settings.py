from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.json_objects import text
from lightkeeper.keep_rules import parse_keep
from lightkeeper.model import Mode, Orphans, Policy
from lightkeeper.policies import built_in_policies
from lightkeeper.rows import Form, rows_of, setting
from lightkeeper.schedule import Schedule, parse_schedule
from lightkeeper.settings import ENVIRONMENT_VARIABLE, RENAMED, Settings, SettingsError
from lightkeeper.times import Duration, parse_zone
from tools.docs import settings_table

UTC_ZONE = parse_zone("UTC")
ZURICH = parse_zone("Europe/Zurich")
KEYS = tuple(Settings().to_mapping())


def errors_of(given: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping(given)
    return caught.value.errors


def error_of(given: dict[str, Any]) -> str:
    (error,) = errors_of(given)
    return error


def test_nothing_written_means_the_documented_defaults() -> None:
    settings = Settings.from_mapping({})

    assert settings == Settings()
    assert settings.to_mapping() == {
        "deployment": "Lightkeeper",
        "tagKey": "backup",
        "regions": [],
        "tick": "rate(1 hour)",
        "timeZone": "UTC",
        "policies": {
            "hourly": {"schedule": "0 * * * *", "keep": "hourly=24 daily=7", "timeZone": "UTC"},
            "daily": {"schedule": "0 3 * * *", "keep": "daily=7 weekly=4", "timeZone": "UTC"},
            "weekly": {"schedule": "0 3 * * 0", "keep": "weekly=8", "timeZone": "UTC"},
            "monthly": {"schedule": "0 3 1 * *", "keep": "monthly=12", "timeZone": "UTC"},
        },
        "copies": {},
        "defaultPolicy": "daily",
        "instanceMode": "instance",
        "prune": "on",
        "grace": "1d",
        "orphans": "keep",
        "maxDeletesPerSource": 3,
        "overdueAfter": "6h",
        "maxConcurrency": 8,
        "notify": [],
        "digest": "off",
    }


@pytest.mark.parametrize(
    ("key", "value", "attribute", "parsed"),
    [
        ("deployment", "Spare", "deployment", "Spare"),
        ("tagKey", "ops:backup", "tag_key", "ops:backup"),
        ("tagKey", "k" * 123, "tag_key", "k" * 123),
        ("regions", ["eu-central-1", "us-gov-west-1"], "regions", ("eu-central-1", "us-gov-west-1")),
        ("regions", ["eu-west-1", "eu-west-1"], "regions", ("eu-west-1",)),
        ("regions", [], "regions", ()),
        ("tick", "rate(15 minutes)", "tick", "rate(15 minutes)"),
        ("tick", "cron(0 * * * ? *)", "tick", "cron(0 * * * ? *)"),
        ("tick", "cron(0/15 8-18 ? * MON-FRI *)", "tick", "cron(0/15 8-18 ? * MON-FRI *)"),
        ("timeZone", "Europe/Zurich", "time_zone", ZURICH),
        ("defaultPolicy", "weekly", "default_policy", "weekly"),
        ("instanceMode", "system-disk", "instance_mode", Mode.SYSTEM_DISK),
        ("grace", "0d", "grace", Duration()),
        ("grace", "2d12h", "grace", Duration(days=2, hours=12)),
        ("orphans", "expire", "orphans", Orphans.EXPIRE),
        ("maxDeletesPerSource", 1, "max_deletes_per_source", 1),
        ("maxDeletesPerSource", 1000, "max_deletes_per_source", 1000),
        ("overdueAfter", "1d", "overdue_after", Duration(days=1)),
        ("maxConcurrency", 32, "max_concurrency", 32),
        ("notify", ["ops@mail.example.com"], "notify", ("ops@mail.example.com",)),
        ("notify", ["https://u:p@example.com/hook?a=1"], "notify_endpoints", ("https://u:p@example.com/hook?a=1",)),
        (
            "notify",
            ["a@example.com", "arn:aws-cn:sns:cn-north-1:123456789012:ops"],
            "notify_topics",
            ("arn:aws-cn:sns:cn-north-1:123456789012:ops",),
        ),
        ("digest", "08:05", "digest", Schedule("5 8 * * *", parse_zone("UTC"))),
        ("digest", "08:05 Europe/Zurich", "digest", Schedule("5 8 * * *", parse_zone("Europe/Zurich"))),
        ("digest", "off", "digest", None),
    ],
)
def test_each_key_sets_what_it_names(key: str, value: object, attribute: str, parsed: object) -> None:
    settings = Settings.from_mapping({key: value})

    assert getattr(settings, attribute) == parsed
    assert Settings.from_mapping(settings.to_mapping()) == settings


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("deployment", "", "cannot be a tag value; expected up to 256"),
        ("deployment", "Grün", '"Grün" cannot be a tag value'),
        ("deployment", "aws:mine", 'not starting with "aws:"'),
        ("deployment", "d" * 257, "cannot be a tag value"),
        ("deployment", None, "null is not text"),
        ("tagKey", "", "cannot be a tag key; expected up to 123"),
        ("tagKey", "back,up", '"back,up" cannot be a tag key'),
        ("tagKey", "AWS:backup", 'not starting with "aws:", "lightkeeper:"'),
        ("tagKey", "Lightkeeper:backup", "cannot be a tag key"),
        ("tagKey", "k" * 124, "cannot be a tag key"),
        ("tagKey", 7, "7 is not text"),
        ("regions", "eu-central-1", '"eu-central-1" is not a list; expected [a Region such as "eu-central-1", ...]'),
        ("regions", ["eu-central-1", "Frankfurt"], '"Frankfurt" is not a Region such as "eu-central-1"'),
        ("regions", [None], "null is not a Region"),
        ("regions", ["eu-central-1a"], '"eu-central-1a" is not a Region'),
        ("tick", "hourly", '"hourly" is not a tick; expected "rate(1 hour)" or an EventBridge "cron(...)"'),
        ("tick", "rate(0 hours)", "is not a tick"),
        ("tick", "rate(1 hour) ", "is not a tick"),
        ("tick", 60, "60 is not text"),
        ("timeZone", "Europe/Zurch", 'did you mean "Europe/Zurich"?'),
        ("timeZone", "", '"" is not a time zone'),
        ("timeZone", 1, "1 is not text"),
        ("policies", [], "[] is not an object of policies by name"),
        ("policies", None, "null is not an object of policies by name"),
        ("defaultPolicy", "dayly", 'did you mean "daily"?'),
        ("defaultPolicy", "off", 'expected one of "hourly", "daily", "weekly", "monthly"'),
        ("defaultPolicy", ["daily"], '["daily"] is not text'),
        ("instanceMode", "systemdisk", 'did you mean "system-disk"?'),
        ("instanceMode", True, "true is not text"),
        ("grace", "999y", '"999y" is too long'),
        ("tick", "cron(x)", "is not a tick"),
        ("tick", "rate(1 hours)", "is not a tick"),
        ("tick", "rate(1 hour 5 minutes)", "is not a tick"),
        ("tick", "cron(0 * * * * *)", 'needs "?" for either the day of the month or the day of the week'),
        ("tick", "cron(0 3 31W * ? *)", "counts working days"),
        ("tick", "cron(0 3 * * ? 2026)", "ends with the year"),
        ("tick", "cron(0 3 30 2 ? *)", "cannot be read (bad day-of-month)"),
        ("tick", "cron(0 25 * * ? *)", "cannot be read"),
        ("tagKey", "lightkeeper", "cannot be a tag key"),
        ("tagKey", "aws", "cannot be a tag key"),
        ("tagKey", " ", "cannot be a tag key"),
        ("grace", "1 day", '"1 day" is not a duration'),
        ("grace", 1, "1 is not text"),
        ("orphans", "delete", 'expected one of "keep", "expire"'),
        ("orphans", "expired", 'did you mean "expire"?'),
        ("maxDeletesPerSource", 0, "0 is not a whole number from 1 to 1000"),
        ("maxDeletesPerSource", 1001, "1001 is not a whole number"),
        ("maxDeletesPerSource", True, "true is not a whole number"),
        ("maxDeletesPerSource", "3", '"3" is not a whole number'),
        ("overdueAfter", "0h", '"0h" is too short; expected an hour or more'),
        ("overdueAfter", "6", '"6" is not a duration'),
        ("maxConcurrency", 33, "33 is not a whole number from 1 to 32"),
        ("maxConcurrency", 1.5, "1.5 is not a whole number"),
        ("notify", "ops@example.com", "is not a list; expected [an e-mail address, an "),
        ("notify", ["ops"], '"ops" is not an e-mail address'),
        ("notify", ["ops"], 'an "https://" address or the ARN of an SNS topic'),
        ("notify", ["http://example.com/hook"], "that anybody on the way can read; expected https://"),
        ("notify", ["https://"], '"https://" is not an e-mail address'),
        ("notify", ["arn:aws:sqs:eu-central-1:123456789012:q"], 'expected "arn:aws:sns:REGION:ACCOUNT:NAME"'),
        ("notify", ["arn:aws:sns:eu-central-1:123456789012:q.fifo"], "is a FIFO topic, which takes no alarms"),
        (
            "notify",
            [f"arn:aws:sns:eu-central-1:123456789012:topic-{number}" for number in range(5)],
            "5 topics are too many; expected at most 4",
        ),
        ("notify", ["ops@example..com"], '"ops@example..com" is not an e-mail address'),
        ("digest", "daily", '"daily" is not a time of day; expected "02:30" or "02:30 Europe/Zurich"'),
        ("digest", "08:00 Europe/Zurig", 'did you mean "08:00 Europe/Zurich"?'),
        ("digest", True, "true is not text"),
        ("notify", [{"to": "ops"}], '{"to": "ops"} is not an e-mail address'),
    ],
)
def test_each_key_says_what_it_expects(key: str, value: object, says: str) -> None:
    error = error_of({key: value})

    assert error.startswith(f"{key}: ")
    assert says in error


def test_every_error_is_named_at_once() -> None:
    errors = errors_of({"tagkey": "backup", "grace": "soon", "maxConcurrency": 0, "policies": {"daily": {"keep": "0"}}})

    assert [error.partition(": ")[0] for error in errors] == [
        "tagkey",
        "policies.daily.keep",
        "policies.daily.schedule",
        "grace",
        "maxConcurrency",
    ]


def test_the_errors_together_are_the_message_line_by_line() -> None:
    error = SettingsError(["one thing", "another"])

    assert str(error) == "one thing\nanother"
    assert error.errors == ("one thing", "another")


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("tagkey", "tagKey"),
        ("timezone", "timeZone"),
        ("region", "regions"),
        ("policy", "policies"),
        ("graceful", "grace"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_known_one(key: str, near: str) -> None:
    error = error_of({key: "x"})

    assert error.startswith(f"{key}: unknown key; expected one of ")
    assert error.endswith(f'did you mean "{near}"?')
    assert [known for known in KEYS if f'"{known}"' not in error] == []


def test_a_key_like_no_other_is_answered_with_all_of_them() -> None:
    error = error_of({"colour": "red"})

    assert error.startswith("colour: unknown key; expected one of ")
    assert "did you mean" not in error


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_key_by_its_former_name_is_answered_with_the_present_one(old: str, new: str) -> None:
    assert error_of({old: 4}) == f'{old}: was renamed; expected "{new}"'
    assert error_of({old: 4, "maxConcurrency": 4}) == f'{old}: was renamed; expected "{new}"'


COLOUR = Form(text, str, limits="a colour")


@dataclass(frozen=True, slots=True)
class Grown(Settings):
    """What Settings would be with one more row."""

    colour: str = setting("colour", COLOUR, default="red", example="blue", meaning="of the flag")


def test_a_row_is_all_that_a_setting_takes() -> None:
    blue = Grown.from_mapping({"colour": "blue", "grace": "2d"})

    assert (Grown().colour, blue.colour) == ("red", "blue")
    assert Grown.from_env(blue.to_env()) == blue
    assert Grown.from_file({"lightkeeper": blue.to_mapping()}) == blue
    with pytest.raises(SettingsError) as caught:
        Grown.from_mapping({"color": "blue", "colour": 7})
    unknown, wrong = caught.value.errors
    assert unknown.endswith(
        ', "colour", "encryptNotifications", "logRetentionDays", "runbookUrl", "organization", "tagOnCreate", "tags"; '
        'did you mean "colour"?'
    )
    assert wrong == "colour: 7 is not text; expected text in double quotes"
    assert '| `colour` | `"red"` | a colour | of the flag | `"blue"` |' in settings_table(Grown)


# Policies


def test_a_policy_of_ones_own_stands_beside_the_built_in_ones() -> None:
    settings = Settings.from_mapping(
        {
            "policies": {
                "nightly": {
                    "schedule": "30  2 * * *",
                    "keep": "30d",
                    "timeZone": "Asia/Kathmandu",
                    "mode": "system-disk",
                }
            },
            "defaultPolicy": "nightly",
        }
    )

    assert list(settings.policies) == ["hourly", "daily", "weekly", "monthly", "nightly"]
    assert settings.policies["nightly"] == Policy(
        "nightly", parse_schedule("30 2 * * *", parse_zone("Asia/Kathmandu")), parse_keep("30d"), Mode.SYSTEM_DISK
    )
    assert settings.default_policy == "nightly"


def test_a_policy_may_replace_a_built_in_one() -> None:
    settings = Settings.from_mapping({"policies": {"daily": {"schedule": "0 5 * * *", "keep": "14"}}})

    assert list(settings.policies) == ["hourly", "daily", "weekly", "monthly"]
    assert settings.policies["daily"] == Policy("daily", parse_schedule("0 5 * * *", UTC_ZONE), parse_keep("14"))


def test_policies_are_in_the_time_zone_of_the_settings_unless_they_name_their_own() -> None:
    settings = Settings.from_mapping(
        {
            "policies": {
                "mine": {"schedule": "0 5 * * *", "keep": "14"},
                "theirs": {"schedule": "0 5 * * *", "keep": "14", "timeZone": "UTC"},
            },
            "timeZone": "Europe/Zurich",
        }
    )

    assert {name: policy.schedule.zone.key for name, policy in settings.policies.items()} == {
        **dict.fromkeys(["hourly", "daily", "weekly", "monthly", "mine"], "Europe/Zurich"),
        "theirs": "UTC",
    }


def test_the_built_in_policies_take_the_zone_even_if_no_policy_is_written() -> None:
    assert Settings.from_mapping({"timeZone": "Europe/Zurich"}).policies == built_in_policies(ZURICH)


GOOD = {"schedule": "0 5 * * *", "keep": "14"}


@pytest.mark.parametrize(
    ("name", "policy", "path", "says"),
    [
        ("mine", GOOD | {"schedule": "0 25 * * *"}, "policies.mine.schedule: ", "(bad hour)"),
        ("mine", GOOD | {"schedule": 5}, "policies.mine.schedule: ", "5 is not text"),
        ("mine", GOOD | {"keep": "dayly=7"}, "policies.mine.keep: ", 'did you mean "daily=7"?'),
        ("mine", GOOD | {"keep": 7}, "policies.mine.keep: ", "7 is not text"),
        ("mine", GOOD | {"timeZone": "Zurich"}, "policies.mine.timeZone: ", "is not a time zone"),
        ("mine", GOOD | {"mode": "disk"}, "policies.mine.mode: ", 'expected one of "instance", "system-disk"'),
        ("mine", GOOD | {"kepe": "7"}, "policies.mine.kepe: ", 'did you mean "keep"?'),
        ("mine", {"keep": "7"}, "policies.mine.schedule: ", 'missing; expected "0 3 * * *" or the like'),
        ("mine", {"schedule": "0 5 * * *"}, "policies.mine.keep: ", 'missing; expected "daily=7 weekly=4"'),
        (
            "mine",
            "0 5 * * *",
            "policies.mine: ",
            '"0 5 * * *" is not a policy; expected {"schedule": ..., "keep": ...}',
        ),
        ("mine", None, "policies.mine: ", "null is not a policy"),
        ("off", GOOD, "policies.off: ", '"off" cannot be the name of a policy; expected a word other than "off"'),
        ("", GOOD, "policies.: ", '"" cannot be the name of a policy'),
        (" ", GOOD, "policies. : ", '" " cannot be the name of a policy'),
        ("mine ", GOOD, "policies.mine : ", '"mine " cannot be the name of a policy'),
        ("täglich", GOOD, "policies.täglich: ", '"täglich" cannot be a tag value'),
    ],
)
def test_a_wrong_policy_is_named_by_its_path(name: str, policy: object, path: str, says: str) -> None:
    error = error_of({"policies": {name: policy}})

    assert error.startswith(path)
    assert says in error


def test_a_policy_that_is_wrong_is_not_also_an_unknown_default() -> None:
    error = error_of({"policies": {"mine": GOOD | {"keep": "0"}}, "defaultPolicy": "mine"})

    assert error.startswith("policies.mine.keep: ")


def test_the_default_is_checked_even_where_the_policies_are_wrong() -> None:
    errors = errors_of({"policies": {"mine": {}}, "defaultPolicy": "mein"})

    assert [error.partition(":")[0] for error in errors] == [
        "policies.mine.schedule",
        "policies.mine.keep",
        "defaultPolicy",
    ]


# Files and the environment


def test_a_cdk_json_holds_the_settings_under_their_name() -> None:
    document = {"app": "python3 app.py", "context": {}, "lightkeeper": {"tagKey": "save"}}

    assert Settings.from_file(document) == Settings(tag_key="save")


def test_a_file_may_hold_just_the_settings() -> None:
    assert Settings.from_file({"tagKey": "save"}) == Settings(tag_key="save")
    assert Settings.from_file({}) == Settings()


def test_a_cdk_json_without_settings_means_the_defaults() -> None:
    assert Settings.from_file({"app": "python3 app.py", "watch": {}}) == Settings()


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "[] is not a JSON object; expected a cdk.json, or the settings themselves"),
        (None, "null is not a JSON object"),
        ("text", '"text" is not a JSON object'),
        ({"lightkeeper": None}, "lightkeeper: null is not an object of settings"),
        ({"lightkeeper": ["x"]}, 'lightkeeper: ["x"] is not an object of settings'),
        ({"lightkeeper": {"maxConcurrency": 0}}, "maxConcurrency: 0 is not a whole number"),
        ({"context": {}, "tagKey": "save"}, "context: unknown key"),
    ],
)
def test_a_file_of_another_form_says_so(document: object, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_file(document)

    assert len(caught.value.errors) == 1
    assert says in caught.value.errors[0]


def test_an_empty_environment_means_the_defaults() -> None:
    assert Settings.from_env({"PATH": "/bin"}) == Settings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "LIGHTKEEPER: not JSON"),
        ("{", "LIGHTKEEPER: not JSON"),
        ("[]", "LIGHTKEEPER: [] is not a JSON object"),
        ("null", "LIGHTKEEPER: null is not a JSON object"),
        ("[" * 100_000, "LIGHTKEEPER: not JSON"),
        ('{"maxConcurrency":' + "9" * 5000 + "}", "LIGHTKEEPER: not JSON"),
        ('{"grace":"soon"}', 'grace: "soon" is not a duration'),
    ],
)
def test_a_wrong_environment_says_so(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({ENVIRONMENT_VARIABLE: text})

    assert len(caught.value.errors) == 1
    assert caught.value.errors[0].startswith(says)


def test_what_is_nested_too_deep_to_be_read_or_to_be_shown_is_refused_in_words() -> None:
    # From one of these on Python reads it, but cannot write it any more; which one, the stack says.
    for depth in range(800, 1000):
        with pytest.raises(SettingsError, match=r"^(grace|LIGHTKEEPER): "):
            Settings.from_env({ENVIRONMENT_VARIABLE: f'{{"grace":{"[" * depth}{"]" * depth}}}'})


# Properties

keep_rules = st.sampled_from(["7", "30d", "forever", "daily=7 weekly=4 within-yearly=2y", "monthly=all"])
crons = st.sampled_from(["0 3 * * *", "*/5 * * * *", "0 3 L * MON-FRI"])
zone_names = st.sampled_from(["UTC", "Europe/Zurich", "Asia/Kathmandu", "Pacific/Apia"])
modes = st.sampled_from(list(Mode))
duration_texts = st.builds(Duration, st.integers(0, 7), *[st.integers(0, 11)] * 2, st.integers(1, 99)).map(str)
tag_texts = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 +\-=._/@]{0,20}[A-Za-z0-9]", fullmatch=True)
policy_objects = st.fixed_dictionaries(
    {"schedule": crons, "keep": keep_rules}, optional={"timeZone": zone_names, "mode": modes.map(str)}
)
good_values: dict[str, st.SearchStrategy[object]] = {
    **{row.key: st.sampled_from([row.default, row.example]) for row in rows_of(Settings).values()},
    "deployment": tag_texts,
    "tagKey": tag_texts,
    "regions": st.lists(st.sampled_from(["eu-central-1", "us-east-2", "ap-southeast-5"])),
    "tick": st.sampled_from(["rate(1 hour)", "rate(5 minutes)", "cron(0 * * * ? *)"]),
    "timeZone": zone_names,
    "policies": st.dictionaries(st.sampled_from(["daily", "mine", "db dump"]), policy_objects),
    "defaultPolicy": st.sampled_from(["hourly", "daily", "weekly", "monthly"]),
    "grace": duration_texts,
    "maxDeletesPerSource": st.integers(1, 1000),
    "overdueAfter": duration_texts,
    "maxConcurrency": st.integers(1, 32),
    "digest": st.sampled_from(["off", "00:00", "23:59 Asia/Kathmandu"]),
}
good_objects = st.fixed_dictionaries({}, optional=good_values)


@given(good_objects)
def test_good_settings_survive_both_round_trips(given: dict[str, object]) -> None:
    settings = Settings.from_mapping(given)

    assert Settings.from_mapping(settings.to_mapping()) == settings
    assert Settings.from_env(settings.to_env()) == settings
    assert Settings.from_file({"app": "x", "lightkeeper": settings.to_mapping()}) == settings


@given(good_objects)
def test_the_order_of_keys_does_not_matter(given: dict[str, object]) -> None:
    assert Settings.from_mapping(dict(reversed(given.items()))) == Settings.from_mapping(given)


@pytest.mark.parametrize(
    ("tick", "expected"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(15 minutes)", timedelta(minutes=15)),
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(2 days)", timedelta(days=2)),
        ("cron(0 * * * ? *)", None),
    ],
)
def test_a_rate_has_a_period_and_a_cron_expression_has_none(tick: str, expected: timedelta | None) -> None:
    assert Settings.from_mapping({"tick": tick}).tick_period == expected
