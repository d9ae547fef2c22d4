"""The fault table: for each thing that happens, what Lightkeeper does."""

import pytest
from botocore.retries.standard import ExponentialBackoff

from lightkeeper.faults import CallError, Fault
from lightkeeper.tags import snapshot_name
from sandbox.client import EndSnapshots, ErrorAnswer, FailOperation, FaultRule, LoseAnswer, Seed, Throttle
from tests.integration.keeper import DAY, OTHER_REGION, READS, REGION, Keeper, count, did

ALWAYS = None


def fail(keeper: Keeper, code: str, operation: str, *, times: int | None = ALWAYS, region: str | None = None) -> None:
    keeper.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code=code), operation=operation, last=times, region=region))


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceException"])
def test_a_passing_fault_is_retried_until_it_has_passed(keeper: Keeper, code: str) -> None:
    keeper.disk("shop", {"backup": "daily"})
    fail(keeper, code, "GetDiskSnapshots", times=1)
    fail(keeper, code, "CreateDiskSnapshot", times=1)

    tick = keeper.tick()

    assert did(tick) == [("create", next(iter(keeper.snapshots())), "done")]
    assert tick.failures == ()


def test_a_lost_connection_on_a_list_is_retried(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=LoseAnswer(), operation="GetDisks", calls=(1,)))

    tick = keeper.tick()

    assert count(tick, "create") == 1
    assert tick.failures == ()


def test_a_rate_limit_slows_down_but_loses_nothing(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    # As long as botocore may wait, not by chance: five attempts within the one second would be over before the limit.
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _, context: 2.0 ** (context.attempt_number - 1))
    for number in range(10):
        keeper.disk(f"disk-{number}", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=Throttle(per_second=8), operation="CreateDiskSnapshot"))

    tick = keeper.tick()

    assert tick.failures == ()
    assert len(keeper.snapshots()) == 10


