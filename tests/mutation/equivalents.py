"""Mutants that no test can kill, or that none should: each with the reason why, in one line."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A change that makes no difference that counts."""

    function: str
    """As `plan._reasons`; empty for any."""
    change: str
    """A regular expression for the lines that differ, which are shown as `- old` and `+ new`."""
    reason: str

    def covers(self, function: str, change: str) -> bool:
        """Return whether a mutant of `function` that changes this is meant."""
        return self.function in {"", function} and bool(re.search(self.change, change, re.MULTILINE))


EQUIVALENTS: Final = (
    Equivalent("", r"^- assert_never\(", "Never reached: mypy proves that the cases are complete."),
    Equivalent(
        "",
        r"\+ .*zip\((rule\.series\.points|before|counts|known), .*(strict=None|strict=False|, )\)",
        "Both are made with equal lengths; `strict` says so to the reader.",
    ),
    Equivalent(
        "execute._Writes.apply_all",
        r"\+ with ThreadPoolExecutor\(min\(.*\), (None|\"XXwritesXX\"|\"WRITES\")?\)",
        "The name of a thread is for a debugger.",
    ),
    Equivalent("plan._plan_source", r'\+ attempt: .* = ""', "Neither is a snapshot to take, nor does it wait for one."),
    Equivalent(
        "retention.is_replaced",
        r"by_content\(usable\[0\]\) >= by_content",
        "Two snapshots of one age would have one name.",
    ),
    Equivalent("keep_rules._joined", r'if joined else "XXXX"', "Neither is a number that goes on."),
    Equivalent(
        "keep_rules._closest_known",
        r"in list\(Period\)\) or True else",
        "What is then suggested is no rule, so no suggestion is left.",
    ),
    Equivalent(
        "keep_rules._parse_within",
        r'= value\.rpartition\(" "\)',
        "There is one space at most; without one there is no number before the unit either way.",
    ),
    Equivalent(
        "keep_rules.until_counts_exhausted",
        r"clause\.limit or 1",
        "A clause that counts has a limit; `or` is there for mypy.",
    ),
    Equivalent(
        "copies._read_rule",
        r"^\+ .*(own_zone\), None|SCHEDULE, None\)|text\(keep\)\), None\),)$",
        "What stands in for a wrong value is never used: the errors are raised before.",
    ),
    Equivalent(
        "rescue_plan.plan_rescue",
        r"\+ largest = .*default=(None|1)\)",
        "Without a day nothing is stored, however large.",
    ),
    Equivalent(
        "rescue_plan._Planner._begin",
        r"^- case AutomaticState\.USABLE:\n- pass$",
        "What is usable goes on after the cases anyway; that one shows that they are complete.",
    ),
    Equivalent(
        "schedule.longest_gap", r">= _LOOKED_AT:", "Four years have shown every gap: one slot more changes nothing."
    ),
    Equivalent(
        "schedule.next_slot",
        r"\+ .*if slot >= now\)",
        "cronsim starts after `now`; what is earlier is of autumn's repeated hour, and never `now` itself.",
    ),
    Equivalent("schedule.slots_since", r'\+ previous = ""', "No slot is equal to either."),
    Equivalent(
        "schedule._slots_back",
        r"\(tzinfo=None, (microsecond=1)?\) \+ repeated \+ timedelta\(seconds=1\)|\+ start = .* timedelta\(seconds=2\)",
        "What a later start adds is after `now`, and so left out.",
    ),
    Equivalent(
        "tags._own_instant",
        r'\+ slot = parse_instant\(text or ("", None|"XXXX", parse_zone\("UTC"\))\)',
        "A text that names no zone, or none at all, is not as we write it whatever comes of it here.",
    ),
    Equivalent("rescue._further", r"^- case Stage\.COMPLETE", "Only what is open is asked for how it goes on."),
    Equivalent(
        "restore_copies._is_asked_for",
        r"source_kind_of\(point\.source_arn, None\)",
        "Where the ARN does not say what it was, it is what can be made of the snapshot.",
    ),
    Equivalent(
        "rescue.prepare",
        r"\+ with ThreadPoolExecutor\((None, \"regions\"|len\(regions\), (None|\"XXregionsXX\"|\"REGIONS\")?)\)",
        "All at once or some at once, the same is read; the name of a thread is for a debugger.",
    ),
    Equivalent(
        "tags._origin_of_copy",
        r'\+ .*\.get\(NAME, "XXXX"\)',
        "No copy of ours lacks the tag, and neither name is borne out.",
    ),
    Equivalent("copy_plan._missed", r"\+ untagged = .* >= limit\)", "At that very moment a pending one is stuck."),
    Equivalent("interpret._outside_quiet_window", r'quiet_window or "XXXX"', "Neither is a window."),
    Equivalent("plan._plan_source", r"isinstance\(facts\.policy, Policy\) or facts\.takes", "Nothing else takes any."),
    Equivalent("status._without_policy", r"^- case Policy\(\):", "Who has a policy does not come here."),
    Equivalent("status.look_at_restored", r"if \(back\) or True", "Where nothing is back, it only takes longer."),
    Equivalent("status.look_at_restored", r"points\[:2\]", "The second one is older than the first."),
    Equivalent(
        "interpret._begun", r"region=None|^- (region|expires_at)=", "Of what lacks its tags, nothing asks for either."
    ),
    Equivalent("interpret._begun", r" or 2,$", "What has the name of a copy has it at some attempt."),
    Equivalent(
        "copies.read_copy_rules",
        r"\+ fallback = |\+ rules = .*, None\)",
        "Where a rule is wrong all are refused, whatever stands in for it.",
    ),
)
