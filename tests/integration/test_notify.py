"""What a person is notified of, and that it is sent once: stories on the sandbox and a local SNS, both over HTTP."""

import re
import socket
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper import handler
from lightkeeper.aws import SLOWEST_CALL_SECONDS
from lightkeeper.message import MAX_BODY_BYTES, MAX_SUBJECT
from lightkeeper.notify import MAX_CALLS, TOPIC_VARIABLE
from lightkeeper.retries import margin_seconds
from lightsail_sandbox.client import EndSnapshots, ErrorAnswer, FaultRule
from tests.support.functions import Context, Run, invoke
from tests.support.keeper import DAY, HOUR, OTHER_REGION, REGION, Keeper
from tests.support.listening import Listener

HEAD = "Lightkeeper 123456789012 eu-central-1"
TO_THE_NEXT_SLOT = timedelta(hours=15)
"""From one in the afternoon to an hour after the slot at three."""
DENIED = ErrorAnswer(code="AccessDeniedException", message="not you")


def protected(keeper: Keeper, run: Run, *names: str) -> None:
    """Give the user disks with a recovery point each."""
    for name in names:
        keeper.disk(name, {"backup": "daily"})
    run()
    keeper.sandbox.advance(HOUR)
    run()


def fail(keeper: Keeper, name: str, operation: str = "CreateDiskSnapshot") -> None:
    keeper.sandbox.add_faults(FaultRule(operation=operation, resource=name, effect=DENIED))


def part(text: str, heading: str) -> str:
    """Return the part of a message under a heading."""
    return text.partition(f"\n\n{heading}\n")[2].partition("\n\nHOW")[0].partition("\n\nSTILL OPEN")[0]


def letters_of_nine_hours(keeper: Keeper, person: Listener, run: Run) -> list[tuple[str, str]]:
    """Let nine runs be made, an hour apart: long enough for what is missing to be overdue."""
    letters = []
    for _ in range(9):
        run()
        letters += person.letters()
        keeper.sandbox.advance(HOUR)
    return letters


def test_while_all_is_well_nobody_is_notified(keeper: Keeper, person: Listener, run: Run) -> None:
    protected(keeper, run, "shop", "clinic")
    for _ in range(3):
        keeper.sandbox.advance(DAY)
        run()

    assert person.letters() == []
    assert person.tags() == {}


