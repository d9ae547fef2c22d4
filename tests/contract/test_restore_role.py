"""What a person needs to restore, as docs/security.md says it: enough for every call of a restore, and no more."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import count
from typing import Any

import boto3
import pytest

from lightkeeper.kinds import LISTINGS, SourceKind
from lightkeeper.lightsail import Lightsail, connect
from lightkeeper.restore import read_places, restore
from lightkeeper.restore_fleet import plan_fleet
from lightkeeper.restore_plan import plan_restore
from lightkeeper.restore_steps import Attachment, Request, Restored, RestorePlan, StepResult
from lightkeeper.run import run_regions
from lightsail_sandbox.client import ErrorAnswer, FaultRule
from tests.support.asking import refused
from tests.support.keeper import DAY, REGION, Keeper, console, did, noop, other_runs
from tests.support.members import policy as policy_of
from tests.support.members import roles
from tests.support.members import template as member_template
from tests.support.policy_documents import PERSON, actions, policy_under, sids, without
from tests.support.synth import CALENDAR, KEEPER, lightsail_policy, template

pytestmark = pytest.mark.xdist_group("stack")
AWAY = "eu-north-1"
POLICY = policy_under("Restoring")


@pytest.fixture
def fleet(keeper: Keeper) -> Keeper:
    """An instance, a disk and a database with all that a recipe can hold, and a recovery point of each."""
    keeper.instance("web", {"backup": "daily"})
    keeper.disk("data", {"backup": "daily"})
    keeper.database("till", {"backup": "daily"}, window="16:00-16:30")
    user = keeper.user
    user.put_instance_public_ports(
        instanceName="web",
        portInfos=[{"fromPort": 443, "toPort": 443, "protocol": "tcp", "cidrs": ["203.0.113.0/24"], "ipv6Cidrs": []}],
    )
    user.update_instance_metadata_options(instanceName="web", httpTokens="required")
    user.allocate_static_ip(staticIpName="shop-window")
    user.attach_static_ip(staticIpName="shop-window", instanceName="web")
    keeper.run()
    keeper.sandbox.advance(timedelta(hours=1))
    return keeper


def bring_back(keeper: Keeper, policy: Mapping[str, Any], *, tag_on_create: bool = True) -> tuple[Restored, ...]:
    """Restore the whole fleet beside itself, by a person who may do what a policy says."""
    sandbox = keeper.sandbox
    sandbox.enforce_role(policy, access_key_id=PERSON, tag_on_create=tag_on_create, missing_resource="untagged")
    regions = other_runs(keeper, PERSON)
    places = read_places(regions)
    requests = [
        Request("web", name="web-2", move_address=True),
        Request("data", name="data-2", attach=Attachment("web", "/dev/xvdk")),
        Request("till", name="till-2"),
    ]
    plans = [plan_restore(request, places, keeper.settings, sandbox.now()) for request in requests]
    assert [plan.problems for plan in plans] == [(), (), ()]
    return bring_back_plans(keeper, regions, plans)


def bring_back_plans(
    keeper: Keeper, regions: Mapping[str, Lightsail], plans: Sequence[RestorePlan]
) -> tuple[Restored, ...]:
    """Do what plans say, by the sandbox's clock."""
    return restore(
        plans,
        regions,
        now=keeper.sandbox.now,
        clock=clock_of(keeper),
        on_step=lambda _plan, _step, _outcome: None,
        pause=lambda seconds: keeper.sandbox.advance(timedelta(seconds=max(seconds, 60))),
    )


def copy_everything(keeper: Keeper) -> None:
    """Have a run copy what was taken of the instance and the disk to another Region."""
    keeper.configure(copies={AWAY: {"schedule": "0 5 * * *", "keep": "3"}})
    for name in ("web", "data"):
        keeper.tag(name, "backup:copy")
    targets = connect([AWAY], max_concurrency=4, endpoint_url=keeper.sandbox.url)
    run_regions(
        keeper.regions,
        keeper.settings,
        keeper.sandbox.now(),
        seconds_left=lambda: 900.0,
        on_outcome=noop,
        targets=targets,
    )
    keeper.sandbox.advance(timedelta(hours=1))


def clock_of(keeper: Keeper) -> Callable[[], float]:
    """Return the sandbox's clock; like any other it has gone on when it is looked at again."""
    looks = count()
    return lambda: keeper.sandbox.now().timestamp() + next(looks) / 1000


def errors(ended: Sequence[Restored]) -> Iterator[str]:
    for each in ended:
        yield from (outcome.error for outcome in each.outcomes if outcome.result is StepResult.FAILED and outcome.error)
        if each.error:
            yield each.error


@pytest.mark.parametrize("tag_on_create", [False, True])
def test_it_is_enough_for_a_full_restore_and_names_no_call_that_this_does_not_make(
    fleet: Keeper, *, tag_on_create: bool
) -> None:
    ended = bring_back(fleet, POLICY, tag_on_create=tag_on_create)

    assert [*errors(ended)] == []
    made = {call.operation for call in fleet.sandbox.calls() if call.access_key_id == PERSON}
    assert {f"lightsail:{operation}" for operation in made} == actions(POLICY)
    web = fleet.user.get_instance(instanceName="web-2")["instance"]
    assert [(port["fromPort"], port["cidrs"]) for port in web["networking"]["ports"]] == [(443, ["203.0.113.0/24"])]
    assert web["metadataOptions"]["httpTokens"] == "required"
    assert fleet.user.get_static_ip(staticIpName="shop-window")["staticIp"]["attachedTo"] == "web-2"
    assert fleet.user.get_disk(diskName="data-2")["disk"]["attachedTo"] == "web"


