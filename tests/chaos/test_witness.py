"""The witness condemns: for each rule, runs that break it, which Lightkeeper would never be."""

import ast
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from lightsail_sandbox.client import ErrorAnswer, FaultRule, Sandbox, Seed, ShortList
from tests.support.keeper import DAY, NOON, OTHER_REGION, REGION
from tests.support.rogue import (
    FIRST,
    LISTS,
    MARKED,
    NEWEST,
    SECOND,
    THIRD,
    Rogue,
    a_list_fails,
    a_rogue,
    day,
    tag_list,
    text,
)
from tests.support.witness import EXPIRES, FORMAT, OWNER, RECIPE, SLOT, SOURCE, BrokenPromiseError, Witness

OLD_TILL, TILL = "till-20260618-0300-abcdef", "till-20260619-0300-abcdef"


@pytest.fixture
def rogue(sandbox: Sandbox) -> Iterator[Rogue]:
    with a_rogue(sandbox) as rogue:
        yield rogue


def an_instance(rogue: Rogue, **tags: str) -> None:
    """Give the user an instance with snapshots of either kind, the older ones marked."""
    seed = Seed(kind="Instance", name="web", tags=tags, created_at=NOON - 100 * DAY)
    (rogue.arns["web"],) = rogue.sandbox.seed([seed])
    for number, name in ((14, "web-20260614-0300-abcdef"), (15, "web-20260615-0300-abcdef")):
        inherited = {"backup": "daily", "backup:keep": "1", EXPIRES: MARKED}
        rogue.plant(name, day(number), day(number, 4), of="web", kind="InstanceSnapshot", tags=inherited)
    for number, marked in ((16, {EXPIRES: MARKED}), (17, {}), (20, {})):
        inherited = {"backup": "daily", "backup:keep": "1", **marked}
        rogue.plant(f"web-disk-202606{number}-0300-abcdef", day(number), day(number, 4), of="web", tags=inherited)


def a_database(rogue: Rogue) -> None:
    """Give the user a database that keeps one, with two snapshots of ours: the first is marked."""
    tags = {"backup": "daily", "backup:keep": "1"}
    seed = Seed(kind="RelationalDatabase", name="till", tags=tags, created_at=NOON - 100 * DAY)
    (rogue.arns["till"],) = rogue.sandbox.seed([seed])
    for number, name, marked in ((18, OLD_TILL, {EXPIRES: MARKED}), (19, TILL, {})):
        rogue.plant(name, day(number), day(number, 4), of="till", kind="RelationalDatabaseSnapshot", tags=tags | marked)


# Rule 1


def touches_what_is_not_ours(rogue: Rogue) -> None:
    rogue.user.create_disk_snapshot(diskName="shop", diskSnapshotName="by-hand")
    rogue.witness.look()
    rogue.read()
    rogue.delete("by-hand")


