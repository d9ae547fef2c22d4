"""Copies in other Regions: how settings, policies and tags write them, what a copy is called, and what is one."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.copies import can_be_copied, check_regions, parse_copy, read_copy_rules, write_copy, write_copy_rules
from lightkeeper.errors import InvalidValueError
from lightkeeper.json_objects import InvalidObjectError
from lightkeeper.keep_rules import parse_keep
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Copies, CopyRule, Policy, Problem, RecoveryPoint, Severity, Snapshot, SnapshotState
from lightkeeper.names import attempt_of_copy, copy_name, digest_in, snapshot_name, undated, undated_names
from lightkeeper.recipe import Part
from lightkeeper.schedule import parse_schedule
from lightkeeper.settings import Settings, SettingsError
from lightkeeper.tags import (
    EXPIRES,
    FORMAT,
    MAX_TAGS,
    NAME,
    OWNER,
    SLOT,
    SOURCE,
    TAKEN,
    NoPolicy,
    copy_tags,
    is_unfinished,
    read_snapshot,
    read_source,
)
from lightkeeper.times import OFF_THE_CLOCK
from tests.support.inventories import REGION, point, source, written

UTC_ZONE = ZoneInfo("UTC")
AWAY, FURTHER = "eu-north-1", "us-east-1"
KEPT = {"backup:copy-keep": "9"}
SLOT_TIME = datetime(2026, 6, 15, 3, tzinfo=UTC)
TAKEN_AT = SLOT_TIME + timedelta(minutes=7)
COPIED_AT = SLOT_TIME + timedelta(hours=2)
DISK = source("shop", backup="daily")
SETTINGS = Settings.from_mapping({"copies": {AWAY: {"schedule": "0 5 * * *", "keep": "3"}}})

# The settings


def test_a_rule_says_when_and_how_long_and_in_which_zone() -> None:
    zurich = {"schedule": "0 5 * * *", "keep": "daily=7", "timeZone": "Europe/Zurich"}

    rules = read_copy_rules({AWAY: {"schedule": "0 6 * * 0", "keep": "weekly=4"}, FURTHER: zurich}, UTC_ZONE)

    assert rules == {
        AWAY: CopyRule(parse_schedule("0 6 * * 0", UTC_ZONE), parse_keep("weekly=4")),
        FURTHER: CopyRule(parse_schedule("0 5 * * *", ZoneInfo("Europe/Zurich")), parse_keep("daily=7")),
    }
    assert read_copy_rules(write_copy_rules(rules), ZoneInfo("Asia/Tokyo")) == rules


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({AWAY: {"keep": "3"}}, f'{AWAY}.schedule: missing; expected "0 5 * * *" or the like'),
        ({AWAY: {"schedule": "0 5 * * *"}}, f'{AWAY}.keep: missing; expected "daily=7 monthly=12" or the like'),
        ({AWAY: {"schedule": "5 o'clock", "keep": "3"}}, f"{AWAY}.schedule: "),
        ({AWAY: {"schedule": "0 5 * * *", "keep": "a while"}}, f"{AWAY}.keep: "),
        ({AWAY: {"schedule": "0 5 * * *", "keep": "3", "timeZone": "Mars"}}, f"{AWAY}.timeZone: "),
        ({AWAY: {"schedule": "0 5 * * *", "keep": "3", "kept": "4"}}, f"{AWAY}.kept: unknown"),
        ({AWAY: "daily"}, 'a rule; expected {"schedule": "0 5 * * *", "keep": "daily=7 monthly=12"}'),
        ({"Stockholm": {"schedule": "0 5 * * *", "keep": "3"}}, "Stockholm: it is not a Region"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_in_a_sentence(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidObjectError) as refused:
        read_copy_rules(given, UTC_ZONE)

    assert sentence in str(refused.value)


def test_rules_that_are_no_object_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="expected"):
        read_copy_rules([AWAY], UTC_ZONE)


def test_a_policy_copies_only_where_the_settings_have_a_rule() -> None:
    policy = {"schedule": "0 3 * * *", "keep": "3", "copy": "us-east-1"}

    with pytest.raises(SettingsError, match=r"policies\.office\.copy: .*not among the"):
        Settings.from_mapping({"policies": {"office": policy}, "copies": SETTINGS.to_mapping()["copies"]})
    with pytest.raises(SettingsError, match=r'policies\.office\.copy: .*no "copies"'):
        Settings.from_mapping({"policies": {"office": policy}})


# Policies and tags


@pytest.mark.parametrize(
    ("text", "copies"),
    [
        ("", Copies()),
        ("  ", Copies()),
        (AWAY, Copies((AWAY,))),
        (f"{FURTHER}  {AWAY} {FURTHER}", Copies((FURTHER, AWAY))),
        ("off", None),
        (" off ", None),
    ],
)
def test_where_copies_go_is_nothing_regions_or_off(text: str, copies: Copies | None) -> None:
    assert parse_copy(text) == copies
    if copies:
        assert parse_copy(write_copy(copies)) == copies


@pytest.mark.parametrize("text", ["yes", "on", "of", f"{AWAY},{FURTHER}", f"off {AWAY}", "EU-NORTH-1", "all"])
def test_anything_else_says_not_where_to(text: str) -> None:
    with pytest.raises(InvalidValueError, match="does not say where to; expected nothing") as refused:
        parse_copy(text)
    assert refused.value.suggestion == ("off" if text == "of" else None)


@given(st.text())
def test_no_text_makes_a_copy_rule_stumble(text: str) -> None:
    with suppress(InvalidValueError):
        copies = parse_copy(text)
        assert copies is None or parse_copy(write_copy(copies)) == copies


def test_regions_without_a_rule_are_refused_with_those_that_have_one() -> None:
    check_regions(Copies(), [AWAY])
    check_regions(Copies((AWAY,)), [AWAY, FURTHER])
    with pytest.raises(InvalidValueError, match=f'"eu-nort-1" is not among .*expected "{AWAY}"') as refused:
        check_regions(Copies(("eu-nort-1",)), [AWAY])
    assert refused.value.suggestion == AWAY


def test_where_nothing_may_be_copied_any_wish_to_is_refused() -> None:
    for wish in (Copies(), Copies((AWAY,))):
        with pytest.raises(InvalidValueError) as refused:
            check_regions(wish, [])
        assert str(refused.value) == (
            'there are no "copies" in the settings, so nothing is copied; expected a rule there'
        )


def test_a_copy_s_name_is_of_the_form_of_a_snapshot_s_and_the_first_attempt_needs_no_number() -> None:
    slot = datetime(2026, 6, 15, 3, tzinfo=UTC)
    arn = f"arn:aws:lightsail:{REGION}:1:Disk/shop"

    first, second = (copy_name("shop", arn, "Lightkeeper", slot, AWAY, *attempt) for attempt in ((), (2,)))

    assert re.fullmatch(r"shop-20260615-0300-[0-9a-f]{6}", first)
    assert second == f"{first}-2"


@pytest.mark.parametrize("name", ["shop", "\N{SNOWMAN}"])
def test_what_the_names_of_all_snapshots_of_a_source_have_in_common_is_known_whatever_there_is(name: str) -> None:
    slot = datetime(2026, 6, 15, 3, tzinfo=UTC)
    arn = f"arn:aws:lightsail:{REGION}:1:Disk/shop"
    known = undated_names(name, arn, "Lightkeeper", AWAY)

    assert undated(snapshot_name(name, arn, "Lightkeeper", slot)) in known
    assert undated(copy_name(name, arn, "Lightkeeper", slot, AWAY, 3)) in known
    assert undated(copy_name(name, arn, "Lightkeeper", slot, FURTHER)) not in known
    assert undated(copy_name(name, arn, "Other", slot, AWAY)) not in known


def test_what_a_tag_says_of_how_long_wins_over_the_rule_of_the_region() -> None:
    rule, keep = SETTINGS.copies[AWAY], parse_keep("9")

    assert rule.for_copies(None) is rule
    assert rule.for_copies(Copies()) is rule
    assert rule.for_copies(Copies(keep=keep)) == CopyRule(rule.schedule, keep)


def test_everything_but_databases_can_be_copied() -> None:
    assert [can_be_copied(kind) for kind in (SourceKind.DISK, SourceKind.INSTANCE, SourceKind.DATABASE)] == [
        True,
        True,
        False,
    ]


def read(**tags: str) -> tuple[Policy, tuple[Problem, ...]]:
    reading = read_source(replace(source("shop"), tags=written(tags)), SETTINGS)
    assert isinstance(reading.policy, Policy)
    return reading.policy, reading.problems


def test_the_tags_of_a_source_say_where_its_copies_go_and_how_long_they_stay() -> None:
    one, problems = read(backup="daily", backup_copy=AWAY)
    assert (one.copies, problems) == (Copies((AWAY,)), ())
    both, problems = read(backup="daily", backup_copy="", **KEPT)
    assert (both.copies, problems) == (Copies(None, parse_keep("9")), ())
    assert both.overrides == {"copy", "copy-keep"}
    off, problems = read(backup="daily", backup_copy="off", **KEPT)
    assert (off.copies, problems) == (None, ())


@pytest.mark.parametrize(
    ("tags", "severity", "copies"),
    [
        ({"backup:copy": "nowhere"}, Severity.WARNING, None),
        ({"backup:copy": FURTHER}, Severity.WARNING, None),
        ({"backup:copy": "", "backup:copy-keep": "a while"}, Severity.WARNING, Copies()),
        ({"backup:copy-keep": "9"}, Severity.ADVICE, None),
    ],
)
def test_a_wrong_tag_of_copies_is_a_problem_and_the_source_is_backed_up_all_the_same(
    tags: dict[str, str], severity: Severity, copies: Copies | None
) -> None:
    policy, (problem,) = read(backup="daily", **tags)

    assert (problem.severity, policy.copies) == (severity, copies)


def test_tags_of_copies_without_a_policy_have_no_effect_and_are_reported() -> None:
    reading = read_source(source("shop", backup_copy=""), SETTINGS)

    assert reading.policy is NoPolicy.UNTAGGED
    assert [problem.severity for problem in reading.problems] == [Severity.WARNING]


# Names


def test_the_name_of_a_copy_is_read_back_and_no_other_is() -> None:
    of = ("shop", DISK.arn, "Lightkeeper", SLOT_TIME, AWAY)

    for attempt in (1, 2, 31):
        assert attempt_of_copy(copy_name(*of, attempt), *of) == attempt
    for others in (
        ("shop2", *of[1:]),
        (of[0], DISK.arn + "x", *of[2:]),
        (*of[:2], "Spare", *of[3:]),
        (*of[:3], SLOT_TIME + timedelta(minutes=1), AWAY),
        (*of[:3], SLOT_TIME + timedelta(seconds=1), AWAY),
        (*of[:4], FURTHER),
    ):
        assert attempt_of_copy(copy_name(*of), *others) is None
    assert attempt_of_copy(snapshot_name(*of[:4]), *of) is None, "the original's own name"
    assert attempt_of_copy("by-hand", *of) is None


@given(st.text(min_size=1, max_size=300), st.integers(1, 99999))
def test_whatever_a_source_is_called_the_name_of_a_copy_is_valid_and_its_own(name: str, attempt: int) -> None:
    of = (name, DISK.arn, "Lightkeeper", SLOT_TIME, AWAY)
    called = copy_name(*of, attempt)

    assert len(called) <= 254
    assert called.isascii()
    assert called.replace("-", "").isalnum()
    assert attempt_of_copy(called, *of) == attempt
    assert digest_in(called) is not None


# What a copy is


def original(**tags: str) -> Snapshot:
    """Return a snapshot of ours at home."""
    return Snapshot(
        kind=SnapshotKind.DISK,
        name=snapshot_name("shop", DISK.arn, "Lightkeeper", SLOT_TIME),
        region=REGION,
        state=SnapshotState.USABLE,
        created_at=TAKEN_AT,
        size_gib=8,
        source_name="shop",
        source_arns=frozenset([DISK.arn]),
        from_auto_snapshot=False,
        tags={
            "backup": "daily",
            "customer": "bakery",
            OWNER: "Lightkeeper",
            SOURCE: DISK.arn,
            SLOT: "2026-06-15T03:00:00Z",
            FORMAT: "1",
            "lightkeeper:recipe": "1",
            **tags,
        },
    )


def copy(**changes: str) -> Snapshot:
    """Return the copy of it that we make, with some tags changed; an empty one is taken off."""
    of = read_snapshot(original(), SETTINGS)
    assert isinstance(of, RecoveryPoint)
    tags = {**copy_tags(original(), of, SETTINGS)[0], **{f"lightkeeper:{key}": changes[key] for key in changes}}
    return replace(
        original(),
        name=copy_name("shop", DISK.arn, "Lightkeeper", SLOT_TIME, AWAY),
        region=AWAY,
        created_at=COPIED_AT,
        source_name="",
        source_arns=frozenset(),
        tags={key: value for key, value in tags.items() if value},
    )


def test_a_copy_is_as_old_as_its_original_and_named_by_its_tag_whatever_lightsail_says() -> None:
    found = read_snapshot(copy(), SETTINGS)

    assert isinstance(found, RecoveryPoint)
    assert (found.taken, found.made, found.slot) == (TAKEN_AT, COPIED_AT, SLOT_TIME)
    assert (found.source_name, found.source_arn, found.home, found.is_copy) == ("shop", DISK.arn, REGION, True)
    assert found.kind is SnapshotKind.DISK


def test_an_original_is_no_copy_and_is_made_when_it_is_taken() -> None:
    found = read_snapshot(original(), SETTINGS)

    assert isinstance(found, RecoveryPoint)
    assert (found.is_copy, found.home, found.made) == (False, REGION, TAKEN_AT)


def test_what_its_original_s_recipe_lacks_it_lacks_and_one_without_a_recipe_says_nothing_of_it() -> None:
    for recipe, lacks in (("1", ()), ("1 instance ports", (Part.PORTS,)), ("", None)):
        found = read_snapshot(copy(recipe=recipe), SETTINGS)
        assert isinstance(found, RecoveryPoint)
        assert found.lacks == lacks


def test_the_clocks_of_two_regions_may_differ_by_an_hour() -> None:
    """Content from before its slot is somebody's edit, but for that."""
    for taken, is_believed in (
        (SLOT_TIME - OFF_THE_CLOCK, True),
        (SLOT_TIME - OFF_THE_CLOCK - timedelta(seconds=1), False),
    ):
        found = read_snapshot(copy(taken=f"{taken:%Y-%m-%dT%H:%M:%SZ}"), SETTINGS)
        assert isinstance(found, RecoveryPoint) is is_believed


