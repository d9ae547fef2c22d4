"""A typical message about a fleet, word for word, and what becomes of it where there is too much to say."""

import textwrap
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.finding import Finding, FindingKind, account_key, found_in
from lightkeeper.fleet import AccountReport, AccountState, Fleet, FleetRow, in_order
from lightkeeper.fleet_findings import findings
from lightkeeper.fleet_message import compose_fleet
from lightkeeper.fleet_report import Answer, Answers, FleetReport, make_report
from lightkeeper.message import MAX_BODY_BYTES, MAX_SUBJECT, Message
from lightkeeper.model import Status
from lightkeeper.overview import Stored
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from tests.support.fleets import NOT_IN, Member

NIGHT = datetime(2026, 6, 15, 12, 10, tzinfo=UTC)
EARLIER = datetime(2026, 6, 15, 11, 10, tzinfo=UTC)
SETTINGS = Settings.from_mapping({"timeZone": "Europe/Zurich"})
SENDER = Sender(
    "Lightkeeper",
    "123456789012",
    "eu-central-1",
    runbook="https://example.com/runbook.md",
    dashboard="https://eu-central-1.console.aws.amazon.com/cloudwatch/home#dashboards/dashboard/Lightkeeper",
)
REGION = "eu-central-1"
any_text = st.text(st.characters(), max_size=700)


A_BAD_NOON = """\
Lightkeeper, account 123456789012, eu-central-1: 4 new in 3 accounts.
Run of 2026-06-15 14:10 Europe/Zurich.

NEW

Clinic (222233334444): 1 problem; 1 of 2 sources protected.

1. typo: a problem (eu-central-1)
What: typo: the tag "backup" = "dialy": "dialy" is not a policy; expected "hourly", "daily", "weekly", "monthly", "off", or nothing for "daily".
Waits until morning: yes, unless it says that a list is empty or lacks resources
Since: It has no recovery point. Until this is corrected, Lightkeeper takes and deletes no snapshot of it.
Do: Did you mean "daily"? This command writes it, and the next run reads it:
aws --profile 222233334444 lightsail tag-resource --region eu-central-1 --resource-name typo --tags key=backup,value=daily
Read: https://example.com/runbook.md#tag-problems

Shop (111122223333): 1 action failed. 1 source overdue; 0 of 1 source protected.

2. web: overdue (eu-central-1)
What: web has no usable snapshot for a slot that has passed: this run could not start one: CreateDiskSnapshot: AccessDeniedException: not you; expected permission for lightsail:CreateDiskSnapshot.
Waits until morning: no
Since: The slot of 2026-06-14 03:00 Europe/Zurich, the first it missed. Its newest recovery point was taken at 2026-06-13 05:00 Europe/Zurich.
Do: Take one now:
AWS_REGION=eu-central-1 lightkeeper take web --kind disk --region eu-central-1 --stack Lightkeeper --account 111122223333
Read: https://example.com/runbook.md#resources-overdue

3. web: an action failed (eu-central-1)
What: web: taking a snapshot failed: CreateDiskSnapshot: AccessDeniedException: not you; expected permission for lightsail:CreateDiskSnapshot
Waits until morning: yes
Since: Its slot of 2026-06-15 03:00 Europe/Zurich. Its newest recovery point was taken at 2026-06-13 05:00 Europe/Zurich.
Do: If it names a permission, grant it. Otherwise wait: the next run tries again. Until then Lightkeeper deletes no snapshot of web.
Read: https://example.com/runbook.md#an-action-failed

4. School (333344445555): an account cannot be looked at
What: Nobody can tell how School (333344445555) stands. Unknown since 2026-06-15 14:10 Europe/Zurich: its run ended with States.Timeout. It has not been seen yet.
Waits until morning: yes
Since: The run of 2026-06-15 14:10 Europe/Zurich. New recovery points may be missing there.
Do: Wait: the next run tries again. If it stays, look how it stands:
AWS_REGION=eu-central-1 lightkeeper status --stack Lightkeeper --account 333344445555
Read: https://example.com/runbook.md#accounts-unknown

A command of aws wants credentials of the account that it stands under.

HOW THE FLEET STANDS
2 accounts with trouble, 1 unknown; 1 of 5 accounts protected; 1 not onboarded.
Accounts: 2 trouble, 1 unknown, 1 not onboarded, 1 protected
Resources: 2 protected, 1 overdue, 1 problem
Not onboarded: New (444455556666)
Stored: about 27 GiB, 1.35 USD a month (at full size at most 8.80)

How every account stands:
AWS_REGION=eu-central-1 lightkeeper status --stack Lightkeeper
Dashboard:
https://eu-central-1.console.aws.amazon.com/cloudwatch/home#dashboards/dashboard/Lightkeeper
"""  # noqa: E501 - its lines are as long as they are


