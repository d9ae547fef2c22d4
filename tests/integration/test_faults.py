"""The fault table: for each thing that happens, what Lightkeeper does."""

import socket
from collections.abc import Iterator

import pytest

from lightkeeper.faults import CallError, Fault
from lightkeeper.lightsail import connect
from lightkeeper.names import snapshot_name
from lightsail_sandbox.client import (
    EndSnapshots,
    ErrorAnswer,
    FailOperation,
    FaultRule,
    Hang,
    LoseAnswer,
    Seed,
    Throttle,
)
from tests.support.keeper import (
    DAY,
    HOUR,
    OTHER_REGION,
    READS,
    REGION,
    Keeper,
    clock_after_calls,
    clock_after_writes,
    count,
    did,
    why_not,
)

ALWAYS = None


def fail(keeper: Keeper, code: str, operation: str, *, times: int | None = ALWAYS, region: str | None = None) -> None:
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code=code), operation=operation, last=times, region=region))


@pytest.fixture
def one_run(keeper: Keeper) -> Iterator[Keeper]:
    """A keeper with connections of its own, as each run has: what they learn of throttling is theirs alone."""
    keeper.regions = connect([REGION], max_concurrency=32)
    yield keeper
    for region in keeper.regions.values():
        region.close()


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceException"])
def test_a_passing_fault_is_retried_until_it_has_passed(one_run: Keeper, code: str) -> None:
    keeper = one_run
    keeper.disk("shop", {"backup": "daily"})
    fail(keeper, code, "GetDiskSnapshots", times=1)
    fail(keeper, code, "CreateDiskSnapshot", times=1)

    run = keeper.run()

    assert did(run) == [("create", next(iter(keeper.snapshots())), "done")]
    assert run.failures == ()


@pytest.mark.usefixtures("over_http")
def test_a_lost_connection_on_a_list_is_retried(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=LoseAnswer(), operation="GetDisks", calls=(1,)))

    run = keeper.run()

    assert count(run, "create") == 1
    assert run.failures == ()


def test_a_first_run_over_a_fleet_at_a_low_rate_limit_slows_down_and_fails_nothing(one_run: Keeper) -> None:
    one_run.configure(maxConcurrency=32)
    for number in range(60):
        one_run.disk(f"disk-{number}", {"backup": "daily"})
    one_run.sandbox.add_faults(FaultRule(effect=Throttle(per_second=10)))

    run = one_run.run()

    assert run.failures == ()
    assert count(run, "create") == 60
    assert len(one_run.snapshots()) == 60


def test_what_is_throttled_until_no_time_is_left_is_deferred_and_taken_by_the_next_run(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightkeeper.lightsail.ATTEMPTS", 1)
    keeper.configure(maxConcurrency=1)
    for name in ("shop", "clinic"):
        keeper.disk(name, {"backup": "daily"})
    fail(keeper, "ThrottlingException", "CreateDiskSnapshot")
    next_run, keeper.regions = keeper.regions, connect([REGION], max_concurrency=1)

    run = keeper.run(seconds_left=clock_after_writes(keeper, 3))
    keeper.regions[REGION].close()
    keeper.regions = next_run
    keeper.sandbox.clear_faults()

    assert [call.error for call in keeper.sandbox.calls() if call.operation == "CreateDiskSnapshot"] == [
        "ThrottlingException"
    ] * 3
    assert count(run, "create", "deferred") == 2
    assert run.failures == ()
    assert count(keeper.run(), "create") == 2


def test_a_name_that_is_in_use_by_a_snapshot_of_the_user_is_a_failure(keeper: Keeper) -> None:
    arn = keeper.disk("shop", {"backup": "daily"})
    slot = keeper.plan().actions[0].target.slot
    keeper.sandbox.seed(
        [Seed(kind="DiskSnapshot", name=snapshot_name("shop", arn, "Lightkeeper", slot), source="shop")]
    )

    run = keeper.run()

    assert count(run, "create", "failed") == 1
    assert "not ours" in run.failures[0]
    assert keeper.writes() == ["CreateDiskSnapshot", "GetDiskSnapshot"]


def test_a_name_that_is_in_use_by_another_resource_is_a_failure(keeper: Keeper) -> None:
    arn = keeper.disk("shop", {"backup": "daily"})
    slot = keeper.plan().actions[0].target.slot
    keeper.disk(snapshot_name("shop", arn, "Lightkeeper", slot), {})

    run = keeper.run()

    assert "Some names are already in use" in run.failures[0]


def test_where_the_name_in_use_cannot_be_looked_up_the_action_fails_and_says_why(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=LoseAnswer(), operation="CreateDiskSnapshot", calls=(1,)))
    fail(keeper, "AccessDeniedException", "GetDiskSnapshot")

    run = keeper.run()

    assert run.failures[0].endswith("expected permission for lightsail:GetDiskSnapshot")


