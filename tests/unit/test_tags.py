import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lightkeeper.model import (
    Mode,
    Policy,
    Problem,
    RecoveryPoint,
    Severity,
    Snapshot,
    SnapshotKind,
    SnapshotState,
    Source,
    SourceKind,
)
from lightkeeper.retention import parse_keep
from lightkeeper.schedule import parse_schedule
from lightkeeper.settings import Settings
from lightkeeper.tags import (
    EXPIRES,
    HELD,
    MAX_TAGS,
    NOT_HELD,
    OWNER,
    SLOT,
    SOURCE,
    Choice,
    Hold,
    Reading,
    read_hold,
    read_orphan,
    read_snapshot,
    read_source,
    snapshot_name,
    snapshot_tags,
    users_tags,
    vocabulary,
)
from lightkeeper.times import parse_zone

SETTINGS = Settings()
DAILY = SETTINGS.policies["daily"]
SLOT_TIME = datetime(2026, 6, 15, 3, tzinfo=UTC)
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
    assert isinstance(reading.choice, Policy)
    return reading.choice


def problem_of(source: Source, settings: Settings = SETTINGS) -> Problem:
    (problem,) = read_source(source, settings).problems
    assert (problem.region, problem.source) == (source.region, source.name)
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
    assert read_source(disk(backup="off", backup__keep="7"), SETTINGS) == Reading(Choice.OFF, NOT_HELD, ())


def test_what_is_wrong_beside_off_is_a_warning_as_it_may_have_been_meant_to_keep() -> None:
    reading = read_source(disk(backup="off", backup__keep="forevr", backup__hodl=""), SETTINGS)

    assert reading.choice is Choice.OFF
    assert [(problem.severity, problem.suggestion) for problem in reading.problems] == [
        (Severity.WARNING, "backup:hold"),
        (Severity.WARNING, "forever"),
    ]


def test_advice_beside_off_stays_advice() -> None:
    assert problem_of(disk(backup="off", Backup="daily")).severity is Severity.ADVICE


@pytest.mark.parametrize("tags", [{}, {"Name": "data", "owner": "ops"}])
def test_a_source_without_the_tag_is_untagged(tags: dict[str, str]) -> None:
    assert read_source(disk(**tags), SETTINGS) == Reading(Choice.UNTAGGED, NOT_HELD, ())


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [("dayly", "daily"), ("Daily", "daily"), (" daily", "daily"), ("of", "off"), ("OFF", "off"), ("yes", None)],
)
def test_an_unknown_policy_is_an_error_and_never_a_guess(value: str, suggestion: str | None) -> None:
    source = disk(backup=value)

    problem = problem_of(source)

    assert read_source(source, SETTINGS).choice is Choice.UNREADABLE
    assert (problem.severity, problem.tag, problem.value) == (Severity.ERROR, "backup", value)
    assert problem.message.startswith(f'"{value}" is not a policy; expected "hourly", "daily", "weekly", "monthly"')
    assert 'or nothing for "daily"' in problem.message
    assert problem.suggestion == suggestion


def test_the_key_is_configurable_with_all_that_hangs_on_it() -> None:
    settings = Settings(tag_key="ops:save")

    assert vocabulary(settings) == ("ops:save", "ops:save:keep", "ops:save:at", "ops:save:mode", "ops:save:hold")
    assert policy_of(disk(ops__save="", ops__save__keep="7"), settings).keep == parse_keep("7")
    assert read_source(disk(backup="daily"), settings).choice is Choice.UNTAGGED


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

    assert read_source(source, SETTINGS).choice is Choice.UNREADABLE
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

    assert isinstance(read_source(source, SETTINGS).choice, Policy)
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

    assert read_source(source, SETTINGS).choice == DAILY
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
    assert problem.message == 'looks like "backup" but is another tag, so it is not read'


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

    assert read_source(source, SETTINGS).choice is Choice.UNTAGGED
    assert (problem.severity, problem.tag, problem.suggestion) == (Severity.WARNING, f"backup:{suffix}", "backup")
    assert problem.value == "7"
    assert problem.message == 'has no effect without the tag "backup"; expected both'


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
    assert problem.message == f'"{value}" is not a date; expected nothing, or a date such as "2027-01-31"'


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
attempts = st.integers(1, 3)


