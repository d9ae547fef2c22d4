"""Tags and names: what users write on sources, what we write on snapshots, and what of it we read back."""

import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from awscli.shorthand import ShorthandParser  # type: ignore[import-untyped]
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lightkeeper.commands import tag_command
from lightkeeper.interpret import interpret
from lightkeeper.keep_rules import parse_keep
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import (
    AttachedDisk,
    Inventory,
    Mode,
    Origin,
    Policy,
    Problem,
    RecoveryPoint,
    Severity,
    Snapshot,
    SnapshotState,
    Source,
)
from lightkeeper.names import attempt_of, snapshot_name
from lightkeeper.recipe import RECIPE, DiskRecipe, InstanceRecipe, Part, PortRule, missing_parts
from lightkeeper.schedule import parse_schedule
from lightkeeper.settings import Settings
from lightkeeper.tags import (
    BY_HAND,
    EXPIRES,
    FORMAT,
    HELD,
    MAX_TAGS,
    NOT_HELD,
    OWNER,
    SLOT,
    SOURCE,
    Hold,
    NoPolicy,
    TagReading,
    is_hold,
    policy_tags,
    read_hold,
    read_inherited,
    read_snapshot,
    read_source,
    recipe_without_room,
    snapshot_tags,
    vocabulary,
)
from lightkeeper.times import parse_zone

# What Lightsail takes, and what a shell or the AWS CLI would take for its own.
ANY_TAG = r"[A-Za-z0-9 +\-=._:/@,'\"\[\]{}$`!;&|\\]{0,12}"
SETTINGS = Settings()
DAILY = SETTINGS.policies["daily"]
SLOT_TIME = datetime(2026, 6, 15, 3, tzinfo=UTC)
MOST_AT_BIRTH = MAX_TAGS - 4
"""There is room left for a hold, a mark, and for what a copy says of itself."""
NOW = datetime(2026, 6, 15, 3, 30, tzinfo=UTC)
OURS = SETTINGS.deployment
ARN = "arn:aws:lightsail:eu-central-1:111122223333:Disk/7c2a4f0e-8f3b-4a53-b5a9-1f0b7a9d2c11"
OTHER_ARN = "arn:aws:lightsail:eu-central-1:111122223333:Disk/0d1e2f3a-1111-4222-8333-444455556666"


def disk(name: str = "data", **tags: str) -> Source:
    return Source(SourceKind.DISK, name, ARN, "eu-central-1", datetime(2026, 1, 1, tzinfo=UTC), _keys(tags))


def instance(**tags: str) -> Source:
    return replace(disk(**tags), kind=SourceKind.INSTANCE, name="web")


def _keys(tags: dict[str, str]) -> dict[str, str]:
    """Write `backup__keep` for `backup:keep`."""
    return {key.replace("__", ":"): value for key, value in tags.items()}


def policy_of(source: Source, settings: Settings = SETTINGS) -> Policy:
    reading = read_source(source, settings)
    assert reading.problems == ()
    assert isinstance(reading.policy, Policy)
    return reading.policy


def problem_of(source: Source, settings: Settings = SETTINGS) -> Problem:
    (problem,) = read_source(source, settings).problems
    assert (problem.region, problem.source, problem.arn) == (source.region, source.name, source.arn)
    return problem


# What users write: `backup`


@pytest.mark.parametrize("name", ["hourly", "daily", "weekly", "monthly"])
def test_the_tag_names_a_policy(name: str) -> None:
    assert policy_of(disk(backup=name)) == SETTINGS.policies[name]


def test_the_tag_without_a_value_means_the_default_policy() -> None:
    assert policy_of(disk(backup="")) == DAILY
    assert policy_of(disk(backup=""), Settings(default_policy="weekly")) == SETTINGS.policies["weekly"]


def test_a_policy_of_ones_own_is_known_by_its_name() -> None:
    settings = Settings.from_mapping({"policies": {"db dump": {"schedule": "0 5 * * *", "keep": "14"}}})

    assert policy_of(disk(backup="db dump"), settings).keep == parse_keep("14")


def test_off_is_a_choice_whatever_else_the_tags_say() -> None:
    assert read_source(disk(backup="off", backup__keep="7"), SETTINGS) == TagReading(NoPolicy.OFF, NOT_HELD, ())


def test_what_is_wrong_beside_off_is_a_warning_as_it_may_have_been_meant_to_keep() -> None:
    reading = read_source(disk(backup="off", backup__keep="forevr", backup__hodl=""), SETTINGS)

    assert reading.policy is NoPolicy.OFF
    assert [(problem.severity, problem.suggestion) for problem in reading.problems] == [
        (Severity.WARNING, "backup:hold"),
        (Severity.WARNING, "forever"),
    ]


def test_advice_beside_off_stays_advice() -> None:
    assert problem_of(disk(backup="off", Backup="daily")).severity is Severity.ADVICE


@pytest.mark.parametrize("tags", [{}, {"Name": "data", "owner": "ops"}])
def test_a_source_without_the_tag_is_untagged(tags: dict[str, str]) -> None:
    assert read_source(disk(**tags), SETTINGS) == TagReading(NoPolicy.UNTAGGED, NOT_HELD, ())


def test_no_policy_is_suggested_that_there_is_not() -> None:
    policies = {name: policy for name, policy in SETTINGS.policies.items() if name != "daily"}
    settings = replace(SETTINGS, policies=policies, default_policy="weekly")

    (problem,) = read_source(disk(backup="every day"), settings).problems

    assert problem.suggestion != "daily"


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        *[(word, "daily") for word in ("dayly", "Daily", " daily", "nightly", "every day", "yes", "True", "on", "1")],
        *[(word, "off") for word in ("of", "OFF", "no", "false", "None", "never", "0")],
        ("every week", "weekly"),
        ("gold", None),
    ],
)
def test_an_unknown_policy_is_an_error_and_never_a_guess(value: str, suggestion: str | None) -> None:
    source = disk(backup=value)

    problem = problem_of(source)

    assert read_source(source, SETTINGS).policy is NoPolicy.UNREADABLE
    assert (problem.severity, problem.tag, problem.value) == (Severity.ERROR, "backup", value)
    assert problem.message.startswith(f'"{value}" is not a policy; expected "hourly", "daily", "weekly", "monthly"')
    assert 'or nothing for "daily"' in problem.message
    assert problem.suggestion == suggestion


@pytest.mark.parametrize(
    "value", ["3am", "3:00", "02:30", "02:30 Europe/Zurich", "midnight", "daily 3:00", "Daily 3 am"]
)
def test_who_writes_a_time_of_day_for_a_policy_is_told_where_it_belongs(value: str) -> None:
    assert problem_of(disk(backup=value)).message.endswith('; a time of day belongs in the tag "backup:at"')


@pytest.mark.parametrize("value", ["dayly", "gold", "7", "gold 3am", "daily 7"])
def test_what_is_no_time_of_day_is_not_taken_for_one(value: str) -> None:
    assert "backup:at" not in problem_of(disk(backup=value)).message


def test_yes_means_the_default_policy_whatever_that_is() -> None:
    settings = Settings(default_policy="weekly")

    (problem,) = read_source(disk(backup="yes"), settings).problems

    assert problem.suggestion == "weekly"


