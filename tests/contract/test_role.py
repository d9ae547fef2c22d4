"""The function's role, enforced: enough for everything Lightkeeper does, and for nothing else."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal, assert_never

import boto3
import pytest

from lightkeeper.actions import Result
from lightkeeper.run import Run
from lightkeeper.tags import EXPIRES, NAME, OWNER, SLOT, SOURCE
from lightsail_sandbox.client import ErrorAnswer, FaultRule, LoseAnswer, Sandbox, Seed
from tests.support.asking import refused
from tests.support.functions import widget
from tests.support.keeper import DAY, HOUR, REGION, Keeper, count
from tests.support.members import policy as policy_of
from tests.support.members import roles
from tests.support.members import template as member_template
from tests.support.policy_documents import actions
from tests.support.synth import CALENDAR, lightsail_policy, template

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.usefixtures("fresh_calendar")]


# AWS does not quite say whether a create with tags is judged as TagResource too: the default role is for both worlds.
WORLDS = pytest.mark.parametrize("tag_on_create", [False, True])
SnapshotKind = Literal["DiskSnapshot", "InstanceSnapshot", "RelationalDatabaseSnapshot"]
MARK = {"key": EXPIRES, "value": "2026-06-16T12:00:00Z"}


@pytest.fixture(scope="module")
def policy() -> dict[str, Any]:
    """What the synthesized template lets the function do in Lightsail."""
    return lightsail_policy(template())


@pytest.fixture(scope="module")
def strict() -> dict[str, Any]:
    """What it lets the function do where it may not tag at creates."""
    return lightsail_policy(template(tagOnCreate=False))


@pytest.fixture
def function(sandbox: Sandbox, policy: dict[str, Any]) -> Iterator["LightsailClient"]:
    """A client with the function's own credentials; everybody else may do everything."""
    sandbox.enforce_role(policy, access_key_id="FUNCTION")
    options = sandbox.client_options(REGION)
    options["aws_access_key_id"] = "FUNCTION"
    with closing(boto3.client("lightsail", **options)) as client:
        yield client


def plant(keeper: Keeper, kind: SnapshotKind, **tags: dict[str, str]) -> None:
    """Plant snapshots that bear these tags beside those that are ours by owner, source and slot."""
    match kind:
        case "DiskSnapshot":
            source, arn = "shop", keeper.disk("shop", {})
        case "InstanceSnapshot":
            source, arn = "web", keeper.instance("web", {})
        case "RelationalDatabaseSnapshot":
            source, arn = "orders", keeper.database("orders", {})
        case _:
            assert_never(kind)
    ours = {OWNER: "Lightkeeper", SOURCE: arn, SLOT: "2026-06-15T03:00:00Z"}
    keeper.sandbox.seed([Seed(kind=kind, name=name, source=source, tags=ours | more) for name, more in tags.items()])


def life(keeper: Keeper, policy: dict[str, Any], *, tag_on_create: bool) -> list[Run]:
    """Live through a week with everything in it that a role must allow."""

    def enforce() -> None:
        keeper.sandbox.enforce_role(policy, tag_on_create=tag_on_create, missing_resource="untagged")

    keeper.configure(grace="1d", orphans="expire", maxDeletesPerSource=10)
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3", "team": "sales"})
    keeper.instance("web", {"backup": "daily", "backup:keep": "3"})
    keeper.instance("mail", {"backup": "daily", "backup:keep": "3", "backup:mode": "system-disk"})
    keeper.database("orders", {"backup": "daily", "backup:keep": "3"})
    enforce()
    # A retry of a create that had succeeded looks the name up.
    keeper.sandbox.add_faults(
        FaultRule(operation="CreateDiskSnapshot", calls=(1,), effect=LoseAnswer()),
        FaultRule(operation="CreateInstanceSnapshot", calls=(1,), effect=LoseAnswer()),
        FaultRule(operation="CreateRelationalDatabaseSnapshot", calls=(1,), effect=LoseAnswer()),
    )
    runs = [keeper.run(), *keeper.live(6 * DAY)]
    keeper.sandbox.enforce_role(None)
    keeper.tag("shop", "backup:keep", "7")
    enforce()
    return [*runs, keeper.run()]


