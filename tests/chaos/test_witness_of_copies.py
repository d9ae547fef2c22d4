"""The witness condemns what is done to copies in another Region: for each promise a run that breaks it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import boto3
import pytest
from botocore.exceptions import ClientError

from lightsail_sandbox.client import Entry, ErrorAnswer, FaultRule, Sandbox, Seed
from lightsail_sandbox.seeds import SnapshotState
from tests.support.keeper import AWAY, HOUR, OTHER_REGION, console
from tests.support.rogue import (
    FIRST,
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
from tests.support.witness import (
    EXPIRES,
    NAME_OF_SOURCE,
    OWNER,
    SLOT,
    SOURCE,
    TAKEN,
    Birth,
    BrokenPromiseError,
    copy_name,
    instant,
)

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient
    from mypy_boto3_lightsail.literals import RegionNameType

HOME: "Final[RegionNameType]" = "eu-central-1"
AT_ONE: Final = {"schedule": "0 13 * * *", "keep": "2"}
LISTS_OF_COPIES: Final = ("get_disk_snapshots", "get_instance_snapshots")
GOES_NOW: Final = "2026-06-19T12:00:00Z"


@dataclass
class Abroad:
    """A rogue where the disk is copied at one o'clock, two are kept, and three are there: the first may go now.

    It is one o'clock on the 19th: the newest of home has no copy yet.
    """

    rogue: Rogue
    user: "LightsailClient"
    client: "LightsailClient"

    # A run

    def read(self) -> None:
        """Read all lists, as a run has to."""
        self.rogue.read()
        self.read_there()

    def read_there(self) -> None:
        for operation in LISTS_OF_COPIES:
            getattr(self.client, operation)()

    def copy(self, original: str, name: str = "") -> None:
        self.client.copy_snapshot(
            sourceRegion=HOME,
            sourceSnapshotName=original,
            targetSnapshotName=name or self.name(original),
        )

    def give_tags(self, name: str, of: str, **changes: str) -> None:
        self.client.tag_resource(resourceName=name, tags=tag_list(self.tags(of) | changes))

    def delete(self, name: str) -> None:
        self.client.delete_disk_snapshot(diskSnapshotName=name)

    def mark(self, name: str, at: datetime) -> None:
        self.client.tag_resource(resourceName=name, tags=tag_list({EXPIRES: text(at)}))

    # What there is

    def name(self, original: str, ending: str = "") -> str:
        """Return the name of the copy of a snapshot."""
        entry = self.original(original)
        slot = instant(entry.tags[SLOT])
        assert slot
        return copy_name(Birth(entry.tags[OWNER], entry.tags[SOURCE], slot), "shop", AWAY) + ending

    def tags(self, original: str) -> dict[str, str]:
        """Return the tags that the copy of a snapshot has to have."""
        entry = self.original(original)
        inherited = {key: value for key, value in entry.tags.items() if key != EXPIRES}
        return inherited | {TAKEN: text(entry.created_at), NAME_OF_SOURCE: "shop"}

    def original(self, name: str) -> Entry:
        """Return a snapshot at home."""
        return next(each for each in self.rogue.sandbox.entries() if (each.region, each.name) == (HOME, name))

    def plant(
        self,
        original: str,
        made: datetime,
        *,
        ending: str = "",
        state: SnapshotState | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Put a copy of ours there."""
        name = self.name(original, ending)
        seed = Seed(
            kind="DiskSnapshot",
            name=name,
            region=AWAY,
            source="shop",
            source_arn=self.rogue.arns["shop"],
            size_gb=self.original(original).size_gb,
            created_at=made,
            tags={**self.tags(original), **(tags or {})},
            state=state,
        )
        self.rogue.sandbox.seed([seed])
        self.rogue.witness.adopt([name])
        return name

    def tag(self, name: str, key: str, value: str = "") -> None:
        self.user.tag_resource(resourceName=name, tags=tag_list({key: value}))
        self.rogue.witness.look()


