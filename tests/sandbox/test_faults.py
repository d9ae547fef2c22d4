import threading
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ConnectionClosedError

from sandbox.client import (
    EndSnapshots,
    ErrorAnswer,
    FailOperation,
    FaultRule,
    HoldAnswer,
    LoseAnswer,
    Sandbox,
    SandboxError,
    Throttle,
)
from sandbox.faults import FaultScript
from tests.sandbox.asking import CODES, add_disk, make_client, refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient


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
        return bool(script.effects("GetDisks", "eu-central-1", frozenset(), now))

    assert [is_throttled(now) for now in (10.0, 10.5, 10.9, 11.1, 11.2, 11.6)] == [
        False,
        False,
        True,
        False,
        True,
        False,
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


def test_waiting_for_a_call_that_does_not_come_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="number 1"):
        sandbox.wait_for_call(1, timedelta(milliseconds=1))


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
    with pytest.raises(ValueError, match="cannot be made to end as 'broken'"):
        FaultRule.from_json({"effect": {"type": "snapshot_ends", "state": "broken"}})
    with pytest.raises(SandboxError, match="no operation 'GetDisk5'"):
        sandbox.add_faults(FaultRule(operation="GetDisk5", effect=LoseAnswer()))
    assert sandbox.faults() == ()