def assert_complete(keeper: Keeper, policy: dict[str, Any], runs: list[Run]) -> None:
    assert [failure for run in runs for failure in run.failures] == []
    done = {
        kind: sum(count(run, kind) for run in runs)
        for kind in ("create", "schedule-deletion", "cancel-deletion", "delete")
    }
    assert done["create"] == 28
    assert all(done.values()), done
    asked = {f"lightsail:{call.operation}" for call in keeper.sandbox.calls()}
    assert asked == actions(policy), "and every permission was needed"


@WORLDS
def test_a_life_of_backups_needs_no_more_than_the_role_allows(
    keeper: Keeper, policy: dict[str, Any], *, tag_on_create: bool
) -> None:
    assert_complete(keeper, policy, life(keeper, policy, tag_on_create=tag_on_create))


@WORLDS
def test_nor_does_one_in_another_account_need_more_than_the_role_there(keeper: Keeper, *, tag_on_create: bool) -> None:
    member = policy_of(roles(member_template())["Lightkeeper-member"])

    assert_complete(keeper, member, life(keeper, member, tag_on_create=tag_on_create))


def test_where_creates_are_not_judged_as_tags_the_strict_role_is_enough(keeper: Keeper, strict: dict[str, Any]) -> None:
    assert_complete(keeper, strict, life(keeper, strict, tag_on_create=False))


def test_where_creates_are_judged_as_tags_the_strict_role_is_refused_by_name(
    keeper: Keeper, strict: dict[str, Any]
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.enforce_role(strict, tag_on_create=True)

    (outcome,) = keeper.run().outcomes

    assert outcome.result is Result.FAILED
    assert "lightsail:TagResource" in (outcome.error or "")
    assert keeper.snapshots() == {}


def test_the_calendar_needs_no_more_than_its_own_role_allows_and_can_write_nothing(
    keeper: Keeper, function: "LightsailClient"
) -> None:
    keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    (ours,) = keeper.snapshots()
    keeper.sandbox.enforce_role(lightsail_policy(template(), CALENDAR), access_key_id="FUNCTION")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "FUNCTION")
        html = widget()

    # Everything was read; the snapshot is pending.
    assert "0 of 1 source protected; 1 waiting for a first recovery point." in html
    with refused("AccessDeniedException", "lightsail:DeleteDiskSnapshot"):
        function.delete_disk_snapshot(diskSnapshotName=ours)
    with refused("AccessDeniedException", "lightsail:TagResource"):
        function.tag_resource(resourceName=ours, tags=[{"key": "backup:hold"}])
    with refused("AccessDeniedException", "lightsail:CreateDiskSnapshot"):
        function.create_disk_snapshot(diskSnapshotName="new", diskName="shop", tags=[{"key": OWNER, "value": "x"}])


def test_who_looks_into_another_account_by_the_calendar_s_role_sees_all_and_can_write_nothing(
    keeper: Keeper, function: "LightsailClient"
) -> None:
    arn = keeper.disk("shop", {"backup": "daily"})
    keeper.run()
    (ours,) = keeper.snapshots()
    viewer = policy_of(roles(member_template())["Lightkeeper-member-viewer"])
    keeper.sandbox.enforce_role(viewer, access_key_id="FUNCTION")
    before = keeper.sandbox.entries()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "FUNCTION")
        html = widget()

    assert "0 of 1 source protected; 1 waiting for a first recovery point." in html
    tags = [{"key": OWNER, "value": "Lightkeeper"}, {"key": SOURCE, "value": arn}]
    for operation, parameters in (
        ("create_disk_snapshot", {"diskSnapshotName": "new", "diskName": "shop", "tags": tags}),
        ("delete_disk_snapshot", {"diskSnapshotName": ours}),
        ("tag_resource", {"resourceName": ours, "tags": [MARK]}),
        ("untag_resource", {"resourceName": ours, "tagKeys": [OWNER]}),
        ("delete_disk", {"diskName": "shop"}),
        ("allocate_static_ip", {"staticIpName": "new"}),
    ):
        with refused("AccessDeniedException"):
            getattr(function, operation)(**parameters)
    assert keeper.sandbox.entries() == before


