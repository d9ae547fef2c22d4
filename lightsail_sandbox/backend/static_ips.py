"""Static IP addresses.

Inferred: an address is not attached over another one, neither its own nor the instance's, and not released while it is
attached. AWS shows no tags of an address, though it can have some.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from lightsail_sandbox.backend.addresses import static_address
from lightsail_sandbox.backend.exceptions import OperationFailureError
from lightsail_sandbox.backend.instances import Instance
from lightsail_sandbox.backend.names import check_snapshot_name
from lightsail_sandbox.backend.resources import Resource

if TYPE_CHECKING:
    from lightsail_sandbox.backend.models import LightsailBackend
    from lightsail_sandbox.backend.operations import Operation


@dataclass(kw_only=True)
class StaticIp(Resource):
    """A public address that stays until it is released, whatever it is attached to."""

    kind: ClassVar[str] = "StaticIp"
    support_prefix: ClassVar[str] = "ip"

    instance: Instance | None = None

    @property
    def address(self) -> str:
        """The address itself."""
        return static_address(self.position)

    def attach(self, instance: Instance) -> None:
        """Attach the address; the caller has seen to it that this is possible."""
        self.instance = instance
        instance.set_static_address(self.address, None)
        self.forget_rendering()

    def detach(self, address_number: int) -> None:
        """Detach the address, if it is attached; its instance gets another one, that follows from this number."""
        if self.instance is not None:
            self.instance.set_static_address(None, address_number)
        self.instance = None
        self.forget_rendering()

    def _common(self) -> dict[str, Any]:
        common = super()._common()
        del common["tags"]
        account = self.support_code.partition("/")[0]
        return common | {"supportCode": f"{account}/{self.address}"}

    def _members(self, _now: datetime) -> dict[str, Any]:
        members: dict[str, Any] = {"ipAddress": self.address, "isAttached": self.instance is not None}
        if self.instance is not None:
            members["attachedTo"] = self.instance.name
        return members


def allocate(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Get a new address."""
    name = params["staticIpName"]
    check_snapshot_name(name)
    backend.check_free(name)
    address = backend.new_anywhere(StaticIp, name, {})
    return backend.carry_out("AllocateStaticIp", [(address, None)], lambda: backend.add(address))


def attach(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Attach an address to an instance."""
    address = backend.find(StaticIp, params["staticIpName"])
    instance = backend.find(Instance, params["instanceName"])
    if address.instance is not None:
        raise OperationFailureError(
            f"The static IP {address.name} is attached to {address.instance.name}: detach it first."
        )
    if instance.static_address is not None:
        raise OperationFailureError(f"The instance {instance.name} has a static IP already: detach that one first.")
    if instance.ip_address_type == "ipv6":
        raise OperationFailureError(f"The instance {instance.name} has IPv6 only, and a static IP is an IPv4 address.")
    backend.check_running(instance)
    parts = [(address, instance.name), (instance, address.name)]
    return backend.carry_out("AttachStaticIp", parts, lambda: address.attach(instance))


def detach(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Detach an address from its instance, which gets another one."""
    address = backend.find(StaticIp, params["staticIpName"])
    if address.instance is None:
        raise OperationFailureError(f"The static IP {address.name} is not attached to any instance.")
    parts = [(address, address.instance.name), (address.instance, address.name)]
    return backend.carry_out("DetachStaticIp", parts, lambda: address.detach(backend.new_position()))


def detach_from(backend: "LightsailBackend", instance: Instance) -> "list[Operation]":
    """Detach an instance's address, if it has one."""
    found = [address for address in backend.all_of(StaticIp) if address.instance is instance]
    return [operation for address in found for operation in detach(backend, {"staticIpName": address.name})]


def release(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Give an address back."""
    address = backend.find(StaticIp, params["staticIpName"])
    if address.instance is not None:
        raise OperationFailureError(
            f"The static IP {address.name} is attached to {address.instance.name}: detach it before you release it."
        )
    return backend.carry_out("ReleaseStaticIp", [(address, None)], lambda: backend.remove(address))
