"""A typical message, word for word, as a phone shows it: forty columns, links on lines of their own."""

import textwrap
from datetime import UTC, datetime, timedelta

from lightkeeper.actions import Create, Outcome, Result
from lightkeeper.finding import RUNBOOK, WAITS, FindingKind
from lightkeeper.findings import findings
from lightkeeper.message import MAX_SUBJECT, Message, compose, compose_test
from lightkeeper.model import Inventory
from lightkeeper.plan import make_plan
from lightkeeper.run import Run
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from tests.support.inventories import daily, source

NIGHT = datetime(2026, 6, 15, 3, 10, tzinfo=UTC)
SETTINGS = Settings.from_mapping({"timeZone": "Europe/Zurich", "deployment": "Shop"})
SENDER = Sender(
    "Shop",
    "123456789012",
    "eu-central-1",
    runbook="https://example.com/runbook.md",
    dashboard="https://eu-central-1.console.aws.amazon.com/cloudwatch/home#dashboards/dashboard/Shop-eu-central-1",
)
REFUSED = "CreateDiskSnapshot: AccessDeniedException: not you; expected permission for lightsail:CreateDiskSnapshot"


A_BAD_NIGHT = """\
Shop, account 123456789012, eu-central-1: 2 new.
Run of 2026-06-15 05:10 Europe/Zurich.

NEW

1. shop: an action failed (eu-central-1)
What: shop: taking a snapshot failed: CreateDiskSnapshot: AccessDeniedException: not you; expected permission for lightsail:CreateDiskSnapshot
Waits until morning: yes
Since: Its slot of 2026-06-15 03:00 Europe/Zurich. Its newest recovery point was taken at 2026-06-14 05:00 Europe/Zurich.
Do: If it names a permission, grant it. Otherwise wait: the next run tries again. Until then Lightkeeper deletes no snapshot of shop.
Read: https://example.com/runbook.md#an-action-failed

2. typo: a problem (eu-central-1)
What: typo: the tag "backup" = "dialy": "dialy" is not a policy; expected "hourly", "daily", "weekly", "monthly", "off", or nothing for "daily".
Waits until morning: yes, unless it says that a list is empty or lacks resources
Since: It has no recovery point. Until this is corrected, Lightkeeper takes and deletes no snapshot of it.
Do: Did you mean "daily"? This command writes it, and the next run reads it:
aws lightsail tag-resource --region eu-central-1 --resource-name typo --tags key=backup,value=daily
Read: https://example.com/runbook.md#tag-problems

HOW EVERYTHING STANDS
1 problem; 1 of 2 sources protected.
Resources: 1 protected, 1 problem
Longest without a new recovery point: shop (eu-central-1), 24 h, since 2026-06-14 05:00 Europe/Zurich
Stored: about 9 GiB, 0.46 USD a month (at full size at most 3.20)

What a run would do:
AWS_REGION=eu-central-1 lightkeeper plan --stack Shop
Dashboard:
https://eu-central-1.console.aws.amazon.com/cloudwatch/home#dashboards/dashboard/Shop-eu-central-1
"""  # noqa: E501 - its lines are as long as they are


def a_bad_night(sender: Sender = SENDER) -> Message:
    """Return the message of a night in which one disk is refused, and another one's tag is wrong."""
    shop, typo = source("shop", backup="daily"), source("typo", backup="dialy")
    plan = make_plan(Inventory((shop, typo), daily(shop, range(1, 9)), regions=("eu-central-1",)), SETTINGS, NIGHT)
    refused = tuple(Outcome(action, Result.FAILED, REFUSED) for action in plan.actions if isinstance(action, Create))
    assert refused
    run = Run(plan, refused)
    new = findings(run, SETTINGS, sender=sender)
    return compose(new, [], run, SETTINGS, daily=False, sender=sender)