def test_the_role_of_one_account_is_worth_nothing_in_another(keeper: Keeper) -> None:
    other = "222222222222"
    keeper.sandbox.enforce_role(policy_of(roles(member_template())["Lightkeeper-member"]), account=other)
    disk = Seed(kind="Disk", name="shop", account=other)
    of_ours = {OWNER: "Lightkeeper", EXPIRES: MARK["value"]}
    keeper.sandbox.seed([disk, Seed(kind="DiskSnapshot", name="ours", source="shop", tags=of_ours, account=other)])

    with (
        closing(boto3.client("lightsail", **keeper.sandbox.client_options(REGION, other))) as client,
        refused("AccessDeniedException", "lightsail:DeleteDiskSnapshot"),
    ):
        client.delete_disk_snapshot(diskSnapshotName="ours")


def test_what_is_not_ours_cannot_be_deleted_with_the_function_s_own_credentials(
    keeper: Keeper, function: "LightsailClient"
) -> None:
    keeper.disk("shop", {})
    keeper.instance("web", {})
    marked = {EXPIRES: MARK["value"]}
    keeper.sandbox.seed(
        [
            Seed(kind="DiskSnapshot", name="by-hand", source="shop", tags=marked),
            Seed(kind="DiskSnapshot", name="another-s", source="shop", tags=marked | {OWNER: "Another"}),
            Seed(kind="InstanceSnapshot", name="web-by-hand", source="web", tags=marked),
        ]
    )

    for name in ("by-hand", "another-s"):
        with refused("AccessDeniedException", "lightsail:DeleteDiskSnapshot"):
            function.delete_disk_snapshot(diskSnapshotName=name)
    with refused("AccessDeniedException", "lightsail:DeleteInstanceSnapshot"):
        function.delete_instance_snapshot(instanceSnapshotName="web-by-hand")
    assert set(keeper.snapshots()) == {"by-hand", "another-s", "web-by-hand"}


@pytest.mark.parametrize("kind", ["DiskSnapshot", "InstanceSnapshot", "RelationalDatabaseSnapshot"])
def test_aws_itself_refuses_to_delete_what_is_held_or_was_not_marked(
    keeper: Keeper, function: "LightsailClient", kind: SnapshotKind
) -> None:
    marked = {EXPIRES: MARK["value"]}
    held = {"backup:hold": ""}
    plant(
        keeper,
        kind,
        fresh={},
        marked=marked,
        held=held,
        both=marked | held,
        dated=marked | {"backup:hold": "2020-01-01"},
    )

    def delete(name: str) -> None:
        match kind:
            case "DiskSnapshot":
                function.delete_disk_snapshot(diskSnapshotName=name)
            case "InstanceSnapshot":
                function.delete_instance_snapshot(instanceSnapshotName=name)
            case "RelationalDatabaseSnapshot":
                function.delete_relational_database_snapshot(relationalDatabaseSnapshotName=name)
            case _:
                assert_never(kind)

    for name in ("fresh", "held", "both", "dated"):
        with refused("AccessDeniedException", f"lightsail:Delete{kind}"):
            delete(name)
    delete("marked")

    assert set(keeper.snapshots()) == {"fresh", "held", "both", "dated"}


def test_a_hold_under_another_tag_key_counts_where_the_deployment_has_that_key(
    keeper: Keeper, function: "LightsailClient"
) -> None:
    keeper.sandbox.enforce_role(lightsail_policy(template(tagKey="save")), access_key_id="FUNCTION")
    plant(keeper, "DiskSnapshot", held={EXPIRES: MARK["value"], "save:hold": ""}, other={EXPIRES: MARK["value"]})

    with refused("AccessDeniedException", "lightsail:DeleteDiskSnapshot"):
        function.delete_disk_snapshot(diskSnapshotName="held")
    function.delete_disk_snapshot(diskSnapshotName="other")

    assert set(keeper.snapshots()) == {"held"}