def test_the_content_of_a_copy_is_no_newer_than_the_copy_whatever_its_tag_says() -> None:
    found = read_snapshot(copy(taken="2099-01-01T00:00:00Z"), SETTINGS)

    assert isinstance(found, RecoveryPoint)
    assert found.taken == COPIED_AT


@pytest.mark.parametrize(
    "wrong",
    [
        copy(taken=""),
        copy(taken="yesterday"),
        copy(taken="2026-06-15T01:59:59Z"),
        copy(name=""),
        copy(name="shop2"),
        copy(slot="2026-06-16T03:00:00Z"),
        copy(source=DISK.arn + "x"),
        copy(source="the shop"),
        replace(copy(), name="by-hand"),
        replace(copy(), name=original().name),
        replace(copy(), region=FURTHER),
    ],
    ids=lambda snapshot: f"{snapshot.name} {snapshot.region} {sorted(snapshot.tags.values())}",
)
def test_what_says_that_it_is_a_copy_of_ours_and_is_none_is_left_alone_and_reported(wrong: Snapshot) -> None:
    found = read_snapshot(wrong, SETTINGS)

    assert isinstance(found, Problem)
    assert "so it is left alone" in found.message


def test_a_copy_of_another_deployment_is_not_ours() -> None:
    assert read_snapshot(copy(owner="Spare"), SETTINGS) is None


