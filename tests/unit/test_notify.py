"""What is remembered, in tags that a topic takes, and how findings are told apart."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.actions import (
    Action,
    CancelDeletion,
    Create,
    Defer,
    Delete,
    Outcome,
    RemoveHold,
    Result,
    ScheduleDeletion,
    Target,
)
from lightkeeper.errors import InvalidValueError
from lightkeeper.finding import FindingKind
from lightkeeper.findings import findings
from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.message import MAX_BODY_BYTES, Message, compose
from lightkeeper.model import Plan, Problem, ReadFailure, Severity, SourceStatus, Status
from lightkeeper.notify import CAPACITY, Memory, TopicError, notify
from lightkeeper.run import Run
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings
from lightkeeper.sns import Topic
from lightkeeper_cli.listeners import Subscription, listeners, who_hears

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
REGION = "eu-central-1"
HEAD = "Lightkeeper 123456789012 eu-central-1"
SENDER = Sender("Lightkeeper", "123456789012", REGION)
TARGET = Target(REGION, "shop", "arn:aws:lightsail:eu-central-1:1:Disk/1", "shop-1", SnapshotKind.DISK, NOON, "daily")
keys = st.from_regex(r"[a-z2-7]{8}", fullmatch=True)
region_names = st.lists(st.sampled_from(["eu-central-1", "us-east-1", "ap-northeast-2"]), unique=True).map(tuple)
digests = st.none() | st.integers(0, 10**6).map(lambda minutes: NOON + timedelta(minutes=minutes))
any_text = st.text(st.characters(), max_size=700)


def numbered(number: int) -> frozenset[str]:
    return frozenset(f"{each:08x}" for each in range(number))


def problem(source: str = "shop", value: str = "dialy", message: str = "is not a policy") -> Problem:
    return Problem(REGION, source, f"arn:{source}", "backup", value, message, None, Severity.ERROR)


def ended(*problems: Problem, now: datetime = NOON, failures: tuple[ReadFailure, ...] = ()) -> Run:
    return Run(Plan(now, (), (), (), problems, failures, (REGION,)), ())


class Board:
    """A topic in memory: its tags, and what was published."""

    arn = "arn:aws:sns:eu-central-1:123456789012:Lightkeeper"

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.subjects: list[str] = []
        self.notified_for: datetime | None = None

    def publish(self, message: Message) -> None:
        self.subjects.append(message.subject)

    def tags(self) -> dict[str, str]:
        return dict(self.kept)

    def tag(self, tags: Mapping[str, str]) -> None:
        self.kept.update(tags)

    def untag(self, keys: Iterable[str]) -> None:
        for key in keys:
            del self.kept[key]


class Deaf(Board):
    """A topic that refuses to be tagged."""

    def tag(self, tags: Mapping[str, str]) -> None:
        raise TopicError(f"TagResource: AccessDenied: {', '.join(tags)}", is_refused=True)


@given(st.frozensets(keys, max_size=300), digests, region_names)
def test_what_is_remembered_is_read_from_the_tags_as_it_was(
    notified: frozenset[str], digest: datetime | None, regions: tuple[str, ...]
) -> None:
    memory = Memory.of(notified, digest, regions)

    assert Memory.from_tags(memory.to_tags()) == memory
    assert memory.known(notified) == notified


@pytest.mark.parametrize("number", [0, 1, 28, 29, CAPACITY, CAPACITY + 1, 10_000])
def test_the_tags_are_such_as_a_topic_takes(number: int) -> None:
    tags = Memory.of(numbered(number), NOON, [f"ap-southeast-{each}" for each in range(19)]).to_tags()

    assert len(tags) <= 38, "two more say when a run last notified and which topics missed it; ten are left to the user"
    assert all(len(key) <= 128 and len(value) <= 256 for key, value in tags.items())
    assert all(re.fullmatch(r"[A-Za-z0-9 +\-=._:/@]*", text) for pair in tags.items() for text in pair)


def test_more_than_can_be_remembered_one_by_one_are_remembered_as_a_whole() -> None:
    many = numbered(CAPACITY + 1)
    memory = Memory.from_tags(Memory.of(many, None, ()).to_tags())

    assert memory.known(many) == many
    assert memory.known(many - {"00000000"}) == frozenset(), "then any change is news"


def test_even_beyond_that_nothing_is_sent_twice_in_a_row() -> None:
    board = Board()
    fleet = [problem(f"disk-{number}") for number in range(CAPACITY + 10)]

    for hour in range(3):
        notify(ended(*fleet, now=NOON + timedelta(hours=hour)), Settings(), board, sender=SENDER)
    notify(ended(*fleet[:-1]), Settings(), board, sender=SENDER)
    notify(ended(*fleet[:3]), Settings(), board, sender=SENDER)
    notify(ended(*fleet[:3]), Settings(), board, sender=SENDER)
    notify(ended(), Settings(), board, sender=SENDER)

    assert board.subjects == [
        f"{HEAD}: {CAPACITY + 10} new",
        f"{HEAD}: {CAPACITY + 9} new",
        f"{HEAD}: 3 new",
    ]
    assert set(board.kept) == {"lightkeeper:telling", "lightkeeper:regions:1"}


def test_a_finding_is_the_same_whatever_the_time_and_the_words() -> None:
    settings = Settings()
    (first,) = findings(ended(problem()), settings)
    (later,) = findings(ended(problem(message="is none"), now=NOON + timedelta(days=9)), settings)
    others = [findings(ended(other), settings)[0] for other in (problem("clinic"), problem(value="weekley"))]

    assert first.key == later.key
    assert len({first.key, *(other.key for other in others)}) == 3


@pytest.mark.parametrize(
    ("action", "doing"),
    [
        (Create(TARGET, SourceKind.DISK, {}, (), "due"), "taking a snapshot"),
        (ScheduleDeletion(TARGET, NOON, "dropped"), "scheduling a deletion"),
        (CancelDeletion(TARGET, "kept"), "canceling a deletion"),
        (Delete(TARGET, NOON, "dropped"), "deleting a snapshot"),
        (RemoveHold(TARGET, "backup:hold", "over"), "taking off a hold that is over"),
        (Defer(TARGET, NOON, "at most 3"), "deferring a deletion"),
    ],
    ids=lambda each: type(each).__name__ if not isinstance(each, str) else "",
)
def test_each_action_that_fails_is_named_by_what_it_was_to_do(action: Action, doing: str) -> None:
    failed = Outcome(action, Result.FAILED, "TagResource: AccessDeniedException")
    shop = SourceStatus(
        REGION, SourceKind.DISK, "shop", TARGET.source_arn, None, Status.PROTECTED, None, None, (), (), ()
    )

    (finding,) = findings(Run(Plan(NOON, (shop,), (action,), (), (), ()), (failed,)), Settings())

    assert finding.what == f"shop: {doing} failed: TagResource: AccessDeniedException"


def test_parts_of_a_finding_do_not_run_into_each_other() -> None:
    found = findings(ended(problem("a", "bc"), problem("ab", "c")), Settings())

    assert len(found) == 2


def test_what_is_found_twice_is_one_finding() -> None:
    assert len(findings(ended(problem(), problem(message="on snapshot b: is not a date")), Settings())) == 1


@given(any_text, any_text)
def test_whatever_the_texts_a_message_is_plain(source: str, value: str) -> None:
    (finding,) = findings(ended(problem(source, value, value)), Settings())
    message = compose([finding], [], ended(), Settings(), daily=False, sender=SENDER)

    assert message.subject.isascii()
    assert message.subject.isprintable()
    assert 0 < len(message.subject) < 100
    assert all(line.isprintable() for line in message.body.split("\n"))
    assert len(message.body.split("\n")) == 20
    assert message.body.encode()


def test_however_wide_its_letters_a_message_fits() -> None:
    found = findings(
        ended(*(problem(f"{number}-" + "\U0001d504" * 700, "v" * 700) for number in range(80))), Settings()
    )
    body = compose(found, found, ended(), Settings(), daily=True, sender=SENDER).body

    assert MAX_BODY_BYTES // 2 < len(body.encode()) <= MAX_BODY_BYTES
    assert sum(int(more) for more in re.findall(r"^and (\d+) more$", body, re.MULTILINE)) == 160 - body.count("What:")


def test_names_are_used_again_but_a_finding_goes_by_the_arn() -> None:
    dead, alive = replace(problem(), arn="arn:1"), replace(problem(), arn="arn:2")

    assert len({finding.key for each in (dead, alive) for finding in findings(ended(each), Settings())}) == 2


def test_while_a_list_of_another_region_fails_what_is_over_is_forgotten_and_sent_when_it_comes_back() -> None:
    board = Board()
    elsewhere = ReadFailure("us-east-1", "GetDisks", "GetDisks: ServiceException")

    for hour, found in enumerate([(problem(),), (), (problem(),)]):
        notify(ended(*found, now=NOON + timedelta(hours=hour), failures=(elsewhere,)), Settings(), board, sender=SENDER)

    assert board.subjects == [
        f"{HEAD}: 2 new",
        f"{HEAD}: 1 new, 1 still open",
    ]


def test_while_a_list_of_its_own_region_fails_nothing_sent_is_forgotten() -> None:
    board = Board()
    here = ReadFailure(REGION, "GetDisks", "GetDisks: ServiceException")

    notify(ended(problem()), Settings(), board, sender=SENDER)
    notify(ended(now=NOON + timedelta(hours=1), failures=(here,)), Settings(), board, sender=SENDER)
    notify(ended(problem(), now=NOON + timedelta(hours=2)), Settings(), board, sender=SENDER)

    assert board.subjects == [
        f"{HEAD}: shop: a problem",
        f"{HEAD}: {REGION}: a list cannot be read",
    ]


def test_where_nothing_can_be_remembered_everything_is_sent_once_a_day_and_a_retry_sends_nothing() -> None:
    deaf = Deaf()

    for hour in range(48):
        for _ in range(3):
            with pytest.raises(TopicError, match="TagResource: AccessDenied"):
                notify(ended(problem(), now=NOON + timedelta(hours=hour)), Settings(), deaf, sender=SENDER)

    assert deaf.subjects == [f"{HEAD}: 2 new"] * 2


def test_a_region_that_is_no_longer_looked_after_is_reported_once() -> None:
    board = Board()
    both = Plan(NOON, (), (), (), (), (), (REGION, "us-east-1"))

    notify(Run(both, ()), Settings(), board, sender=SENDER)
    for hour in range(3):
        notify(ended(now=NOON + timedelta(hours=hour + 1)), Settings(), board, sender=SENDER)

    assert board.subjects == [f"{HEAD}: us-east-1: a Region is no longer looked after"]


def test_every_kind_has_its_words() -> None:
    assert all(len(kind) < 40 and kind.isascii() for kind in FindingKind)


@pytest.mark.parametrize("arn", ["", "Lightkeeper", "arn:aws:sqs:eu-central-1:123456789012:queue"])
def test_what_is_not_the_arn_of_a_topic_is_refused_with_a_sentence(arn: str) -> None:
    with pytest.raises(InvalidValueError, match="is not the ARN of a topic; expected"):
        Topic(arn)


def test_who_has_not_confirmed_is_named_beside_who_hears() -> None:
    settings = Settings.from_mapping({"notify": ["ops@example.com", "night@example.com"]})
    stands = [
        Subscription("email", "ops@example.com", "arn:aws:sns:eu-central-1:123456789012:Lightkeeper:1"),
        Subscription("email", "night@example.com", "PendingConfirmation"),
        Subscription("sqs", "arn:aws:sqs:eu-central-1:123456789012:by-hand", "arn:aws:sns:x"),
    ]

    assert who_hears(listeners(settings, stands)) == [
        "  ops@example.com                                email  hears",
        "  night@example.com                              email  HAS NOT CONFIRMED, so it gets nothing",
        "  arn:aws:sqs:eu-central-1:123456789012:by-hand  sqs    hears",
        (
            "night@example.com: AWS has sent a mail with a link, or a request with a SubscribeURL; whoever gets it has "
            "to follow it within three days. After that, subscribe it again."
        ),
    ]


def test_where_all_have_yet_to_confirm_nobody_hears_and_that_is_said() -> None:
    settings = Settings.from_mapping({"notify": ["ops@example.com"]})

    said = who_hears(listeners(settings, [Subscription("email", "ops@example.com", "PendingConfirmation")]))

    assert said[1] == "NOBODY HEARS of any alarm, nor of what a run finds."