def test_ours_can_be_marked_and_unmarked_and_a_hold_that_is_over_taken_off_and_nothing_else(
    keeper: Keeper, function: "LightsailClient"
) -> None:
    plant(keeper, "DiskSnapshot", ours={"backup:hold": "2020-01-01", "team": "sales"})
    before = keeper.snapshots()["ours"]

    function.tag_resource(resourceName="ours", tags=[MARK])  # type: ignore[list-item] # a tag
    assert keeper.snapshots()["ours"] == before | {EXPIRES: MARK["value"]}
    function.untag_resource(resourceName="ours", tagKeys=[EXPIRES, "backup:hold"])
    for tags in ([{"key": "team", "value": "x"}], [MARK, {"key": SLOT, "value": "x"}], [{"key": "backup:hold"}]):
        with refused("AccessDeniedException", "lightsail:TagResource"):
            function.tag_resource(resourceName="ours", tags=tags)  # type: ignore[arg-type] # tags
    for keys in ([OWNER], ["team"], [EXPIRES, SOURCE], ["backup"]):
        with refused("AccessDeniedException", "lightsail:UntagResource"):
            function.untag_resource(resourceName="ours", tagKeys=keys)

    assert keeper.snapshots()["ours"] == {key: before[key] for key in before if key != "backup:hold"}


def test_what_is_not_ours_cannot_be_marked_nor_untagged(keeper: Keeper, function: "LightsailClient") -> None:
    keeper.disk("shop", {"backup": "daily"})
    tags_by_hand = {"team": "sales", "backup:hold": ""}
    keeper.sandbox.seed([Seed(kind="DiskSnapshot", name="by-hand", source="shop", tags=tags_by_hand)])
    owner = {"key": OWNER, "value": "Lightkeeper"}

    for name, tags in (
        ("by-hand", [MARK]),
        ("by-hand", [owner, MARK]),
        ("by-hand", [{"key": OWNER, "value": "Another"}]),
        ("shop", [{"key": "backup", "value": "off"}]),
        ("shop", [MARK]),
    ):
        with refused("AccessDeniedException", "lightsail:TagResource"):
            function.tag_resource(resourceName=name, tags=tags)  # type: ignore[arg-type] # tags
    for key in tags_by_hand:
        with refused("AccessDeniedException", "lightsail:UntagResource"):
            function.untag_resource(resourceName="by-hand", tagKeys=[key])
    assert keeper.snapshots() == {"by-hand": tags_by_hand}


def test_with_the_strict_role_what_is_not_ours_cannot_even_be_made_ours(
    keeper: Keeper, function: "LightsailClient", strict: dict[str, Any]
) -> None:
    arn = keeper.disk("shop", {"backup": "daily"})
    keeper.sandbox.seed([Seed(kind="DiskSnapshot", name="by-hand", source="shop", tags={"team": "sales"})])
    keeper.sandbox.enforce_role(strict, access_key_id="FUNCTION")
    make_ours = {OWNER: "Lightkeeper", SOURCE: arn, SLOT: "2026-06-15T03:00:00Z"}

    for tags in (make_ours, {OWNER: "Lightkeeper"}, {EXPIRES: "2026-06-15T03:00:00Z"}):
        with refused("AccessDeniedException", "lightsail:TagResource"):
            function.tag_resource(
                resourceName="by-hand", tags=[{"key": key, "value": value} for key, value in tags.items()]
            )
    assert keeper.snapshots() == {"by-hand": {"team": "sales"}}


