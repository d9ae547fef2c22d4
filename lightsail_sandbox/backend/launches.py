"""New instances, whatever they are made of."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

from lightsail_sandbox.backend.blueprints import blueprint_or_alike
from lightsail_sandbox.backend.bundles import bundle_or_alike
from lightsail_sandbox.backend.exceptions import InvalidInputError
from lightsail_sandbox.backend.instances import DEFAULT_KEY_PAIR, Instance
from lightsail_sandbox.backend.key_pairs import check_key_pair
from lightsail_sandbox.backend.life import Life
from lightsail_sandbox.backend.names import check_source_name, read_tags
from lightsail_sandbox.backend.settings import current_script, settings

if TYPE_CHECKING:
    from lightsail_sandbox.backend.models import LightsailBackend
    from lightsail_sandbox.backend.operations import Operation


def create_instances(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Create instances from a blueprint. They run at once."""
    check_names(backend, params["instanceNames"])
    instances = new_instances(backend, params, params["blueprintId"])

    def create() -> None:
        for instance in instances:
            backend.add(instance)

    return backend.carry_out("CreateInstance", [(instance, None) for instance in instances], create)


def check_names(backend: "LightsailBackend", names: Sequence[str], more: Sequence[str] = ()) -> None:
    """Refuse names for new instances, and `more` names that are to be new with them."""
    if not names:
        raise InvalidInputError("Invalid input: instanceNames is empty, name at least one instance.")
    if len(set(names)) < len(names):
        raise InvalidInputError("Invalid input: instanceNames names an instance twice.")
    everything = [*names, *more]
    for name in everything:
        check_source_name(name)
    if len(set(everything)) < len(everything):
        raise InvalidInputError("Invalid input: two new resources have the same name.")
    backend.check_free(*everything)


def new_instances(
    backend: "LightsailBackend", params: Mapping[str, Any], blueprint_id: str, *, boots: bool = False
) -> list[Instance]:
    """Make instances that are not there yet, if all that the request asks for is right.

    Parameters
    ----------
    backend
        Where.
    params
        The request, whose names have been looked at.
    blueprint_id
        What they have on their system volume.
    boots
        Whether they take their time to come to life; else they run at once.
    """
    backend.check_zone(params["availabilityZone"])
    hours = backend.automatic_hours(params.get("addOns", []))
    read = read_tags(params.get("tags", []))
    bundle = bundle_or_alike(params["bundleId"])
    ip_address_type = params.get("ipAddressType", "dualstack")
    if ip_address_type not in ("dualstack", "ipv4", "ipv6"):
        raise InvalidInputError(f"Invalid ipAddressType: {ip_address_type!r}. Expected dualstack, ipv4 or ipv6.")
    if bundle.public_ipv4 is (ip_address_type == "ipv6"):
        raise InvalidInputError(
            f"The bundle {bundle.id} has {'a' if bundle.public_ipv4 else 'no'} public IPv4 address, "
            f"but ipAddressType is {ip_address_type}."
        )
    _check_quota(backend, bundle.cpu_count * len(params["instanceNames"]))
    members = {
        "blueprint_id": blueprint_id,
        "bundle_id": params["bundleId"],
        "size_gb": bundle.disk_gb,
        "ip_address_type": ip_address_type,
        "key_pair_name": _key_pair(backend, params.get("keyPairName"), blueprint_id),
        "life": _life(backend) if boots else None,
    }
    zone = params["availabilityZone"]
    instances = [backend.new(Instance, name, zone, dict(read), members) for name in params["instanceNames"]]
    for instance, hour in product(instances, hours):
        instance.switch_automatic(hour, backend.now)
    return instances


def _life(backend: "LightsailBackend") -> Life:
    return Life(
        started_at=backend.now,
        boots=timedelta(seconds=settings.options.boot_seconds),
        checks=timedelta(seconds=settings.options.health_seconds),
        end=current_script().instance_end,
    )


def _key_pair(backend: "LightsailBackend", name: str | None, blueprint_id: str) -> str:
    if name is not None:
        check_key_pair(backend, name)
    is_windows = blueprint_or_alike(blueprint_id).platform == "WINDOWS"
    return DEFAULT_KEY_PAIR if name is None or is_windows else name


def _check_quota(backend: "LightsailBackend", wanted: int) -> None:
    quota = settings.options.vcpu_quota
    if quota is None:
        return
    used = sum(instance.bundle.cpu_count for instance in backend.all_of(Instance))
    if used + wanted > quota:
        # AWS does not say with which code it refuses this.
        raise InvalidInputError(
            f"You have reached your quota of {quota} vCPUs for instances in {backend.region_name}: "
            f"{used} are in use, and this would take {wanted} more."
        )