def reported(*members: Member, previous: Fleet | None = None, now: datetime = NIGHT) -> FleetReport:
    """Return what there is to say of accounts after a run in each."""
    answers = Answers(
        time=now,
        answers=tuple(
            Answer(account=each.account, name=each.name, failed=bool(each.error), error=each.error) for each in members
        ),
        nameless=0,
        unlisted=(),
    )
    left = {each.account: each.report(SETTINGS, now) for each in members if not each.error}
    return make_report(answers, left, previous, excluded=(), deployment="Lightkeeper", zone=SETTINGS.time_zone)


def a_bad_noon() -> FleetReport:
    shop, clinic, school = (
        Member("111122223333", "Shop"),
        Member("222233334444", "Clinic"),
        Member("333344445555", "School"),
    )
    shop.overdue()
    clinic.disk("data")
    clinic.disk("typo", days=range(0), backup="dialy")
    school.error = "States.Timeout"
    bakery = Member("555566667777", "Bakery")
    bakery.disk("data")
    return reported(shop, clinic, school, Member("444455556666", "New", closed=NOT_IN), bakery)


def found(report: FleetReport) -> tuple[Finding, ...]:
    return findings(report, (REGION,), (), sender=SENDER, zone=SETTINGS.time_zone)


def message(report: FleetReport, new: int | None = None) -> Message:
    """Return the message in which so many of the findings are new; None: all."""
    every = found(report)
    number = len(every) if new is None else new
    return compose_fleet(every[:number], every[number:], report.fleet, SETTINGS, daily=False, sender=SENDER)


def test_the_message_of_a_bad_noon_is_this_word_for_word() -> None:
    said = message(a_bad_noon())

    assert said.subject == "Lightkeeper 123456789012 eu-central-1: 4 new in 3 accounts"
    assert said.body == A_BAD_NOON


def test_what_is_still_open_is_counted_by_account() -> None:
    said = message(a_bad_noon(), new=1)

    assert said.subject == "Lightkeeper 123456789012 eu-central-1: 1 new, 3 still open"
    assert (
        "\n\nSTILL OPEN\n\n1. Shop (111122223333): overdue (1), an action failed (1)\n"
        "2. School (333344445555): an account cannot be looked at (1)\n\nHOW THE FLEET STANDS\n"
    ) in said.body


def test_on_a_phone_no_line_begins_in_the_middle_and_each_link_is_alone_on_its_line() -> None:
    lines = message(a_bad_noon()).body.splitlines()

    assert not any(line.startswith(" ") for line in lines), "what is indented wraps badly"
    for line in lines:
        if "https://" in line:
            assert line.startswith(("https://", "Read: https://"))
    assert textwrap.wrap(lines[0], 40)[0] == "Lightkeeper, account 123456789012, eu-"


def test_an_account_with_more_findings_than_anybody_reads_leaves_room_for_the_next() -> None:
    many, one = Member("111122223333", "Bakery"), Member("222233334444", "Clinic")
    for number in range(30):
        many.disk(f"disk-{number:02}", days=range(0), backup="dialy")
    one.disk("typo", days=range(0), backup="dialy")

    body = message(reported(many, one)).body

    assert body.count("What:") == 6
    assert "\n\nand 25 more in Bakery (111122223333)\n\nClinic (222233334444): 1 problem; " in body
    assert "\n\nIn all: a problem (31)\n\n" in body
    assert "In all" not in message(reported(one)).body