def test_a_restored_disk_with_our_tags_cannot_be_marked_untagged_or_deleted(
    keeper: Keeper, function: "LightsailClient", strict: dict[str, Any]
) -> None:
    keeper.disk("restored", {OWNER: "Lightkeeper", EXPIRES: "2020-01-01T00:00:00Z", "backup:hold": ""})
    keeper.instance("restored-web", {OWNER: "Lightkeeper", "backup:hold": ""})

    for name in ("restored", "restored-web"):
        with refused("AccessDeniedException", "lightsail:TagResource"):
            function.tag_resource(resourceName=name, tags=[MARK])  # type: ignore[list-item] # a tag
        with refused("AccessDeniedException", "lightsail:UntagResource"):
            function.untag_resource(resourceName=name, tagKeys=["backup:hold"])
    keeper.sandbox.enforce_role(strict, access_key_id="FUNCTION")
    with refused("AccessDeniedException", "lightsail:TagResource"):
        function.tag_resource(resourceName="restored", tags=[{"key": OWNER, "value": "Lightkeeper"}])
    with refused("AccessDeniedException", "lightsail:DeleteDisk"):
        function.delete_disk(diskName="restored")


def test_a_snapshot_cannot_be_taken_without_our_owner_tag(keeper: Keeper, function: "LightsailClient") -> None:
    keeper.disk("shop", {})

    with refused("AccessDeniedException", "lightsail:CreateDiskSnapshot"):
        function.create_disk_snapshot(diskSnapshotName="sly", diskName="shop")
    with refused("AccessDeniedException"):
        function.create_disk_snapshot(
            diskSnapshotName="sly", diskName="shop", tags=[{"key": OWNER, "value": "Another"}]
        )
    assert keeper.snapshots() == {}


def test_nor_one_of_a_database_whatever_tags_that_has(keeper: Keeper, function: "LightsailClient") -> None:
    keeper.database("orders", {OWNER: "Lightkeeper"})
    sly = {"relationalDatabaseSnapshotName": "sly", "relationalDatabaseName": "orders"}

    with refused("AccessDeniedException", "lightsail:CreateRelationalDatabaseSnapshot"):
        function.create_relational_database_snapshot(**sly)  # type: ignore[arg-type] # names
    function.create_relational_database_snapshot(**sly, tags=[{"key": OWNER, "value": "Lightkeeper"}])

    assert [*keeper.snapshots()] == ["sly"], "the owner tag in the request is all that AWS asks for"


def test_sources_themselves_are_out_of_reach(keeper: Keeper, function: "LightsailClient") -> None:
    keeper.disk("shop", {OWNER: "Lightkeeper"})
    keeper.instance("web", {OWNER: "Lightkeeper"})

    with refused("AccessDeniedException"):
        function.delete_disk(diskName="shop")
    with refused("AccessDeniedException"):
        function.delete_instance(instanceName="web")
    keeper.database("orders", {OWNER: "Lightkeeper"})
    with refused("AccessDeniedException"):
        function.delete_relational_database(relationalDatabaseName="orders", skipFinalSnapshot=True)
    with refused("AccessDeniedException"):
        function.update_relational_database(relationalDatabaseName="orders", disableBackupRetention=True)
    keeper.sandbox.seed([Seed(kind="DiskSnapshot", name="x", source="shop", tags={OWNER: "Lightkeeper"})])
    with refused("AccessDeniedException"):
        function.create_disk_from_snapshot(
            diskName="copy", diskSnapshotName="x", availabilityZone="eu-central-1a", sizeInGb=32
        )


def test_a_permission_taken_away_is_named_by_the_failure(keeper: Keeper, policy: dict[str, Any]) -> None:
    keeper.disk("shop", {"backup": "daily"})
    reads = {**policy, "Statement": policy["Statement"][:1]}
    keeper.sandbox.enforce_role(reads)

    (outcome,) = keeper.run().outcomes

    assert outcome.result is Result.FAILED
    assert "expected permission for lightsail:CreateDiskSnapshot" in (outcome.error or "")


def test_a_fault_still_goes_before_the_role(keeper: Keeper, function: "LightsailClient") -> None:
    keeper.sandbox.add_faults(FaultRule(operation="GetDisks", effect=ErrorAnswer(code="NotFoundException")))

    with refused("NotFoundException"):
        function.get_disks()


