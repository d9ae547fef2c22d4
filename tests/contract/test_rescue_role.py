"""What a person needs to rescue automatic snapshots, as docs/security.md says: enough for every call, and no more."""

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

import boto3
import pytest

from lightkeeper.faults import CallError
from lightkeeper.kinds import LISTINGS
from lightkeeper.rescue import Rescued, Stage, prepare, rescue
from tests.support.asking import refused
from tests.support.keeper import DAY, REGION, Keeper, noop, other_runs
from tests.support.members import policy as policy_of
from tests.support.members import roles
from tests.support.members import template as member_template
from tests.support.policy_documents import PERSON, actions, policy_under, sids, without
from tests.support.synth import CALENDAR, KEEPER, lightsail_policy, template

pytestmark = pytest.mark.xdist_group("stack")
POLICY = policy_under("Rescuing")


@pytest.fixture
def fleet(keeper: Keeper) -> Keeper:
    """A server and a disk of which Lightsail keeps two days."""
    keeper.instance("web", {"customer": "bakery"})
    keeper.disk("data", {"backup": "off"})
    for name in ("web", "data"):
        keeper.user.enable_add_on(
            resourceName=name,
            addOnRequest={"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "06:00"}},
        )
    keeper.sandbox.advance(2 * DAY)
    return keeper


def save(keeper: Keeper, policy: Mapping[str, Any]) -> list[Rescued]:
    """Rescue what there is, by a person who may do what a policy says."""
    sandbox = keeper.sandbox
    sandbox.enforce_role(policy, access_key_id=PERSON, missing_resource="untagged")
    regions = other_runs(keeper, PERSON)
    ended: list[Rescued] = []
    for name in ("web", "data"):
        plan = prepare(
            regions,
            keeper.settings,
            sandbox.now(),
            name,
            kind=None,
            hold="",
            every_day=False,
            seconds_left=lambda: 900.0,
        )
        ended += rescue(
            plan,
            regions[REGION],
            keeper.settings,
            seconds_left=lambda: 900.0,
            pause=lambda seconds: sandbox.advance(timedelta(seconds=seconds)),
            on_stage=noop,
        )
    return ended


def test_it_is_enough_for_a_rescue_and_names_no_call_that_this_does_not_make(fleet: Keeper) -> None:
    fleet.sandbox.set_options(copy_seconds=60)

    ended = save(fleet, POLICY)

    assert [rescued.stage for rescued in ended] == 4 * [Stage.COMPLETE]
    made = {call.operation for call in fleet.sandbox.calls() if call.access_key_id == PERSON}
    assert {f"lightsail:{operation}" for operation in made} == actions(POLICY)


def test_who_has_the_operator_role_of_another_account_rescues_there(fleet: Keeper) -> None:
    ended = save(fleet, policy_of(roles(member_template())["Lightkeeper-member-operator"]))

    assert [rescued.stage for rescued in ended] == 4 * [Stage.COMPLETE]


@pytest.mark.parametrize("sid", [sid for sid in sids(POLICY) if sid != "ReadForARescue"])
def test_each_statement_is_needed(fleet: Keeper, sid: str) -> None:
    ended = save(fleet, without(POLICY, sid))

    assert {rescued.stage for rescued in ended} == {Stage.FAILED}
    assert all("expected permission for lightsail:" in (rescued.error or "") for rescued in ended)


def test_what_cannot_be_read_is_not_rescued_by_guess(fleet: Keeper) -> None:
    reads = {"Sid": "Lists", "Effect": "Allow", "Resource": "*", "Action": [f"lightsail:{each}" for each in LISTINGS]}
    lists = {"Version": "2012-10-17", "Statement": [reads]}

    with pytest.raises(CallError, match="expected permission for lightsail:GetAutoSnapshots"):
        save(fleet, lists)


def test_no_snapshot_changes_its_owner_and_nothing_is_marked_or_deleted(fleet: Keeper) -> None:
    fleet.tag("web", "backup", "daily")
    fleet.run()
    (ours,) = fleet.snapshots("web")
    fleet.user.create_disk_snapshot(diskName="data", diskSnapshotName="mine")
    fleet.sandbox.enforce_role(POLICY, access_key_id=PERSON)
    options = fleet.sandbox.client_options(REGION)
    options["aws_access_key_id"] = PERSON
    as_ours = [
        {"key": "lightkeeper:owner", "value": "Lightkeeper"},
        {"key": "lightkeeper:taken", "value": "2026-06-15T06:00:00Z"},
    ]
    marked = [*as_ours, {"key": "lightkeeper:expires", "value": "2026-06-15T06:00:00Z"}]
    with closing(boto3.client("lightsail", **options)) as person:
        for operation, parameters in (
            ("tag_resource", {"resourceName": ours, "tags": as_ours}),
            ("tag_resource", {"resourceName": "mine", "tags": marked}),
            ("tag_resource", {"resourceName": "web", "tags": as_ours}),
            ("delete_disk_snapshot", {"diskSnapshotName": "mine"}),
            ("delete_instance", {"instanceName": "web"}),
        ):
            with refused("AccessDeniedException"):
                getattr(person, operation)(**parameters)


@pytest.mark.parametrize("handler", [KEEPER, CALENDAR])
def test_neither_function_may_rescue_anything(handler: str) -> None:
    assert "lightsail:CopySnapshot" not in actions(lightsail_policy(template(), handler))
    assert "lightsail:GetAutoSnapshots" not in actions(lightsail_policy(template(), handler))