def test_a_snapshot_is_named_after_its_source_and_slot() -> None:
    assert re.fullmatch(r"my-data-v2-20260615-0300-[0-9a-f]{6}", snapshot_name("my_data.v2", ARN, SLOT_TIME))


def test_a_name_begins_and_goes_on_with_a_letter_although_its_source_does_not() -> None:
    assert snapshot_name("_data_", ARN, SLOT_TIME) == snapshot_name("data", ARN, SLOT_TIME)


def test_a_later_attempt_says_which_it_is() -> None:
    first, second, third = (snapshot_name("data", ARN, SLOT_TIME, attempt) for attempt in (1, 2, 3))

    assert (second, third) == (f"{first}-2", f"{first}-3")


@given(source_names, arns, slot_times, attempts)
def test_a_name_is_valid_and_dated_whatever_the_source_is_called(
    source: str, arn: str, slot: datetime, attempt: int
) -> None:
    name = snapshot_name(source, arn, slot, attempt)

    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]", name)
    assert len(name) <= 254
    assert slot.strftime("-%Y%m%d-%H%M-") in name
    assert name[0] == source[0]


@given(source_names, arns, slot_times, attempts)
def test_the_attempts_of_a_slot_share_their_beginning(source: str, arn: str, slot: datetime, attempt: int) -> None:
    first = snapshot_name(source, arn, slot)

    assert snapshot_name(source, arn, slot, attempt) in (first, f"{first}-{attempt}")


@given(source_names, st.tuples(arns, slot_times, attempts), st.tuples(arns, slot_times, attempts))
def test_names_differ_if_the_source_the_slot_or_the_attempt_does_and_only_then(
    source: str, one: tuple[str, datetime, int], other: tuple[str, datetime, int]
) -> None:
    mixed = {(arn, slot, attempt) for arn, _, _ in (one, other) for _, slot, _ in (one, other) for attempt in (1, 2, 3)}

    assert len({snapshot_name(source, *key) for key in mixed}) == len(mixed)
    assert snapshot_name(source, *one) == snapshot_name(source, *one)


# What Lightkeeper writes: tags


def test_a_snapshot_is_born_with_its_sources_tags_and_ours() -> None:
    tags, left_out = snapshot_tags(disk(backup="daily", backup__keep="7", Name="data"), SLOT_TIME, SETTINGS)

    assert tags == {
        "backup": "daily",
        "backup:keep": "7",
        "Name": "data",
        OWNER: "Lightkeeper",
        SOURCE: ARN,
        SLOT: "2026-06-15T03:00:00Z",
    }
    assert left_out == ()


def test_tags_of_aws_and_of_lightkeeper_are_not_inherited() -> None:
    source = disk(**{"aws:stack": "x", OWNER: "another", EXPIRES: "2026-01-01T00:00:00Z", "lightkeeper:any": "x"})

    tags, left_out = snapshot_tags(source, SLOT_TIME, Settings(deployment="Spare"))

    assert tags == {OWNER: "Spare", SOURCE: ARN, SLOT: "2026-06-15T03:00:00Z"}
    assert left_out == ()


def test_where_there_is_no_room_the_users_vocabulary_comes_first_and_the_rest_is_told() -> None:
    others = {f"app{number:02}": "x" for number in range(48)}
    source = disk(**others, **{"backup:keep": "7", "backup": "daily"})

    tags, left_out = snapshot_tags(source, SLOT_TIME, SETTINGS)

    assert len(tags) == MAX_TAGS - 2
    assert (tags["backup"], tags["backup:keep"]) == ("daily", "7")
    assert left_out == tuple(f"app{number:02}" for number in range(43, 48))