@pytest.mark.parametrize(
    ("tags", "tag"),
    [
        ({"backup": "nightly"}, {"key": "backup", "value": "daily"}),
        ({"backup": "", "backup:keep": "weekly=4,daily=7"}, {"key": "backup:keep", "value": "weekly=4 daily=7"}),
        ({"backup": "", "backup:at": "3am Europe/Zurch"}, {"key": "backup:at", "value": "03:00 Europe/Zurich"}),
    ],
)
def test_the_command_that_does_as_suggested_can_be_pasted(tags: dict[str, str], tag: dict[str, str]) -> None:
    command = problem_of(disk(**tags)).command

    assert command is not None
    *words, shorthand = said_by_bash(command)
    assert words == [
        *("aws", "lightsail", "tag-resource", "--region", "eu-central-1", "--resource-name", "data", "--tags")
    ]
    assert ShorthandParser().parse(shorthand) == tag


@given(st.from_regex(ANY_TAG, fullmatch=True).filter(bool), st.from_regex(ANY_TAG, fullmatch=True))
@example("my key", "a, b='c'")
def test_whatever_a_tag_says_its_command_says_the_same(key: str, value: str) -> None:
    shorthand = shlex.split(tag_command("data", "eu-central-1", key, value))[-1]

    assert ShorthandParser().parse(shorthand) == {"key": key} | ({"value": value} if value else {})


def test_a_tag_that_is_no_value_s_fault_has_no_command() -> None:
    assert problem_of(disk(backup="daily", **{"backup:kepe": "7"})).command is None


def said_by_bash(command: str) -> list[str]:
    """Return the words that a shell makes of a command which is pasted."""
    printed = subprocess.run(["bash", "-c", f'printf "%s\\0" {command}'], capture_output=True, check=True, text=True)  # noqa: S603, S607 - only prints
    return printed.stdout.split("\0")[:-1]


def test_the_key_is_configurable_with_all_that_hangs_on_it() -> None:
    settings = Settings(tag_key="ops:save")

    suffixes = ("keep", "at", "mode", "hold", "copy", "copy-keep")
    assert vocabulary(settings) == ("ops:save", *(f"ops:save:{suffix}" for suffix in suffixes))
    assert policy_of(disk(ops__save="", ops__save__keep="7"), settings).keep == parse_keep("7")
    assert read_source(disk(backup="daily"), settings).policy is NoPolicy.UNTAGGED


# `backup:keep`, `backup:at`, `backup:mode`


@pytest.mark.parametrize("keep", ["7", "30d", "daily=7 weekly=4 monthly=12", "forever"])
def test_keep_overrides_the_retention(keep: str) -> None:
    assert policy_of(disk(backup="daily", backup__keep=keep)) == replace(DAILY, keep=parse_keep(keep))


@pytest.mark.parametrize(
    ("at", "cron", "zone"), [("02:30", "30 2 * * *", "UTC"), ("02:30 Europe/Zurich", "30 2 * * *", "Europe/Zurich")]
)
def test_at_overrides_the_time_of_day_and_the_zone(at: str, cron: str, zone: str) -> None:
    expected = replace(DAILY, schedule=parse_schedule(cron, parse_zone(zone)))

    assert policy_of(disk(backup="daily", backup__at=at)) == expected


@pytest.mark.parametrize("mode", list(Mode))
def test_mode_overrides_how_an_instance_is_backed_up(mode: Mode) -> None:
    assert policy_of(instance(backup="daily", backup__mode=mode.value)) == replace(DAILY, mode=mode)


def test_all_overrides_go_together() -> None:
    policy = policy_of(instance(backup="", backup__keep="7", backup__at="23:05", backup__mode="system-disk"))

    assert policy == Policy("daily", parse_schedule("5 23 * * *", parse_zone("UTC")), parse_keep("7"), Mode.SYSTEM_DISK)


@pytest.mark.parametrize(
    ("tags", "origins"),
    [
        ({"backup": "daily"}, (Origin.TAG, Origin.POLICY, Origin.POLICY)),
        ({"backup": ""}, (Origin.DEFAULT, Origin.POLICY, Origin.POLICY)),
        ({"backup": "daily", "backup__at": "04:00"}, (Origin.TAG, Origin.TAG, Origin.POLICY)),
        ({"backup": "", "backup__keep": "3"}, (Origin.DEFAULT, Origin.POLICY, Origin.TAG)),
    ],
)
def test_a_policy_says_where_each_of_its_values_comes_from(tags: dict[str, str], origins: tuple[Origin, ...]) -> None:
    policy = policy_of(disk(**tags))

    assert (policy.named_by, policy.schedule_from, policy.keep_from) == origins


@pytest.mark.parametrize(
    ("policy", "suffix", "value", "says", "suggestion"),
    [
        ("daily", "keep", "", "an empty keep rule would keep nothing", None),
        ("daily", "keep", "dayly=7", '"dayly=7" is not a keep rule', "daily=7"),
        ("daily", "keep", "0", "does not say how many to keep", None),
        ("daily", "at", "", '"" is not a time of day; expected "02:30"', None),
        ("daily", "at", "25:00", '"25:00" is not a time of day', None),
        ("hourly", "at", "02:30", 'cannot move the schedule "0 * * * *"', None),
        ("daily", "mode", "", '"" is not a mode; expected "instance", "system-disk"', None),
        ("daily", "mode", "systemdisk", '"systemdisk" is not a mode', "system-disk"),
        ("daily", "mode", "Instance", '"Instance" is not a mode', "instance"),
    ],
)
def test_a_wrong_override_is_an_error_that_names_its_tag(
    policy: str, suffix: str, value: str, says: str, suggestion: str | None
) -> None:
    source = instance(**{"backup": policy, f"backup:{suffix}": value})

    problem = problem_of(source)

    assert read_source(source, SETTINGS).policy is NoPolicy.UNREADABLE
    assert (problem.severity, problem.tag, problem.value) == (Severity.ERROR, f"backup:{suffix}", value)
    assert says in problem.message
    assert problem.suggestion == suggestion


def test_every_wrong_tag_is_named_at_once() -> None:
    source = instance(backup="dayly", backup__keep="0", backup__at="noon", backup__mode="disk", backup__kepe="7")

    assert [(problem.tag, problem.severity) for problem in read_source(source, SETTINGS).problems] == [
        ("backup:kepe", Severity.WARNING),
        ("backup", Severity.ERROR),
        ("backup:keep", Severity.ERROR),
        ("backup:at", Severity.ERROR),
        ("backup:mode", Severity.ERROR),
    ]


@pytest.mark.parametrize("mode", ["instance", "sytem-disk"])
def test_a_mode_on_a_disk_has_no_effect_and_holds_nothing_back(mode: str) -> None:
    source = disk(backup="daily", backup__mode=mode)

    assert isinstance(read_source(source, SETTINGS).policy, Policy)
    assert problem_of(source).severity is Severity.ADVICE
    assert (problem_of(source).tag, problem_of(source).value) == ("backup:mode", mode)
    assert problem_of(source).message == "has no effect on a disk; expected on instances only"