@pytest.fixture
def abroad(sandbox: Sandbox) -> Iterator[Abroad]:
    with (
        a_rogue(sandbox) as rogue,
        closing(console(sandbox, AWAY)) as user,
        closing(boto3.client("lightsail", **sandbox.client_options(AWAY))) as client,
    ):
        abroad = Abroad(rogue, user, client)
        rogue.document["copies"] = {AWAY: AT_ONE}
        rogue.tag("shop", "backup:copy")
        for number, original in enumerate((FIRST, SECOND, THIRD), start=16):
            marked = {EXPIRES: GOES_NOW} if original == FIRST else {}
            abroad.plant(original, day(number, 13), tags=marked)
        yield abroad


# Rule 1


def copies_to_where_nothing_is_copied(abroad: Abroad) -> None:
    abroad.rogue.document["copies"] = {OTHER_REGION: AT_ONE}
    abroad.read()
    abroad.copy(NEWEST)


def copies_what_is_not_ours(abroad: Abroad) -> None:
    abroad.rogue.user.create_disk_snapshot(diskName="shop", diskSnapshotName="by-hand")
    abroad.rogue.at(day(19, 14))
    abroad.read()
    abroad.copy("by-hand", "shop-20260619-1300-abcdef")


def tags_what_a_person_has_copied(abroad: Abroad) -> None:
    abroad.user.copy_snapshot(sourceRegion=HOME, sourceSnapshotName=NEWEST, targetSnapshotName="by-hand")
    abroad.rogue.witness.look()
    abroad.read()
    abroad.give_tags("by-hand", NEWEST)


def takes_over_what_somebody_has_tagged(abroad: Abroad) -> None:
    name = abroad.name(NEWEST)
    abroad.user.copy_snapshot(sourceRegion=HOME, sourceSnapshotName=NEWEST, targetSnapshotName=name)
    abroad.tag(name, "customer", "bakery")
    abroad.read()
    abroad.give_tags(name, NEWEST)


def takes_over_what_is_of_another_size(abroad: Abroad) -> None:
    name = abroad.name(NEWEST)
    seed = Seed(kind="DiskSnapshot", name=name, region=AWAY, source="attic", source_arn="arn:x:Disk/y", size_gb=8)
    abroad.rogue.sandbox.seed([seed])
    abroad.rogue.witness.look()
    abroad.read()
    abroad.give_tags(name, NEWEST)


def takes_over_what_was_made_before_its_content(abroad: Abroad) -> None:
    name = abroad.name(NEWEST)
    made = abroad.original(NEWEST).created_at - HOUR
    arn = abroad.rogue.arns["shop"]
    size = abroad.original(NEWEST).size_gb
    seed = Seed(
        kind="DiskSnapshot", name=name, region=AWAY, source="shop", source_arn=arn, size_gb=size, created_at=made
    )
    abroad.rogue.sandbox.seed([seed])
    abroad.rogue.witness.look()
    abroad.read()
    abroad.give_tags(name, NEWEST)


def takes_over_what_bears_the_name_of_another_deployment_s_copy(abroad: Abroad) -> None:
    abroad.rogue.document["deployment"] = "Night-Shift"
    name = abroad.name(NEWEST)
    abroad.user.copy_snapshot(sourceRegion=HOME, sourceSnapshotName=NEWEST, targetSnapshotName=name)
    abroad.rogue.witness.look()
    abroad.read()
    abroad.give_tags(name, NEWEST, **{OWNER: "Night-Shift"})


def leaves_a_tag_of_the_original_out(abroad: Abroad) -> None:
    abroad.read()
    abroad.copy(NEWEST)
    tags = {key: value for key, value in abroad.tags(NEWEST).items() if key != "backup:keep"}
    abroad.client.tag_resource(resourceName=abroad.name(NEWEST), tags=tag_list(tags))


def says_that_its_content_is_of_now(abroad: Abroad) -> None:
    abroad.read()
    abroad.copy(NEWEST)
    abroad.give_tags(abroad.name(NEWEST), NEWEST, **{TAKEN: text(day(19, 13))})