def test_the_message_of_a_bad_night_is_this_word_for_word() -> None:
    message = a_bad_night()

    assert message.subject == "Shop 123456789012 eu-central-1: 2 new"
    assert message.body == A_BAD_NIGHT


def test_without_a_runbook_s_address_it_names_file_and_section_and_links_to_nothing() -> None:
    body = a_bad_night(Sender("Shop", "123456789012", "eu-central-1")).body

    assert 'Read: "Tag problems" in docs/runbook.md' in body
    assert "https://" not in body
    assert "None" not in body


def test_on_a_phone_no_line_begins_in_the_middle_and_each_link_is_alone_on_its_line() -> None:
    lines = a_bad_night().body.splitlines()

    assert not any(line.startswith(" ") for line in lines), "what is indented wraps badly"
    for line in lines:
        if "https://" in line:
            assert line.startswith(("https://", "Read: https://"))
    first = textwrap.wrap(lines[0], 40)
    assert first == ["Shop, account 123456789012, eu-", "central-1: 2 new."]


def test_however_long_its_names_a_subject_fits_and_says_what_it_is_about() -> None:
    long = Sender("D" * 100, "123456789012", "ap-northeast-2")
    shop = source("s" * 255, backup="dialy")
    plan = make_plan(Inventory((shop,), (), regions=("eu-central-1",)), SETTINGS, NIGHT + timedelta(days=1))
    (finding,) = findings(Run(plan, ()), SETTINGS)

    for kind in FindingKind:
        one = type(finding)(kind, finding.region, finding.source, "", "", "", kind)
        subject = compose([one], [], Run(plan, ()), SETTINGS, daily=False, sender=long).subject
        assert len(subject) <= MAX_SUBJECT
        assert subject.isascii()
        assert subject.endswith(f": {kind}")
        assert " 123456789012 ap-northeast-2: sss" in subject


def test_the_test_message_says_that_there_is_nothing_to_do() -> None:
    message = compose_test(SETTINGS, NIGHT, SENDER)

    assert message.subject == "Shop 123456789012 eu-central-1: this is a test"
    assert "Sent at 2026-06-15 05:10 Europe/Zurich." in message.body


def test_every_kind_of_finding_has_a_section_and_says_whether_it_waits_until_morning() -> None:
    assert set(RUNBOOK) == set(WAITS) == set(FindingKind)


def test_when_every_disk_is_gone_the_message_says_to_look_now_and_how_they_come_back() -> None:
    shop = source("shop", backup="daily")
    plan = make_plan(Inventory((), daily(shop, range(1, 9)), regions=("eu-central-1",)), SETTINGS, NIGHT)
    run = Run(plan, ())

    body = compose(findings(run, SETTINGS, sender=SENDER), [], run, SETTINGS, daily=False, sender=SENDER).body

    assert "the list is empty" in body
    assert "Waits until morning: yes, unless it says that a list is empty" in body
    assert "Do: Look at once whether they still exist. If they are gone and should not be, bring each back" in body
    assert "\nAWS_REGION=eu-central-1 lightkeeper status --stack Shop\n" in body


def test_a_rule_that_is_cut_for_the_whole_fleet_comes_before_the_single_sources() -> None:
    disks = [source(f"disk-{number:02}", backup="daily") for number in range(60)]
    points = [point for disk in disks for point in daily(disk, range(1, 9))]
    cut = Settings.from_mapping({"policies": {"daily": {"schedule": "0 3 * * *", "keep": "2d"}}})
    plan = make_plan(Inventory(tuple(disks), tuple(points), regions=("eu-central-1",)), cut, NIGHT)
    run = Run(plan, tuple(Outcome(action, Result.DONE) for action in plan.actions))

    body = compose(findings(run, cut, sender=SENDER), [], run, cut, daily=False, sender=SENDER).body

    assert "1. eu-central-1: snapshots will expire (eu-central-1)\nWhat: 360 snapshots of 60 sources" in body