AWAY = "eu-north-1"
COPIES = {AWAY: {"schedule": "0 5 * * *", "keep": "daily=2"}}


@pytest.fixture
def away(sandbox: Sandbox) -> Iterator["LightsailClient"]:
    """A client with the function's own credentials, in the Region that copies go to."""
    options = sandbox.client_options(AWAY)
    options["aws_access_key_id"] = "FUNCTION"
    with closing(boto3.client("lightsail", **options)) as client:
        yield client


def copy(away: "LightsailClient", original: str, name: str) -> None:
    away.copy_snapshot(sourceRegion="eu-central-1", sourceSnapshotName=original, targetSnapshotName=name)


@pytest.fixture
def by_hand(keeper: Keeper) -> str:
    """A snapshot without any tag, of a disk of somebody's."""
    keeper.disk("shop", {})
    keeper.sandbox.seed([Seed(kind="DiskSnapshot", name="by-hand", source="shop", tags={})])
    keeper.sandbox.advance(DAY)
    return "by-hand"


@pytest.mark.parametrize("keys", [{}, {"tagOnCreate": False}], ids=["default", "strict"])
def test_with_copies_the_role_allows_two_things_more_and_without_them_neither(keys: dict[str, object]) -> None:
    without, with_copies = lightsail_policy(template(**keys)), lightsail_policy(template(copies=COPIES, **keys))

    more = [each for each in with_copies["Statement"] if each not in without["Statement"]]

    assert [each for each in with_copies["Statement"] if each not in more] == without["Statement"]
    assert [(each["Sid"], each["Action"]) for each in more] == [
        ("Copy", "lightsail:CopySnapshot"),
        ("TagCopies", "lightsail:TagResource"),
    ]
    assert "lightsail:CopySnapshot" not in actions(without)


def life_with_copies(keeper: Keeper, policy: dict[str, Any], *, tag_on_create: bool = False) -> list[Run]:
    """Live through days in which copies are made, finished by a later run, pushed out and deleted."""
    keeper.configure(grace="0d", copies=COPIES, tick="rate(6 hours)")
    keeper.disk("shop", {"backup": "daily", "backup:keep": "3", "backup:copy": "", "customer": "bakery"})
    keeper.instance("web", {"backup": "daily", "backup:copy": ""})
    keeper.sandbox.enforce_role(policy, tag_on_create=tag_on_create, missing_resource="untagged")
    # One copy is looked up by its name, and one is found without its tags.
    keeper.sandbox.add_faults(
        FaultRule(operation="CopySnapshot", calls=(1,), effect=LoseAnswer()),
        FaultRule(operation="TagResource", region=AWAY, calls=(2,), effect=ErrorAnswer(code="AccessDeniedException")),
    )
    return keeper.live(6 * DAY, step=6 * HOUR)


def copies_there(keeper: Keeper) -> set[str]:
    """Return the sources that have copies with our tags in the other Region."""
    there = (entry for entry in keeper.sandbox.entries() if entry.region == AWAY)
    return {entry.tags[NAME] for entry in there if entry.tags.get(OWNER) == "Lightkeeper"}


@pytest.mark.parametrize(
    ("keys", "tag_on_create"),
    [({}, False), ({}, True), ({"tagOnCreate": False}, False)],
    ids=["default", "default where creates are judged as tags", "strict"],
)
@pytest.mark.parametrize("account", ["own", "another"])
def test_with_copies_the_role_is_enough_for_a_life_of_copies(
    keeper: Keeper, keys: dict[str, object], account: str, *, tag_on_create: bool
) -> None:
    if account == "own":
        policy = lightsail_policy(template(copies=COPIES, **keys))
    else:
        policy = policy_of(roles(member_template(copies=COPIES, **keys))["Lightkeeper-member"])

    runs = life_with_copies(keeper, policy, tag_on_create=tag_on_create)

    failed = [outcome for run in runs for outcome in run.outcomes if outcome.result is Result.FAILED]
    assert [outcome.action.verb for outcome in failed] == ["copy"], "the one that lacked its tags until the next run"
    assert copies_there(keeper) == {"shop", "web"}
    assert {call.region for call in keeper.sandbox.calls() if call.operation.startswith("Delete")} == {REGION, AWAY}


