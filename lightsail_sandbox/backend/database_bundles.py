"""Bundles and blueprints of databases, as Lightsail publishes them, and the same in every Region."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseBundle:
    """A plan for databases.

    Parameters
    ----------
    id
        Such as ``micro_2_0``, or ``micro_ha_2_0`` with a standby in a second zone.
    price
        In USD a month.
    disk_gb, memory_gb
        In GiB.
    is_active
        Whether Lightsail still sells it.
    """

    id: str
    price: float
    disk_gb: int
    memory_gb: float
    cpu_count: int = 2
    is_active: bool = True

    def render(self) -> dict[str, Any]:
        """Give the bundle as answers show it."""
        words = self.id.split("_")
        return {
            "bundleId": self.id,
            "name": words[0].capitalize() + (" with High Availability" if "ha" in words else ""),
            "price": self.price,
            "ramSizeInGb": self.memory_gb,
            "diskSizeInGb": self.disk_gb,
            "transferPerMonthInGb": _TRANSFER_GB[words[0]],
            "cpuCount": self.cpu_count,
            "isEncrypted": True,
            "isActive": self.is_active,
        }


_SIZES: Final = {  # USD a month, disk and memory in GiB
    "micro": (15.0, 40, 1.0),
    "small": (30.0, 80, 2.0),
    "medium": (60.0, 120, 4.0),
    "large": (115.0, 240, 8.0),
}
_TRANSFER_GB: Final = {"micro": 100, "small": 100, "medium": 100, "large": 200}
_ONE_PROCESSOR: Final = ("micro", "small")


def _bundles() -> Iterator[DatabaseBundle]:
    for size, (price, disk_gb, memory_gb) in _SIZES.items():
        yield DatabaseBundle(id=f"{size}_2_0", price=price, disk_gb=disk_gb, memory_gb=memory_gb)
        yield DatabaseBundle(id=f"{size}_ha_2_0", price=2 * price, disk_gb=disk_gb, memory_gb=memory_gb)
        yield DatabaseBundle(
            id=f"{size}_1_0",
            price=price,
            disk_gb=disk_gb,
            memory_gb=memory_gb,
            cpu_count=1 if size in _ONE_PROCESSOR else 2,
            is_active=False,
        )


DATABASE_BUNDLES: Final = {bundle.id: bundle for bundle in _bundles()}
"""Every bundle there is, by its id."""

_ENGINES: Final = {"mysql": "MySQL", "postgres": "PostgreSQL"}
DATABASE_BLUEPRINTS: Final = ("mysql_8_0", "mysql_8_4", "postgres_12", "postgres_15", "postgres_16")
"""Engine and version."""


def database_bundle_or_alike(bundle_id: str) -> DatabaseBundle:
    """Give a bundle, or where it is unknown the present one of its size, or a micro one."""
    size = bundle_id.partition("_")[0]
    return DATABASE_BUNDLES.get(bundle_id) or DATABASE_BUNDLES.get(f"{size}_2_0") or DATABASE_BUNDLES["micro_2_0"]


def engine_and_version(blueprint_id: str) -> tuple[str, str]:
    """Give engine and version, as a blueprint such as ``mysql_8_0`` has them."""
    engine, _, version = blueprint_id.partition("_")
    return engine, version.replace("_", ".") or "1"


def render_database_blueprint(blueprint_id: str) -> dict[str, Any]:
    """Give a blueprint as answers show it."""
    engine, version = engine_and_version(blueprint_id)
    return {
        "blueprintId": blueprint_id,
        "engine": engine,
        "engineVersion": version,
        "engineDescription": _ENGINES[engine],
        "engineVersionDescription": f"{_ENGINES[engine]} {version}",
        "isEngineDefault": blueprint_id in ("mysql_8_0", "postgres_12"),
    }
