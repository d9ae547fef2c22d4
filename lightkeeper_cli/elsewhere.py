"""What was left behind: recovery points of ours in Regions of Lightsail that nobody looks after any more."""

import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Final

from lightkeeper.inventory import read_points_elsewhere
from lightkeeper.lightsail import available_regions, connect
from lightkeeper.model import Inventory
from lightkeeper.settings import Settings

# Nobody waits longer for Regions that they do not use; what has not answered by then is named.
_PATIENCE_SECONDS: Final = 10


def look_elsewhere(looked_after: Iterable[str], settings: Settings, endpoint_url: str | None) -> Inventory:
    """Return our recovery points in all Regions of Lightsail but those that are looked after. Reads snapshots only."""
    end = time.monotonic() + _PATIENCE_SECONDS
    names = set(available_regions()) - set(looked_after)
    with ExitStack() as stack:
        regions = connect(sorted(names), max_concurrency=1, endpoint_url=endpoint_url) if names else {}
        for region in regions.values():
            stack.callback(region.close)
        return read_points_elsewhere(regions, settings, lambda: end - time.monotonic())