# Near misses


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("backup:kepe", "backup:keep"),
        ("backup:Keep", "backup:keep"),
        ("backup:modus", "backup:mode"),
        ("backup:holds", "backup:hold"),
    ],
)
def test_an_unknown_suffix_is_a_warning_that_names_the_nearest(key: str, suggestion: str) -> None:
    source = instance(**{"backup": "daily", key: "x"})

    problem = problem_of(source)

    assert read_source(source, SETTINGS).policy == DAILY
    assert (problem.severity, problem.tag, problem.value) == (Severity.WARNING, key, "x")
    assert problem.message.startswith('unknown tag; expected "backup", "backup:keep", "backup:at"')
    assert problem.suggestion == suggestion


@pytest.mark.parametrize("key", ["Backup", "BACKUP", "backups", "bakup", "backop", "back-up", "Backup:"])
@pytest.mark.parametrize(("tags", "severity"), [({}, Severity.WARNING), ({"backup": "daily"}, Severity.ADVICE)])
def test_a_look_alike_of_the_tag_is_reported_more_gravely_where_the_tag_is_missing(
    key: str, tags: dict[str, str], severity: Severity
) -> None:
    problem = problem_of(disk(**tags, **{key: "weekly"}))

    assert (problem.severity, problem.tag, problem.suggestion) == (severity, key, "backup")
    assert problem.value == "weekly"
    follows = ", and no snapshot is taken" if severity is Severity.WARNING else ""
    assert problem.message == f'looks like "backup" but is another tag, so it is not read{follows}'


@pytest.mark.parametrize("tags", [{}, {"backup": "daily"}])
@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("Backup:keep", "backup:keep"),
        ("backups:At", "backup:at"),
        ("backup-keep", "backup:keep"),
        ("backup_hold", "backup:hold"),
        ("backup.mode", "backup:mode"),
    ],
)
def test_a_look_alike_of_an_override_is_always_a_warning(tags: dict[str, str], key: str, near: str) -> None:
    problem = problem_of(disk(**tags, **{key: "7"}))

    assert (problem.severity, problem.tag, problem.suggestion) == (Severity.WARNING, key, near)


@pytest.mark.parametrize(
    "key",
    [
        "Name",
        "front",
        "back",
        "backup-plan",
        "backup-day",
        "env:backup",
        "aws:backup",
        "aws:backup:plan",
        "lightkeeper:backup",
        "up",
    ],
)
def test_other_peoples_tags_are_none_of_our_business(key: str) -> None:
    assert read_source(disk(**{key: "x"}), SETTINGS).problems == ()
    assert policy_of(disk(**{"backup": "", key: "x"})) == DAILY


@pytest.mark.parametrize("key", ["my_backup_keep", "my backup keep", "my.backup/keep"])
def test_other_signs_between_the_words_are_a_near_miss_however_many_there_are(key: str) -> None:
    problem = problem_of(disk(**{key: "7"}), Settings(tag_key="my-backup"))

    assert (problem.severity, problem.suggestion) == (Severity.WARNING, "my-backup:keep")


def test_aws_s_own_tags_are_never_taken_for_a_misspelling_whatever_the_key() -> None:
    settings = Settings(tag_key="aws-backup")

    assert read_source(disk(**{"aws:backup": "x"}), settings).problems == ()


@pytest.mark.parametrize("suffix", ["keep", "at", "mode", "kepe"])
def test_an_override_without_the_tag_is_a_warning(suffix: str) -> None:
    source = instance(**{f"backup:{suffix}": "7"})

    problem = problem_of(source)

    assert read_source(source, SETTINGS).policy is NoPolicy.UNTAGGED
    assert (problem.severity, problem.tag, problem.suggestion) == (Severity.WARNING, f"backup:{suffix}", "backup")
    assert problem.value == "7"
    assert problem.message == 'has no effect without the tag "backup", so no snapshot is taken; expected both'


# Holds


@pytest.mark.parametrize("tags", [{"backup": "daily"}, {"backup": "off"}, {}, {"backup": "dayly"}])
def test_a_hold_is_read_whatever_else_the_tags_say(tags: dict[str, str]) -> None:
    assert read_source(disk(**tags, backup__hold=""), SETTINGS).hold == HELD
    assert read_source(disk(**tags), SETTINGS).hold == NOT_HELD


def test_a_hold_alone_is_no_problem() -> None:
    assert read_source(disk(backup__hold=""), SETTINGS).problems == ()


def test_a_hold_until_a_day_lasts_to_its_end_in_the_zone_of_the_settings() -> None:
    hold = read_source(disk(backup__hold="2027-01-31"), Settings(time_zone=parse_zone("Europe/Zurich"))).hold
    end = datetime(2027, 1, 31, 23, tzinfo=UTC)

    assert hold == Hold(held=True, until=end)
    assert hold.is_on(end - timedelta(seconds=1))
    assert not hold.is_on(end)
    assert hold.reason == "on hold until 2027-01-31T23:00:00Z"


def test_a_hold_may_end_at_an_instant() -> None:
    hold = read_source(disk(backup__hold="2027-01-31T12:00:00Z"), SETTINGS).hold

    assert hold.until == datetime(2027, 1, 31, 12, tzinfo=UTC)


def test_a_hold_without_an_end_is_always_on_and_none_never_is() -> None:
    end_of_time = datetime.max.replace(tzinfo=UTC)

    assert HELD.is_on(end_of_time)
    assert HELD.reason == "on hold"
    assert not NOT_HELD.is_on(end_of_time)


@pytest.mark.parametrize("value", ["yes", "31.1.2027", "2027-02-30", "for ever"])
@pytest.mark.parametrize("backup", ["daily", "off"])
def test_a_hold_that_is_not_understood_holds_for_good_and_is_a_warning(value: str, backup: str) -> None:
    source = disk(backup=backup, backup__hold=value)

    problem = problem_of(source)

    assert read_source(source, SETTINGS).hold == HELD
    assert (problem.severity, problem.tag, problem.value) == (Severity.WARNING, "backup:hold", value)
    assert (
        problem.message
        == f'"{value}" is not a date, so it holds for good; expected nothing, or a date such as "2027-01-31"'
    )


# What Lightkeeper writes: names

arns = st.uuids().map(lambda uuid: f"arn:aws:lightsail:eu-central-1:111122223333:Disk/{uuid}")
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,253}[A-Za-z0-9]", fullmatch=True)
long_names = st.builds(
    lambda fill, length: f"a{(fill * length)[:length]}z",
    st.sampled_from(["a", "a.", "_-", "A-b.c_"]),
    st.integers(200, 253),
)
source_names = names | long_names
slot_times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda slot: slot.replace(second=0, microsecond=0)
)
attempts = st.integers(1, 3) | st.integers(4, 999_999)


def test_a_snapshot_is_named_after_its_source_and_slot() -> None:
    assert re.fullmatch(r"my-data-v2-20260615-0300-[0-9a-f]{6}", snapshot_name("my_data.v2", ARN, OURS, SLOT_TIME))


def test_a_name_begins_and_goes_on_with_a_letter_although_its_source_does_not() -> None:
    assert snapshot_name("_data_", ARN, OURS, SLOT_TIME) == snapshot_name("data", ARN, OURS, SLOT_TIME)


