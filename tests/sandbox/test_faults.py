import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ReadTimeoutError

from lightsail_sandbox.client import (
    EndInstances,
    EndSnapshots,
    ErrorAnswer,
    FailOperation,
    FaultRule,
    Hang,
    HoldAnswer,
    HoldCall,
    LoseAnswer,
    Meanwhile,
    Sandbox,
    SandboxError,
    Seed,
    ShortList,
    Throttle,
)
from lightsail_sandbox.faults import FaultScript
from tests.sandbox.test_policy import allow
from tests.support.asking import CODES, REGION, ZONE, add_disk, make_client, refused
from tests.support.keeper import NOON

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

    from lightsail_sandbox.seeds import Kind

pytestmark = pytest.mark.usefixtures("over_http")


@dataclass
class _Outcome:
    error: BaseException | None = None


@contextmanager
def _asking(call: Callable[..., object], **parameters: object) -> Iterator[_Outcome]:
    """Have a thread make a call while the block runs, and end it with the block."""
    outcome = _Outcome()

    def ask() -> None:
        try:
            call(**parameters)
        except (BotoCoreError, ClientError) as error:
            outcome.error = error

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    yield outcome
    asking.join()


@pytest.mark.parametrize("code", CODES)
def test_a_call_can_be_refused_with_any_error(sandbox: Sandbox, lightsail: "LightsailClient", code: str) -> None:
    sandbox.add_faults(FaultRule(operation="GetDisks", effect=ErrorAnswer(code=code, message="Not today.")))

    with refused(code, "Not today."):
        lightsail.get_disks()
    lightsail.get_instances()


def test_a_modelled_error_is_the_class_botocore_has_for_it(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="OperationFailureException")))

    with pytest.raises(lightsail.exceptions.OperationFailureException):
        lightsail.get_disks()


def test_only_the_counted_calls_are_struck(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.add_faults(FaultRule(operation="GetDisks", calls=(1, 3), effect=ErrorAnswer(code="ServiceException")))

    for _ in range(4):
        lightsail.get_instances()  # does not count: the rule is about another operation
    for _ in range(2):
        with refused("ServiceException"):
            lightsail.get_disks()
        lightsail.get_disks()


def test_a_rule_can_hold_from_one_call_to_another(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.add_faults(FaultRule(first=2, last=3, effect=ErrorAnswer(code="ServiceException")))

    lightsail.get_disks()
    for _ in range(2):
        with refused("ServiceException"):
            lightsail.get_disks()
    lightsail.get_disks()


def test_a_rule_can_be_about_one_resource_or_one_region(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail, "alpha")
    add_disk(lightsail, "beta")
    sandbox.add_faults(
        FaultRule(resource="alpha", effect=ErrorAnswer(code="AccessDeniedException")),
        FaultRule(region="us-east-1", effect=ErrorAnswer(code="RegionSetupInProgressException")),
    )

    lightsail.create_disk_snapshot(diskName="beta", diskSnapshotName="beta-1")
    with refused("AccessDeniedException"):
        lightsail.create_disk_snapshot(diskName="alpha", diskSnapshotName="alpha-1")
    with closing(make_client(sandbox, "us-east-1")) as elsewhere, refused("RegionSetupInProgressException"):
        elsewhere.get_disks()


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "InvalidClientTokenId"])
def test_one_region_can_know_nobody_while_another_answers(
    sandbox: Sandbox, lightsail: "LightsailClient", code: str
) -> None:
    sandbox.add_faults(
        FaultRule(region="ap-east-1", effect=ErrorAnswer(code=code, message="The security token is invalid."))
    )

    with closing(make_client(sandbox, "ap-east-1")) as not_enabled:
        for call in (not_enabled.get_disks, not_enabled.get_instance_snapshots, not_enabled.get_regions):
            with refused(code, "token is invalid"):
                call()
        with refused(code):
            not_enabled.create_disk(diskName="data", availabilityZone="ap-east-1a", sizeInGb=8)
    add_disk(lightsail)

    assert [(entry.region, entry.name) for entry in sandbox.entries()] == [(REGION, "data")]