@pytest.mark.parametrize("tag_on_create", [False, True])
def test_who_has_the_operator_role_of_another_account_runs_and_restores_there_and_has_no_more(
    fleet: Keeper, *, tag_on_create: bool
) -> None:
    operator = policy_of(roles(member_template())["Lightkeeper-member-operator"])
    fleet.user.create_disk_snapshot(diskName="data", diskSnapshotName="mine")

    ended = bring_back(fleet, operator, tag_on_create=tag_on_create)

    assert [*errors(ended)] == []
    fleet.sandbox.advance(DAY)
    fleet.regions = other_runs(fleet, PERSON)
    run = fleet.run()
    assert run.failures == ()
    assert {(action, result) for action, _, result in did(run)} == {("create", "done")}
    options = fleet.sandbox.client_options(REGION)
    options["aws_access_key_id"] = PERSON
    with closing(boto3.client("lightsail", **options)) as person:
        for operation, parameters in (
            ("delete_disk_snapshot", {"diskSnapshotName": "mine"}),
            ("delete_disk", {"diskName": "data-2"}),
            ("delete_instance", {"instanceName": "web"}),
            ("stop_instance", {"instanceName": "web"}),
        ):
            with refused("AccessDeniedException"):
                getattr(person, operation)(**parameters)


@pytest.mark.parametrize("tag_on_create", [False, True])
@pytest.mark.parametrize("role", ["document", "operator"])
def test_it_is_enough_for_a_restore_from_copies_alone(fleet: Keeper, role: str, *, tag_on_create: bool) -> None:
    """What is made, and the address that waits for it, are in another Region than home, where every call is refused."""
    policy = POLICY if role == "document" else policy_of(roles(member_template())["Lightkeeper-member-operator"])
    copy_everything(fleet)
    fleet.sandbox.add_faults(FaultRule(effect=ErrorAnswer(code="ServiceException"), region=REGION))
    fleet.sandbox.enforce_role(policy, access_key_id=PERSON, tag_on_create=tag_on_create, missing_resource="untagged")
    with closing(console(fleet.sandbox, AWAY)) as user, pytest.MonkeyPatch.context() as patch:
        user.allocate_static_ip(staticIpName="shop-window")
        patch.setenv("AWS_ACCESS_KEY_ID", PERSON)
        regions = connect([AWAY], max_concurrency=4, endpoint_url=fleet.sandbox.url)

        plans = plan_fleet(read_places(regions), fleet.settings, fleet.sandbox.now(), gone=True)
        ended = bring_back_plans(fleet, regions, plans)

        assert [*errors(ended)] == []
        assert {plan.source: plan.problems for plan in plans} == {"web": (), "data": ()}
        web = user.get_instance(instanceName=plans[0].resource)["instance"]
        assert [(port["fromPort"], port["cidrs"]) for port in web["networking"]["ports"]] == [(443, ["203.0.113.0/24"])]
        assert web["metadataOptions"]["httpTokens"] == "required"
        assert user.get_static_ip(staticIpName="shop-window")["staticIp"]["attachedTo"] == web["name"]


@pytest.mark.parametrize("sid", [sid for sid in sids(POLICY) if sid != "Read"])
def test_each_statement_is_needed(fleet: Keeper, sid: str) -> None:
    ended = bring_back(fleet, without(POLICY, sid))

    refused = [*errors(ended)]
    assert refused, "a restore without that statement fails"
    assert all("not authorized to perform: lightsail:" in error for error in refused)


def test_without_the_lists_nothing_can_be_read(fleet: Keeper) -> None:
    fleet.sandbox.enforce_role(without(POLICY, "Read"), access_key_id=PERSON)

    (place,) = read_places(other_runs(fleet, PERSON))

    assert place.snapshots == ()
    lists = actions({"Statement": [statement for statement in POLICY["Statement"] if statement["Sid"] == "Read"]})
    refused = {found[0] for failure in place.failures if (found := re.findall(r"perform: (lightsail:\w+)", failure))}
    assert refused == lists


def test_what_was_not_restored_is_out_of_reach(fleet: Keeper) -> None:
    """The living instance is nobody's to change, nor is a snapshot that a person took by hand."""
    fleet.user.create_disk_snapshot(diskName="data", diskSnapshotName="mine")
    fleet.sandbox.advance(timedelta(hours=1))
    fleet.sandbox.enforce_role(POLICY, access_key_id=PERSON)
    regions = other_runs(fleet, PERSON)
    places = read_places(regions)
    plan = plan_restore(
        Request("data", kind=SourceKind.DISK, snapshot="mine", name="data-3"),
        places,
        fleet.settings,
        fleet.sandbox.now(),
    )

    ended = restore(
        [plan],
        regions,
        now=fleet.sandbox.now,
        clock=clock_of(fleet),
        on_step=lambda _plan, _step, _outcome: None,
        pause=lambda seconds: fleet.sandbox.advance(timedelta(seconds=max(seconds, 60))),
    )

    assert any("lightsail:CreateDiskFromSnapshot" in error for error in errors(ended))
    assert regions.keys() == {REGION}


@pytest.mark.parametrize("handler", [KEEPER, CALENDAR])
def test_neither_function_may_restore_anything(handler: str) -> None:
    allowed = actions(lightsail_policy(template(), handler))

    restoring = actions(POLICY) - {f"lightsail:{listing}" for listing in LISTINGS} - {"lightsail:TagResource"}
    assert not restoring & allowed