def test_a_name_loses_no_letter_at_its_ends() -> None:
    assert snapshot_name("XAX", ARN, OURS, SLOT_TIME).startswith("XAX-20260615-0300-")


@pytest.mark.parametrize("attempt", [1, 2, 10, 999_999])
def test_the_longest_name_has_room_for_every_attempt(attempt: int) -> None:
    name = snapshot_name("a" * 255, ARN, OURS, SLOT_TIME, attempt)

    assert len(name) <= 254
    assert attempt_of(name, "a" * 255, ARN, OURS, SLOT_TIME) == attempt


def test_a_later_attempt_says_which_it_is() -> None:
    first, *others = (snapshot_name("data", ARN, OURS, SLOT_TIME, attempt) for attempt in (1, 2, 3, 4, 31))

    assert others == [f"{first}-2", f"{first}-3", f"{first}-4", f"{first}-31"]


@pytest.mark.parametrize("name", ["__", ".", "_._", "日本"])
def test_a_source_without_a_letter_or_a_digit_in_its_name_is_called_by_what_it_is(name: str) -> None:
    assert re.fullmatch(r"disk-20260615-0300-[0-9a-f]{6}", snapshot_name(name, ARN, OURS, SLOT_TIME))
    whole = ARN.replace(":Disk/", ":Instance/")
    assert re.fullmatch(r"instance-20260615-0300-[0-9a-f]{6}", snapshot_name(name, whole, OURS, SLOT_TIME))
    for arn in ("", "Disk:of-no-service"):
        assert snapshot_name(name, arn, OURS, SLOT_TIME).startswith("source-20260615-0300-")


def test_two_deployments_never_ask_for_the_same_name() -> None:
    ours, theirs = (snapshot_name("data", ARN, deployment, SLOT_TIME) for deployment in (OURS, "Spare"))

    assert ours != theirs
    assert ours[:-6] == theirs[:-6]


@given(source_names, arns, slot_times, attempts)
def test_a_name_is_valid_and_dated_whatever_the_source_is_called(
    source: str, arn: str, slot: datetime, attempt: int
) -> None:
    name = snapshot_name(source, arn, OURS, slot, attempt)

    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]", name)
    assert len(name) <= 254
    assert slot.strftime("-%Y%m%d-%H%M-") in name
    assert name[0] == source[0]


@given(source_names, arns, slot_times)
def test_the_attempts_of_a_slot_share_their_beginning(source: str, arn: str, slot: datetime) -> None:
    first = snapshot_name(source, arn, OURS, slot)

    assert [snapshot_name(source, arn, OURS, slot, attempt) for attempt in (2, 9)] == [f"{first}-2", f"{first}-9"]


keys = st.tuples(arns, st.sampled_from([OURS, "Spare"]), slot_times)


@given(source_names, keys, keys)
def test_names_differ_if_the_source_the_deployment_the_slot_or_the_attempt_does_and_only_then(
    source: str, one: tuple[str, str, datetime], other: tuple[str, str, datetime]
) -> None:
    mixed = {
        (arn, deployment, slot, attempt)
        for arn in (one[0], other[0])
        for deployment in (OURS, "Spare")
        for slot in (one[2], other[2])
        for attempt in (1, 2, 3, 4)
    }

    assert len({snapshot_name(source, *key) for key in mixed}) == len(mixed)
    assert snapshot_name(source, *one) == snapshot_name(source, *one)


# What Lightkeeper writes: tags


def test_a_snapshot_is_born_with_its_sources_tags_and_ours() -> None:
    tags, left_out = snapshot_tags(disk(backup="daily", backup__keep="7", Name="data"), SLOT_TIME, SETTINGS, NOW)

    assert tags == {
        "backup": "daily",
        "backup:keep": "7",
        "Name": "data",
        OWNER: "Lightkeeper",
        SOURCE: ARN,
        SLOT: "2026-06-15T03:00:00Z",
        FORMAT: "1",
    }
    assert left_out == ()


def test_tags_of_aws_and_of_lightkeeper_are_not_inherited() -> None:
    source = disk(
        **{
            "aws:stack": "x",
            "AWS:stack": "x",
            OWNER: "another",
            EXPIRES: "2026-01-01T00:00:00Z",
            "lightkeeper:any": "x",
            "Lightkeeper:Owner": "another",
            "LIGHTKEEPER:HOLD": "",
        }
    )

    tags, left_out = snapshot_tags(source, SLOT_TIME, Settings(deployment="Spare"), NOW)

    assert tags == {OWNER: "Spare", SOURCE: ARN, SLOT: "2026-06-15T03:00:00Z", FORMAT: "1"}
    assert left_out == ()


def test_where_there_is_no_room_the_users_vocabulary_comes_first_and_the_rest_is_named() -> None:
    others = {f"app{number:02}": "x" for number in range(48)}
    source = disk(**others, **{"backup:keep": "7", "backup": "daily"})

    tags, left_out = snapshot_tags(source, SLOT_TIME, SETTINGS, NOW)

    assert len(tags) == MOST_AT_BIRTH
    assert (tags["backup"], tags["backup:keep"]) == ("daily", "7")
    assert left_out == tuple(f"app{number:02}" for number in range(40, 48))


RECIPE_OF_DISK = DiskRecipe(zone="eu-central-1a", size_gib=32)


def crowded(own: int, vocabulary_like: int = 0) -> Source:
    """Return a disk with so many tags of its owner's, and so many that are inherited before everything else."""
    others = {f"app{number:02}": "x" for number in range(own)}
    holds = {f"x{number:02}-hold": "" for number in range(vocabulary_like)}
    return replace(disk(**others, **holds, backup="daily"), recipe=RECIPE_OF_DISK)


def test_the_users_vocabulary_has_room_before_the_recipe_and_the_recipe_before_the_rest() -> None:
    tags, left_out = snapshot_tags(crowded(49), SLOT_TIME, SETTINGS, NOW)

    assert tags["backup"] == "daily"
    assert (tags[RECIPE], tags["lightkeeper:zone"], tags["lightkeeper:size"]) == ("1", "eu-central-1a", "32")
    assert left_out == tuple(f"app{number:02}" for number in range(38, 49))
    assert len(tags) == MOST_AT_BIRTH


def test_a_part_of_the_recipe_without_room_is_named_on_the_snapshot_and_is_advice_on_the_source() -> None:
    # Of 42 that may be inherited, 40 are the vocabulary's: one for the head of the recipe, one for the zone.
    source = crowded(0, vocabulary_like=39)

    tags, _ = snapshot_tags(source, SLOT_TIME, SETTINGS, NOW)

    assert (tags[RECIPE], tags["lightkeeper:zone"]) == ("1 without size", "eu-central-1a")
    assert recipe_without_room(source, SETTINGS) == (Part.SIZE,)
    (advice,) = next(interpret(Inventory((source,), ()), SETTINGS, NOW)).problems
    assert advice.severity is Severity.ADVICE
    assert advice.message.startswith("the tags of its snapshots have no room for the size, so a restore will not put")