def changes_a_tag_of_a_copy(abroad: Abroad) -> None:
    abroad.read()
    abroad.client.tag_resource(resourceName=abroad.name(THIRD), tags=tag_list({"backup:keep": "30"}))


def deletes_what_a_person_has_copied(abroad: Abroad) -> None:
    abroad.user.copy_snapshot(sourceRegion=HOME, sourceSnapshotName=FIRST, targetSnapshotName="by-hand")
    abroad.rogue.witness.look()
    abroad.read()
    abroad.delete("by-hand")


def deletes_a_copy_that_lacks_one_of_our_tags(abroad: Abroad) -> None:
    abroad.user.untag_resource(resourceName=abroad.name(FIRST), tagKeys=[TAKEN])
    abroad.rogue.witness.look()
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def deletes_a_copy_of_another_deployment(abroad: Abroad) -> None:
    abroad.rogue.document["deployment"] = "Night-Shift"
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def deletes_a_copy_where_nothing_is_copied_to_any_more(abroad: Abroad) -> None:
    abroad.rogue.document["copies"] = {OTHER_REGION: AT_ONE}
    abroad.read()
    abroad.delete(abroad.name(FIRST))


# Rule 2


def deletes_the_newest_copy(abroad: Abroad) -> None:
    abroad.read()
    abroad.delete(abroad.name(THIRD))


def deletes_the_last_copy_because_home_has_newer_ones(abroad: Abroad) -> None:
    for name in (abroad.name(SECOND), abroad.name(THIRD)):
        abroad.user.delete_disk_snapshot(diskSnapshotName=name)
    abroad.rogue.witness.look()
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def takes_what_was_copied_last_for_the_newest(abroad: Abroad) -> None:
    name = abroad.name(SECOND)
    abroad.user.delete_disk_snapshot(diskSnapshotName=name)
    # Of old content, and made after the copy of newer content.
    abroad.rogue.at(day(19, 9))
    abroad.user.copy_snapshot(sourceRegion=HOME, sourceSnapshotName=SECOND, targetSnapshotName=name)
    abroad.user.tag_resource(resourceName=name, tags=tag_list(abroad.tags(SECOND)))
    abroad.rogue.at(day(19, 13))
    abroad.rogue.witness.adopt([name])
    abroad.tag(abroad.name(THIRD), EXPIRES, GOES_NOW)
    abroad.read()
    abroad.delete(abroad.name(THIRD))


def deletes_an_original_that_is_being_copied(abroad: Abroad) -> None:
    abroad.rogue.when_the_first_may_go()
    abroad.rogue.sandbox.set_snapshot_state(AWAY, abroad.name(FIRST), "pending")
    abroad.rogue.witness.look()
    abroad.read()
    abroad.rogue.delete(FIRST)


def marks_an_original_that_is_being_copied(abroad: Abroad) -> None:
    abroad.rogue.sandbox.set_snapshot_state(AWAY, abroad.name(SECOND), "pending")
    abroad.rogue.witness.look()
    abroad.read()
    abroad.rogue.mark(SECOND, day(20, 13))


def deletes_a_copy_that_is_being_made(abroad: Abroad) -> None:
    abroad.rogue.sandbox.set_snapshot_state(AWAY, abroad.name(FIRST), "pending")
    abroad.rogue.witness.look()
    abroad.read()
    abroad.delete(abroad.name(FIRST))


# Rule 3


def copies_what_nobody_asked_for(abroad: Abroad) -> None:
    abroad.rogue.untag("shop", "backup:copy")
    abroad.read()
    abroad.copy(NEWEST)


def copies_to_a_region_that_was_not_asked_for(abroad: Abroad) -> None:
    abroad.rogue.document["copies"] = {AWAY: AT_ONE, OTHER_REGION: AT_ONE}
    abroad.rogue.tag("shop", "backup:copy", OTHER_REGION)
    abroad.read()
    abroad.copy(NEWEST)


