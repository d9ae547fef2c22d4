"""Every kind of resource there is. What is done to all of them goes over these."""

from typing import Final

from lightsail_sandbox.backend.databases import RelationalDatabase, RelationalDatabaseSnapshot
from lightsail_sandbox.backend.resources import (
    Disk,
    DiskSnapshot,
    Instance,
    InstanceSnapshot,
    Resource,
    Snapshot,
    Source,
)

SOURCE_KINDS: Final[tuple[type[Source], ...]] = (Disk, Instance, RelationalDatabase)
SNAPSHOT_KINDS: Final[tuple[type[Snapshot], ...]] = (DiskSnapshot, InstanceSnapshot, RelationalDatabaseSnapshot)
KINDS: Final[tuple[type[Resource], ...]] = (*SOURCE_KINDS, *SNAPSHOT_KINDS)