def test_what_is_not_known_of_a_source_is_no_want_of_room() -> None:
    source = replace(crowded(0), recipe=replace(RECIPE_OF_DISK, missing=(Part.ZONE,), zone=None))

    tags, _ = snapshot_tags(source, SLOT_TIME, SETTINGS, NOW)

    assert tags[RECIPE] == "1 without zone"
    assert recipe_without_room(source, SETTINGS) == ()


def firewall(places: int) -> InstanceRecipe:
    return InstanceRecipe(ports=(PortRule("tcp", 22, 22, tuple(f"192.0.2.{number}/32" for number in range(places))),))


@pytest.mark.parametrize(("tags", "places"), [(15, 29), (16, 1), (0, 300), (40, 250)])
def test_whether_there_is_room_is_the_same_whether_it_is_written_down_or_not(tags: int, places: int) -> None:
    source = replace(crowded(0, vocabulary_like=tags), recipe=firewall(places))

    written, _ = snapshot_tags(source, SLOT_TIME, SETTINGS, NOW)

    assert recipe_without_room(source, SETTINGS) == missing_parts(written)


def test_what_else_a_snapshot_is_born_with_leaves_room_for_a_mark_and_a_hold_too() -> None:
    source = disk(backup="daily", **{f"app{number:02}": "x" for number in range(49)})

    tags, _ = snapshot_tags(source, SLOT_TIME, SETTINGS, NOW, {BY_HAND: ""})

    assert tags[BY_HAND] == ""
    assert len(tags) == MOST_AT_BIRTH


@pytest.mark.parametrize(
    ("hold", "inherited"),
    [("", True), ("soon", True), ("2026-06-15", True), ("2026-06-14", False), ("2026-06-15T03:30:00Z", False)],
)
def test_a_hold_is_inherited_unless_it_is_over(hold: str, *, inherited: bool) -> None:
    tags, left_out = snapshot_tags(disk(backup="daily", backup__hold=hold), SLOT_TIME, SETTINGS, NOW)

    assert tags.get("backup:hold") == (hold if inherited else None)
    assert left_out == ()


def test_where_there_is_no_room_every_hold_is_inherited_first() -> None:
    others = {f"app{number:02}": "x" for number in range(48)}

    tags, _ = snapshot_tags(disk(**others, **{"Legal-Hold": "", "backup": ""}), SLOT_TIME, SETTINGS, NOW)

    assert "Legal-Hold" in tags


tag_keys = st.sampled_from(
    [*vocabulary(SETTINGS), "Backup", "backup:kepe", "backup:", "aws:x", OWNER, SOURCE, SLOT, FORMAT, EXPIRES, "Name"]
) | st.text(max_size=10)
tag_values = st.sampled_from(["", "daily", "off", "7", "30d", "02:30", "system-disk", "2027-01-31"]) | st.text(
    max_size=10
)
any_tags = st.dictionaries(tag_keys, tag_values, max_size=8)
full_tags = st.integers(0, 50).map(lambda number: {f"app{index}": "x" for index in range(number)})


@given(any_tags, full_tags)
def test_an_inherited_tag_is_either_on_the_snapshot_or_left_out(few: dict[str, str], many: dict[str, str]) -> None:
    source = replace(disk(), tags=many | few)
    inherited = {
        key: value for key, value in source.tags.items() if not key.lower().startswith(("aws:", "lightkeeper:"))
    }

    tags, left_out = snapshot_tags(source, SLOT_TIME, SETTINGS, NOW)

    assert len(tags) <= MOST_AT_BIRTH
    assert {key: tags[key] for key in tags if key not in (OWNER, SOURCE, SLOT, FORMAT)} == {
        key: value for key, value in inherited.items() if key not in left_out
    }
    assert not left_out or len(tags) == MOST_AT_BIRTH
    assert not policy_tags(dict.fromkeys(left_out, ""), SETTINGS)


# What is ours


def our_snapshot(
    source: Source | None = None, slot: datetime = SLOT_TIME, attempt: int = 1, settings: Settings = SETTINGS
) -> Snapshot:
    source = source or disk(backup="daily", Name="data")
    return Snapshot(
        kind=SnapshotKind.DISK,
        name=snapshot_name(source.name, source.arn, settings.deployment, slot, attempt),
        region=source.region,
        state=SnapshotState.USABLE,
        created_at=slot + timedelta(minutes=1),
        size_gib=8,
        source_name=source.name,
        source_arns=frozenset([source.arn]),
        from_auto_snapshot=False,
        tags=snapshot_tags(source, slot, settings, NOW)[0],
    )


def retagged(**tags: str | None) -> Snapshot:
    snapshot = our_snapshot()
    changed = {**snapshot.tags, **{f"lightkeeper:{key}": value for key, value in tags.items()}}
    return replace(snapshot, tags={key: value for key, value in changed.items() if value is not None})


def test_what_we_made_is_ours() -> None:
    snapshot = our_snapshot()

    assert read_snapshot(snapshot, SETTINGS) == RecoveryPoint(
        kind=SnapshotKind.DISK,
        name=snapshot.name,
        region="eu-central-1",
        state=SnapshotState.USABLE,
        taken=snapshot.created_at,
        size_gib=8,
        source_name="data",
        source_arn=ARN,
        slot=SLOT_TIME,
        attempt=1,
        expires_at=None,
        tags={"backup": "daily"},
    )


def test_a_whole_instance_s_snapshot_says_which_disks_are_in_it_and_one_taken_by_hand_that_it_was() -> None:
    attached = (AttachedDisk("/dev/xvdf", "data", 8), AttachedDisk("/dev/xvdg", None, 8))
    snapshot = replace(our_snapshot(), kind=SnapshotKind.INSTANCE, attached=attached)
    by_hand = replace(snapshot, tags={**snapshot.tags, BY_HAND: ""})

    points = [read_snapshot(each, SETTINGS) for each in (snapshot, by_hand)]

    assert [(each.disks, each.by_hand) for each in points if isinstance(each, RecoveryPoint)] == [
        (frozenset({"data", "/dev/xvdg"}), False),
        (frozenset({"data", "/dev/xvdg"}), True),
    ]


@pytest.mark.parametrize("form", ["2", "", "one", "1 "])
def test_what_is_in_a_format_that_we_do_not_know_is_ours_but_its_mark_is_not_read(form: str) -> None:
    snapshot = replace(retagged(format=form, slot="week 25", expires="2026-06-15T00:00:00Z"), name="data-week-25")

    point = read_snapshot(snapshot, SETTINGS)

    assert isinstance(point, RecoveryPoint)
    assert (point.newer_format, point.expires_at, point.source_arn) == (form, None, ARN)
    assert (point.taken, point.slot, point.attempt) == (snapshot.created_at, snapshot.created_at, 1)


def test_a_slot_and_an_attempt_in_a_newer_format_are_read_where_they_can_be() -> None:
    again = our_snapshot(attempt=3)

    point = read_snapshot(replace(again, tags={**again.tags, FORMAT: "2"}), SETTINGS)

    assert isinstance(point, RecoveryPoint)
    assert (point.slot, point.attempt) == (SLOT_TIME, 3)