def touches_what_another_deployment_took(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.document["deployment"] = "Night-Shift"
    rogue.read()
    rogue.delete(FIRST)


def tags_what_is_not_its_to_tag(rogue: Rogue) -> None:
    rogue.read()
    rogue.client.tag_resource(resourceName="shop", tags=[{"key": "backup:keep", "value": "1"}])


def removes_a_tag_of_the_user(rogue: Rogue) -> None:
    rogue.read()
    rogue.client.untag_resource(resourceName=FIRST, tagKeys=["backup:keep"])


def takes_a_name_that_another_deployment_has(rogue: Rogue) -> None:
    rogue.document["deployment"] = "Night-Shift"
    rogue.read()
    with suppress(ClientError):
        rogue.create(day(19), **{OWNER: "Night-Shift"})


def leaves_a_tag_of_the_source_out(rogue: Rogue) -> None:
    rogue.at(day(20, 4))
    rogue.tag("shop", "customer", "bakery")
    rogue.read()
    rogue.create(day(20))


def leaves_the_recipe_out(rogue: Rogue) -> None:
    rogue.at(day(20, 4))
    rogue.read()
    rogue.create(day(20), **{RECIPE: "2"})


def says_of_a_source_what_it_has_not(rogue: Rogue) -> None:
    rogue.at(day(20, 4))
    rogue.read()
    rogue.create(day(20), **{"lightkeeper:size": "16"})


# Rule 2


def deletes_the_newest(rogue: Rogue) -> None:
    rogue.read()
    rogue.delete(NEWEST)


def takes_a_failed_one_for_the_newest(rogue: Rogue) -> None:
    rogue.plant("shop-20260620-0300-abcdef", day(20), day(20, 4), state="error")
    rogue.at(day(20, 13))
    rogue.read()
    rogue.delete(NEWEST)


def takes_a_later_slot_for_newer_content(rogue: Rogue) -> None:
    # An event of the 1st came on the 20th: an old slot, and the freshest content.
    rogue.plant("shop-20260601-0300-abcdef", day(1), day(20), tags={"backup": "daily", EXPIRES: MARKED})
    rogue.at(day(20, 13))
    rogue.read()
    rogue.delete("shop-20260601-0300-abcdef")


def deletes_the_last_snapshot_of_a_whole_instance(rogue: Rogue) -> None:
    an_instance(rogue, **{"backup": "daily", "backup:keep": "1", "backup:mode": "system-disk"})
    rogue.document["orphans"] = "expire"
    rogue.when_the_first_may_go()
    rogue.read()
    rogue.delete("web-20260615-0300-abcdef")


def deletes_the_newest_of_a_database_before_the_one_that_failed(rogue: Rogue) -> None:
    a_database(rogue)
    rogue.sandbox.set_snapshot_state(REGION, TILL, "failed")
    rogue.at(day(20, 13))
    rogue.read()
    rogue.delete(OLD_TILL)


def deletes_what_is_still_being_taken(rogue: Rogue) -> None:
    rogue.sandbox.set_snapshot_state(REGION, FIRST, "pending")
    rogue.when_the_first_may_go()
    rogue.read()
    rogue.delete(FIRST)


# Rule 3


def prunes_where_the_tags_have_a_problem(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.tag("shop", "backup:kepe", "30")
    rogue.read()
    rogue.delete(FIRST)


def prunes_by_guess(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.tag("shop", "backup:keep", "a while")
    rogue.read()
    rogue.delete(FIRST)


def takes_a_snapshot_by_guess(rogue: Rogue) -> None:
    rogue.at(day(20, 4))
    rogue.tag("shop", "backup", "dialy")
    rogue.read()
    rogue.create(day(20))


def takes_the_system_disk_of_what_asks_for_a_whole_snapshot(rogue: Rogue) -> None:
    an_instance(rogue, backup="daily")
    rogue.at(day(21, 4))
    rogue.read()
    tags = tag_list(
        {"backup": "daily", OWNER: "Lightkeeper", SOURCE: rogue.arns["web"], SLOT: text(day(21)), FORMAT: "1"}
    )
    rogue.client.create_disk_snapshot(instanceName="web", diskSnapshotName="web-20260621-0300-abcdef", tags=tags)


def prunes_where_the_snapshot_failed(rogue: Rogue) -> None:
    rogue.at(day(20, 13))
    rogue.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), operation="CreateDiskSnapshot"))
    rogue.read()
    with suppress(ClientError):
        rogue.create(day(20))
    rogue.delete(FIRST)


def prunes_a_database_whose_snapshot_has_to_wait(rogue: Rogue) -> None:
    a_database(rogue)
    rogue.sandbox.set_database_state(REGION, "till", "modifying")
    rogue.at(day(20, 13))
    rogue.read()
    rogue.delete(OLD_TILL)


# Rule 4


def takes_a_slot_twice(rogue: Rogue) -> None:
    rogue.read()
    rogue.create(day(19), "shop-20260619-0300-abcdef-2")


def takes_a_slot_that_is_to_come(rogue: Rogue) -> None:
    rogue.read()
    rogue.create(day(20))


def takes_a_slot_that_has_passed(rogue: Rogue) -> None:
    rogue.read()
    rogue.create(day(15))


def takes_a_slot_that_newer_content_covers(rogue: Rogue) -> None:
    # The snapshot of the 19th at noon holds all that one for the evening before could.
    rogue.tag("shop", "backup:at", "23:00")
    rogue.read()
    rogue.create(day(18, 23), **{"backup:at": "23:00"})


def takes_an_instance_again_in_another_mode(rogue: Rogue) -> None:
    an_instance(rogue, backup="daily")
    rogue.at(day(20, 13))
    rogue.read()
    born = {"backup": "daily", OWNER: "Lightkeeper", SOURCE: rogue.arns["web"], SLOT: text(day(20)), FORMAT: "1"}
    tags = tag_list(born | rogue.recipe("web"))
    rogue.client.create_instance_snapshot(
        instanceName="web", instanceSnapshotName="web-20260620-0300-abcdef", tags=tags
    )