def test_a_refused_call_has_no_effect(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    sandbox.clear_calls()
    sandbox.add_faults(FaultRule(operation="DeleteDisk", effect=ErrorAnswer(code="ServiceException")))

    with refused("ServiceException"):
        lightsail.delete_disk(diskName="data")

    assert len(lightsail.get_disks()["disks"]) == 1
    assert [call.took_effect for call in sandbox.calls()] == [False, True]


def test_a_lost_answer_is_a_broken_connection_but_the_call_took_effect(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    sandbox.clear_calls()
    sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", effect=LoseAnswer()))

    with pytest.raises(ConnectionClosedError):
        lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")

    assert len(lightsail.get_disk_snapshots()["diskSnapshots"]) == 1
    [create, _] = sandbox.calls()
    assert (create.took_effect, create.answer, create.status) == (True, "lost", 200)


def test_botocore_repeats_a_create_whose_answer_was_lost_and_finds_the_name_in_use(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    sandbox.clear_calls()
    sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", calls=(1,), effect=LoseAnswer()))

    with (
        closing(make_client(sandbox, attempts=3)) as patient,
        refused("InvalidInputException", "already in use: data-1"),
    ):
        patient.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")

    assert [call.error for call in sandbox.calls()] == [None, "InvalidInputException"]


def test_an_operation_can_fail_in_a_normal_answer_and_then_nothing_is_there(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    sandbox.clear_calls()
    sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", effect=FailOperation(code="Full", details="No room.")))

    operations = lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")["operations"]

    assert {(each["status"], each["errorCode"], each["errorDetails"]) for each in operations} == {
        ("Failed", "Full", "No room.")
    }
    assert lightsail.get_disk_snapshots()["diskSnapshots"] == []
    assert sandbox.calls()[0].took_effect is False


def test_an_operation_can_fail_and_leave_an_error_snapshot(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    sandbox.set_options(snapshot_seconds=0)
    sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", effect=EndSnapshots(state="error")))

    operations = lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")["operations"]

    assert [each["status"] for each in operations] == ["Failed", "Failed"]
    assert lightsail.get_disk_snapshots()["diskSnapshots"][0]["state"] == "error"


def test_a_scripted_failure_does_not_make_an_invalid_call_valid(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.add_faults(FaultRule(effect=FailOperation()))

    with refused("NotFoundException"):
        lightsail.delete_disk(diskName="gone")


def test_a_throttle_lets_so_many_calls_through_in_any_second() -> None:
    script = FaultScript()
    script.add([FaultRule(effect=Throttle(per_second=2))])

    def is_throttled(now: float) -> bool:
        return bool(script.effects("GetDisks", "eu-central-1", "111122223333", frozenset(), now))

    assert [is_throttled(now) for now in (10.0, 10.5, 10.9, 11.1, 11.2, 11.6)] == [
        False,
        False,
        True,
        False,
        True,
        False,
    ]


def test_a_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    script = FaultScript()
    script.add([FaultRule(effect=Throttle(per_second=2, burst=3))])

    def is_throttled(now: float) -> bool:
        return bool(script.effects("GetDisks", "eu-central-1", "111122223333", frozenset(), now))

    assert [is_throttled(now) for now in (10.0, 10.0, 10.0, 10.1, 10.6, 10.7, 99.0, 99.0, 99.0, 99.0)] == [
        *[False] * 3,
        True,
        False,
        True,
        *[False] * 3,
        True,
    ]


def test_throttled_calls_are_refused(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.add_faults(FaultRule(operation="GetDisks", effect=Throttle(per_second=0)))

    with refused("ThrottlingException", "Rate exceeded"):
        lightsail.get_disks()


def test_botocore_waits_and_repeats_what_was_throttled(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    sandbox.clear_calls()
    sandbox.add_faults(FaultRule(calls=(1,), effect=ErrorAnswer(code="ThrottlingException")))

    with closing(make_client(sandbox, attempts=2)) as patient:
        assert len(patient.get_disks()["disks"]) == 1

    assert [call.error for call in sandbox.calls()] == ["ThrottlingException", None]


def test_a_held_answer_waits_until_the_faults_are_cleared(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    add_disk(lightsail)
    sandbox.clear_calls()
    sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", effect=HoldAnswer()))
    asking = threading.Thread(
        target=lightsail.create_disk_snapshot, kwargs={"diskName": "data", "diskSnapshotName": "data-1"}
    )
    asking.start()

    [call] = sandbox.wait_for_call(1)
    assert (call.took_effect, call.answer) == (True, "on its way")
    sandbox.clear_faults()
    asking.join()

    assert sandbox.calls()[0].answer == "sent"


def test_a_held_call_waits_before_it_takes_effect_so_that_something_can_happen_first(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    sandbox.clear_calls()
    sandbox.add_faults(FaultRule(operation="CreateDiskSnapshot", calls=(1,), effect=HoldCall()))
    with _asking(lightsail.create_disk_snapshot, diskName="data", diskSnapshotName="data-1") as outcome:
        [held] = sandbox.wait_for_held()
        assert (held.operation, held.region, held.access_key_id) == ("CreateDiskSnapshot", REGION, "sandbox")
        assert held.parameters["diskName"] == "data"
        assert sandbox.calls() == ()

        sandbox.seed([Seed(kind="Disk", name="data-1")])
        sandbox.clear_faults()

    assert "already in use: data-1" in str(outcome.error)
    assert sandbox.held() == ()
    assert [call.error for call in sandbox.calls()] == ["InvalidInputException"]


def test_a_held_call_takes_effect_at_the_time_at_which_it_goes_on(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    sandbox.clear_calls()
    sandbox.add_faults(FaultRule(operation="TagResource", effect=HoldCall()))
    with _asking(lightsail.tag_resource, resourceName="data", tags=[{"key": "slow"}]) as outcome:
        sandbox.wait_for_held()
        lightsail.create_disk_snapshot(diskName="data", diskSnapshotName="data-1")
        sandbox.advance(timedelta(hours=1))
        sandbox.release()

    assert outcome.error is None
    assert [(call.operation, call.at) for call in sandbox.calls()] == [
        ("CreateDiskSnapshot", NOON),
        ("TagResource", NOON + timedelta(hours=1)),
    ]


def test_what_is_released_leaves_the_rules_in_force(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    rule = FaultRule(operation="GetDisks", effect=HoldCall())
    sandbox.add_faults(rule)

    for _ in range(2):
        with _asking(lightsail.get_disks) as outcome:
            sandbox.wait_for_held()
            sandbox.release()
        assert outcome.error is None
    assert sandbox.faults() == (rule,)


def test_what_is_released_is_held_no_more_even_before_it_has_gone_on(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    sandbox.add_faults(
        FaultRule(operation="GetDisks", effect=HoldCall()), FaultRule(operation="GetDisks", effect=HoldAnswer())
    )
    with _asking(lightsail.get_disks) as outcome:
        sandbox.wait_for_held()
        sandbox.release()
        assert sandbox.held() == ()
        [call] = sandbox.wait_for_call(1)
        assert call.answer == "on its way", "the answer is held after the call"
        sandbox.release()

    assert outcome.error is None


def test_a_call_can_be_held_for_a_while(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.add_faults(FaultRule(operation="GetDisks", effect=HoldCall(seconds=0.05)))

    lightsail.get_disks()

    assert sandbox.calls()[0].duration_ms >= 50
    assert sandbox.held() == ()


def test_a_call_that_is_held_while_the_sandbox_is_reset_never_takes_effect(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    sandbox.add_faults(FaultRule(operation="CreateDisk", effect=HoldCall()))
    with _asking(lightsail.create_disk, diskName="data", availabilityZone=ZONE, sizeInGb=8) as outcome:
        sandbox.wait_for_held()
        sandbox.reset()

    assert isinstance(outcome.error, ConnectionClosedError)
    assert (sandbox.entries(), sandbox.calls()) == ((), ())


def test_a_region_can_hang_while_others_and_the_control_interface_answer(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    sandbox.add_faults(FaultRule(region="us-east-1", effect=Hang()))
    with (
        closing(make_client(sandbox, "us-east-1")) as elsewhere,
        _asking(elsewhere.create_disk, diskName="data", availabilityZone="us-east-1a", sizeInGb=8) as outcome,
    ):
        [hanging] = sandbox.wait_for_call(1)
        add_disk(lightsail)
        assert (hanging.operation, hanging.answer, hanging.took_effect) == ("CreateDisk", "on its way", False)
        assert (hanging.status, hanging.error) == (0, None)
        sandbox.clear_faults()

    assert isinstance(outcome.error, ConnectionClosedError)
    assert sandbox.calls()[0].answer == "lost"
    assert [entry.region for entry in sandbox.entries()] == [REGION]


def test_a_client_gives_up_on_a_call_that_hangs_and_it_never_takes_effect(sandbox: Sandbox) -> None:
    sandbox.add_faults(FaultRule(calls=(1,), effect=Hang()))
    with closing(make_client(sandbox, read_timeout=0.1)) as hasty, pytest.raises(ReadTimeoutError):
        hasty.create_disk(diskName="data", availabilityZone=ZONE, sizeInGb=8)

    sandbox.clear_faults()

    assert sandbox.entries() == ()


def test_a_call_can_hang_for_a_while(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.add_faults(FaultRule(effect=Hang(seconds=0.05)))

    with pytest.raises(ConnectionClosedError):
        lightsail.get_disks()

    assert sandbox.calls()[0].duration_ms >= 50


def test_somebody_else_can_call_right_before_a_call_takes_effect(
    sandbox: Sandbox, lightsail: "LightsailClient"
) -> None:
    add_disk(lightsail)
    for number in (1, 2):
        lightsail.create_disk_snapshot(diskName="data", diskSnapshotName=f"data-{number}")
    sandbox.clear_calls()
    hold = Meanwhile(
        operation="TagResource",
        parameters={"resourceName": "data-2", "tags": [{"key": "hold"}]},
        access_key_id="THE-BOSS",
    )
    sandbox.add_faults(FaultRule(operation="DeleteDiskSnapshot", calls=(2,), effect=hold))
    unheld = {"Null": {"aws:ResourceTag/hold": "true"}}
    sandbox.enforce_role({"Statement": [allow(condition=unheld), allow("lightsail:Get*")]})

    lightsail.delete_disk_snapshot(diskSnapshotName="data-1")
    with refused("AccessDeniedException"):
        lightsail.delete_disk_snapshot(diskSnapshotName="data-2")

    assert [(entry.name, entry.tags) for entry in sandbox.entries() if entry.state] == [("data-2", {"hold": ""})]
    assert [(call.operation, call.access_key_id, call.took_effect) for call in sandbox.calls()] == [
        ("DeleteDiskSnapshot", "sandbox", True),
        ("TagResource", "THE-BOSS", True),
        ("DeleteDiskSnapshot", "sandbox", False),
    ]


def test_what_somebody_else_could_not_do_is_on_record(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    delete = Meanwhile(operation="DeleteDisk", parameters={"diskName": "gone"})
    sandbox.add_faults(FaultRule(effect=delete))

    assert lightsail.get_disks()["disks"] == []

    [other, own] = sandbox.calls()
    assert (other.operation, other.access_key_id) == ("DeleteDisk", "somebody")
    assert (other.error, other.took_effect, other.answer) == ("NotFoundException", False, "sent")
    assert (own.operation, own.error) == ("GetDisks", None)


_LISTS: dict[str, "Kind"] = {
    "get_disks": "Disk",
    "get_instances": "Instance",
    "get_relational_databases": "RelationalDatabase",
    "get_disk_snapshots": "DiskSnapshot",
    "get_instance_snapshots": "InstanceSnapshot",
    "get_relational_database_snapshots": "RelationalDatabaseSnapshot",
}


@pytest.mark.parametrize("operation", _LISTS)
def test_a_list_can_be_answered_empty_although_all_is_there(
    sandbox: Sandbox, lightsail: "LightsailClient", operation: str
) -> None:
    sandbox.seed(
        Seed(kind=kind, name=kind, source=kind.removesuffix("Snapshot") if kind.endswith("Snapshot") else None)
        for kind in _LISTS.values()
    )
    words = "".join(word.capitalize() for word in operation.split("_"))
    sandbox.add_faults(FaultRule(operation=words, effect=ShortList()))

    for name in _LISTS:
        [found] = [value for value in getattr(lightsail, name)().values() if isinstance(value, list)]
        assert len(found) == (0 if name == operation else 1)
    assert (sandbox.calls()[0].status, len(sandbox.entries())) == (200, len(_LISTS))


@pytest.mark.parametrize(("entries", "pages"), [(0, [0]), (2, [2]), (3, [2, 1]), (5, [2, 2, 1]), (9, [2, 2, 1])])
def test_a_list_can_end_after_so_many_entries_whatever_the_pages(
    sandbox: Sandbox, lightsail: "LightsailClient", entries: int, pages: list[int]
) -> None:
    sandbox.seed(Seed(kind="Disk", name=f"disk-{number}") for number in range(5))
    sandbox.set_options(page_size=2)
    sandbox.add_faults(FaultRule(operation="GetDisks", effect=ShortList(entries=entries)))

    answers = list(lightsail.get_paginator("get_disks").paginate())

    names = [disk["name"] for page in answers for disk in page["disks"]]
    assert [len(page["disks"]) for page in answers] == pages
    assert names == [f"disk-{number}" for number in range(min(entries, 5))]
    assert [(call.items, call.more) for call in sandbox.calls()] == [
        (size, number < len(pages)) for number, size in enumerate(pages, start=1)
    ]


def test_a_list_can_end_in_the_middle_of_its_pages(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.seed(Seed(kind="Disk", name=f"disk-{number}") for number in range(5))
    sandbox.set_options(page_size=2)
    sandbox.add_faults(FaultRule(operation="GetDisks", calls=(2,), effect=ShortList(entries=0)))

    answers = list(lightsail.get_paginator("get_disks").paginate())

    assert [len(page["disks"]) for page in answers] == [2, 0]


def test_waiting_for_a_call_that_does_not_come_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="number 1"):
        sandbox.wait_for_call(1, timedelta(milliseconds=1))
    with pytest.raises(SandboxError, match="fewer than 1 held"):
        sandbox.wait_for_held(1, timedelta(milliseconds=1))


def test_cleared_faults_strike_no_more(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    rule = FaultRule(operation="GetDisks", calls=(1, 2), effect=ErrorAnswer(code="ServiceException"))
    sandbox.add_faults(rule)
    assert sandbox.faults() == (rule,)

    sandbox.clear_faults()

    lightsail.get_disks()
    assert sandbox.faults() == ()


def test_a_rule_that_cannot_be_read_is_refused_in_words(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="expected an object whose `type` is one of error, lose_answer"):
        FaultRule.from_json({"effect": {"type": "explode"}})
    with pytest.raises(ValueError, match="has no 'opration'"):
        FaultRule.from_json({"opration": "GetDisks", "effect": {"type": "lose_answer"}})
    with pytest.raises(ValueError, match="An instance cannot be made to end as 'broken'; expected pending, error"):
        EndInstances(state="broken")  # type: ignore[arg-type] # what this test is about
    with pytest.raises(ValueError, match="cannot be made to end as 'broken'"):
        FaultRule.from_json({"effect": {"type": "snapshot_ends", "state": "broken"}})
    with pytest.raises(ValueError, match="cannot be cut to -1 entries"):
        FaultRule.from_json({"effect": {"type": "short_list", "entries": -1}})
    for effect in ("hang", "hold_call"):
        with pytest.raises(ValueError, match="cannot wait for -1 seconds"):
            FaultRule.from_json({"effect": {"type": effect, "seconds": -1}})
    with pytest.raises(SandboxError, match="no operation 'Destroy'"):
        sandbox.add_faults(FaultRule(effect=Meanwhile(operation="Destroy", parameters={})))
    with pytest.raises(SandboxError, match="no operation 'GetDisk5'"):
        sandbox.add_faults(FaultRule(operation="GetDisk5", effect=LoseAnswer()))
    assert sandbox.faults() == ()