def copies_by_guess(abroad: Abroad) -> None:
    abroad.rogue.tag("shop", "backup:copy", "nowhere")
    abroad.read()
    abroad.copy(NEWEST)


def prunes_copies_where_the_tags_have_a_problem(abroad: Abroad) -> None:
    abroad.rogue.tag("shop", "backup:kepe", "30")
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def prunes_copies_by_guess(abroad: Abroad) -> None:
    abroad.rogue.tag("shop", "backup:copy-keep", "a while")
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def prunes_copies_where_the_snapshot_failed(abroad: Abroad) -> None:
    abroad.rogue.at(day(20, 4))
    failure = ErrorAnswer(code="ServiceException")
    abroad.rogue.sandbox.add_faults(FaultRule(effect=failure, operation="CreateDiskSnapshot"))
    abroad.read()
    with suppress(ClientError):
        abroad.rogue.create(day(20), **{"backup:copy": ""})
    abroad.mark(abroad.name(FIRST), day(21, 4))


def prunes_copies_where_the_copy_failed(abroad: Abroad) -> None:
    abroad.rogue.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), operation="CopySnapshot"))
    abroad.read()
    with suppress(ClientError):
        abroad.copy(NEWEST)
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def prunes_copies_where_the_copy_got_no_tags(abroad: Abroad) -> None:
    abroad.rogue.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), operation="TagResource"))
    abroad.read()
    abroad.copy(NEWEST)
    with suppress(ClientError):
        abroad.give_tags(abroad.name(NEWEST), NEWEST)
    abroad.read()
    abroad.delete(abroad.name(FIRST))


# Rule 4


def gives_a_copy_any_name(abroad: Abroad) -> None:
    abroad.read()
    abroad.copy(NEWEST, "shop-again")


def gives_a_copy_the_name_of_its_original(abroad: Abroad) -> None:
    abroad.read()
    abroad.copy(NEWEST, NEWEST)


def copies_what_is_not_the_newest(abroad: Abroad) -> None:
    abroad.read()
    abroad.copy(SECOND, abroad.name(SECOND, "-2"))


def copies_twice_for_one_slot(abroad: Abroad) -> None:
    abroad.plant(NEWEST, day(19, 13))
    abroad.rogue.at(day(19, 14))
    abroad.read()
    abroad.copy(NEWEST, abroad.name(NEWEST, "-2"))


def copies_what_newer_content_covers(abroad: Abroad) -> None:
    # The slot is that of yesterday night: what was newest then lies there.
    abroad.rogue.document["copies"] = {AWAY: {**AT_ONE, "schedule": "0 23 * * *"}}
    abroad.read()
    abroad.copy(NEWEST)


def tries_a_copy_for_the_fourth_time_within_a_day(abroad: Abroad) -> None:
    for number, ending in enumerate(("", "-2", "-3")):
        abroad.plant(NEWEST, day(19, 13 + number), ending=ending, state="error")
    abroad.rogue.at(day(19, 17))
    abroad.read()
    abroad.copy(NEWEST, abroad.name(NEWEST, "-4"))


# Rule 5


def deletes_a_copy_that_failed_and_was_not_replaced(abroad: Abroad) -> None:
    name = abroad.plant(NEWEST, day(19, 13), state="error", tags={EXPIRES: "2026-06-19T14:00:00Z"})
    abroad.rogue.at(day(19, 15))
    abroad.read()
    abroad.delete(name)


# Rule 6


def deletes_a_copy_that_is_held(abroad: Abroad) -> None:
    abroad.tag(abroad.name(FIRST), "backup:hold")
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def deletes_a_copy_that_is_held_by_its_source(abroad: Abroad) -> None:
    abroad.rogue.tag("shop", "backup:hold", "2026-07-01")
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def takes_a_hold_off_a_copy_that_is_on(abroad: Abroad) -> None:
    abroad.tag(abroad.name(FIRST), "backup:hold", "2026-07-01")
    abroad.read()
    abroad.client.untag_resource(resourceName=abroad.name(FIRST), tagKeys=["backup:hold"])