@pytest.mark.parametrize(("sid", "permission"), [("Copy", "CopySnapshot"), ("TagCopies", "TagResource")])
def test_each_of_the_two_is_needed_and_without_it_home_is_backed_up_all_the_same(
    keeper: Keeper, sid: str, permission: str
) -> None:
    policy = lightsail_policy(template(copies=COPIES, tagOnCreate=False))
    statements = [each for each in policy["Statement"] if each["Sid"] != sid]

    runs = life_with_copies(keeper, policy | {"Statement": statements})

    copying = [outcome for run in runs for outcome in run.outcomes if outcome.action.verb == "copy"]
    assert {outcome.result for outcome in copying} == {Result.FAILED}
    assert any(f"expected permission for lightsail:{permission}" in (outcome.error or "") for outcome in copying)
    assert copies_there(keeper) == set()
    assert sum(count(run, "create") for run in runs) == 14


def test_without_copies_the_role_can_neither_copy_nor_take_an_untagged_snapshot_over(
    keeper: Keeper, away: "LightsailClient", strict: dict[str, Any], by_hand: str
) -> None:
    keeper.sandbox.enforce_role(strict, access_key_id="FUNCTION")

    with refused("AccessDeniedException", "lightsail:CopySnapshot"):
        copy(away, by_hand, "copy")
    keeper.sandbox.enforce_role(None)
    copy(away, by_hand, "copy")
    keeper.sandbox.enforce_role(strict, access_key_id="FUNCTION")
    with refused("AccessDeniedException", "lightsail:TagResource"):
        away.tag_resource(resourceName="copy", tags=[{"key": OWNER, "value": "Lightkeeper"}])


def test_with_copies_it_gives_an_untagged_copy_our_owner_tag_once_and_nothing_else(
    keeper: Keeper, away: "LightsailClient", by_hand: str
) -> None:
    policy = lightsail_policy(template(copies=COPIES, tagOnCreate=False))
    keeper.sandbox.enforce_role(policy, access_key_id="FUNCTION")

    def tag(**tags: str) -> None:
        away.tag_resource(resourceName="copy", tags=[{"key": key, "value": value} for key, value in tags.items()])

    copy(away, by_hand, "copy")
    with refused("AccessDeniedException", "lightsail:TagResource"):
        tag(team="sales")
    with refused("AccessDeniedException", "lightsail:TagResource"):
        tag(**{OWNER: "Night-Shift"})
    with refused("AccessDeniedException", "lightsail:TagResource"):
        tag(**{OWNER: "Lightkeeper", EXPIRES: MARK["value"]})
    tag(**{OWNER: "Lightkeeper", "team": "sales"})
    with refused("AccessDeniedException", "lightsail:TagResource"):
        tag(**{OWNER: "Lightkeeper", "team": "bakery"})

    (found,) = (entry for entry in keeper.sandbox.entries() if entry.name == "copy")
    assert found.tags == {OWNER: "Lightkeeper", "team": "sales"}


def test_nor_can_it_take_over_what_another_deployment_has_tagged(keeper: Keeper, function: "LightsailClient") -> None:
    keeper.disk("shop", {})
    keeper.sandbox.seed([Seed(kind="DiskSnapshot", name="theirs", source="shop", tags={OWNER: "Night-Shift"})])
    keeper.sandbox.enforce_role(lightsail_policy(template(copies=COPIES, tagOnCreate=False)), access_key_id="FUNCTION")

    with refused("AccessDeniedException", "lightsail:TagResource"):
        function.tag_resource(resourceName="theirs", tags=[{"key": OWNER, "value": "Lightkeeper"}])
