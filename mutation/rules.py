"""The twelve safety rules: the code that keeps each of them, and the test that fails when that code is taken out.

`python -m mutation rules` takes it out, in a copy. The tables of `docs/safety.md` are generated from here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

TAGS: Final = "lambda_src/lightkeeper/tags.py"
PLAN: Final = "lambda_src/lightkeeper/plan.py"
EXECUTE: Final = "lambda_src/lightkeeper/execute.py"
CYCLE: Final = "lambda_src/lightkeeper/cycle.py"
INVENTORY: Final = "lambda_src/lightkeeper/inventory.py"
LIGHTSAIL: Final = "lambda_src/lightkeeper/lightsail.py"
HANDLER: Final = "lambda_src/lightkeeper/handler.py"
FUNCTION: Final = "infra/function.py"
CALENDAR: Final = "infra/calendar.py"

IN_PLAN: Final = "tests/unit/test_plan.py"
IN_TAGS: Final = "tests/unit/test_tags.py"
IN_EXECUTE: Final = "tests/unit/test_execute.py"
IN_RULES: Final = "tests/integration/test_rules.py"
IN_FAULTS: Final = "tests/integration/test_faults.py"
IN_CLI: Final = "tests/integration/test_cli.py"
IN_HANDLER: Final = "tests/integration/test_handler.py"
IN_ROLE: Final = "tests/contract/test_role.py"


@dataclass(frozen=True, slots=True)
class Removal:
    """An edit that takes a part of a rule out of the code, and the test that must then fail."""

    what: str
    """What the code does for the rule."""
    path: str
    name: str
    """The function or constant of that file, dotted for a method."""
    old: str
    """Stands exactly once in the file."""
    new: str
    test_path: str
    test: str

    @property
    def code(self) -> str:
        """The code's dotted name, without the package that is meant anyway."""
        module = self.path.removeprefix("lambda_src/lightkeeper/").removesuffix(".py").replace("/", ".")
        return f"{module}.{self.name}"

    @property
    def node(self) -> str:
        """The test, as pytest calls it."""
        return f"{self.test_path}::{self.test}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A safety rule, which is a promise, and what keeps it."""

    number: int
    text: str
    removals: tuple[Removal, ...]