def test_an_earlier_attempt_that_ended_in_error_is_no_success(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.set_options(snapshot_seconds=0)
    keeper.sandbox.add_faults(
        FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"),
        FaultRule(effect=LoseAnswer(), operation="CreateDiskSnapshot", calls=(1,)),
    )

    run = keeper.run()

    assert "ended in error" in run.failures[0]


def test_a_source_that_was_listed_and_is_not_found_is_a_failure(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    fail(keeper, "NotFoundException", "CreateDiskSnapshot")

    run = keeper.run()

    assert [ended for _, _, ended in did(run)] == ["failed"]
    assert "shop: CreateDiskSnapshot: NotFoundException" in run.failures[0]


@pytest.mark.parametrize(
    ("operation", "ended"), [("DeleteDiskSnapshot", "done"), ("TagResource", "skipped"), ("UntagResource", "skipped")]
)
def test_a_snapshot_that_has_vanished_meanwhile_is_no_failure(keeper: Keeper, operation: str, ended: str) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.run()
    keeper.live(4 * DAY)
    if operation == "UntagResource":
        keeper.tag("shop", "backup:keep", "9")
    fail(keeper, "NotFoundException", operation)
    keeper.sandbox.advance(DAY)

    run = keeper.run()

    action = {"DeleteDiskSnapshot": "delete", "TagResource": "schedule-deletion", "UntagResource": "cancel-deletion"}[
        operation
    ]
    assert {result for done, _, result in did(run) if done == action} == {ended}
    assert run.failures == ()


def test_a_snapshot_refused_during_an_automatic_one_is_taken_by_the_next_run(keeper: Keeper) -> None:
    # So rare a tick that nothing is worth waiting for.
    keeper.configure(tick="rate(12 hours)")
    keeper.instance("web", {"backup": "daily"})
    keeper.user.enable_add_on(
        resourceName="web",
        addOnRequest={"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "12:00"}},
    )
    keeper.sandbox.advance(DAY)

    refused = keeper.run()
    (later,) = keeper.live(HOUR, HOUR)

    assert count(refused, "create", "deferred") == 1
    assert refused.failures == (), "no failed run, and no dead letter, every day"
    assert "automatic snapshot of web is in progress" in why_not(refused, "create")[0]
    assert count(later, "create") == 1


def test_an_operation_that_is_answered_as_failed_is_left_to_the_next_run(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(
        FaultRule(effect=FailOperation(details="no space"), operation="CreateDiskSnapshot", calls=(1,))
    )

    failed = keeper.run()
    retried = keeper.run()

    assert count(failed, "create", "deferred") == 1
    assert "no space" in why_not(failed, "create")[0]
    assert failed.failures == ()
    assert count(retried, "create") == 1


def test_an_operation_that_fails_in_every_run_makes_its_source_overdue(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "hourly"})
    keeper.sandbox.add_faults(FaultRule(effect=FailOperation(details="no space"), operation="CreateDiskSnapshot"))

    runs = [keeper.run(), *keeper.live(7 * HOUR, HOUR)]

    assert [run.plan.sources[0].status.value for run in runs][-1] == "overdue"


def test_a_refused_permission_is_named(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    fail(keeper, "AccessDeniedException", "CreateDiskSnapshot")

    run = keeper.run()

    assert run.failures[0].endswith("expected permission for lightsail:CreateDiskSnapshot")


def test_the_permission_that_aws_names_is_named_not_that_of_the_call(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    actions = ["lightsail:Get*", "lightsail:CreateDiskSnapshot"]
    policy = {"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}], "Version": "2012-10-17"}
    keeper.sandbox.enforce_role(policy, tag_on_create=True)

    run = keeper.run()

    assert run.failures[0].endswith("expected permission for lightsail:TagResource")


@pytest.mark.parametrize("code", ["AccountSetupInProgressException", "RegionSetupInProgressException"])
def test_a_region_that_is_being_set_up_is_skipped_and_the_run_fails(two_regions: Keeper, code: str) -> None:
    for region in (REGION, OTHER_REGION):
        two_regions.disk("shop", {"backup": "daily"}, region)
    for operation in READS:
        fail(two_regions, code, operation, region=REGION)

    run = two_regions.run()

    assert [outcome.action.target.region for outcome in run.outcomes] == [OTHER_REGION]
    assert len(run.failures) == len(READS)
    assert {status.region: status.status.value for status in run.plan.sources} == {OTHER_REGION: "waiting"}


def refuse_in(keeper: Keeper, region: str, code: str) -> None:
    for operation in READS:
        fail(keeper, code, operation, region=region)


@pytest.mark.parametrize(
    ("code", "asks"),
    [("UnrecognizedClientException", True), ("InvalidClientTokenId", True), ("ExpiredTokenException", False)],
)
def test_a_region_that_refuses_the_credentials_fails_alone(two_regions: Keeper, code: str, *, asks: bool) -> None:
    keeper = two_regions
    for region in (REGION, OTHER_REGION):
        keeper.disk("shop", {"backup": "daily"}, region)
    refuse_in(keeper, OTHER_REGION, code)

    run = keeper.run()

    assert [(outcome.action.target.region, outcome.result.value) for outcome in run.outcomes] == [(REGION, "done")]
    assert len(run.failures) == len(READS)
    assert all(failure.startswith(f"{OTHER_REGION}: ") for failure in run.failures)
    assert all(("is the Region enabled in this account?" in failure) is asks for failure in run.failures)


def test_where_every_region_refuses_the_credentials_the_run_fails_at_once_and_blames_them(two_regions: Keeper) -> None:
    for region in (REGION, OTHER_REGION):
        two_regions.disk("shop", {"backup": "daily"}, region)
        refuse_in(two_regions, region, "UnrecognizedClientException")

    with pytest.raises(CallError, match=r"every Region refuses the credentials: .*UnrecognizedClient") as raised:
        two_regions.run()

    assert raised.value.fault is Fault.UNAUTHENTICATED
    assert len(two_regions.sandbox.calls()) == 2 * len(READS)
    assert two_regions.writes() == []


def test_credentials_that_are_refused_in_the_middle_of_a_run_end_it_in_that_region_at_once(two_regions: Keeper) -> None:
    keeper = two_regions
    for number in range(30):
        keeper.disk(f"disk-{number}", {"backup": "daily"})
    keeper.disk("far", {"backup": "daily"}, OTHER_REGION)
    keeper.configure(maxConcurrency=1)
    fail(keeper, "ExpiredTokenException", "CreateDiskSnapshot", region=REGION)

    run = keeper.run()

    assert count(run, "create", "failed") == 1
    assert count(run, "create", "deferred") == 29
    assert count(run, "create") == 1
    assert [call.region for call in keeper.sandbox.calls() if call.operation == "CreateDiskSnapshot"].count(REGION) == 1
    assert len(keeper.snapshots()) == 0


def test_a_region_that_nobody_knows_fails_alone(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper.disk("shop", {"backup": "daily"})
    monkeypatch.setattr("lightkeeper.lightsail.ATTEMPTS", 1)
    # At the address of a Region that does not exist, nobody answers.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        keeper.regions = {**connect(["eu-nowhere-9"], max_concurrency=8, endpoint_url=address), **keeper.regions}

        run = keeper.run()

    assert count(run, "create") == 1
    assert len(run.failures) == len(READS)
    assert all(failure.startswith("eu-nowhere-9: ") for failure in run.failures)


@pytest.mark.usefixtures("over_http")
def test_a_region_that_hangs_keeps_no_other_from_its_snapshots_and_deletions(two_regions: Keeper) -> None:
    keeper = two_regions
    for region in (REGION, OTHER_REGION):
        keeper.disk("shop", {"backup": "daily", "backup:keep": "2"}, region)
    keeper.run()
    keeper.live(3 * DAY)
    keeper.sandbox.advance(DAY)
    keeper.sandbox.clear_calls()
    keeper.sandbox.add_faults(FaultRule(effect=Hang(), operation="GetInstances", region=OTHER_REGION, last=1))

    with keeper.running() as running:
        keeper.wait_for("DeleteDiskSnapshot")
        assert not running.done()
        there = {call.operation for call in keeper.sandbox.calls() if call.region == OTHER_REGION}
        assert there <= READS, "it still hangs"
        assert keeper.days("shop") == ["20260616", "20260617", "20260618", "20260619"]
    run = running.result()

    assert count(run, "create") == 2
    assert count(run, "delete") == 2
    assert run.failures == ()


@pytest.mark.usefixtures("over_http")
def test_a_region_that_never_answers_fails_once_its_time_is_up(
    two_regions: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = two_regions
    for region in (REGION, OTHER_REGION):
        keeper.disk("shop", {"backup": "daily"}, region)
    monkeypatch.setattr("lightkeeper.lightsail.READ_SECONDS", 0.5)
    monkeypatch.setattr("lightkeeper.lightsail.ATTEMPTS", 2)
    keeper.regions = {**keeper.regions, **connect([OTHER_REGION], max_concurrency=8)}
    keeper.sandbox.add_faults(FaultRule(effect=Hang(), operation="GetInstances", region=OTHER_REGION))

    run = keeper.run()

    keeper.regions[OTHER_REGION].close()
    assert count(run, "create") == 2, "its disks were listed"
    assert len(run.failures) == 1
    assert run.failures[0].startswith(f"{OTHER_REGION}: GetInstances: Read timeout")


@pytest.mark.usefixtures("over_http")
def test_a_create_that_hangs_is_made_again_and_takes_one_snapshot(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    monkeypatch.setattr("lightkeeper.lightsail.READ_SECONDS", 2)
    keeper.regions = connect([REGION], max_concurrency=8)
    keeper.sandbox.add_faults(FaultRule(effect=Hang(seconds=30), operation="CreateDiskSnapshot", last=1))

    run = keeper.run()

    keeper.regions[REGION].close()
    assert count(run, "create") == 1
    assert len(keeper.snapshots()) == 1


def test_near_the_deadline_no_further_page_is_read_and_nothing_is_written(keeper: Keeper) -> None:
    for number in range(20):
        keeper.disk(f"disk-{number}", {"backup": "daily"})
    keeper.sandbox.set_options(page_size=2)

    run = keeper.run(seconds_left=clock_after_calls(keeper, 6))

    assert 6 <= len(keeper.sandbox.calls()) <= 6 + len(READS), "what the lists had begun"
    assert keeper.writes() == []
    assert f"{REGION}: GetDisks: no time left in this run to read it to its end" in run.failures
    assert all(failure.endswith(": no time left in this run to read it to its end") for failure in run.failures)


def test_a_deletion_that_fails_is_tried_again_by_the_next_run(keeper: Keeper) -> None:
    keeper.configure(grace="0d", tick="rate(1 day)")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.run()
    keeper.live(2 * DAY)
    fail(keeper, "InvalidInputException", "DeleteDiskSnapshot")
    keeper.sandbox.advance(DAY)
    failed = keeper.run()
    keeper.sandbox.clear_faults()

    retried = keeper.run()

    assert count(failed, "delete", "failed") == 1
    assert count(retried, "delete") == 1


def test_the_states_of_the_two_kinds_of_snapshot_are_both_understood(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.instance("web", {"backup": "daily"})
    keeper.run()
    assert {status.name: status.status.value for status in keeper.plan().sources} == {
        "shop": "waiting",
        "web": "waiting",
    }

    keeper.sandbox.advance(DAY / 24)

    assert {status.name: status.status.value for status in keeper.plan().sources} == {
        "shop": "protected",
        "web": "protected",
    }


def test_a_snapshot_in_an_unknown_state_is_neither_repeated_nor_pruned(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.run()
    (name,) = keeper.snapshots()
    keeper.sandbox.set_snapshot_state(REGION, name, "unknown")

    run = keeper.run()

    assert run.outcomes == ()
    assert run.plan.kept[0].reasons == ("its state is unknown",)