def does_not_look_again_when_it_has_copied(abroad: Abroad) -> None:
    abroad.read()
    abroad.user.tag_resource(resourceName=abroad.name(FIRST), tags=tag_list({"backup:hold": ""}))
    abroad.copy(NEWEST)
    abroad.give_tags(abroad.name(NEWEST), NEWEST)
    abroad.delete(abroad.name(FIRST))


# Rule 7


def deletes_an_unmarked_copy(abroad: Abroad) -> None:
    abroad.user.untag_resource(resourceName=abroad.name(FIRST), tagKeys=[EXPIRES])
    abroad.rogue.witness.look()
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def deletes_a_copy_too_early(abroad: Abroad) -> None:
    abroad.tag(abroad.name(FIRST), EXPIRES, MARKED)
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def deletes_a_copy_that_a_rule_keeps(abroad: Abroad) -> None:
    abroad.rogue.tag("shop", "backup:copy-keep", "30")
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def marks_a_copy_that_a_rule_keeps(abroad: Abroad) -> None:
    abroad.read()
    abroad.mark(abroad.name(SECOND), day(20, 13))


def marks_a_copy_by_the_rule_of_home(abroad: Abroad) -> None:
    abroad.rogue.tag("shop", "backup:keep", "1")
    abroad.read()
    abroad.mark(abroad.name(SECOND), day(20, 13))


def marks_a_copy_for_too_soon(abroad: Abroad) -> None:
    abroad.user.untag_resource(resourceName=abroad.name(FIRST), tagKeys=[EXPIRES])
    abroad.rogue.witness.look()
    abroad.read()
    abroad.mark(abroad.name(FIRST), day(19, 15))


def prunes_copies_although_prune_is_off(abroad: Abroad) -> None:
    abroad.rogue.document["prune"] = "off"
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def leaves_a_mark_on_a_copy_that_a_rule_keeps_again(abroad: Abroad) -> None:
    abroad.rogue.tag("shop", "backup:copy-keep", "30")
    abroad.plant(NEWEST, day(19, 13))
    abroad.read()


# Rule 8


def prunes_a_copy_of_an_orphan(abroad: Abroad) -> None:
    abroad.rogue.untag("shop", "backup:copy")
    abroad.rogue.untag("shop", "backup:keep")
    abroad.rogue.untag("shop", "backup")
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def prunes_a_copy_of_what_is_not_copied_any_more(abroad: Abroad) -> None:
    abroad.rogue.tag("shop", "backup:copy", "off")
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def prunes_a_copy_of_what_is_gone(abroad: Abroad) -> None:
    abroad.rogue.user.delete_disk(diskName="shop")
    abroad.rogue.witness.look()
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def prunes_a_copy_of_an_orphan_that_its_own_tags_keep(abroad: Abroad) -> None:
    abroad.rogue.document["orphans"] = "expire"
    abroad.rogue.tag("shop", "backup:copy", "off")
    abroad.tag(abroad.name(THIRD), "backup:copy-keep", "30d")
    abroad.read()
    abroad.delete(abroad.name(FIRST))


# Rule 9


def four_copies_that_may_go(abroad: Abroad) -> list[str]:
    originals = [f"shop-202606{number:02}-0300-abcdef" for number in range(8, 12)]
    for number, original in enumerate(originals, start=8):
        abroad.rogue.plant(original, day(number), day(number, 12))
        abroad.plant(original, day(number, 13), tags={EXPIRES: GOES_NOW})
    abroad.user.untag_resource(resourceName=abroad.name(FIRST), tagKeys=[EXPIRES])
    abroad.rogue.witness.look()
    return [abroad.name(original) for original in originals]


def deletes_four_copies_at_once(abroad: Abroad) -> None:
    names = four_copies_that_may_go(abroad)
    abroad.read()
    for name in names:
        abroad.delete(name)