RULES: Final = (
    Rule(
        1,
        "A snapshot without our owner tag and source tag is never touched.",
        (
            Removal(
                "only what has this deployment's owner tag is ours",
                TAGS,
                "read_snapshot",
                "owner != settings.deployment or not source_arn",
                "not source_arn",
                IN_RULES,
                "test_snapshots_that_are_not_ours_survive_everything",
            ),
            Removal(
                "only what has a source tag is ours; its origin does not stand in for the tag",
                TAGS,
                "read_snapshot",
                "for key in (OWNER, SOURCE, SLOT))\n",
                "for key in (OWNER, SOURCE, SLOT))\n"
                "    source_arn = source_arn or next(iter(snapshot.source_arns), '')\n",
                IN_RULES,
                "test_snapshots_that_are_not_ours_survive_everything",
            ),
            Removal(
                "a copy of an automatic snapshot is the user's",
                TAGS,
                "read_snapshot",
                " or snapshot.from_auto_snapshot",
                "",
                IN_TAGS,
                "test_a_copy_of_an_automatic_snapshot_is_the_users",
            ),
            Removal(
                "what carries our tags under another name is left alone",
                TAGS,
                "read_snapshot",
                "_attempt(snapshot, source_arn, slot) if slot else None",
                "1",
                IN_RULES,
                "test_snapshots_that_are_not_ours_survive_everything",
            ),
            Removal(
                "so is what has a slot that is not as we write it",
                TAGS,
                "_own_instant",
                "return slot if format_instant(slot) == text else None",
                "return slot",
                IN_TAGS,
                "test_a_snapshot_with_our_tags_that_we_did_not_make_is_left_alone_and_reported",
            ),
            Removal(
                "and what lies in another Region than its source",
                TAGS,
                "read_snapshot",
                " or elsewhere",
                "",
                IN_TAGS,
                "test_a_copy_of_ours_in_another_region_is_not_ours",
            ),
            Removal(
                "and what was made from something else",
                TAGS,
                "read_snapshot",
                " or foreign",
                "",
                IN_TAGS,
                "test_a_snapshot_with_our_tags_that_we_did_not_make_is_left_alone_and_reported",
            ),
            Removal(
                "AWS itself refuses deletions and tags on what has not our owner tag",
                FUNCTION,
                "lightsail_statements",
                '"ChangeOnlyOurs", CHANGES, ours',
                '"ChangeOnlyOurs", CHANGES',
                IN_ROLE,
                "test_what_is_not_ours_cannot_be_deleted_with_the_function_s_own_credentials",
            ),
            Removal(
                "and to take a snapshot without it",
                FUNCTION,
                "lightsail_statements",
                '"CreateAsOurs", CREATES, ours_in_request',
                '"CreateAsOurs", CREATES',
                IN_ROLE,
                "test_a_snapshot_cannot_be_taken_without_our_owner_tag",
            ),
            Removal(
                "and the dashboard's calendar everything but to read",
                CALENDAR,
                "RecoveryCalendar",
                "actions=[*LISTS]",
                'actions=["lightsail:*"]',
                IN_ROLE,
                "test_the_calendar_needs_no_more_than_its_own_role_allows_and_can_write_nothing",
            ),
        ),
    ),
    Rule(
        2,
        "The newest usable snapshot of a source is never deleted, whatever the rules say.",
        (
            Removal(
                "the newest usable one is kept where no rule keeps it",
                PLAN,
                "_reasons",
                '["newest usable snapshot"] if point in (newest, usable[0]) else []',
                "[]",
                IN_RULES,
                "test_the_last_usable_snapshot_of_a_deleted_source_stays_although_no_rule_keeps_it",
            ),
            Removal(
                "a snapshot with a slot still to come does not take its place",
                PLAN,
                "_newest",
                "point for point in usable if point.slot <= now",
                "point for point in usable",
                IN_PLAN,
                "test_a_snapshot_from_the_future_protects_neither_from_being_overdue_nor_the_newest_of_today",
            ),
            Removal(
                "nor does one that ended in error",
                PLAN,
                "_usable",
                "if point.state is SnapshotState.USABLE)",
                ")",
                IN_RULES,
                "test_a_newer_failed_snapshot_does_not_make_the_newest_usable_one_deletable",
            ),
            Removal(
                "`within` counts back from the newest usable snapshot, not from the clock",
                PLAN,
                "_reasons",
                "next((slot for slot in (*series.missed, *(point.slot for point in usable)) if slot <= now), None)",
                "now",
                IN_PLAN,
                "test_without_new_snapshots_nothing_ages_out_of_within",
            ),
        ),
    ),
    Rule(
        3,
        "A problem in a policy, or a failure to create in this tick, means no prune for that source in this tick.",
        (
            Removal(
                "a problem blocks every deletion and announcement of its source",
                PLAN,
                "_blocked",
                "if problem.severity is not Severity.ADVICE:",
                "if False:",
                IN_RULES,
                "test_nothing_is_pruned_while_the_tags_have_a_problem[backup:kepe-1-True]",
            ),
            Removal(
                "a wrong value is never guessed at: the source is not snapshotted either",
                TAGS,
                "_read",
                "Choice.UNREADABLE if unreadable else policy",
                "policy",
                IN_RULES,
                "test_nothing_is_pruned_while_the_tags_have_a_problem[backup-dialy-False]",
            ),
            Removal(
                "a problem in the tags of one snapshot blocks for its whole source",
                PLAN,
                "_plan_prune",
                "_blocked((*problems, *hold_problems), unread)",
                "_blocked(problems, unread)",
                IN_PLAN,
                "test_a_hold_that_is_not_understood_on_one_snapshot_forbids_to_prune_the_others",
            ),
            Removal(
                "so does a misspelt tag on a source that may have been meant to be backed up",
                PLAN,
                "_plan_orphan",
                "(*own.problems, *(reading.problems if reading else ()))",
                "own.problems",
                IN_PLAN,
                "test_orphans_that_expire_leave_alone_what_a_misspelt_tag_may_have_meant",
            ),
            Removal(
                "a slot whose attempts have all failed is a problem",
                PLAN,
                "_plan_create",
                "return (problem,)",
                "return ()",
                IN_PLAN,
                "test_nothing_is_pruned_while_every_attempt_at_the_slot_has_failed",
            ),
            Removal(
                "a failed create cancels the deletions and announcements of its source",
                EXECUTE,
                "execute",
                "action.target.source_arn in blocked",
                "False",
                IN_RULES,
                "test_nothing_is_pruned_for_a_source_whose_snapshot_failed_in_this_tick",
            ),
            Removal(
                "so does one that was skipped or deferred",
                EXECUTE,
                "_blocks",
                "return outcome.result is not Result.DONE",
                "return outcome.result is Result.FAILED",
                IN_EXECUTE,
                "test_nothing_is_pruned_where_the_snapshot_was_not_taken",
            ),
        ),
    ),
    Rule(
        4,
        "At most one snapshot per source and slot, through any retry, crash or overlap.",
        (
            Removal(
                "a snapshot that is still being taken covers its slot",
                PLAN,
                "_COVERS_SLOT",
                "SnapshotState.PENDING, SnapshotState.USABLE",
                "SnapshotState.USABLE",
                IN_RULES,
                "test_a_second_tick_at_the_same_time_does_nothing",
            ),
            Removal(
                "so does one whose state is unknown",
                PLAN,
                "_COVERS_SLOT",
                ", SnapshotState.UNKNOWN)",
                ")",
                IN_FAULTS,
                "test_a_snapshot_in_an_unknown_state_is_neither_repeated_nor_pruned",
            ),
            Removal(
                "nothing is taken where the snapshots that may cover the slot were not listed",
                PLAN,
                "_plan_source",
                "() if unseen else _plan_create",
                "_plan_create",
                IN_PLAN,
                "test_a_snapshot_is_taken_only_if_those_that_may_cover_its_slot_were_listed",
            ),
            Removal(
                "an instance's slot may be covered in either mode",
                PLAN,
                "_SNAPSHOT_LISTINGS",
                "SourceKind.INSTANCE: {Listing.DISK_SNAPSHOTS, Listing.INSTANCE_SNAPSHOTS}",
                "SourceKind.INSTANCE: {Listing.INSTANCE_SNAPSHOTS}",
                IN_PLAN,
                "test_a_snapshot_is_taken_only_if_those_that_may_cover_its_slot_were_listed",
            ),
            Removal(
                "the name is made of the slot, not of the time: Lightsail refuses it the second time",
                PLAN,
                "_plan_create",
                "snapshot=snapshot_name(source.name, source.arn, slot, attempt)",
                "snapshot=snapshot_name(source.name, source.arn, draft.now, attempt)",
                IN_RULES,
                "test_a_second_tick_at_the_same_time_does_nothing",
            ),
            Removal(
                "a name that is in use is looked up: the answer to an earlier attempt may have been lost",
                EXECUTE,
                "_create",
                "if error.fault is not Fault.INVALID_INPUT:",
                "if True:",
                IN_RULES,
                "test_an_answer_that_is_lost_makes_no_duplicate",
            ),
            Removal(
                "what has that name counts only if it is of the same source and slot",
                EXECUTE,
                "_look_up",
                "not isinstance(point, RecoveryPoint) or (point.source_arn, point.slot) != (\n"
                "        create.target.source_arn,\n        create.target.slot,\n    )",
                "not isinstance(point, RecoveryPoint)",
                IN_RULES,
                "test_two_sources_whose_snapshot_names_collide_are_not_taken_for_one",
            ),
            Removal(
                "names of two sources differ, however alike the sources are called",
                TAGS,
                "_name_end",
                "{_digest(source_arn)}",
                "000000",
                IN_RULES,
                "test_a_new_source_under_an_old_name_gets_snapshots_of_its_own",
            ),
        ),
    ),
    Rule(
        5,
        "Snapshots that ended in error protect nothing and count for nothing; ours are removed once a newer usable one "
        "exists.",
        (
            Removal(
                "they do not pass for the newest usable one",
                PLAN,
                "_usable",
                "if point.state is SnapshotState.USABLE)",
                ")",
                IN_RULES,
                "test_a_newer_failed_snapshot_does_not_make_the_newest_usable_one_deletable",
            ),
            Removal(
                "they are removed once a newer one is usable",
                PLAN,
                "_is_replaced",
                "newest is not None and _age(newest) > _age(point)",
                "newest is None",
                IN_RULES,
                "test_a_failed_snapshot_is_tried_again_twice_and_removed_once_a_newer_one_is_usable",
            ),
            Removal(
                "they use no count of a keep rule",
                PLAN,
                "_reasons",
                "by_rule = iter(verdicts[len(series.missed) :])",
                "ended = (SnapshotState.USABLE, SnapshotState.ERROR)"
                "\n    counted = [point for point in series.points if point.state in ended]"
                "\n    counts = judge(series.policy.keep, [point.slot for point in counted],"
                " zone=series.policy.schedule.zone, newest=anchor)"
                "\n    by_rule = (why for point, why in zip(counted, counts) if point.state is SnapshotState.USABLE)",
                IN_RULES,
                "test_failed_snapshots_use_no_count",
            ),
            Removal(
                "they do not cover their slot: it is tried again",
                PLAN,
                "_COVERS_SLOT",
                "SnapshotState.USABLE, SnapshotState.UNKNOWN",
                "SnapshotState.USABLE, SnapshotState.UNKNOWN, SnapshotState.ERROR",
                IN_RULES,
                "test_a_failed_snapshot_is_tried_again_twice_and_removed_once_a_newer_one_is_usable",
            ),
            Removal(
                "and after the third attempt no more",
                PLAN,
                "_plan_create",
                "if attempt > MAX_ATTEMPTS:",
                "if False:",
                IN_RULES,
                "test_a_failed_snapshot_is_tried_again_twice_and_removed_once_a_newer_one_is_usable",
            ),
            Removal(
                "one that no newer usable one has replaced stays, as a trace",
                PLAN,
                "_reasons",
                'yield held or ([] if replaced else ["ended in error, but no newer one is usable yet"])',
                "yield held",
                IN_PLAN,
                "test_a_failed_attempt_that_is_newer_than_all_usable_ones_stays_for_now",
            ),
            Removal(
                "to find one under the name in use is no success",
                EXECUTE,
                "_look_up",
                "if point.state is SnapshotState.ERROR:",
                "if False:",
                IN_FAULTS,
                "test_an_earlier_attempt_that_ended_in_error_is_no_success",
            ),
        ),
    ),
    Rule(
        6,
        "Held snapshots are never pruned.",
        (
            Removal(
                "a hold on a snapshot counts",
                PLAN,
                "_holds",
                "for hold in (own, series.hold)",
                "for hold in (series.hold,)",
                IN_RULES,
                "test_a_hold_on_a_snapshot_outlasts_every_rule",
            ),
            Removal(
                "a hold on a source counts for all of its snapshots",
                PLAN,
                "_holds",
                "for hold in (own, series.hold)",
                "for hold in (own,)",
                IN_RULES,
                "test_a_hold_on_a_source_holds_all_its_snapshots",
            ),
            Removal(
                "even where the source is off and its snapshots expire",
                PLAN,
                "_plan_orphan",
                "reading.hold if reading else own.hold",
                "own.hold",
                IN_PLAN,
                "test_a_hold_on_a_source_that_is_off_holds_the_snapshots_it_has",
            ),
            Removal(
                "a date holds through its day",
                TAGS,
                "Hold.is_on",
                "(self.until is None or now < self.until)",
                "self.until is None",
                IN_RULES,
                "test_a_hold_with_a_date_ends_after_that_day",
            ),
            Removal(
                "a date that is not understood holds for good",
                TAGS,
                "_read_hold",
                "return HELD, (_problem(tag, value, error, Severity.WARNING),)",
                "return NOT_HELD, (_problem(tag, value, error, Severity.WARNING),)",
                IN_TAGS,
                "test_a_hold_on_a_snapshot_that_is_not_understood_holds_and_names_the_snapshot",
            ),
            Removal(
                "so does a misspelt hold",
                TAGS,
                "read_hold",
                "HELD if misspelt else hold",
                "hold",
                IN_TAGS,
                "test_a_misspelt_hold_on_a_snapshot_holds_and_is_reported",
            ),
            Removal(
                "one that ended in error is held as well",
                PLAN,
                "_reasons",
                "yield held or ([] if replaced",
                "yield ([] if replaced",
                IN_PLAN,
                "test_a_held_failed_snapshot_stays",
            ),
            Removal(
                "and none uses a count, so that what is not held is kept as long as it would be anyway",
                PLAN,
                "_reasons",
                "by_rule = iter(verdicts[len(series.missed) :])",
                "counts = judge(series.policy.keep, [point.slot for point in usable],"
                " zone=series.policy.schedule.zone, newest=anchor)"
                "\n    free = {point.name for point, held in zip(series.points, holds) if not held}"
                "\n    by_rule = (why for point, why in zip(usable, counts) if point.name in free)",
                IN_PLAN,
                "test_a_held_snapshot_uses_no_count_even_if_it_is_the_newest",
            ),
        ),
    ),
    Rule(
        7,
        "Pruning is announced: what falls out of the rules is tagged with a time, and deleted only when that time has "
        "passed and the rules still drop it. If they take it back, the tag goes.",
        (
            Removal(
                "nothing is deleted that was not announced",
                PLAN,
                "_prune",
                "if draft.settings.grace:",
                "if False:",
                IN_RULES,
                "test_a_snapshot_is_deleted_a_day_after_it_was_announced_and_not_before",
            ),
            Removal(
                "nor before the time that was announced",
                PLAN,
                "_prune",
                "if point.expires_at and point.expires_at > draft.now:",
                "if False:",
                IN_RULES,
                "test_a_snapshot_is_deleted_a_day_after_it_was_announced_and_not_before",
            ),
            Removal(
                "nor, once it was announced, if grace has been turned off since",
                PLAN,
                "_prune",
                "if point.expires_at and point.expires_at > draft.now:",
                "if draft.settings.grace and point.expires_at and point.expires_at > draft.now:",
                IN_RULES,
                "test_without_grace_a_snapshot_is_deleted_at_once_but_a_promise_is_kept",
            ),
            Removal(
                "the rules are asked again, whatever was announced",
                PLAN,
                "_plan_prune",
                "        if reasons:\n",
                "        if reasons and not point.expires_at:\n",
                IN_RULES,
                "test_a_wider_rule_takes_an_announcement_back",
            ),
            Removal(
                "an announcement is taken back",
                PLAN,
                "_plan_prune",
                "if point.expires_at and not unread:",
                "if False:",
                IN_RULES,
                "test_a_hold_takes_an_announcement_back",
            ),
            Removal(
                "where the source is not backed up any more, too",
                PLAN,
                "_plan_orphan",
                'draft.marks.extend(_rescues(points, f"{why}; orphans are kept"))',
                "pass",
                IN_RULES,
                "test_removing_the_schedule_takes_an_announcement_back",
            ),
            Removal(
                "an announcement that nobody can read announces nothing",
                TAGS,
                "_own_instant",
                "    except InvalidValueError:\n        return None",
                "    except InvalidValueError:\n        return datetime(1970, 1, 1).astimezone() if text else None",
                IN_RULES,
                "test_an_announcement_nobody_can_read_is_made_anew",
            ),
        ),
    ),
    Rule(
        8,
        "When the source is gone, untagged or off, its snapshots stay; with `orphans: expire` they age out under the "
        "policy in their own inherited tags, down to the last usable one.",
        (
            Removal(
                "by default they stay",
                PLAN,
                "_plan_orphan",
                "draft.settings.orphans is Orphans.KEEP or not usable",
                "not usable",
                IN_RULES,
                "test_orphans_are_kept",
            ),
            Removal(
                "they stay where none is usable",
                PLAN,
                "_plan_orphan",
                "draft.settings.orphans is Orphans.KEEP or not usable",
                "draft.settings.orphans is Orphans.KEEP",
                IN_PLAN,
                "test_orphans_of_which_none_is_usable_stay",
            ),
            Removal(
                "they stay where their own tags name no policy: the default one is not put in its place",
                TAGS,
                "read_orphan",
                "_read(None, newest.tags, settings)",
                '_read(None, {settings.tag_key: "", **newest.tags}, settings)',
                IN_RULES,
                "test_orphans_whose_own_tags_name_no_policy_stay",
            ),
            Removal(
                "otherwise they age as if the schedule had gone on",
                PLAN,
                "_plan_orphan",
                "using_up(own.choice.keep, slots_since(schedule, usable[0].slot, draft.now), schedule.zone)",
                "()",
                IN_RULES,
                "test_orphans_expire_down_to_the_last_usable_one",
            ),
            Removal(
                "down to the last usable one",
                PLAN,
                "_reasons",
                '["newest usable snapshot"] if point in (newest, usable[0]) else []',
                "[]",
                IN_RULES,
                "test_orphans_expire_down_to_the_last_usable_one",
            ),
        ),
    ),
    Rule(
        9,
        "At most `maxDeletesPerSource` deletions per source and tick, oldest first; the rest waits, and says so.",
        (
            Removal(
                "no more than that",
                PLAN,
                "_plan_prune",
                "draft.deletes.extend(deletions[:most])",
                "draft.deletes.extend(deletions)",
                IN_RULES,
                "test_a_rule_cut_from_thirty_to_three_deletes_three_a_tick_oldest_first",
            ),
            Removal(
                "oldest first",
                PLAN,
                "_plan_prune",
                "deletions.reverse()",
                "pass",
                IN_RULES,
                "test_a_rule_cut_from_thirty_to_three_deletes_three_a_tick_oldest_first",
            ),
            Removal(
                "what waits is reported",
                PLAN,
                "_plan_prune",
                "for delete in deletions[most:]",
                "for delete in deletions[:0]",
                IN_RULES,
                "test_a_rule_cut_from_thirty_to_three_deletes_three_a_tick_oldest_first",
            ),
            Removal(
                "and marked, so that a retry of the same tick leaves it alone",
                EXECUTE,
                "_do",
                "writer.tag(target, EXPIRES, format_instant(until))\n",
                "",
                IN_RULES,
                "test_a_retry_of_the_same_tick_deletes_no_more_than_one_run_would[0d]",
            ),
            Removal(
                "until after that tick",
                PLAN,
                "_plan_prune",
                "until = draft.now + _SHORTEST_TICK",
                "until = draft.now",
                IN_RULES,
                "test_a_retry_of_the_same_tick_deletes_no_more_than_one_run_would[1d]",
            ),
            Removal(
                "a failed one as well",
                PLAN,
                "_prune",
                "if point.expires_at and point.expires_at > draft.now:",
                "if point.expires_at and point.expires_at > draft.now and not is_failed:",
                IN_RULES,
                "test_a_retry_of_the_same_tick_removes_no_more_failed_snapshots_than_one_run_would",
            ),
            Removal(
                "before anything is deleted, so that a run that dies in between has not deleted what it could not mark",
                EXECUTE,
                "execute",
                "(Create, (Announce, Rescue, Defer), Delete)",
                "(Create, Delete, (Announce, Rescue, Defer))",
                IN_EXECUTE,
                "test_what_is_left_for_later_is_marked_before_anything_is_deleted",
            ),
            Removal(
                "and where it cannot be marked, nothing is deleted",
                EXECUTE,
                "_blocks",
                "return outcome.error is not None",
                "return False",
                IN_RULES,
                "test_nothing_is_deleted_where_what_is_left_for_later_cannot_be_marked_so",
            ),
        ),
    ),
    Rule(
        10,
        "All pages are read before anything is written; if any list fails, nothing is pruned in that Region.",
        (
            Removal(
                "every Region is read to the end before one is written to",
                CYCLE,
                "run_tick",
                "    plan = plan_tick(regions, settings, now)\n    return Tick(plan, execute(plan, regions, settings, "
                "seconds_left=seconds_left, on_outcome=on_outcome))",
                "    for name, region in regions.items():\n"
                "        plan = plan_tick({name: region}, settings, now)\n"
                "        done = execute(plan, regions, settings, seconds_left=seconds_left, on_outcome=on_outcome)\n"
                "    return Tick(plan, done)",
                IN_RULES,
                "test_all_pages_of_all_regions_are_read_before_anything_is_written",
            ),
            Removal(
                "each list to its last page",
                LIGHTSAIL,
                "Lightsail.disk_snapshots",
                'for page in self._client.get_paginator("get_disk_snapshots").paginate():',
                'for page in [next(iter(self._client.get_paginator("get_disk_snapshots").paginate()))]:',
                IN_RULES,
                "test_reads_are_the_pages_that_exist_and_writes_the_actions_of_the_plan",
            ),
            Removal(
                "what is no answer of Lightsail's does not pass for an empty list",
                LIGHTSAIL,
                "_none",
                'if "json" not in kind:',
                "if False:",
                IN_CLI,
                "test_an_answer_that_is_no_json_is_answered_with_a_sentence",
            ),
            Removal(
                "a list that failed blocks every deletion and announcement in its Region",
                PLAN,
                "_blocked",
                "for listing in sorted(unread):",
                "for listing in ():",
                IN_RULES,
                "test_a_list_that_fails_on_a_late_page_forbids_to_prune_in_its_region_only",
            ),
            Removal(
                "a source that was not listed does not count as gone",
                PLAN,
                "make_plan",
                " and not unread[points[0].region]",
                "",
                IN_PLAN,
                "test_where_a_list_failed_nobody_claims_that_a_source_is_gone",
            ),
            Removal(
                "from half a list nothing is taken back either",
                PLAN,
                "_plan_prune",
                "if point.expires_at and not unread:",
                "if point.expires_at:",
                IN_PLAN,
                "test_nothing_is_rescued_or_pruned_from_half_a_list",
            ),
            Removal(
                "what a changing list gives twice counts once",
                INVENTORY,
                "read_inventory",
                "points=tuple(points.values())",
                "points=tuple(point for part in parts for point in part.points)",
                IN_RULES,
                "test_an_entry_that_a_changing_list_gives_twice_counts_once",
            ),
        ),
    ),
    Rule(
        11,
        "One source's failure never stops another's; the run then still ends as failed, so that Lambda retries and the "
        "alarm sees it.",
        (
            Removal(
                "a call that fails ends its own action only",
                EXECUTE,
                "_apply",
                "return _failed(action, error)",
                "raise",
                IN_RULES,
                "test_one_failing_source_leaves_the_others_alone_and_the_run_ends_as_failed",
            ),
            Removal(
                "so does a defect of ours",
                EXECUTE,
                "_apply",
                'return Outcome(action, Result.FAILED, f"unexpected {type(error).__name__}: {error}")',
                "raise",
                IN_RULES,
                "test_a_defect_met_in_one_action_does_not_stop_the_others",
            ),
            Removal(
                "a list that fails does not stop the other Regions",
                INVENTORY,
                "_failed",
                "if error.fault is Fault.UNAUTHENTICATED:",
                "if True:",
                IN_RULES,
                "test_a_list_that_fails_on_a_late_page_forbids_to_prune_in_its_region_only",
            ),
            Removal(
                "the run ends as failed",
                HANDLER,
                "_end",
                'if summary["failures"]:',
                "if False:",
                IN_HANDLER,
                "test_a_run_in_which_something_failed_does_the_rest_and_then_raises",
            ),
            Removal(
                "for a failed action",
                CYCLE,
                "Tick.failures",
                "return (*lists, *actions)",
                "return (*lists,)",
                IN_RULES,
                "test_one_failing_source_leaves_the_others_alone_and_the_run_ends_as_failed",
            ),
            Removal(
                "and for a failed list",
                CYCLE,
                "Tick.failures",
                "return (*lists, *actions)",
                "return (*actions,)",
                IN_RULES,
                "test_a_list_that_fails_on_a_late_page_forbids_to_prune_in_its_region_only",
            ),
        ),
    ),
    Rule(
        12,
        "Near the deadline no new write starts; what is left is reported as deferred.",
        (
            Removal(
                "no write starts with too little time left",
                EXECUTE,
                "execute",
                "seconds_left() < MARGIN_SECONDS",
                "seconds_left() < 0",
                IN_RULES,
                "test_near_the_deadline_what_is_left_is_deferred_and_done_by_the_next_tick",
            ),
            Removal(
                "the slowest call, with all its retries, still ends in time",
                EXECUTE,
                "MARGIN_SECONDS",
                "150.0",
                "15.0",
                IN_RULES,
                "test_the_margin_before_the_deadline_is_enough_for_the_slowest_call",
            ),
            Removal(
                "what is left is reported as deferred",
                EXECUTE,
                "execute",
                'Outcome(action, Result.DEFERRED, "no time left',
                'Outcome(action, Result.DONE, "no time left',
                IN_RULES,
                "test_near_the_deadline_what_is_left_is_deferred_and_done_by_the_next_tick",
            ),
        ),
    ),
)


def tables() -> str:
    """Return, in Markdown, each rule with what keeps it and the test that fails without that."""
    return "\n".join(map(_table, RULES))


def _table(rule: Rule) -> str:
    rows = "".join(
        f"| {removal.what} | `{removal.code}` | `{removal.node.removeprefix('tests/')}` |\n"
        for removal in rule.removals
    )
    return (
        f"### {rule.number}. {rule.text}\n\n"
        "| what keeps it | code | without it, this test fails |\n|---|---|---|\n"
        f"{rows}"
    )
