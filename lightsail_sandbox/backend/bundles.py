"""Bundles of instances: what a plan costs and what it has.

Prices and sizes are those that Lightsail publishes. The list is a part of AWS's own, the same in every Region.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

Platform = Literal["LINUX_UNIX", "WINDOWS"]


class Sized(Protocol):
    """A plan, of instances or of databases."""

    @property
    def disk_gb(self) -> int:
        """In GiB."""

    @property
    def memory_gb(self) -> float:
        """In GiB."""

    @property
    def cpu_count(self) -> int:
        """Virtual processors."""


def lack_of(plan: Sized, other: Sized) -> str | None:
    """Say in what a plan is smaller than another one; None: in nothing."""
    pairs = {
        "GB of disk": (plan.disk_gb, other.disk_gb),
        "GB of memory": (plan.memory_gb, other.memory_gb),
        "processors": (plan.cpu_count, other.cpu_count),
    }
    return next(
        (f"{ours:g} {what} instead of {theirs:g}" for what, (ours, theirs) in pairs.items() if ours < theirs), None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A plan for instances.

    Parameters
    ----------
    id
        Such as ``nano_3_0``.
    price
        In USD a month.
    cpu_count
        Virtual processors.
    memory_gb, disk_gb
        In GiB; the disk is the system volume.
    transfer_gb
        In GiB a month.
    platform
        What it runs.
    public_ipv4
        Whether its instances have a public IPv4 address. Those that have none are ``ipv6`` only.
    is_active
        Whether Lightsail still sells it.
    """

    id: str
    price: float
    cpu_count: int
    memory_gb: float
    disk_gb: int
    transfer_gb: int
    platform: Platform = "LINUX_UNIX"
    public_ipv4: bool = True
    is_active: bool = True

    @property
    def size(self) -> str:
        """Its size in one word, such as ``nano``."""
        return self.id.partition("_")[0]

    def render(self) -> dict[str, Any]:
        """Give the bundle as answers show it."""
        return {
            "price": self.price,
            "cpuCount": self.cpu_count,
            "diskSizeInGb": self.disk_gb,
            "bundleId": self.id,
            "instanceType": self.size,
            "isActive": self.is_active,
            "name": _NAMES[self.size],
            "power": _POWERS[self.size],
            "ramSizeInGb": self.memory_gb,
            "transferPerMonthInGb": self.transfer_gb,
            "supportedPlatforms": [self.platform],
            "publicIpv4AddressCount": int(self.public_ipv4),
        }


_NAMES: Final = {
    "nano": "Nano",
    "micro": "Micro",
    "small": "Small",
    "medium": "Medium",
    "large": "Large",
    "xlarge": "Xlarge",
    "2xlarge": "2Xlarge",
    "4xlarge": "4Xlarge",
}
_POWERS: Final = {
    "nano": 298,
    "micro": 500,
    "small": 1000,
    "medium": 2000,
    "large": 3000,
    "xlarge": 4000,
    "2xlarge": 5000,
    "4xlarge": 6000,
}

_SIZES: Final = {  # processors, memory, disk and transfer in GiB
    "nano": (2, 0.5, 20, 1024),
    "micro": (2, 1.0, 40, 2048),
    "small": (2, 2.0, 60, 3072),
    "medium": (2, 4.0, 80, 4096),
    "large": (2, 8.0, 160, 5120),
    "xlarge": (4, 16.0, 320, 6144),
    "2xlarge": (8, 32.0, 640, 7168),
    "4xlarge": (16, 64.0, 1280, 8192),
}
_LINUX_PRICES: Final = {
    "nano": 5.0,
    "micro": 7.0,
    "small": 12.0,
    "medium": 24.0,
    "large": 44.0,
    "xlarge": 84.0,
    "2xlarge": 164.0,
    "4xlarge": 384.0,
}
_WINDOWS_PRICES: Final = {
    "nano": 9.5,
    "micro": 14.0,
    "small": 22.0,
    "medium": 44.0,
    "large": 74.0,
    "xlarge": 124.0,
    "2xlarge": 244.0,
    "4xlarge": 574.0,
}
_IPV6_PRICES: Final = {
    "nano": 3.5,
    "micro": 5.0,
    "small": 10.0,
    "medium": 20.0,
    "large": 40.0,
    "xlarge": 80.0,
    "2xlarge": 160.0,
}
_OLD_PRICES: Final = {"nano": 3.5, "micro": 5.0, "small": 10.0, "medium": 20.0, "large": 40.0}
_OLD_PROCESSORS: Final = {"nano": 1, "micro": 1, "small": 1}
_WINDOWS_NANO_DISK_GB: Final = 30


def _bundles() -> Iterator[Bundle]:
    for size, (cpu_count, memory_gb, disk_gb, transfer_gb) in _SIZES.items():
        parts: dict[str, Any] = {"memory_gb": memory_gb, "transfer_gb": transfer_gb}
        linux = {**parts, "disk_gb": disk_gb}
        yield Bundle(id=f"{size}_3_0", price=_LINUX_PRICES[size], cpu_count=cpu_count, **linux)
        windows_disk_gb = max(disk_gb, _WINDOWS_NANO_DISK_GB)
        yield Bundle(
            id=f"{size}_win_3_0",
            price=_WINDOWS_PRICES[size],
            cpu_count=cpu_count,
            platform="WINDOWS",
            **{**parts, "disk_gb": windows_disk_gb},
        )
        if size in _IPV6_PRICES:
            price = _IPV6_PRICES[size]
            yield Bundle(id=f"{size}_ipv6_3_0", price=price, cpu_count=cpu_count, public_ipv4=False, **linux)
        if size in _OLD_PRICES:
            price, old_cpu_count = _OLD_PRICES[size], _OLD_PROCESSORS.get(size, cpu_count)
            yield Bundle(id=f"{size}_2_0", price=price, cpu_count=old_cpu_count, is_active=False, **linux)


BUNDLES: Final = {bundle.id: bundle for bundle in _bundles()}
"""Every bundle there is, by its id."""


def bundle_or_alike(bundle_id: str) -> Bundle:
    """Give a bundle, or where it is unknown the present one of its size, or a micro one."""
    size = bundle_id.partition("_")[0]
    return BUNDLES.get(bundle_id) or BUNDLES.get(f"{size}_3_0") or BUNDLES["micro_3_0"]