def test_a_new_tag_on_an_old_disk_disturbs_nobody_while_its_first_snapshot_is_taken(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    keeper.sandbox.set_options(snapshot_seconds=3 * 3600)
    keeper.disk("archive", {"backup": "daily"})

    for _ in range(5):
        run()
        keeper.sandbox.advance(HOUR)

    assert person.letters() == []


def test_a_first_failure_is_reported_once_with_what_since_when_and_what_to_do(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    protected(keeper, run, "shop")
    keeper.sandbox.advance(TO_THE_NEXT_SLOT)
    fail(keeper, "shop")

    run()
    ((subject, text),) = person.letters()
    run()
    keeper.sandbox.advance(HOUR)
    run()

    assert subject == f"{HEAD}: shop: an action failed"
    assert text.startswith("Lightkeeper, account 123456789012, eu-central-1: 1 new.\nRun of 2026-06-16 04:00 UTC.\n")
    assert "What: shop: taking a snapshot failed: CreateDiskSnapshot: AccessDeniedException: not you" in text
    assert "expected permission for lightsail:CreateDiskSnapshot" in text
    assert (
        "Since: Its slot of 2026-06-16 03:00 UTC. Its newest recovery point was taken at 2026-06-15 12:00 UTC." in text
    )
    assert "Do: If it names a permission, grant it" in text
    assert 'Read: "An action failed" in docs/runbook.md' in text
    assert text.endswith("lightkeeper plan --stack Lightkeeper\nDashboard:\nhttps://console/dashboard\n")
    assert person.letters() == [], "neither the retry nor the next ended says it again"


def test_a_second_failure_is_reported_first_and_the_open_one_is_listed(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    protected(keeper, run, "shop", "clinic")
    keeper.sandbox.advance(DAY)
    fail(keeper, "shop")
    run()
    person.letters()
    keeper.sandbox.advance(DAY)
    fail(keeper, "clinic")
    keeper.configure(overdueAfter="10d")

    run()

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: 1 new, 1 still open"
    assert part(text, "NEW").strip().startswith(f"1. clinic: an action failed ({REGION})")
    assert "shop" not in part(text, "NEW")
    assert part(text, "STILL OPEN").strip().startswith(f"1. shop: an action failed ({REGION})")


def test_what_works_again_and_then_fails_is_reported_again(keeper: Keeper, person: Listener, run: Run) -> None:
    protected(keeper, run, "shop")
    keeper.sandbox.advance(TO_THE_NEXT_SLOT)
    fail(keeper, "shop")
    run()
    assert len(person.letters()) == 1
    keeper.sandbox.clear_faults()
    run()
    keeper.sandbox.advance(HOUR)
    run()
    assert person.letters() == [], "that it is over, the alarm says"
    assert person.tags() == {}

    keeper.sandbox.advance(DAY)
    fail(keeper, "shop")
    run()

    assert [subject for subject, _ in person.letters()] == [f"{HEAD}: shop: an action failed"]


def test_a_tag_that_is_not_understood_is_reported_with_what_to_write(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    protected(keeper, run, "shop")
    keeper.tag("shop", "backup", "dialy")

    run()
    keeper.sandbox.advance(DAY)
    run()

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: shop: a problem"
    assert 'What: shop: the tag "backup" = "dialy": "dialy" is not a policy; expected "hourly", "daily"' in text
    assert "Since: Its newest recovery point was taken at 2026-06-15 12:00 UTC. Until this is corrected" in text
    assert "Lightkeeper takes and deletes no snapshot of it." in text
    assert 'Do: Did you mean "daily"?' in text


def test_another_wrong_value_is_another_finding(keeper: Keeper, person: Listener, run: Run) -> None:
    keeper.disk("shop", {"backup": "dialy"})
    run()
    keeper.tag("shop", "backup", "weekley")
    run()

    assert len(person.letters()) == 2


def test_advice_is_not_reported(keeper: Keeper, person: Listener, run: Run) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:mode": "instance"})

    run()

    assert [problem.severity for problem in keeper.plan().problems] == ["advice"]
    assert person.letters() == []


def test_a_snapshot_that_ended_in_error_is_reported_and_later_that_no_more_are_tried(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    protected(keeper, run, "shop")
    keeper.configure(overdueAfter="10d")
    keeper.sandbox.advance(DAY)
    keeper.sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", effect=EndSnapshots(state="error")))

    subjects = []
    for _ in range(6):
        run()
        subjects.append([subject for subject, _ in person.letters()])
        keeper.sandbox.advance(HOUR)

    assert subjects == [
        [],
        [f"{HEAD}: shop: a snapshot ended in error"],
        [],
        [f"{HEAD}: shop: a snapshot ended in error"],
        [],
        [],
    ]


def test_a_resource_that_becomes_overdue_by_a_failure_that_was_reported_is_left_to_its_alarm_and_listed(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    protected(keeper, run, "shop")
    keeper.sandbox.advance(DAY - 9 * HOUR)
    fail(keeper, "shop")

    letters = letters_of_nine_hours(keeper, person, run)

    assert [subject for subject, _ in letters] == [f"{HEAD}: shop: an action failed"]
    assert keeper.plan().sources[0].status == "overdue"
    keeper.configure(digest="08:00")
    run()
    ((_, text),) = person.letters()
    assert f"1. shop: overdue ({REGION})" in part(text, "NEW"), "no message has had it so far"
    since = (
        "Since: The slot of 2026-06-16 03:00 UTC, the first it missed. Its newest recovery point was taken at 2026-06"
    )
    assert since in text


def test_a_second_resource_that_becomes_overdue_is_reported_as_its_alarm_does_not_ring_twice(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    protected(keeper, run, "shop", "blog")
    keeper.sandbox.advance(DAY - 9 * HOUR)
    fail(keeper, "blog")
    assert [subject for subject, _ in letters_of_nine_hours(keeper, person, run)] == [f"{HEAD}: blog: an action failed"]
    keeper.sandbox.advance(DAY - 9 * HOUR)

    fail(keeper, "shop")
    letters = letters_of_nine_hours(keeper, person, run)

    assert len(letters) == 2
    assert f"shop: an action failed ({REGION})" in part(letters[0][1], "NEW")
    assert f"blog: overdue ({REGION})" in part(letters[0][1], "NEW"), "which was left to its alarm"
    assert f"1. shop: overdue ({REGION})" in part(letters[1][1], "NEW")


def test_a_resource_that_becomes_overdue_while_a_list_cannot_be_read_is_reported_as_its_alarm_is_given_no_number(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    protected(keeper, run, "shop")
    keeper.sandbox.advance(DAY - 9 * HOUR)
    keeper.sandbox.add_faults(FaultRule(operation="GetRelationalDatabases", effect=DENIED))
    fail(keeper, "shop")

    letters = letters_of_nine_hours(keeper, person, run)

    assert len(letters) == 2
    assert f"1. shop: overdue ({REGION})" in part(letters[1][1], "NEW")


def test_what_followed_from_a_failure_is_reported_when_that_is_over_and_it_is_not(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    protected(keeper, run, "shop")
    keeper.sandbox.advance(DAY - 9 * HOUR)
    fail(keeper, "shop")
    assert [subject for subject, _ in letters_of_nine_hours(keeper, person, run)] == [f"{HEAD}: shop: an action failed"]

    keeper.sandbox.clear_faults()
    busy = ErrorAnswer(code="OperationFailureException")
    keeper.sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", resource="shop", effect=busy))
    for _ in range(3):
        run()
        keeper.sandbox.advance(HOUR)

    assert [subject for subject, _ in person.letters()] == [f"{HEAD}: shop: overdue"]


def test_a_resource_that_becomes_overdue_for_another_reason_is_reported(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    protected(keeper, run, "shop")
    keeper.sandbox.advance(DAY - 9 * HOUR)
    keeper.sandbox.set_options(snapshot_seconds=100 * 86400)

    for _ in range(9):
        run()
        keeper.sandbox.advance(HOUR)

    assert [subject for subject, _ in person.letters()] == [f"{HEAD}: shop: overdue"]


def test_a_snapshot_that_never_ends_is_overdue_in_the_end(keeper: Keeper, person: Listener, run: Run) -> None:
    keeper.disk("archive", {"backup": "monthly"})
    keeper.sandbox.set_options(snapshot_seconds=100 * 86400)

    for _ in range(9):
        run()
        keeper.sandbox.advance(HOUR)

    ((_, text),) = person.letters()
    assert "archive has no usable snapshot for a slot that has passed: snapshot archive-20260601-0300-" in text
    assert "has been pending since 2026-06-15 12:00 UTC" in text
    command = "lightkeeper take archive --kind disk --region eu-central-1 --stack Lightkeeper"
    assert f"Do: Take one now:\nAWS_REGION=eu-central-1 {command}\n" in text
    assert "Since: The slot of 2026-06-01 03:00 UTC, the first it missed. It has no recovery point." in text


def test_what_was_put_off_for_want_of_time_is_not_taken_for_over(
    keeper: Keeper, person: Listener, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    protected(keeper, run, "shop")
    keeper.sandbox.advance(TO_THE_NEXT_SLOT)
    fail(keeper, "shop")
    run()
    assert len(person.letters()) == 1

    with monkeypatch.context() as patch:
        patch.setattr(Context, "get_remaining_time_in_millis", staticmethod(lambda: 300_000))
        run()
    keeper.sandbox.advance(HOUR)
    run()

    assert person.letters() == []


def test_a_list_that_cannot_be_read_is_reported_and_what_it_hides_is_not_reported_again_afterwards(
    two_regions: Keeper, person: Listener, run: Run
) -> None:
    keeper = two_regions
    keeper.configure(regions=[REGION, OTHER_REGION])
    keeper.disk("typo", {"backup": "dialy"}, OTHER_REGION)
    run()
    assert [subject for subject, _ in person.letters()] == [f"{HEAD}: typo: a problem"]
    keeper.sandbox.add_faults(FaultRule(operation="GetDisks", region=OTHER_REGION, effect=DENIED))

    run()
    ((subject, text),) = person.letters()
    keeper.sandbox.clear_faults()
    run()

    assert subject == f"{HEAD}: {OTHER_REGION}: a list cannot be read"
    assert "expected permission for lightsail:GetDisks" in text
    assert person.letters() == []
    assert len(person.tags()) == 1


def test_a_rule_cut_from_30_to_3_is_reported_with_how_to_undo_it_and_undoing_works(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    for _ in range(30):
        run()
        keeper.sandbox.advance(DAY)
    keeper.tag("shop", "backup:keep", "3")

    run()
    ((subject, text),) = person.letters()
    keeper.sandbox.advance(HOUR)
    run()

    assert subject == f"{HEAD}: shop: snapshots will expire"
    expiring = re.search(r'(\d+) snapshots of shop will be deleted: its rule "last=3"', text)
    assert expiring
    assert int(expiring[1]) >= 27
    assert "Since: Deletions begin at 2026-07-16 12:00 UTC, the oldest first, at most 3 of a source in a run." in text
    undo = "aws lightsail tag-resource --region eu-central-1 --resource-name shop --tags key=backup:hold"
    assert undo in text
    assert person.letters() == []

    keeper.tag("shop", "backup:hold")
    before = keeper.snapshots("shop")
    for _ in range(3):
        keeper.sandbox.advance(DAY)
        run()

    assert before.keys() <= keeper.snapshots("shop").keys(), "none was deleted"
    assert person.letters() == []


def test_many_expiries_that_could_not_be_reported_at_once_are_reported_by_the_next_run(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    for _ in range(8):
        run()
        keeper.sandbox.advance(DAY)
    keeper.tag("shop", "backup:keep", "2")
    person.server.refused.add("Publish")
    run()
    assert person.letters() == []
    person.server.refused.clear()
    keeper.sandbox.advance(HOUR)

    run()

    ((_, text),) = person.letters()
    assert "6 snapshots of shop will be deleted" in text
    assert "Deletions begin at 2026-06-24 12:00 UTC" in text


def test_deletions_day_by_day_are_reported_to_nobody_even_when_scheduled_long_before(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    keeper.configure(grace="30d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    for _ in range(15):
        run()
        keeper.sandbox.advance(DAY)

    marked = [tags for tags in keeper.snapshots("shop").values() if "lightkeeper:expires" in tags]
    assert len(marked) > 10
    assert person.letters() == []


def test_orphans_that_are_to_expire_all_at_once_are_reported_with_what_keeps_them(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    for _ in range(12):
        run()
        keeper.sandbox.advance(DAY)
    keeper.user.delete_disk(diskName="shop")
    keeper.sandbox.advance(60 * DAY)
    run()
    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: shop: no longer backed up"
    assert "Its 12 recovery points are kept." in text
    keeper.configure(orphans="expire")

    run()

    ((_, text),) = person.letters()
    assert '11 snapshots of shop will be deleted: it is gone, and "orphans" is "expire".' in text
    assert 'tag those you want to keep with "backup:hold", or set "orphans" to "keep"' in text


def test_orphans_that_expire_are_reported_once_however_few_they_are(keeper: Keeper, person: Listener, run: Run) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3"})
    keeper.disk("another", {"backup": "daily"})
    for _ in range(4):
        run()
        keeper.sandbox.advance(DAY)
    keeper.tag("shop", "backup", "off")
    run()
    ((subject, _),) = person.letters()
    assert subject == f"{HEAD}: shop: no longer backed up"
    keeper.configure(orphans="expire")

    for _ in range(6):
        keeper.sandbox.advance(DAY)
        run()

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: shop: snapshots will expire"
    assert '3 snapshots of shop will be deleted: it is off, and "orphans" is "expire".' in text


def test_whole_snapshots_that_the_mode_feeds_no_more_are_reported_before_they_go(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    keeper.configure(orphans="expire")
    keeper.instance("web", {"backup": "daily", "backup:keep": "3"})
    for _ in range(5):
        run()
        keeper.sandbox.advance(DAY)
    assert person.letters() == []
    keeper.tag("web", "backup:mode", "system-disk")

    letters: list[tuple[str, str]] = []
    for _ in range(8):
        run()
        letters += person.letters()
        keeper.sandbox.advance(DAY)

    ((subject, text),) = letters
    assert subject == f"{HEAD}: web: snapshots will expire"
    assert "of web will be deleted: Lightkeeper takes no more instance-snapshots of it, and " in text
    assert len([tags for tags in keeper.snapshots("web").values() if "backup:mode" not in tags]) == 1


def test_the_daily_digest_comes_once_a_day_at_its_time_even_when_the_clocks_change(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    keeper.configure(digest="02:30 Europe/Zurich")
    keeper.disk("shop", {"backup": "hourly"})
    keeper.sandbox.set_time(datetime(2026, 10, 23, 22, 10, tzinfo=UTC))
    run()
    ((_, text),) = person.letters()
    assert "Resources: 1 waiting" in text, "the first at once: it works"

    hours = []
    for _ in range(72):
        keeper.sandbox.advance(HOUR)
        run()
        if letters := person.letters():
            run()
        hours += [keeper.sandbox.now().strftime("%d %H:%M")] * len(letters + person.letters())

    # 02:30 in Zurich is 00:30 UTC until the 25th, and 01:30 from the 26th on.
    assert hours == ["24 01:10", "25 01:10", "26 02:10"]


def test_the_daily_digest_says_how_everything_stands(keeper: Keeper, person: Listener, run: Run) -> None:
    protected(keeper, run, "shop", "clinic")
    keeper.disk("scratch", {})
    keeper.configure(digest="08:00")

    run()

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: daily digest: nothing needs you"
    assert "Resources: 2 protected, 1 untagged" in text
    assert re.search(
        r"Longest without a new recovery point: \w+ \(eu-central-1\), 1 h, since 2026-06-15 12:00 UTC", text
    )
    assert "Stored: about 64 GiB, 3.20 USD a month (at full size at most 3.20)" in text


def test_the_daily_digest_says_what_would_go_where_prune_is_off(keeper: Keeper, person: Listener, run: Run) -> None:
    keeper.configure(digest="08:00", prune="off")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    run()
    for _ in range(2):
        keeper.sandbox.advance(DAY)
        run()

    _, text = person.letters()[-1]

    assert "Prune is off" not in text
    assert "prune is off: 1 would be scheduled for deletion." in text


def test_the_daily_digest_lists_what_is_open(keeper: Keeper, person: Listener, run: Run) -> None:
    keeper.configure(digest="08:00")
    keeper.disk("typo", {"backup": "dialy"})
    run()
    ((first, _),) = person.letters()
    keeper.sandbox.advance(DAY)

    run()

    ((subject, text),) = person.letters()
    assert first == f"{HEAD}: typo: a problem", "one message, not two"
    assert subject == f"{HEAD}: daily digest: 1 open"
    assert part(text, "OPEN").strip().startswith("1. typo: a problem")


def test_without_a_topic_nobody_is_notified_and_nothing_asked(
    keeper: Keeper, person: Listener, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOPIC_VARIABLE)
    keeper.disk("typo", {"backup": "dialy"})

    run()

    assert person.server.asked == []


def test_a_dry_run_and_a_run_over_chosen_regions_notify_nobody(keeper: Keeper, person: Listener, run: Run) -> None:
    keeper.disk("typo", {"backup": "dialy"})

    run(dryRun=True)
    run(regions=[OTHER_REGION])

    assert person.server.asked == []


def test_when_the_topic_is_gone_the_backups_are_done_and_the_run_fails(
    keeper: Keeper, person: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOPIC_VARIABLE, f"{person.topic}-before")
    keeper.disk("shop", {"backup": "daily"})

    with pytest.raises(handler.RunFailedError, match="1 failed: notification: ListTagsForResource: ResourceNotFound"):
        invoke({"time": "2026-06-15T12:00:00Z"})

    assert len(keeper.snapshots("shop")) == 1
    handler.topic(f"{person.topic}-before").close()
    handler.topic.cache_clear()


def test_when_the_topic_cannot_be_reached_the_backups_are_done_and_the_run_fails(
    keeper: Keeper, person: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.disk("shop", {"backup": "daily"})

    with socket.socket() as held:
        # Bound, but nobody listens: connections are refused, and the port is given to nobody else.
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", f"http://127.0.0.1:{held.getsockname()[1]}")
        with pytest.raises(handler.RunFailedError, match="1 failed: notification: ListTagsForResource: Could not"):
            invoke({"time": "2026-06-15T12:00:00Z"})

    assert len(keeper.snapshots("shop")) == 1
    assert person.server.asked == []


@pytest.mark.parametrize("action", ["ListTagsForResource", "Publish", "TagResource"])
def test_a_permission_that_is_missing_is_named_and_what_was_not_sent_is_sent_later(
    keeper: Keeper, person: Listener, run: Run, action: str
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.disk("typo", {"backup": "dialy"})
    person.server.refused.add(action)

    with pytest.raises(handler.RunFailedError, match=f"expected permission for sns:{action}"):
        invoke({"time": "2026-06-15T12:00:00Z"})
    sent = len(person.letters())
    person.server.refused.clear()
    run()
    run()

    assert sent == 0, "what cannot be remembered is sent in the morning"
    assert len(person.letters()) == 1
    assert len(keeper.snapshots("shop")) == 1


def test_with_no_time_left_the_run_says_so_and_the_next_one_sends_it(
    keeper: Keeper, person: Listener, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.disk("typo", {"backup": "dialy"})
    with monkeypatch.context() as patch:
        patch.setattr(Context, "get_remaining_time_in_millis", staticmethod(lambda: 20_000))
        with pytest.raises(handler.RunFailedError, match="no time left"):
            invoke({"time": "2026-06-15T12:00:00Z"})
    assert person.server.asked == []

    run()

    assert len(person.letters()) == 1


def test_hostile_tags_come_as_plain_text_of_one_line(keeper: Keeper, person: Listener, run: Run) -> None:
    keeper.disk("shop", {"backup": "daily\n\nNEW\n1. all well \x1b[31m\u202egnp.exe" + "x" * 180})

    run()

    ((subject, text),) = person.letters()
    (what,) = (line for line in text.splitlines() if "What:" in line)
    assert 'the tag "backup" = "daily NEW 1. all well ?[31m?gnp.exe' in what
    assert text.count("\n\nNEW\n") == 1
    assert text.replace("\n", "").isprintable()
    assert subject.isascii()
    assert subject.isprintable()


def test_hundreds_of_findings_fit_a_message_and_the_memory(keeper: Keeper, person: Listener, run: Run) -> None:
    keeper.configure(deployment="L" * 100)
    for number in range(100):
        keeper.disk(f"disk-{number}" + "x" * 240, {"backup": f"{number}" + "y" * 250})

    run()
    ((subject, text),) = person.letters()
    tags = person.tags()
    run()
    keeper.disk("one-more", {"backup": "dialy"})
    run()

    ((second, _),) = person.letters()
    assert len(subject) <= MAX_SUBJECT
    assert len(text.encode()) <= MAX_BODY_BYTES
    assert "and 50 more" in text
    assert len(tags) == 4
    assert all(len(value) <= 256 for value in tags.values())
    assert "1 new, 100 still open" in second


def test_tags_of_other_people_on_the_topic_stay(keeper: Keeper, person: Listener, run: Run) -> None:
    person.sns.tag_resource(ResourceArn=person.topic, Tags=[{"Key": "team", "Value": "ops"}])
    keeper.disk("typo", {"backup": "dialy"})
    run()
    keeper.tag("typo", "backup", "daily")

    run()

    assert person.tags() == {"team": "ops"}


def test_a_memory_that_somebody_has_edited_is_put_right(keeper: Keeper, person: Listener, run: Run) -> None:
    keeper.configure(digest="08:00")
    edited = {"lightkeeper:told:1": "so what", "lightkeeper:told:9": "", "lightkeeper:digest": "yesterday"}
    person.sns.tag_resource(
        ResourceArn=person.topic, Tags=[{"Key": key, "Value": value} for key, value in edited.items()]
    )

    run()

    assert person.tags() == {"lightkeeper:digest": "2026-06-15T08:00:00Z"}
    assert len(person.letters()) == 1


def test_there_is_time_to_notify_after_the_last_write() -> None:
    assert margin_seconds(8) >= MAX_CALLS * SLOWEST_CALL_SECONDS


def test_notifying_asks_for_every_permission_that_it_has_and_for_none_besides(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    keeper.disk("typo", {"backup": "dialy"})
    run()
    keeper.tag("typo", "backup", "daily")
    run()
    quiet = len(person.server.asked)
    run()

    assert set(person.server.asked[:quiet]) == {"ListTagsForResource", "Publish", "TagResource", "UntagResource"}
    assert person.server.asked[quiet:] == ["ListTagsForResource"], "a run without news only looks"


def test_beside_a_stopped_database_what_ends_and_begins_again_is_news_again(
    keeper: Keeper, person: Listener, run: Run
) -> None:
    keeper.database("orders", {"backup": "daily"})
    protected(keeper, run, "shop")
    keeper.sandbox.set_database_state(REGION, "orders", "stopped")
    keeper.sandbox.advance(TO_THE_NEXT_SLOT)
    run()
    person.letters()

    for _ in range(2):
        keeper.user.untag_resource(resourceName="shop", tagKeys=["backup"])
        keeper.sandbox.advance(HOUR)
        run()
        keeper.tag("shop", "backup", "daily")
        keeper.sandbox.advance(HOUR)
        run()

    letters = [text for _, text in person.letters() if "shop" in part(text, "NEW")]
    assert len(letters) == 2, "it was over in between"
