"""Every kind of resource there is. What is done to all of them goes over these."""

from typing import Final

from lightsail_sandbox.backend.databases import RelationalDatabase, RelationalDatabaseSnapshot
from lightsail_sandbox.backend.instances import Disk, Instance
from lightsail_sandbox.backend.key_pairs import KeyPair
from lightsail_sandbox.backend.resources import Resource, Source
from lightsail_sandbox.backend.snapshots import DiskSnapshot, InstanceSnapshot, Snapshot
from lightsail_sandbox.backend.static_ips import StaticIp

SOURCE_KINDS: Final[tuple[type[Source], ...]] = (Disk, Instance, RelationalDatabase)
SNAPSHOT_KINDS: Final[tuple[type[Snapshot], ...]] = (DiskSnapshot, InstanceSnapshot, RelationalDatabaseSnapshot)
OTHER_KINDS: Final[tuple[type[Resource], ...]] = (StaticIp, KeyPair)
KINDS: Final[tuple[type[Resource], ...]] = (*SOURCE_KINDS, *SNAPSHOT_KINDS, *OTHER_KINDS)