def test_two_thousand_findings_in_five_hundred_accounts_are_a_message_that_can_be_read() -> None:
    members = [Member(f"{number:012}", f"customer-{number:03}") for number in range(500)]
    for member in members:
        for number in range(4):
            member.disk(f"disk-{number}", days=range(0), backup="dialy")

    said = message(reported(*members))

    assert said.subject == "Lightkeeper 123456789012 eu-central-1: 2,000 new in 500 accounts"
    assert "\n\nIn all: a problem (2,000)\n\n" in said.body
    assert said.body.count("What:") == 50
    assert "\n\nand 1,948 more in 487 accounts\n\n" in said.body
    assert "\n\nand 2 more in customer-012 (000000000012)\n\n" in said.body
    assert len(said.body.encode()) < 64 * 1024


def wide(number: int) -> FleetRow:
    return FleetRow(
        account=f"{number:012}",
        name="\U0001d504" * 700,
        state=AccountState.TROUBLE,
        sentence="\U0001d504" * 700,
        statuses={Status.OVERDUE: 1},
        stored=Stored(1.0, 1.0),
        findings=1,
        since=NIGHT,
        seen=NIGHT,
        let_in=NIGHT,
    )


def test_however_wide_its_letters_a_message_fits() -> None:
    rows = [wide(number) for number in range(300)]
    text = "\U0001d504" * 700
    every = [
        found_in(row.account, Finding(FindingKind.PROBLEM, REGION, text, text, text, text, f"k{number}", text))
        for row in rows
        for number in range(3)
    ]
    fleet = Fleet(deployment="L" * 200, time=NIGHT, rows=in_order(rows), unlisted=(text,) * 100)

    for new, still in ((every, []), ([], every), (every, every)):
        said = compose_fleet(new, still, fleet, SETTINGS, daily=True, sender=replace(SENDER, deployment="L" * 200))

        assert MAX_BODY_BYTES // 3 < len(said.body.encode()) <= MAX_BODY_BYTES
        assert len(said.subject) <= MAX_SUBJECT


@given(any_text, any_text)
def test_whatever_the_names_and_texts_a_message_is_plain(name: str, value: str) -> None:
    member = Member("111122223333", name)
    member.disk("shop", days=range(0), backup=value)
    member.disk(value or "empty", days=range(0), backup="dialy")

    said = message(reported(member, Member("222233334444", name, error=value)))

    assert said.subject.isascii()
    assert said.subject.isprintable()
    assert 0 < len(said.subject) <= MAX_SUBJECT
    assert all(line.isprintable() for line in said.body.split("\n"))
    assert said.body.count("\n\nHOW THE FLEET STANDS\n") == 1
    assert said.body.encode()


def test_however_long_its_names_a_subject_fits_and_says_what_it_is_about() -> None:
    member = Member("111122223333", "n" * 50)
    member.disk("s" * 255, days=range(0), backup="dialy")

    subject = message(reported(member)).subject

    assert len(subject) == MAX_SUBJECT
    assert subject.endswith("...: a problem")
    assert " eu-central-1: nnn" in subject


def test_a_finding_is_told_apart_by_its_account_and_stays_the_same() -> None:
    shop, clinic = Member("111122223333", "Shop"), Member("222233334444", "Clinic")
    for member in (shop, clinic):
        member.disk("data", days=range(0), backup="dialy")

    first, later = found(reported(shop, clinic)), found(reported(shop, clinic, now=EARLIER))

    assert [each.key for each in first] == [each.key for each in later]
    assert len({each.key for each in first}) == 2
    assert [each.key[:3] for each in first] == [account_key("222233334444"), account_key("111122223333")]
    assert all(len(each.key) == 8 for each in first)


def test_few_accounts_share_what_their_keys_begin_with() -> None:
    begun = [account_key(f"{number:012}") for number in range(500)]

    assert len(set(begun)) > 490


def test_a_document_as_it_lies_in_the_bucket_makes_the_same_message() -> None:
    report = a_bad_noon()
    read = {account: AccountReport.from_json(each.to_json()) for account, each in report.reports.items()}

    assert message(replace(report, reports=read)).body == A_BAD_NOON