tag_keys = st.sampled_from(
    [*vocabulary(SETTINGS), "Backup", "backup:kepe", "backup:", "aws:x", OWNER, SOURCE, SLOT, EXPIRES, "Name"]
) | st.text(max_size=10)
tag_values = st.sampled_from(["", "daily", "off", "7", "30d", "02:30", "system-disk", "2027-01-31"]) | st.text(
    max_size=10
)
any_tags = st.dictionaries(tag_keys, tag_values, max_size=8)
full_tags = st.integers(0, 50).map(lambda number: {f"app{index}": "x" for index in range(number)})


@given(any_tags, full_tags)
def test_an_inherited_tag_is_either_on_the_snapshot_or_left_out(few: dict[str, str], many: dict[str, str]) -> None:
    source = replace(disk(), tags=many | few)
    inherited = {key: value for key, value in source.tags.items() if not key.startswith(("aws:", "lightkeeper:"))}

    tags, left_out = snapshot_tags(source, SLOT_TIME, SETTINGS)

    assert len(tags) <= MAX_TAGS - 2
    assert {key: tags[key] for key in tags if key not in (OWNER, SOURCE, SLOT)} == {
        key: value for key, value in inherited.items() if key not in left_out
    }
    assert not left_out or len(tags) == MAX_TAGS - 2
    assert not users_tags(dict.fromkeys(left_out, ""), SETTINGS)


# What is ours


def our_snapshot(source: Source | None = None, slot: datetime = SLOT_TIME, attempt: int = 1) -> Snapshot:
    source = source or disk(backup="daily", Name="data")
    return Snapshot(
        kind=SnapshotKind.DISK,
        name=snapshot_name(source.name, source.arn, slot, attempt),
        region=source.region,
        state=SnapshotState.USABLE,
        created_at=slot + timedelta(minutes=1),
        size_gib=8,
        source_name=source.name,
        source_arns=frozenset([source.arn]),
        from_auto_snapshot=False,
        tags=snapshot_tags(source, slot, SETTINGS)[0],
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
        created_at=snapshot.created_at,
        size_gib=8,
        source_name="data",
        source_arn=ARN,
        slot=SLOT_TIME,
        attempt=1,
        expires_at=None,
        tags={"backup": "daily"},
    )


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


def test_the_announced_deletion_is_read() -> None:
    point = read_snapshot(retagged(expires="2026-07-01T00:00:00Z"), SETTINGS)

    assert isinstance(point, RecoveryPoint)
    assert point.expires_at == datetime(2026, 7, 1, tzinfo=UTC)


def test_an_announcement_that_is_not_understood_announces_nothing() -> None:
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
        pytest.param(replace(our_snapshot(), name=f"{our_snapshot().name}-4"), id="an attempt we never make"),
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
        tag=OWNER,
        value="Lightkeeper",
        message=f"on snapshot {snapshot.name}: carries Lightkeeper's tags, but its name or origin says otherwise, so "
        "it is left alone; expected no tags of ours on your own snapshots",
        suggestion=None,
        severity=Severity.ADVICE,
    )


def test_where_lightsail_does_not_say_what_it_was_made_from_name_and_tags_decide() -> None:
    assert isinstance(read_snapshot(replace(our_snapshot(), source_arns=frozenset()), SETTINGS), RecoveryPoint)


def test_one_of_several_origins_is_enough() -> None:
    snapshot = replace(our_snapshot(), source_arns=frozenset([ARN, OTHER_ARN]))

    assert isinstance(read_snapshot(snapshot, SETTINGS), RecoveryPoint)


# What recovery points say


def point(**tags: str) -> RecoveryPoint:
    recovered = read_snapshot(our_snapshot(disk(**tags)), SETTINGS)
    assert isinstance(recovered, RecoveryPoint)
    return recovered


def test_an_orphan_keeps_the_policy_it_inherited() -> None:
    reading = read_orphan(point(backup="weekly", backup__keep="3", backup__mode="system-disk"), SETTINGS)

    assert reading.problems == ()
    assert reading.choice == replace(SETTINGS.policies["weekly"], keep=parse_keep("3"), mode=Mode.SYSTEM_DISK)


