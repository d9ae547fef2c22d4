"""Copies of a whole sandbox, to go back to: what happens next can then be tried in more than one way."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID

from lightsail_sandbox.backend.models import lightsail_backends
from lightsail_sandbox.backend.settings import settings
from lightsail_sandbox.options import Options


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Resources, operations, clock and options; faults, role and the record of calls are no part of it."""

    regions: dict[str, dict[str, Any]]
    now: datetime | None
    options: Options


def checkpoint() -> Checkpoint:
    """Copy what there is."""
    regions = {name: deepcopy(vars(backend)) for name, backend in lightsail_backends[DEFAULT_ACCOUNT_ID].items()}
    return Checkpoint(regions, settings.clock.now() if settings.clock.stands_still else None, settings.options)


def restore(saved: Checkpoint) -> None:
    """Make it again as it was; the checkpoint stays good for another time."""
    for name, backend in lightsail_backends[DEFAULT_ACCOUNT_ID].items():
        if name in saved.regions:
            vars(backend).update(deepcopy(saved.regions[name]))
        else:
            backend.reset()
    settings.clock.set(saved.now)
    settings.options = saved.options
