"""A shop to lose and to bring back, and `lightkeeper restore` as a person runs it, on the sandbox's clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lightkeeper.kinds import SourceKind
from lightkeeper.lightsail import Lightsail
from lightkeeper.restore import read_places, restore
from lightkeeper.restore_fleet import plan_fleet
from lightkeeper.restore_plan import plan_restore
from lightkeeper.restore_steps import Request, Restored, RestorePlan, Step, StepOutcome
from lightkeeper.run import run_regions
from lightsail_sandbox.client import Seed
from tests.support.keeper import REGION, Keeper, console, noop

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient
    from mypy_boto3_lightsail.type_defs import PortInfoTypeDef

FIREWALL: "Sequence[PortInfoTypeDef]" = (
    {"fromPort": 443, "toPort": 443, "protocol": "tcp", "cidrs": ["0.0.0.0/0"], "ipv6Cidrs": ["::/0"]},
    {
        "fromPort": 22,
        "toPort": 22,
        "protocol": "tcp",
        "cidrs": ["198.51.100.0/24", "203.0.113.7/32"],
        "ipv6Cidrs": [],
        "cidrListAliases": ["lightsail-connect"],
    },
    {"fromPort": 8, "toPort": -1, "protocol": "icmp", "cidrs": ["0.0.0.0/0"]},
    {"fromPort": 60000, "toPort": 61000, "protocol": "udp", "cidrs": ["192.0.2.0/24"], "ipv6Cidrs": ["2001:db8::/32"]},
)


@dataclass
class Shop:
    """A keeper with something to lose, and a person who brings it back."""

    keeper: Keeper
    told: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Each step that began or ended: what, which step, and how it ended."""
    on_step: Callable[[RestorePlan, Step, str | None], object] | None = None
    """What happens beside, when a step begins or ends."""
    on_pause: Callable[[], object] | None = None
    """What happens beside, while it waits."""
    region: str = REGION
    """Where the person brings things back, and looks."""
    user: "LightsailClient" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        keeper = self.keeper
        self.user = keeper.user if self.region == REGION else console(keeper.sandbox, self.region, keeper.account)

    # What there is

    def open(self, *, disks: Sequence[str] = ("orders",), tags: dict[str, str] | None = None) -> None:
        """Have a server `web` with disks, a firewall, a static IP, a key, add-ons and strict metadata."""
        user = self.keeper.user
        user.create_key_pair(keyPairName="owner")
        user.create_instances(
            instanceNames=["web"],
            availabilityZone="eu-central-1b",
            blueprintId="debian_12",
            bundleId="small_3_0",
            keyPairName="owner",
            tags=[
                {"key": key, "value": value} if value else {"key": key}
                for key, value in (tags or {"backup": "daily", "customer": "shop"}).items()
            ],
            addOns=[{"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "06:00"}}],
        )
        for number, disk in enumerate(disks):
            user.create_disk(diskName=disk, availabilityZone="eu-central-1b", sizeInGb=32 + number, tags=[])
            user.attach_disk(diskName=disk, instanceName="web", diskPath=f"/dev/xvd{'fghij'[number]}")
        user.put_instance_public_ports(instanceName="web", portInfos=FIREWALL)
        user.update_instance_metadata_options(instanceName="web", httpTokens="required", httpPutResponseHopLimit=2)
        user.allocate_static_ip(staticIpName="shop-ip")
        user.attach_static_ip(staticIpName="shop-ip", instanceName="web")

    def open_database(self, name: str, **windows: str) -> None:
        """Have a public database that is backed up daily, with a maintenance window of its own."""
        self.keeper.user.create_relational_database(
            relationalDatabaseName=name,
            availabilityZone="eu-central-1a",
            relationalDatabaseBlueprintId="mysql_8_0",
            relationalDatabaseBundleId="small_2_0",
            masterDatabaseName="shop",
            masterUsername="admin",
            publiclyAccessible=True,
            preferredMaintenanceWindow="Tue:17:00-Tue:17:30",
            tags=[{"key": "backup", "value": "daily"}],
            **windows,
        )

    def back_up(self) -> None:
        """Have Lightkeeper take what is due, and let it become usable."""
        keeper = self.keeper
        run = run_regions(
            keeper.regions,
            keeper.settings,
            keeper.sandbox.now(),
            seconds_left=lambda: 900.0,
            on_outcome=noop,
            targets=keeper.targets,
        )
        assert run.failures == ()
        keeper.sandbox.advance(timedelta(minutes=20))

    def seed(self, *seeds: Seed) -> None:
        """Put sources there."""
        self.keeper.sandbox.seed(seeds)

    def lose(self, *, disks: Sequence[str] = ()) -> None:
        """Delete the server, and disks that were attached to it."""
        self.keeper.user.delete_instance(instanceName="web")
        for disk in disks:
            self.keeper.user.delete_disk(diskName=disk)

    # What a person does

    def plan(self, source: str, **options: Any) -> RestorePlan:  # noqa: ANN401 - those of a request
        """Plan to bring a source back."""
        places = read_places(self.regions)
        request = Request(source, **options)
        return plan_restore(request, places, self.keeper.settings, self.keeper.sandbox.now())

    def plan_all(self, **options: Any) -> tuple[RestorePlan, ...]:  # noqa: ANN401 - those of `plan_fleet`
        """Plan to bring everything back."""
        places = read_places(self.regions)
        return plan_fleet(places, self.keeper.settings, self.keeper.sandbox.now(), **options)

    def do(self, *plans: RestorePlan) -> tuple[Restored, ...]:
        """Do what plans say, on the sandbox's clock."""
        sandbox = self.keeper.sandbox

        def heard(plan: RestorePlan, step: Step, outcome: StepOutcome | None) -> None:
            self.told.append((plan.resource, step.step, outcome.result if outcome else None))
            if self.on_step:
                self.on_step(plan, step, outcome.result if outcome else None)

        def pause(seconds: float) -> None:
            sandbox.advance(timedelta(seconds=max(seconds, 0.001)))
            if self.on_pause:
                self.on_pause()

        return restore(
            plans,
            self.regions,
            now=sandbox.now,
            clock=lambda: sandbox.now().timestamp(),
            on_step=heard,
            pause=pause,
        )

    def bring_back(self, source: str, **options: Any) -> Restored:  # noqa: ANN401 - those of a request
        """Bring a source back, and return how that ended."""
        return self.do(self.plan(source, **options))[0]

    @property
    def regions(self) -> dict[str, Lightsail]:
        """The connections."""
        keeper = self.keeper
        return keeper.regions if self.region in keeper.regions else {self.region: keeper.others[self.region]}

    # What can be seen

    def instance(self, name: str) -> Any:  # noqa: ANN401 - as boto3 has it
        """Return an instance."""
        return self.user.get_instance(instanceName=name)["instance"]

    def disk(self, name: str) -> Any:  # noqa: ANN401 - as boto3 has it
        """Return a disk."""
        return self.user.get_disk(diskName=name)["disk"]

    def database(self, name: str) -> Any:  # noqa: ANN401 - as boto3 has it
        """Return a database."""
        found = self.user.get_relational_database(relationalDatabaseName=name)
        return found["relationalDatabase"]

    def ports(self, name: str) -> list[dict[str, Any]]:
        """Return the firewall of an instance, in order."""
        states = self.user.get_instance_port_states(instanceName=name)["portStates"]
        return sorted(
            (
                {key: sorted(value) if isinstance(value, list) else value for key, value in state.items()}
                for state in states
            ),
            key=lambda state: (state["protocol"], state["fromPort"]),
        )

    def holder(self, static_ip: str = "shop-ip") -> str | None:
        """Return which instance has a static IP."""
        return self.user.get_static_ip(staticIpName=static_ip)["staticIp"].get("attachedTo")

    def disks_of(self, instance: str) -> dict[str, str]:
        """Return the disks of an instance by path."""
        disks = self.user.get_disks()["disks"]
        return {disk["path"]: disk["name"] for disk in disks if disk.get("attachedTo") == instance}

    def all_sources(self) -> dict[str, str]:
        """Return the kinds of all instances, disks and databases, by name."""
        return {entry.name: entry.kind for entry in self.keeper.sandbox.entries() if entry.state is None}

    def writes(self) -> list[str]:
        """Return the operations of all calls since the record was cleared that are no reads."""
        return [call.operation for call in self.keeper.sandbox.calls() if not call.operation.startswith("Get")]


def tags_of(resource: Any) -> dict[str, str]:  # noqa: ANN401 - as boto3 has it
    """Return the tags of an answer."""
    return {tag["key"]: tag.get("value", "") for tag in resource.get("tags", [])}


def errors_of(restored: Restored) -> list[str]:
    """Return what is said of the steps that failed, and beside them."""
    said = [outcome.error or "" for outcome in restored.outcomes if outcome.result == "failed"]
    return [*restored.plan.problems, *said, *([restored.error] if restored.error else [])]


INSTANCE, DISK, DATABASE = SourceKind.INSTANCE, SourceKind.DISK, SourceKind.DATABASE
HOME = REGION