def test_a_slot_that_the_name_does_not_bear_out_covers_nothing_to_come_in_a_newer_format_either() -> None:
    point = read_snapshot(retagged(format="2", slot="2099-01-01T00:00:00Z"), SETTINGS)

    assert isinstance(point, RecoveryPoint)
    assert point.covers_until == point.taken


@pytest.mark.parametrize("changed", [{"region": "us-east-1"}, {"source_arns": frozenset({OTHER_ARN})}])
def test_a_newer_format_makes_nothing_ours_that_was_made_elsewhere_or_of_something_else(
    changed: dict[str, Any],
) -> None:
    assert isinstance(read_snapshot(replace(retagged(format="2"), **changed), SETTINGS), Problem)


@pytest.mark.parametrize("form", [None, "1"])
def test_what_says_no_format_is_in_the_first(form: str | None) -> None:
    assert read_snapshot(retagged(format=form), SETTINGS) == read_snapshot(our_snapshot(), SETTINGS)


def test_what_was_made_when_names_did_not_tell_deployments_apart_stays_ours() -> None:
    # The first six digits of the ARN's own digest.
    earlier = replace(our_snapshot(), name=f"data-20260615-0300-{sha256(ARN.encode()).hexdigest()[:6]}")
    again = replace(earlier, name=f"{earlier.name}-3")

    points = [read_snapshot(each, SETTINGS) for each in (earlier, again)]

    assert [each.attempt for each in points if isinstance(each, RecoveryPoint)] == [1, 3]


@pytest.mark.parametrize("attempt", [2, 4, 5, 30])
def test_an_attempt_is_read_back_from_its_name(attempt: int) -> None:
    point = read_snapshot(our_snapshot(attempt=attempt), SETTINGS)

    assert isinstance(point, RecoveryPoint)
    assert point.attempt == attempt


@pytest.mark.parametrize(
    ("name", "arn", "deployment", "slot"),
    [
        (snapshot_name("data", ARN, OURS, SLOT_TIME), OTHER_ARN, OURS, SLOT_TIME),
        (snapshot_name("data", ARN, OURS, SLOT_TIME), ARN, "Spare", SLOT_TIME),
        (snapshot_name("data", ARN, OURS, SLOT_TIME), ARN, OURS, SLOT_TIME + timedelta(minutes=1)),
        (snapshot_name("data", ARN, OURS, SLOT_TIME), ARN, OURS, SLOT_TIME + timedelta(seconds=1)),
        (snapshot_name("database", ARN, OURS, SLOT_TIME), ARN, OURS, SLOT_TIME),
        (f"{snapshot_name('data', ARN, OURS, SLOT_TIME)}-0", ARN, OURS, SLOT_TIME),
        (f"{snapshot_name('data', ARN, OURS, SLOT_TIME)}\n", ARN, OURS, SLOT_TIME),
        ("data", ARN, OURS, SLOT_TIME),
    ],
    ids=["another source", "another deployment", "another slot", "a second off", "a longer name", "0", "line", "none"],
)
def test_a_name_that_we_would_not_write_is_no_attempt(name: str, arn: str, deployment: str, slot: datetime) -> None:
    assert attempt_of(name, "data", arn, deployment, slot) is None


def test_the_snapshots_of_a_nameless_source_are_ours() -> None:
    assert isinstance(read_snapshot(our_snapshot(disk("__", backup="")), SETTINGS), RecoveryPoint)


def test_a_snapshot_under_the_name_of_another_deployment_is_not_ours() -> None:
    theirs = our_snapshot(settings=Settings(deployment="Spare"))

    assert read_snapshot(theirs, SETTINGS) is None
    assert isinstance(read_snapshot(replace(theirs, tags=our_snapshot().tags), SETTINGS), Problem)


@pytest.mark.parametrize(("tags", "is_full"), [(49, False), (50, True)])
def test_a_snapshot_without_room_for_one_more_tag_is_full(tags: int, *, is_full: bool) -> None:
    ours = our_snapshot()
    crammed = {**ours.tags, **{f"app{number:02}": "x" for number in range(tags - len(ours.tags))}}

    point = read_snapshot(replace(ours, tags=crammed), SETTINGS)

    assert isinstance(point, RecoveryPoint)
    assert point.is_full is is_full


def test_a_snapshot_that_is_marked_already_needs_no_room_for_a_mark() -> None:
    ours = retagged(expires="2026-07-01T00:00:00Z")
    crammed = {**ours.tags, **{f"app{number:02}": "x" for number in range(MAX_TAGS - len(ours.tags))}}

    point = read_snapshot(replace(ours, tags=crammed), SETTINGS)

    assert isinstance(point, RecoveryPoint)
    assert not point.is_full


@given(source_names, arns, slot_times, attempts)
def test_whatever_we_make_is_recognised_as_ours(source: str, arn: str, slot: datetime, attempt: int) -> None:
    point = read_snapshot(our_snapshot(replace(disk(source), arn=arn), slot, attempt), SETTINGS)

    assert isinstance(point, RecoveryPoint)
    assert (point.source_arn, point.slot, point.attempt) == (arn, slot, attempt)


@given(source_names, st.tuples(arns, slot_times), st.tuples(arns, slot_times), attempts)
def test_our_tags_on_the_snapshot_of_another_source_or_slot_do_not_make_it_ours(
    source: str, one: tuple[str, datetime], other: tuple[str, datetime], attempt: int
) -> None:
    assume(one != other)
    ours, others = (
        our_snapshot(replace(disk(source), arn=arn), slot, number)
        for (arn, slot), number in ((one, attempt), (other, 1))
    )

    assert isinstance(read_snapshot(replace(others, tags=ours.tags), SETTINGS), Problem)


def test_the_scheduled_deletion_is_read() -> None:
    point = read_snapshot(retagged(expires="2026-07-01T00:00:00Z"), SETTINGS)

    assert isinstance(point, RecoveryPoint)
    assert point.expires_at == datetime(2026, 7, 1, tzinfo=UTC)


def test_a_mark_that_is_not_understood_marks_nothing() -> None:
    point = read_snapshot(retagged(expires="soon"), SETTINGS)

    assert isinstance(point, RecoveryPoint)
    assert point.expires_at is None


@pytest.mark.parametrize("tags", [{"owner": None}, {"owner": "Spare"}, {"owner": ""}, {"source": None}, {"source": ""}])
def test_without_our_owner_or_a_source_it_is_somebody_elses(tags: dict[str, str | None]) -> None:
    assert read_snapshot(retagged(**tags), SETTINGS) is None


def test_a_snapshot_of_a_user_is_nothing_to_us() -> None:
    assert read_snapshot(replace(our_snapshot(), tags={"backup": "daily"}), SETTINGS) is None