def tries_a_fourth_time_within_a_day(rogue: Rogue) -> None:
    for number, ending in enumerate(("", "-2", "-3")):
        rogue.plant(f"shop-20260620-0300-abcdef{ending}", day(20), day(20, 4 + number), state="error")
    rogue.at(day(20, 13))
    rogue.read()
    rogue.create(day(20), "shop-20260620-0300-abcdef-4")


def gives_a_snapshot_any_name(rogue: Rogue) -> None:
    rogue.at(day(20, 4))
    rogue.read()
    rogue.create(day(20), "shop-again")


# Rule 5


def deletes_what_failed_and_was_not_replaced(rogue: Rogue) -> None:
    rogue.plant(
        "shop-20260620-0300-abcdef",
        day(20),
        day(20, 4),
        state="error",
        tags={"backup": "daily", EXPIRES: "2026-06-20T13:00:00Z"},
    )
    rogue.at(day(20, 14))
    rogue.read()
    rogue.delete("shop-20260620-0300-abcdef")


# Rule 6


def deletes_what_is_held(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.tag(FIRST, "backup:hold")
    rogue.read()
    rogue.delete(FIRST)


def deletes_what_is_held_through_today(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    # In Honolulu the 20th has long to go, and in Auckland the 21st has begun.
    rogue.document["timeZone"] = "Pacific/Honolulu"
    rogue.tag(FIRST, "backup:hold", "2026-06-20")
    rogue.read()
    rogue.client.untag_resource(resourceName=FIRST, tagKeys=["backup:hold"])


def deletes_what_is_held_by_its_source(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.tag("shop", "backup:hold", "2026-07-01")
    rogue.read()
    rogue.delete(FIRST)


def deletes_what_is_held_under_the_former_key(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.tag("shop", "save", "daily")
    rogue.tag("shop", "save:keep", "2")
    rogue.tag(FIRST, "backup:hold")
    rogue.document["tagKey"] = "save"
    rogue.read()
    rogue.delete(FIRST)


def deletes_what_is_held_in_other_words(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.tag(FIRST, "Legal-Hold", "2020-01-01")
    rogue.read()
    rogue.delete(FIRST)


def deletes_what_has_a_tag_that_nobody_knows(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.tag(FIRST, "backup:protect")
    rogue.read()
    rogue.delete(FIRST)


def deletes_what_was_held_before_the_second_look(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.read()
    rogue.user.tag_resource(resourceName=FIRST, tags=[{"key": "backup:hold"}])
    rogue.read()
    rogue.delete(FIRST)


def does_not_look_again_when_it_has_taken_snapshots(rogue: Rogue) -> None:
    rogue.at(day(20, 13))
    rogue.read()
    rogue.user.tag_resource(resourceName=FIRST, tags=[{"key": "backup:hold"}])
    rogue.create(day(20))
    rogue.delete(FIRST)


def takes_a_hold_off_that_is_on(rogue: Rogue) -> None:
    rogue.tag(FIRST, "backup:hold")
    rogue.read()
    rogue.client.untag_resource(resourceName=FIRST, tagKeys=["backup:hold"])


def deletes_what_carries_a_hold_that_is_over(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.tag(FIRST, "backup:hold", "2026-06-18")
    rogue.read()
    rogue.delete(FIRST)


# Rule 7


def deletes_too_early(rogue: Rogue) -> None:
    rogue.read()
    rogue.delete(FIRST)


def deletes_without_a_mark(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.document["grace"] = "0d"
    rogue.read()
    rogue.delete(SECOND)


def deletes_what_failed_without_a_mark(rogue: Rogue) -> None:
    rogue.plant("shop-20260615-0300-abcdef", day(15), day(15, 4), state="error")
    rogue.read()
    rogue.delete("shop-20260615-0300-abcdef")


def marks_and_deletes_in_one_run(rogue: Rogue) -> None:
    rogue.at(day(19, 13))
    rogue.document["grace"] = "0d"
    rogue.read()
    rogue.mark(SECOND, day(19, 13))
    rogue.delete(SECOND)


def deletes_what_a_rule_keeps(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.tag("shop", "backup:keep", "30")
    rogue.read()
    rogue.delete(FIRST)


def deletes_what_a_rule_keeps_that_was_widened_while_it_worked(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.read()
    rogue.user.tag_resource(resourceName="shop", tags=[{"key": "backup:keep", "value": "30"}])
    rogue.read()
    rogue.delete(FIRST)


def goes_by_the_slots_where_a_rule_goes_by_content(rogue: Rogue) -> None:
    # By its slot it is a second one of the 18th; its content is the only one of the 20th.
    rogue.tag("shop", "backup:keep", "daily=2")
    name = "shop-20260618-0100-abcdef"
    rogue.plant(name, day(18, 1), day(20, 1), tags={"backup": "daily", EXPIRES: "2026-06-21T12:00:00Z"})
    rogue.plant("shop-20260621-0300-abcdef", day(21), day(21, 4))
    rogue.at(day(21, 13))
    rogue.read()
    rogue.delete(name)


def marks_for_too_soon(rogue: Rogue) -> None:
    rogue.read()
    rogue.mark(SECOND, day(19, 14))


def marks_what_a_rule_keeps(rogue: Rogue) -> None:
    rogue.read()
    rogue.mark(THIRD, day(20, 13))


def deletes_what_was_marked_long_ago(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.at(day(20, 16))
    rogue.read()
    rogue.delete(FIRST)


def leaves_a_mark_on_what_a_rule_keeps_again(rogue: Rogue) -> None:
    rogue.tag("shop", "backup:keep", "30")
    rogue.read()


# Rule 8


def prunes_an_orphan(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.untag("shop", "backup")
    rogue.read()
    rogue.delete(FIRST)


def prunes_what_is_turned_off(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.tag("shop", "backup", "off")
    rogue.read()
    rogue.delete(FIRST)


def prunes_what_the_present_mode_does_not_feed(rogue: Rogue) -> None:
    an_instance(rogue, **{"backup": "daily", "backup:keep": "1", "backup:mode": "system-disk"})
    rogue.when_the_first_may_go()
    rogue.read()
    rogue.delete("web-20260614-0300-abcdef")


def prunes_an_orphan_that_its_own_tags_keep(rogue: Rogue) -> None:
    an_instance(rogue, **{"backup": "daily", "backup:keep": "1", "backup:mode": "system-disk"})
    rogue.tag("web-20260615-0300-abcdef", "backup:keep", "30d")
    rogue.document["orphans"] = "expire"
    rogue.when_the_first_may_go()
    rogue.read()
    rogue.delete("web-20260614-0300-abcdef")


def gives_an_orphan_less_than_a_day(rogue: Rogue) -> None:
    rogue.document |= {"orphans": "expire", "grace": "1h"}
    rogue.user.delete_disk(diskName="shop")
    rogue.witness.look()
    rogue.read()
    rogue.mark(SECOND, day(19, 14))


# Rule 9


def four_that_may_go(rogue: Rogue) -> list[str]:
    names = [f"shop-202606{number:02}-0300-abcdef" for number in range(8, 12)]
    for number, name in enumerate(names, start=8):
        rogue.plant(name, day(number), day(number, 4), tags={"backup": "daily", EXPIRES: MARKED})
    rogue.at(day(20, 13))
    rogue.untag(FIRST, EXPIRES)
    return names


def deletes_four_at_once(rogue: Rogue) -> None:
    names = four_that_may_go(rogue)
    rogue.read()
    for name in names:
        rogue.delete(name)


def deletes_three_of_each_kind(rogue: Rogue) -> None:
    an_instance(rogue, **{"backup": "daily", "backup:keep": "1", "backup:mode": "system-disk"})
    rogue.document |= {"maxDeletesPerSource": 1, "orphans": "expire"}
    rogue.at(day(20, 13))
    rogue.read()
    rogue.delete("web-20260614-0300-abcdef")
    rogue.delete("web-disk-20260616-0300-abcdef")


def does_not_begin_with_the_oldest(rogue: Rogue) -> None:
    names = four_that_may_go(rogue)
    rogue.read()
    for name in names[1:]:
        rogue.delete(name)


# Rule 10


def prunes_without_having_read(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.delete(FIRST)


def takes_a_snapshot_without_having_read(rogue: Rogue) -> None:
    rogue.at(day(20, 4))
    rogue.create(day(20))


def prunes_from_half_a_list(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.sandbox.set_options(page_size=1)
    rogue.read()
    rogue.delete(FIRST)


def prunes_while_a_list_fails(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    a_list_fails(rogue)
    rogue.delete(FIRST)


def prunes_while_a_list_fails_at_the_second_look(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.read()
    a_list_fails(rogue)
    rogue.delete(FIRST)


# Rule 11


def leaves_a_source_out(rogue: Rogue) -> None:
    rogue.at(day(20, 4))
    rogue.read()


def leaves_a_region_out_because_another_refuses(rogue: Rogue) -> None:
    rogue.at(day(20, 4))
    refusal = ErrorAnswer(code="UnrecognizedClientException")
    rogue.sandbox.add_faults(FaultRule(effect=refusal, region=OTHER_REGION))
    with (
        closing(boto3.client("lightsail", **rogue.sandbox.client_options(OTHER_REGION))) as client,
        suppress(ClientError),
    ):
        client.get_disks()


def leaves_a_source_out_because_another_failed(rogue: Rogue) -> None:
    rogue.sandbox.seed([Seed(kind="Disk", name="clinic", tags={"backup": "daily"}, created_at=NOON)])
    rogue.witness.look()
    rogue.at(day(20, 4))
    failure = ErrorAnswer(code="OperationFailureException")
    rogue.sandbox.add_faults(FaultRule(effect=failure, operation="CreateDiskSnapshot"))
    rogue.read()
    with suppress(ClientError):
        rogue.create(day(20))


CRIMES: dict[int, tuple[Callable[[Rogue], None], ...]] = {
    1: (
        touches_what_is_not_ours,
        touches_what_another_deployment_took,
        tags_what_is_not_its_to_tag,
        removes_a_tag_of_the_user,
        takes_a_name_that_another_deployment_has,
        leaves_a_tag_of_the_source_out,
        leaves_the_recipe_out,
        says_of_a_source_what_it_has_not,
    ),
    2: (
        deletes_the_newest,
        takes_a_failed_one_for_the_newest,
        takes_a_later_slot_for_newer_content,
        deletes_the_last_snapshot_of_a_whole_instance,
        deletes_the_newest_of_a_database_before_the_one_that_failed,
        deletes_what_is_still_being_taken,
    ),
    3: (
        prunes_where_the_tags_have_a_problem,
        prunes_by_guess,
        takes_a_snapshot_by_guess,
        takes_the_system_disk_of_what_asks_for_a_whole_snapshot,
        prunes_where_the_snapshot_failed,
        prunes_a_database_whose_snapshot_has_to_wait,
    ),
    4: (
        takes_a_slot_twice,
        takes_a_slot_that_is_to_come,
        takes_a_slot_that_has_passed,
        takes_a_slot_that_newer_content_covers,
        takes_an_instance_again_in_another_mode,
        tries_a_fourth_time_within_a_day,
        gives_a_snapshot_any_name,
    ),
    5: (deletes_what_failed_and_was_not_replaced,),
    6: (
        deletes_what_is_held,
        deletes_what_is_held_through_today,
        deletes_what_is_held_by_its_source,
        deletes_what_is_held_under_the_former_key,
        deletes_what_is_held_in_other_words,
        deletes_what_has_a_tag_that_nobody_knows,
        deletes_what_was_held_before_the_second_look,
        does_not_look_again_when_it_has_taken_snapshots,
        takes_a_hold_off_that_is_on,
        deletes_what_carries_a_hold_that_is_over,
    ),
    7: (
        deletes_too_early,
        deletes_without_a_mark,
        deletes_what_failed_without_a_mark,
        marks_and_deletes_in_one_run,
        deletes_what_a_rule_keeps,
        deletes_what_a_rule_keeps_that_was_widened_while_it_worked,
        goes_by_the_slots_where_a_rule_goes_by_content,
        marks_for_too_soon,
        marks_what_a_rule_keeps,
        deletes_what_was_marked_long_ago,
        leaves_a_mark_on_what_a_rule_keeps_again,
    ),
    8: (
        prunes_an_orphan,
        prunes_what_is_turned_off,
        prunes_what_the_present_mode_does_not_feed,
        prunes_an_orphan_that_its_own_tags_keep,
        gives_an_orphan_less_than_a_day,
    ),
    9: (deletes_four_at_once, deletes_three_of_each_kind, does_not_begin_with_the_oldest),
    10: (
        prunes_without_having_read,
        takes_a_snapshot_without_having_read,
        prunes_from_half_a_list,
        prunes_while_a_list_fails,
        prunes_while_a_list_fails_at_the_second_look,
    ),
    11: (
        leaves_a_source_out,
        leaves_a_region_out_because_another_refuses,
        leaves_a_source_out_because_another_failed,
    ),
}


@pytest.mark.parametrize(
    ("rule", "crime"),
    [(rule, crime) for rule, crimes in CRIMES.items() for crime in crimes],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_run_that_breaks_a_rule_is_condemned_for_it(rogue: Rogue, rule: int, crime: Callable[[Rogue], None]) -> None:
    with (
        pytest.raises(BrokenPromiseError, match=rf"^rule {rule}: "),
        rogue.witness.watching(rogue.document, expect_all=True),
    ):
        crime(rogue)


def test_a_hold_set_after_the_last_look_is_for_aws_to_respect(rogue: Rogue) -> None:
    def hold_in_between(rogue: Rogue) -> None:
        rogue.when_the_first_may_go()
        rogue.read()
        rogue.user.tag_resource(resourceName=FIRST, tags=[{"key": "backup:hold"}])
        rogue.delete(FIRST)

    with (
        pytest.raises(BrokenPromiseError, match=r"^rule 6: "),
        rogue.witness.watching(rogue.document, enforced=True),
    ):
        hold_in_between(rogue)


def test_a_late_run_is_judged_by_its_own_time(rogue: Rogue) -> None:
    late = rogue.witness.watching(rogue.document, now=day(20, 11))
    with pytest.raises(BrokenPromiseError, match=r"^rule 7: "), late:
        deletes_the_first(rogue)


# Runs that keep the promises


def deletes_the_first(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.read()
    rogue.delete(FIRST)


def takes_an_over_hold_off_and_deletes(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.document["timeZone"] = "Pacific/Auckland"
    rogue.tag(FIRST, "backup:hold", "2026-06-20")
    rogue.read()
    rogue.client.untag_resource(resourceName=FIRST, tagKeys=["backup:hold"])
    rogue.delete(FIRST)


def takes_a_snapshot_and_looks_again(rogue: Rogue) -> None:
    rogue.at(day(20, 13))
    rogue.read()
    rogue.create(day(20))
    rogue.read()
    rogue.delete(FIRST)


def marks_the_second(rogue: Rogue) -> None:
    rogue.read()
    rogue.mark(SECOND, day(20, 13))


def marks_again_what_was_marked_long_ago(rogue: Rogue) -> None:
    rogue.when_the_first_may_go()
    rogue.at(day(20, 16))
    rogue.read()
    rogue.mark(FIRST, day(21, 16))


def tries_a_fourth_time_a_day_later(rogue: Rogue) -> None:
    rogue.tag("shop", "backup", "weekly")
    for number, ending in enumerate(("", "-2", "-3")):
        rogue.plant(f"shop-20260621-0300-abcdef{ending}", day(21), day(21, 4 + number), state="error")
    rogue.at(day(22, 7))
    rogue.read()
    rogue.create(day(21), "shop-20260621-0300-abcdef-4", backup="weekly")


def lets_an_orphan_age_out(rogue: Rogue) -> None:
    an_instance(rogue, **{"backup": "daily", "backup:keep": "1", "backup:mode": "system-disk"})
    rogue.document["orphans"] = "expire"
    rogue.when_the_first_may_go()
    rogue.read()
    rogue.delete("web-20260614-0300-abcdef")


def deletes_what_failed_and_was_replaced(rogue: Rogue) -> None:
    rogue.plant(
        "shop-20260615-0300-abcdef", day(15), day(15, 4), state="error", tags={"backup": "daily", EXPIRES: MARKED}
    )
    rogue.when_the_first_may_go()
    rogue.read()
    rogue.delete("shop-20260615-0300-abcdef")


def prunes_a_database_that_is_due_nothing_whatever_its_state(rogue: Rogue) -> None:
    a_database(rogue)
    rogue.plant(
        "till-20260620-0300-abcdef", day(20), day(20, 4), of="till", kind="RelationalDatabaseSnapshot", tags=None
    )
    rogue.sandbox.set_database_state(REGION, "till", "stopped")
    rogue.at(day(20, 13))
    rogue.read()
    rogue.delete(OLD_TILL)


def sees_a_database_go_with_a_final_snapshot(rogue: Rogue) -> None:
    a_database(rogue)
    rogue.when_the_first_may_go()
    rogue.read()
    rogue.user.delete_relational_database(relationalDatabaseName="till")
    rogue.delete(FIRST)


@pytest.mark.parametrize(
    "conduct",
    [
        deletes_the_first,
        takes_an_over_hold_off_and_deletes,
        takes_a_snapshot_and_looks_again,
        marks_the_second,
        marks_again_what_was_marked_long_ago,
        tries_a_fourth_time_a_day_later,
        lets_an_orphan_age_out,
        deletes_what_failed_and_was_replaced,
        prunes_a_database_that_is_due_nothing_whatever_its_state,
        sees_a_database_go_with_a_final_snapshot,
    ],
)
def test_a_run_that_keeps_them_is_not(rogue: Rogue, conduct: Callable[[Rogue], None]) -> None:
    with rogue.witness.watching(rogue.document):
        conduct(rogue)

    assert rogue.witness.judged.total() > len(LISTS)


# Rule 13: what a run says, and what it keeps to itself


def untagged(rogue: Rogue) -> None:
    rogue.untag("shop", "backup")


def turned_off(rogue: Rogue) -> None:
    rogue.tag("shop", "backup", "off")


def deleted(rogue: Rogue) -> None:
    rogue.user.delete_disk(diskName="shop")


def lost_from_its_list(rogue: Rogue) -> None:
    rogue.sandbox.add_faults(FaultRule(effect=ShortList(), operation="GetDisks"))


@pytest.mark.parametrize("change", [untagged, turned_off, deleted, lost_from_its_list])
def test_a_run_that_is_silent_about_what_is_not_protected_any_more_is_condemned(
    rogue: Rogue, change: Callable[[Rogue], None]
) -> None:
    runs(rogue, "All is well.")
    change(rogue)

    with pytest.raises(BrokenPromiseError, match=r"^rule 13: "):
        runs(rogue)


@pytest.mark.parametrize("change", [untagged, turned_off, deleted, lost_from_its_list])
def test_what_stops_being_protected_is_reported_once_and_again_when_it_stops_again(
    rogue: Rogue, change: Callable[[Rogue], None]
) -> None:
    change(rogue)
    runs(rogue, f"In {REGION} nothing keeps shop any more.")
    runs(rogue)
    rogue.sandbox.clear_faults()
    if change in {untagged, turned_off}:
        rogue.tag("shop", "backup", "daily")
        runs(rogue)
        change(rogue)
        with pytest.raises(BrokenPromiseError, match=r"^rule 13: "):
            runs(rogue, "Of shopping, nothing is known.")


def test_a_run_that_is_silent_about_a_rule_that_was_cut_is_condemned(rogue: Rogue) -> None:
    for number in range(11, 16):
        rogue.plant(f"shop-202606{number}-0300-abcdef", day(number), day(number, 4))
    rogue.tag("shop", "backup:keep", "30")
    rogue.untag(FIRST, EXPIRES)
    runs(rogue)
    rogue.tag("shop", "backup:keep", "1")
    old = [FIRST, SECOND, THIRD, *(f"shop-202606{number}-0300-abcdef" for number in range(11, 16))]

    def marks_them_all() -> None:
        for name in old:
            rogue.mark(name, day(20, 13))

    with pytest.raises(BrokenPromiseError, match=r"^rule 13: .*cut"):
        runs(rogue, "All is well.", then=marks_them_all)


def test_a_list_that_fails_tells_nothing_of_its_sources(rogue: Rogue) -> None:
    rogue.untag("shop", "backup")
    with rogue.witness.watching(rogue.document):
        a_list_fails(rogue)
    rogue.witness.said([])
    rogue.sandbox.clear_faults()

    with pytest.raises(BrokenPromiseError, match=r"^rule 13: "):
        runs(rogue)


def runs(rogue: Rogue, *says: str, then: Callable[[], None] = lambda: None) -> None:
    """Let a run read, do something and say something."""
    with rogue.witness.watching(rogue.document):
        rogue.read()
        then()
    rogue.witness.said(says)


def test_the_witness_knows_nothing_of_lightkeeper() -> None:
    path = Path(__file__).parents[1] / "support" / "witness.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}

    assert {name for name in imported if "." in name or name in {"lightkeeper", "infra"}} == {
        "collections.abc",
        "lightsail_sandbox.client",
    }
    assert Witness.__module__ == "tests.support.witness"