def does_not_begin_with_the_oldest_copy(abroad: Abroad) -> None:
    names = four_copies_that_may_go(abroad)
    abroad.read()
    for name in names[1:]:
        abroad.delete(name)


# Rule 10


def prunes_copies_while_a_list_of_home_fails(abroad: Abroad) -> None:
    a_list_fails(abroad.rogue)
    abroad.read_there()
    abroad.delete(abroad.name(FIRST))


def prunes_copies_without_having_read_home(abroad: Abroad) -> None:
    abroad.read_there()
    abroad.delete(abroad.name(FIRST))


def prunes_copies_while_a_list_there_fails(abroad: Abroad) -> None:
    abroad.rogue.read()
    refusal = ErrorAnswer(code="ServiceException")
    abroad.rogue.sandbox.add_faults(FaultRule(effect=refusal, operation="GetInstanceSnapshots", region=AWAY))
    abroad.client.get_disk_snapshots()
    with suppress(ClientError):
        abroad.client.get_instance_snapshots()
    abroad.delete(abroad.name(FIRST))


def copies_without_having_read_the_second_region(abroad: Abroad) -> None:
    abroad.rogue.read()
    abroad.copy(NEWEST)


def copies_without_having_read_home(abroad: Abroad) -> None:
    abroad.read_there()
    abroad.copy(NEWEST)


# Rule 11


def leaves_a_copy_out(abroad: Abroad) -> None:
    abroad.read()


def leaves_a_copy_without_its_tags(abroad: Abroad) -> None:
    abroad.read()
    abroad.copy(NEWEST)


CRIMES: dict[int, tuple[Callable[[Abroad], None], ...]] = {
    1: (
        copies_to_where_nothing_is_copied,
        copies_what_is_not_ours,
        tags_what_a_person_has_copied,
        takes_over_what_somebody_has_tagged,
        takes_over_what_is_of_another_size,
        takes_over_what_was_made_before_its_content,
        takes_over_what_bears_the_name_of_another_deployment_s_copy,
        leaves_a_tag_of_the_original_out,
        says_that_its_content_is_of_now,
        changes_a_tag_of_a_copy,
        deletes_what_a_person_has_copied,
        deletes_a_copy_that_lacks_one_of_our_tags,
        deletes_a_copy_of_another_deployment,
        deletes_a_copy_where_nothing_is_copied_to_any_more,
    ),
    2: (
        deletes_the_newest_copy,
        deletes_the_last_copy_because_home_has_newer_ones,
        takes_what_was_copied_last_for_the_newest,
        deletes_an_original_that_is_being_copied,
        marks_an_original_that_is_being_copied,
        deletes_a_copy_that_is_being_made,
    ),
    3: (
        copies_what_nobody_asked_for,
        copies_to_a_region_that_was_not_asked_for,
        copies_by_guess,
        prunes_copies_where_the_tags_have_a_problem,
        prunes_copies_by_guess,
        prunes_copies_where_the_snapshot_failed,
        prunes_copies_where_the_copy_failed,
        prunes_copies_where_the_copy_got_no_tags,
    ),
    4: (
        gives_a_copy_any_name,
        gives_a_copy_the_name_of_its_original,
        copies_what_is_not_the_newest,
        copies_twice_for_one_slot,
        copies_what_newer_content_covers,
        tries_a_copy_for_the_fourth_time_within_a_day,
    ),
    5: (deletes_a_copy_that_failed_and_was_not_replaced,),
    6: (
        deletes_a_copy_that_is_held,
        deletes_a_copy_that_is_held_by_its_source,
        takes_a_hold_off_a_copy_that_is_on,
        does_not_look_again_when_it_has_copied,
    ),
    7: (
        deletes_an_unmarked_copy,
        deletes_a_copy_too_early,
        deletes_a_copy_that_a_rule_keeps,
        marks_a_copy_that_a_rule_keeps,
        marks_a_copy_by_the_rule_of_home,
        marks_a_copy_for_too_soon,
        prunes_copies_although_prune_is_off,
        leaves_a_mark_on_a_copy_that_a_rule_keeps_again,
    ),
    8: (
        prunes_a_copy_of_an_orphan,
        prunes_a_copy_of_what_is_not_copied_any_more,
        prunes_a_copy_of_what_is_gone,
        prunes_a_copy_of_an_orphan_that_its_own_tags_keep,
    ),
    9: (deletes_four_copies_at_once, does_not_begin_with_the_oldest_copy),
    10: (
        prunes_copies_while_a_list_of_home_fails,
        prunes_copies_without_having_read_home,
        prunes_copies_while_a_list_there_fails,
        copies_without_having_read_the_second_region,
        copies_without_having_read_home,
    ),
    11: (leaves_a_copy_out, leaves_a_copy_without_its_tags),
}


