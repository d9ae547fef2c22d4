"""Disks and instances: what they are, and how answers show them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal

from lightsail_sandbox.backend.addresses import ipv6_address, private_address, public_address
from lightsail_sandbox.backend.blueprints import Blueprint, blueprint_or_alike
from lightsail_sandbox.backend.bundles import Bundle, bundle_or_alike
from lightsail_sandbox.backend.exceptions import InvalidInputError
from lightsail_sandbox.backend.firewall import Rule, open_to_the_world
from lightsail_sandbox.backend.life import Life
from lightsail_sandbox.backend.resources import AddOnSource, Making
from lightsail_sandbox.backend.shapes import Rendering

IpAddressType = Literal["dualstack", "ipv4", "ipv6"]

DEFAULT_KEY_PAIR: Final = "LightsailDefaultKeyPair"

_HOPS: Final = range(1, 64 + 1)
_IOPS_PER_GB: Final = 3
_LEAST_IOPS: Final = 100


@dataclass(kw_only=True)
class Disk(AddOnSource):
    """A block storage disk."""

    kind: ClassVar[str] = "Disk"
    support_prefix: ClassVar[str] = "vol"

    takes: timedelta = timedelta(0)
    """How long its making takes."""
    attached_to: "Instance | None" = None
    path: str | None = None

    def attach(self, instance: "Instance", path: str) -> None:
        """Attach the disk; the caller has seen to it that this is possible."""
        self.attached_to, self.path = instance, path
        instance.disks.append(self)
        self.forget_rendering()
        instance.forget_rendering()

    def detach(self) -> None:
        """Detach the disk from its instance, if it has one."""
        if self.attached_to is not None:
            self.attached_to.disks.remove(self)
            self.attached_to.forget_rendering()
        self.attached_to = self.path = None
        self.forget_rendering()

    def set_tags(self, tags: dict[str, str]) -> None:
        """Replace all tags."""
        super().set_tags(tags)
        if self.attached_to is not None:
            self.attached_to.forget_rendering()

    def state(self, now: datetime) -> str:
        """Give the state at a time."""
        if self.takes and now < self.created_at + self.takes:
            return "pending"
        return "available" if self.attached_to is None else "in-use"

    def making(self, now: datetime) -> Making:
        """Say how far the making of it has come."""
        if self.state(now) == "pending":
            return Making("Started", self.created_at)
        return Making("Succeeded", self.created_at + self.takes)

    def _appearance(self, now: datetime) -> object:
        return self.state(now)

    def _members(self, now: datetime) -> dict[str, Any]:
        members = {
            "addOns": self._add_ons(),
            "sizeInGb": self.size_gb,
            "isSystemDisk": False,
            "iops": _iops(self.size_gb),
            "state": self.state(now),
            "isAttached": False,
            "attachmentState": "detached",
        }
        if self.attached_to is not None:
            members |= {
                "path": self.path,
                "attachedTo": self.attached_to.name,
                "isAttached": True,
                "attachmentState": "attached",
            }
        return members


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataOptions:
    """How the system of an instance asks what instance it runs on."""

    http_tokens: str = "optional"
    http_endpoint: str = "enabled"
    hop_limit: int = 1
    http_protocol_ipv6: str = "disabled"

    def updated(self, params: Mapping[str, Any]) -> "MetadataOptions":
        """Give the options as a request wants them, or refuse it."""
        new = MetadataOptions(
            http_tokens=params.get("httpTokens", "optional"),  # AWS says that it is that unless asked for
            http_endpoint=params.get("httpEndpoint", self.http_endpoint),
            hop_limit=params.get("httpPutResponseHopLimit", self.hop_limit),
            http_protocol_ipv6=params.get("httpProtocolIpv6", self.http_protocol_ipv6),
        )
        switches = {new.http_endpoint, new.http_protocol_ipv6}
        if (
            new.http_tokens not in ("optional", "required")
            or switches - {"enabled", "disabled"}
            or new.hop_limit not in _HOPS
        ):
            raise InvalidInputError(
                f"Invalid metadata options: {new.render()}. Expected optional or required, enabled or disabled, "
                f"and {_HOPS[0]} to {_HOPS[-1]} hops."
            )
        return new

    def render(self) -> dict[str, Any]:
        """Give the options as answers show them; here they are applied at once."""
        return {
            "state": "applied",
            "httpTokens": self.http_tokens,
            "httpEndpoint": self.http_endpoint,
            "httpPutResponseHopLimit": self.hop_limit,
            "httpProtocolIpv6": self.http_protocol_ipv6,
        }


@dataclass(kw_only=True)
class Instance(AddOnSource):
    """A virtual server with its system volume.

    One that is put there or created from a blueprint runs at once and is healthy; one that is restored boots first.
    """

    kind: ClassVar[str] = "Instance"
    support_prefix: ClassVar[str] = "i"

    blueprint_id: str
    bundle_id: str
    ip_address_type: IpAddressType = "dualstack"
    key_pair_name: str = DEFAULT_KEY_PAIR
    metadata: MetadataOptions = field(default_factory=MetadataOptions)
    rules: tuple[Rule, ...] | None = None
    """None: those of its blueprint."""
    life: Life | None = None
    """None: it has run since it was created."""
    disks: list[Disk] = field(default_factory=list)
    static_address: str | None = field(default=None, init=False)
    address_number: int | None = field(default=None, init=False)
    """What its own public address follows from; None: from its place in the order of creation."""

    @property
    def blueprint(self) -> Blueprint:
        """What it was made of."""
        return blueprint_or_alike(self.blueprint_id)

    @property
    def bundle(self) -> Bundle:
        """Its plan."""
        return bundle_or_alike(self.bundle_id)

    @property
    def firewall(self) -> tuple[Rule, ...]:
        """The ports that are open."""
        return open_to_the_world(self.blueprint.ports) if self.rules is None else self.rules

    @property
    def lived(self) -> Life:
        """When it was started and stopped last."""
        return self.life or Life(started_at=self.created_at)

    @property
    def public_address(self) -> str | None:
        """Its public IPv4 address, static or not; None: it has none."""
        if self.ip_address_type == "ipv6":
            return None
        return self.static_address or public_address(self.address_number or self.position)

    def state(self, now: datetime) -> str:
        """Give the state at a time."""
        return self.lived.state(now)

    def set_firewall(self, rules: tuple[Rule, ...]) -> None:
        """Open these ports, and close all others."""
        self.rules = rules
        self.forget_rendering()

    def set_metadata(self, metadata: MetadataOptions) -> None:
        """Replace the metadata options."""
        self.metadata = metadata
        self.forget_rendering()

    def set_static_address(self, address: str | None, address_number: int | None) -> None:
        """Have a static address. None: have the one again that follows from this number."""
        self.static_address = address
        self.address_number = address_number
        self.forget_rendering()

    def live(self, life: Life) -> None:
        """Start or stop, as this says."""
        self.life = life
        self.forget_rendering()

    def render_with_health(self, now: datetime) -> dict[str, Any]:
        """Give the instance as answers show it that were asked for its health."""
        return Rendering(self.render(now) | self.lived.render_health(now))

    def render_state(self, now: datetime) -> dict[str, Any]:
        """Give the state as answers show it."""
        return self.lived.render_state(now)

    def _appearance(self, now: datetime) -> object:
        return self.state(now), [disk.state(now) for disk in self.disks]

    def _members(self, now: datetime) -> dict[str, Any]:
        members = {
            "blueprintId": self.blueprint_id,
            "blueprintName": self.blueprint.name,
            "bundleId": self.bundle_id,
            "addOns": self._add_ons(),
            "isStaticIp": self.static_address is not None,
            "privateIpAddress": private_address(self.position),
            "ipAddressType": self.ip_address_type,
            "hardware": {
                "cpuCount": self.bundle.cpu_count,
                "disks": [self._system_disk(), *(disk.render(now) for disk in self.disks)],
                "ramSizeInGb": self.bundle.memory_gb,
            },
            "networking": {
                "monthlyTransfer": {"gbPerMonthAllocated": self.bundle.transfer_gb},
                "ports": [rule.render_info() for rule in self.firewall],
            },
            "state": self.render_state(now),
            "username": self.blueprint.username,
            "sshKeyName": self.key_pair_name,
            "metadataOptions": self.metadata.render(),
        }
        if self.public_address is not None:
            members["publicIpAddress"] = self.public_address
        if self.ip_address_type != "ipv4":
            members["ipv6Addresses"] = [ipv6_address(self.position)]
        return members

    def _system_disk(self) -> dict[str, Any]:
        return {  # neither a name nor an ARN: nobody can address it
            "createdAt": self.created_at.timestamp(),
            "sizeInGb": self.size_gb,
            "isSystemDisk": True,
            "iops": _iops(self.size_gb),
            "path": "/dev/xvda",
            "attachedTo": self.name,
            "attachmentState": "attached",
        }


def _iops(size_gb: int) -> int:
    return max(_LEAST_IOPS, _IOPS_PER_GB * size_gb)