def test_a_copy_of_an_automatic_snapshot_is_the_users() -> None:
    assert read_snapshot(replace(our_snapshot(), from_auto_snapshot=True), SETTINGS) is None


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(replace(our_snapshot(), name="before-the-upgrade"), id="a name of the user's"),
        pytest.param(replace(our_snapshot(), name=f"keep-me-{our_snapshot().name}"), id="a name that ends like ours"),
        pytest.param(replace(our_snapshot(), name=f"{our_snapshot().name}-04"), id="an attempt we never write so"),
        pytest.param(replace(our_snapshot(), name=f"{our_snapshot().name}-1"), id="a first attempt with a number"),
        pytest.param(replace(our_snapshot(), source_arns=frozenset([OTHER_ARN])), id="another origin"),
        pytest.param(retagged(source=OTHER_ARN), id="another source"),
        pytest.param(retagged(source="\ud800"), id="a source that UTF-8 cannot write"),
        pytest.param(retagged(slot="2026-06-16T03:00:00Z"), id="another slot"),
        pytest.param(retagged(slot=None), id="no slot"),
        pytest.param(retagged(slot="2026-06-15T03:00:30Z"), id="a slot half a minute off"),
        pytest.param(retagged(slot="2026-06-15x03:00"), id="a slot written otherwise than we do"),
        pytest.param(retagged(slot=""), id="an empty slot"),
        pytest.param(retagged(slot="yesterday"), id="a slot that is no time"),
    ],
)
def test_a_snapshot_with_our_tags_that_we_did_not_make_is_left_alone_and_reported(snapshot: Snapshot) -> None:
    problem = read_snapshot(snapshot, SETTINGS)

    assert problem == Problem(
        region="eu-central-1",
        source="data",
        arn=next(iter(snapshot.source_arns)),
        tag=OWNER,
        value="Lightkeeper",
        message=f"on snapshot {snapshot.name}: carries Lightkeeper's tags, but its name or origin says otherwise, so "
        "it is left alone; expected no tags of ours on your own snapshots",
        suggestion=None,
        severity=Severity.ADVICE,
    )


def test_where_lightsail_does_not_say_what_it_was_made_from_name_and_tags_decide() -> None:
    assert isinstance(read_snapshot(replace(our_snapshot(), source_arns=frozenset()), SETTINGS), RecoveryPoint)


def test_a_snapshot_of_nobody_knows_what_with_our_tags_is_reported_without_an_arn() -> None:
    problem = read_snapshot(replace(our_snapshot(), name="before-the-upgrade", source_arns=frozenset()), SETTINGS)

    assert isinstance(problem, Problem)
    assert (problem.source, problem.arn, problem.tag) == ("data", None, OWNER)


def test_one_of_several_origins_is_enough() -> None:
    snapshot = replace(our_snapshot(), source_arns=frozenset([ARN, OTHER_ARN]))

    assert isinstance(read_snapshot(snapshot, SETTINGS), RecoveryPoint)


# What recovery points say


def point(**tags: str) -> RecoveryPoint:
    recovered = read_snapshot(our_snapshot(disk(**tags)), SETTINGS)
    assert isinstance(recovered, RecoveryPoint)
    return recovered


def test_an_orphan_keeps_the_policy_it_inherited() -> None:
    reading = read_inherited(point(backup="weekly", backup__keep="3", backup__mode="system-disk"), SETTINGS)

    assert reading.problems == ()
    assert reading.policy == replace(SETTINGS.policies["weekly"], keep=parse_keep("3"), mode=Mode.SYSTEM_DISK)


@pytest.mark.parametrize("key", ["Backup:keep", "backup_keep", "backups:keep", "Backup"])
def test_a_look_alike_is_inherited_first_and_its_orphan_is_as_little_understood_as_its_source(key: str) -> None:
    source = disk(backup="daily", **{key: "forever"}, **{f"app{number}": "x" for number in range(48)})

    orphan = read_snapshot(our_snapshot(source), SETTINGS)

    assert isinstance(orphan, RecoveryPoint)
    assert orphan.tags == {"backup": "daily", key: "forever"}
    assert read_inherited(orphan, SETTINGS).problems == read_source(source, SETTINGS).problems != ()


def test_the_problems_of_an_orphan_name_its_source() -> None:
    reading = read_inherited(point(backup="dayly"), SETTINGS)

    assert reading.policy is NoPolicy.UNREADABLE
    (problem,) = reading.problems
    assert (problem.region, problem.source, problem.suggestion) == ("eu-central-1", "data", "daily")


def hold_of(of: RecoveryPoint, source_tags: Mapping[str, str] | None = None) -> tuple[Hold, tuple[Problem, ...]]:
    return read_hold(of, source_tags or {}, SETTINGS)


def test_a_hold_on_a_snapshot_is_read_from_its_own_tags() -> None:
    assert hold_of(point(backup="")) == (NOT_HELD, ())
    assert hold_of(point(backup="", backup__hold="")) == (HELD, ())


def test_a_hold_on_a_snapshot_that_is_not_understood_holds_and_names_the_snapshot() -> None:
    held = point(backup="", backup__hold="maybe")

    hold, (problem,) = hold_of(held)

    assert hold == HELD
    assert problem.message.startswith(f'on snapshot {held.name}: "maybe" is not a date')
    assert (problem.region, problem.source, problem.arn) == ("eu-central-1", "data", ARN)
    assert problem.severity is Severity.WARNING


def with_tag(key: str, value: str = "", **tags: str) -> RecoveryPoint:
    """Return a recovery point that somebody has tagged since it was made."""
    snapshot = our_snapshot(disk(**{"backup": "daily"} | tags))
    ours = read_snapshot(replace(snapshot, tags={**snapshot.tags, key: value}), SETTINGS)
    assert isinstance(ours, RecoveryPoint)
    return ours


HOLDS = ["hold", "Hold", "HOLD", "Legal-Hold", "legalhold", "save:hold", "Backup.Hold", "on hold", "x_hold", "2hold"]
NO_HOLDS = ["threshold", "Threshold", "household", "alarm-threshold", "freehold", "leasehold", "holder", "holding"]
NO_HOLDS += ["hold:x", "", "x", "lightkeeper:hold", "Lightkeeper:Hold", "aws:hold"]


@pytest.mark.parametrize(("key", "holds"), [*((key, True) for key in HOLDS), *((key, False) for key in NO_HOLDS)])
def test_a_tag_that_is_or_ends_in_hold_holds_in_whatever_letters(key: str, *, holds: bool) -> None:
    assert is_hold(key) is holds


@pytest.mark.parametrize("key", [key for key in HOLDS if key != "Backup.Hold"])
@pytest.mark.parametrize("value", ["", "2020-01-01", "no"])
def test_anybodys_hold_on_a_snapshot_holds_for_good_and_is_no_problem(key: str, value: str) -> None:
    assert hold_of(with_tag(key, value)) == (Hold(held=True, key=key), ())
    assert hold_of(with_tag(key, value))[0].reason == f'on hold by the tag "{key}"'


@pytest.mark.parametrize("key", [key for key in NO_HOLDS if key])
def test_what_only_ends_like_a_hold_holds_nothing(key: str) -> None:
    assert hold_of(with_tag(key)) == (NOT_HELD, ())


def test_anybodys_hold_on_a_source_holds_all_of_its_snapshots() -> None:
    reading = read_source(disk(backup="daily", **{"Legal-Hold": "2020-01-01"}), SETTINGS)

    assert reading.hold == Hold(held=True, key="Legal-Hold")
    assert reading.problems == ()