@pytest.mark.parametrize(
    ("rule", "crime"),
    [(rule, crime) for rule, crimes in CRIMES.items() for crime in crimes],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_run_that_breaks_a_rule_of_copies_is_condemned_for_it(
    abroad: Abroad, rule: int, crime: Callable[[Abroad], None]
) -> None:
    with (
        pytest.raises(BrokenPromiseError, match=rf"^rule {rule}: "),
        abroad.rogue.witness.watching(abroad.rogue.document, expect_all=True),
    ):
        crime(abroad)


# Runs that keep the promises


def copies_tags_and_deletes(abroad: Abroad) -> None:
    abroad.read()
    abroad.copy(NEWEST)
    abroad.give_tags(abroad.name(NEWEST), NEWEST)
    abroad.read()
    abroad.delete(abroad.name(FIRST))


def tags_a_copy_that_an_earlier_run_left(abroad: Abroad) -> None:
    abroad.client.copy_snapshot(sourceRegion=HOME, sourceSnapshotName=NEWEST, targetSnapshotName=abroad.name(NEWEST))
    abroad.rogue.witness.look()
    abroad.read()
    abroad.give_tags(abroad.name(NEWEST), NEWEST)


def marks_what_the_new_one_pushes_out(abroad: Abroad) -> None:
    abroad.plant(NEWEST, day(19, 13))
    abroad.rogue.at(day(19, 14))
    abroad.read()
    abroad.mark(abroad.name(SECOND), day(20, 14))


def tries_a_copy_for_the_fourth_time_a_day_later(abroad: Abroad) -> None:
    abroad.rogue.tag("shop", "backup", "weekly")
    for number, ending in enumerate(("", "-2", "-3")):
        abroad.plant(NEWEST, day(19, 13 + number), ending=ending, state="error")
    abroad.rogue.at(day(20, 17))
    abroad.read()
    abroad.copy(NEWEST, abroad.name(NEWEST, "-4"))
    abroad.give_tags(abroad.name(NEWEST, "-4"), NEWEST)


def lets_the_copies_of_what_is_gone_age_out(abroad: Abroad) -> None:
    abroad.rogue.document["orphans"] = "expire"
    for original in (FIRST, SECOND, THIRD):
        abroad.tag(abroad.name(original), "backup:copy-keep", "1")
    abroad.rogue.user.delete_disk(diskName="shop")
    abroad.rogue.witness.look()
    abroad.read()
    abroad.delete(abroad.name(FIRST))


@pytest.mark.parametrize(
    "conduct",
    [
        copies_tags_and_deletes,
        tags_a_copy_that_an_earlier_run_left,
        marks_what_the_new_one_pushes_out,
        tries_a_copy_for_the_fourth_time_a_day_later,
        lets_the_copies_of_what_is_gone_age_out,
    ],
)
def test_a_run_that_keeps_them_is_not(abroad: Abroad, conduct: Callable[[Abroad], None]) -> None:
    with abroad.rogue.witness.watching(abroad.rogue.document):
        conduct(abroad)

    assert abroad.rogue.witness.judged.total() > len(LISTS_OF_COPIES)
