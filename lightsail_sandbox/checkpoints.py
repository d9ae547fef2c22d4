"""Copies of a whole sandbox, to go back to: what happens next can then be tried in more than one way."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lightsail_sandbox.backend.models import LightsailBackend, lightsail_backends
from lightsail_sandbox.backend.settings import settings
from lightsail_sandbox.options import Options


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Resources, operations, clock and options; faults, role and the record of calls are no part of it."""

    regions: dict[tuple[str, str], dict[str, Any]]
    """What the backends hold, by account and Region."""
    now: datetime | None
    options: Options


def checkpoint() -> Checkpoint:
    """Copy what there is."""
    regions = {place: deepcopy(vars(backend)) for place, backend in _backends()}
    return Checkpoint(regions, settings.clock.now() if settings.clock.stands_still else None, settings.options)


def restore(saved: Checkpoint) -> None:
    """Make it again as it was; the checkpoint stays good for another time."""
    for place, backend in _backends():
        if place in saved.regions:
            vars(backend).update(deepcopy(saved.regions[place]))
        else:
            backend.reset()
    settings.clock.set(saved.now)
    settings.options = saved.options


def _backends() -> Iterator[tuple[tuple[str, str], LightsailBackend]]:
    for account, regions in lightsail_backends.items():
        for region, backend in regions.items():
            yield (account, region), backend