def test_anybodys_hold_outlasts_one_of_ours_that_ends() -> None:
    hold, problems = hold_of(with_tag("Legal-Hold", backup__hold="2026-12-31"))

    assert (hold, problems) == (Hold(held=True, key="Legal-Hold"), ())
    source = disk(backup="", backup__hold="2026-12-31", **{"Legal-Hold": ""})
    assert read_source(source, SETTINGS).hold == Hold(held=True, key="Legal-Hold")


@pytest.mark.parametrize("key", ["backup:hodl", "backup:Hold", "backup:holds", "Backup:hold", "backup-hold"])
def test_a_misspelt_hold_on_a_snapshot_holds_and_is_reported(key: str) -> None:
    hold, (problem,) = hold_of(with_tag(key, "2027-01-31"))

    assert hold == Hold(held=True, key=key)
    assert (problem.tag, problem.suggestion, problem.severity) == (key, "backup:hold", Severity.WARNING)
    assert problem.value == "2027-01-31"


@pytest.mark.parametrize("hold", ["", "soon"])
def test_a_misspelt_hold_is_reported_also_beside_one_that_holds_for_good(hold: str) -> None:
    problems = hold_of(with_tag("backup:hodl", backup__hold=hold))[1]

    assert "backup:hodl" in {problem.tag for problem in problems}


@pytest.mark.parametrize("key", ["backup:protect", "backup:legal", "backup:", "backup:keep:x"])
def test_an_unknown_tag_of_ours_on_a_snapshot_holds_and_is_reported(key: str) -> None:
    held = with_tag(key, "yes")

    hold, (problem,) = hold_of(held, {"backup": "daily"})

    assert hold == Hold(held=True, key=key)
    assert (problem.tag, problem.value, problem.severity) == (key, "yes", Severity.WARNING)
    assert problem.message.startswith(f"on snapshot {held.name}: unknown tag, so the snapshot is held; expected")


def test_an_unknown_tag_of_ours_that_the_source_has_too_was_inherited_and_holds_nothing() -> None:
    source_tags = {"backup": "daily", "backup:kepe": "7"}

    assert hold_of(point(backup="daily", backup__kepe="7"), source_tags) == (NOT_HELD, ())


def test_the_unknown_tag_of_a_source_that_is_gone_holds() -> None:
    hold, (problem,) = hold_of(point(backup="daily", backup__kepe="7"))

    assert hold == Hold(held=True, key="backup:kepe")
    assert problem.severity is Severity.WARNING


def test_a_hold_that_was_over_when_it_was_written_holds_nothing_and_is_reported() -> None:
    hold, (problem,) = hold_of(with_tag("backup:hold", "2026-06-14"))

    assert not hold.is_on(NOW)
    assert (problem.tag, problem.value, problem.severity) == ("backup:hold", "2026-06-14", Severity.WARNING)
    assert problem.message == (
        f"on snapshot {our_snapshot().name}: was over before the snapshot was taken, so it holds nothing; expected a "
        "day to come"
    )


@pytest.mark.parametrize(("until", "held_never"), [("2026-06-15T03:01:00Z", True), ("2026-06-15T03:01:01Z", False)])
def test_a_hold_that_was_over_as_the_snapshot_was_taken_has_never_held(until: str, *, held_never: bool) -> None:
    _, problems = hold_of(with_tag("backup:hold", until))

    assert bool(problems) is held_never


def test_a_hold_that_was_over_is_reported_of_the_source_alone_where_the_source_bears_it() -> None:
    assert hold_of(with_tag("backup:hold", "2026-06-14"), {"backup:hold": "2026-06-14"})[1] == ()


def test_a_hold_that_was_on_and_is_over_is_no_problem() -> None:
    assert hold_of(with_tag("backup:hold", "2026-06-15"))[1] == ()


# Two deployments, two tag keys


@pytest.mark.parametrize("other", ["backups", "Backup", "back-up"])
def test_another_deployments_similar_vocabulary_beside_ours_holds_nothing_back(other: str) -> None:
    source = disk(**{"backup": "daily", other: "weekly", f"{other}:keep": "7", f"{other}:hold": "2027-01-31"})

    reading = read_source(source, SETTINGS)

    assert isinstance(reading.policy, Policy)
    assert {problem.severity for problem in reading.problems} == {Severity.ADVICE}


@pytest.mark.parametrize("other", ["backups", "Backup"])
def test_another_deployments_hold_holds_our_snapshots_too_and_is_no_problem(other: str) -> None:
    tags = {"backup": "daily", other: "weekly", f"{other}:hold": "2027-01-31"}

    hold, problems = hold_of(point(**tags), tags)

    assert (hold, problems) == (Hold(held=True, key=f"{other}:hold"), ())


def test_after_another_tag_key_the_old_vocabulary_is_nobodys_but_its_holds_hold() -> None:
    settings = Settings(tag_key="save")
    snapshot = our_snapshot(disk(backup="daily", backup__keep="7", backup__hold="2020-01-01"))
    ours = read_snapshot(snapshot, settings)
    assert isinstance(ours, RecoveryPoint)

    assert read_hold(ours, {}, settings) == (NOT_HELD, ()), "that one was over when the snapshot was taken"
    held = read_snapshot(replace(snapshot, tags={**snapshot.tags, "backup:hold": "2020-01-01"}), settings)
    assert isinstance(held, RecoveryPoint)
    assert read_hold(held, {}, settings) == (Hold(held=True, key="backup:hold"), ())


# Whatever people write


@given(any_tags, st.sampled_from(SourceKind))
def test_any_tags_have_a_reading_and_an_error_is_never_a_policy(tags: dict[str, str], kind: SourceKind) -> None:
    reading = read_source(replace(disk(), kind=kind, tags=tags), SETTINGS)

    has_error = any(problem.severity is Severity.ERROR for problem in reading.problems)
    assert has_error == (reading.policy is NoPolicy.UNREADABLE)
    assert (reading.policy is NoPolicy.UNTAGGED) == ("backup" not in tags)
    assert reading.hold.held == any(key == "backup:hold" or is_hold(key) for key in tags)
    assert all(problem.tag in tags for problem in reading.problems)


@given(any_tags)
def test_any_tags_on_a_snapshot_are_ours_a_problem_or_nothing(tags: dict[str, str]) -> None:
    snapshot = our_snapshot()

    read = read_snapshot(replace(snapshot, tags={**snapshot.tags, **tags}), SETTINGS)

    assert (read is None) == (tags.get(OWNER, "Lightkeeper") != "Lightkeeper" or tags.get(SOURCE, ARN) == "")
    if isinstance(read, RecoveryPoint):
        assert read.tags == policy_tags({"backup": "daily", **tags}, SETTINGS)
        assert read_inherited(read, SETTINGS).policy is not NoPolicy.UNTAGGED
        hold, problems = read_hold(read, {}, SETTINGS)
        unknown = {key for key in tags if key.startswith("backup:") and key not in vocabulary(SETTINGS)}
        assert hold.held or not (unknown or any(map(is_hold, tags)))
        assert all(problem.tag in tags for problem in problems)


def test_a_copy_of_ours_in_another_region_is_not_ours() -> None:
    assert isinstance(read_snapshot(replace(our_snapshot(), region="us-east-1"), SETTINGS), Problem)