def test_a_fault_that_stays_fails_that_action_only(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.instance("web", {"backup": "daily"})
    fail(keeper, "OperationFailureException", "CreateDiskSnapshot")

    tick = keeper.tick()

    assert {(name.split("-")[0], ended) for _, name, ended in did(tick)} == {("shop", "failed"), ("web", "done")}


def test_a_name_that_is_in_use_by_a_snapshot_of_the_user_is_a_failure(keeper: Keeper) -> None:
    arn = keeper.disk("shop", {"backup": "daily"})
    slot = keeper.plan().actions[0].target.slot
    keeper.sandbox.seed([Seed(kind="DiskSnapshot", name=snapshot_name("shop", arn, slot), source="shop")])

    tick = keeper.tick()

    assert count(tick, "create", "failed") == 1
    assert "not ours" in tick.failures[0]
    assert keeper.writes() == ["CreateDiskSnapshot", "GetDiskSnapshot"]


def test_a_name_that_is_in_use_by_another_resource_is_a_failure(keeper: Keeper) -> None:
    arn = keeper.disk("shop", {"backup": "daily"})
    slot = keeper.plan().actions[0].target.slot
    keeper.disk(snapshot_name("shop", arn, slot), {})

    tick = keeper.tick()

    assert "Some names are already in use" in tick.failures[0]


def test_where_the_name_in_use_cannot_be_looked_up_the_action_fails_and_says_why(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(FaultRule(effect=LoseAnswer(), operation="CreateDiskSnapshot", calls=(1,)))
    fail(keeper, "AccessDeniedException", "GetDiskSnapshot")

    tick = keeper.tick()

    assert tick.failures[0].endswith("expected permission for lightsail:GetDiskSnapshot")


def test_an_earlier_attempt_that_ended_in_error_is_no_success(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.set_options(snapshot_seconds=0)
    keeper.sandbox.add_faults(
        FaultRule(effect=EndSnapshots(state="error"), operation="CreateDiskSnapshot"),
        FaultRule(effect=LoseAnswer(), operation="CreateDiskSnapshot", calls=(1,)),
    )

    tick = keeper.tick()

    assert "ended in error" in tick.failures[0]


def test_a_source_that_has_vanished_meanwhile_is_skipped(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    fail(keeper, "NotFoundException", "CreateDiskSnapshot")

    tick = keeper.tick()

    assert [ended for _, _, ended in did(tick)] == ["skipped"]
    assert tick.failures == ()


@pytest.mark.parametrize(
    ("operation", "ended"), [("DeleteDiskSnapshot", "done"), ("TagResource", "skipped"), ("UntagResource", "skipped")]
)
def test_a_snapshot_that_has_vanished_meanwhile_is_no_failure(keeper: Keeper, operation: str, ended: str) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "2"})
    keeper.tick()
    keeper.live(4 * DAY)
    if operation == "UntagResource":
        keeper.tag("shop", "backup:keep", "9")
    fail(keeper, "NotFoundException", operation)
    keeper.sandbox.advance(DAY)

    tick = keeper.tick()

    action = {"DeleteDiskSnapshot": "delete", "TagResource": "announce", "UntagResource": "rescue"}[operation]
    assert {result for done, _, result in did(tick) if done == action} == {ended}
    assert tick.failures == ()


def test_a_snapshot_refused_during_an_automatic_one_is_taken_by_the_next_tick(keeper: Keeper) -> None:
    keeper.instance("web", {"backup": "daily"})
    keeper.user.enable_add_on(
        resourceName="web",
        addOnRequest={"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "12:00"}},
    )
    keeper.sandbox.advance(DAY)

    refused = keeper.tick()
    (later,) = keeper.live(DAY // 24, DAY // 24)

    assert count(refused, "create", "failed") == 1
    assert count(later, "create") == 1


def test_an_operation_that_is_answered_as_failed_is_a_failure(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.add_faults(
        FaultRule(effect=FailOperation(details="no space"), operation="CreateDiskSnapshot", calls=(1,))
    )

    failed = keeper.tick()
    retried = keeper.tick()

    assert "no space" in failed.failures[0]
    assert count(retried, "create") == 1


def test_a_refused_permission_is_named(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    fail(keeper, "AccessDeniedException", "CreateDiskSnapshot")

    tick = keeper.tick()

    assert tick.failures[0].endswith("expected permission for lightsail:CreateDiskSnapshot")


@pytest.mark.parametrize("code", ["AccountSetupInProgressException", "RegionSetupInProgressException"])
def test_a_region_that_is_being_set_up_is_skipped_and_the_run_fails(two_regions: Keeper, code: str) -> None:
    for region in (REGION, OTHER_REGION):
        two_regions.disk("shop", {"backup": "daily"}, region)
    for operation in READS:
        fail(two_regions, code, operation, region=REGION)

    tick = two_regions.tick()

    assert [outcome.action.target.region for outcome in tick.outcomes] == [OTHER_REGION]
    assert len(tick.failures) == 4
    assert {status.region: status.status.value for status in tick.plan.sources} == {OTHER_REGION: "overdue"}


@pytest.mark.parametrize(("operation", "writes"), [("GetDisks", []), ("CreateDiskSnapshot", ["CreateDiskSnapshot"])])
def test_refused_credentials_end_the_run_at_once(keeper: Keeper, operation: str, writes: list[str]) -> None:
    for number in range(30):
        keeper.disk(f"disk-{number}", {"backup": "daily"})
    keeper.configure(writers=1)
    fail(keeper, "UnauthenticatedException", operation)

    with pytest.raises(CallError, match=f"{operation}: UnauthenticatedException") as raised:
        keeper.tick()

    assert raised.value.fault is Fault.UNAUTHENTICATED
    assert keeper.snapshots() == {}
    assert keeper.writes() == writes


def test_a_deletion_that_fails_is_tried_again_by_the_next_tick(keeper: Keeper) -> None:
    keeper.configure(grace="0d")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.tick()
    keeper.live(DAY)
    fail(keeper, "ServiceException", "DeleteDiskSnapshot")
    keeper.sandbox.advance(DAY)
    failed = keeper.tick()
    keeper.sandbox.clear_faults()

    retried = keeper.tick()

    assert count(failed, "delete", "failed") == 1
    assert count(retried, "delete") == 1


def test_the_states_of_the_two_kinds_of_snapshot_are_both_understood(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.instance("web", {"backup": "daily"})
    keeper.tick()
    assert {status.name: status.status.value for status in keeper.plan().sources} == {
        "shop": "overdue",
        "web": "overdue",
    }

    keeper.sandbox.advance(DAY / 24)

    assert {status.name: status.status.value for status in keeper.plan().sources} == {
        "shop": "protected",
        "web": "protected",
    }


def test_a_snapshot_in_an_unknown_state_is_neither_repeated_nor_pruned(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "1"})
    keeper.tick()
    (name,) = keeper.snapshots()
    keeper.sandbox.set_snapshot_state(REGION, name, "unknown")

    tick = keeper.tick()

    assert tick.outcomes == ()
    assert tick.plan.kept[0].reasons == ("its state is unknown",)