@pytest.mark.parametrize("key", ["Backup:keep", "backup_keep", "backups:keep", "Backup"])
def test_a_look_alike_is_inherited_first_and_its_orphan_is_as_little_understood_as_its_source(key: str) -> None:
    source = disk(backup="daily", **{key: "forever"}, **{f"app{number}": "x" for number in range(48)})

    orphan = read_snapshot(our_snapshot(source), SETTINGS)

    assert isinstance(orphan, RecoveryPoint)
    assert orphan.tags == {"backup": "daily", key: "forever"}
    assert read_orphan(orphan, SETTINGS).problems == read_source(source, SETTINGS).problems != ()


def test_the_problems_of_an_orphan_name_its_source() -> None:
    reading = read_orphan(point(backup="dayly"), SETTINGS)

    assert reading.choice is Choice.UNREADABLE
    (problem,) = reading.problems
    assert (problem.region, problem.source, problem.suggestion) == ("eu-central-1", "data", "daily")


def test_a_hold_on_a_snapshot_is_read_from_its_own_tags() -> None:
    assert read_hold(point(backup=""), SETTINGS) == (NOT_HELD, ())
    assert read_hold(point(backup="", backup__hold=""), SETTINGS) == (HELD, ())


def test_a_hold_on_a_snapshot_that_is_not_understood_holds_and_names_the_snapshot() -> None:
    held = point(backup="", backup__hold="maybe")

    hold, (problem,) = read_hold(held, SETTINGS)

    assert hold == HELD
    assert problem.message.startswith(f'on snapshot {held.name}: "maybe" is not a date')
    assert (problem.region, problem.source, problem.severity) == ("eu-central-1", "data", Severity.WARNING)


# Whatever people write


@given(any_tags, st.sampled_from(SourceKind))
def test_any_tags_have_a_reading_and_an_error_is_never_a_policy(tags: dict[str, str], kind: SourceKind) -> None:
    reading = read_source(replace(disk(), kind=kind, tags=tags), SETTINGS)

    has_error = any(problem.severity is Severity.ERROR for problem in reading.problems)
    assert has_error == (reading.choice is Choice.UNREADABLE)
    assert (reading.choice is Choice.UNTAGGED) == ("backup" not in tags)
    assert reading.hold.held == ("backup:hold" in tags)
    assert all(problem.tag in tags for problem in reading.problems)


@given(any_tags)
def test_any_tags_on_a_snapshot_are_ours_a_problem_or_nothing(tags: dict[str, str]) -> None:
    snapshot = our_snapshot()

    read = read_snapshot(replace(snapshot, tags={**snapshot.tags, **tags}), SETTINGS)

    assert (read is None) == (tags.get(OWNER, "Lightkeeper") != "Lightkeeper" or tags.get(SOURCE, ARN) == "")
    if isinstance(read, RecoveryPoint):
        assert read.tags == users_tags({"backup": "daily", **tags}, SETTINGS)
        assert read_orphan(read, SETTINGS).choice is not Choice.UNTAGGED
        assert read_hold(read, SETTINGS)[0].held == ("backup:hold" in tags)


@pytest.mark.parametrize("key", ["backup:hodl", "backup:Hold", "backup:holds", "Backup:hold", "backup-hold"])
def test_a_misspelt_hold_on_a_snapshot_holds_and_is_reported(key: str) -> None:
    snapshot = our_snapshot()
    ours = read_snapshot(replace(snapshot, tags={**snapshot.tags, key: "2027-01-31"}), SETTINGS)
    assert isinstance(ours, RecoveryPoint)

    hold, (problem,) = read_hold(ours, SETTINGS)

    assert hold == HELD
    assert (problem.tag, problem.suggestion, problem.severity) == (key, "backup:hold", Severity.WARNING)
    assert problem.value == "2027-01-31"


def test_an_inherited_typo_is_no_hold() -> None:
    assert read_hold(point(backup="daily", backup__kepe="7"), SETTINGS) == (NOT_HELD, ())


def test_a_copy_of_ours_in_another_region_is_not_ours() -> None:
    assert isinstance(read_snapshot(replace(our_snapshot(), region="us-east-1"), SETTINGS), Problem)