def test_a_source_tag_that_is_no_arn_is_of_no_region() -> None:
    nowhere = replace(point(DISK, SLOT_TIME), source_arn="the shop")

    assert (nowhere.home, nowhere.is_copy) == ("", True)


@pytest.mark.parametrize(
    ("snapshot", "unfinished"),
    [
        (replace(copy(), tags={}), True),
        # Nobody knows what Lightsail says of where a copy came from.
        (replace(copy(), tags={}, from_auto_snapshot=True), True),
        (replace(copy(), tags={"customer": "bakery"}), False),
        (replace(copy(), tags={OWNER: "Lightkeeper"}), False),
        (replace(copy(), tags={}, name="by-hand"), False),
    ],
)
def test_a_copy_may_lack_its_tags_where_it_has_none_and_a_name_like_ours(
    snapshot: Snapshot, *, unfinished: bool
) -> None:
    assert is_unfinished(snapshot) is unfinished


# The tags of a copy


def tags_of_copy(of: Snapshot) -> tuple[dict[str, str], tuple[str, ...]]:
    found = read_snapshot(of, SETTINGS)
    assert isinstance(found, RecoveryPoint)
    return copy_tags(of, found, SETTINGS)


def test_a_copy_gets_all_that_its_original_has_but_for_a_mark_and_aws_s_own_and_two_more() -> None:
    of = original(**{EXPIRES: "2026-06-20T00:00:00Z", "aws:createdBy": "me", "backup:hold": ""})

    tags, left_out = tags_of_copy(of)

    kept = {key: value for key, value in of.tags.items() if key not in (EXPIRES, "aws:createdBy")}
    assert tags == {**kept, TAKEN: "2026-06-15T03:07:00Z", NAME: "shop"}
    assert left_out == ()


@pytest.mark.parametrize(("hold", "room"), [({}, 2), ({"backup:hold": ""}, 1)])
def test_it_keeps_room_for_a_mark_and_for_a_hold_where_it_has_none_yet(hold: dict[str, str], room: int) -> None:
    of = original(**hold, **{f"app{number:02}": "x" for number in range(49)})

    tags, left_out = tags_of_copy(of)

    assert len(tags) == MAX_TAGS - room
    assert len(left_out) == len(of.tags) + 2 - len(tags)


@given(st.integers(0, 43), st.integers(0, 43))
def test_a_copy_never_has_too_many_tags_and_what_keeps_it_comes_first(users: int, holds: int) -> None:
    mine = {f"app{number:02}": "x" for number in range(users)}
    others = {f"x{number:02}-hold": "" for number in range(min(holds, 43 - users))}
    of = original(**mine, **others)

    tags, left_out = tags_of_copy(of)

    assert len(tags) <= MAX_TAGS
    assert {key: value for key, value in of.tags.items() if key not in left_out}.items() <= tags.items()
    assert all(key.startswith(("app", "customer")) for key in left_out)
    assert not left_out or len(tags) >= MAX_TAGS - 2
