"""The sandbox's own HTTP interface: clock, options, faults, role, entries, calls, seeds. No part of AWS's."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any, get_args

from werkzeug.datastructures import MultiDict

from lightsail_sandbox.accounts import DEFAULT_ACCOUNT
from lightsail_sandbox.backend.databases import RelationalDatabase
from lightsail_sandbox.backend.exceptions import LightsailError
from lightsail_sandbox.backend.instances import Instance
from lightsail_sandbox.backend.life import InstanceEnd
from lightsail_sandbox.backend.models import lightsail_backends
from lightsail_sandbox.backend.resources import AddOnSource
from lightsail_sandbox.backend.settings import settings
from lightsail_sandbox.backend.shapes import operation_names
from lightsail_sandbox.backend.snapshots import Snapshot
from lightsail_sandbox.calls import Journal
from lightsail_sandbox.checkpoints import Checkpoint, checkpoint, restore
from lightsail_sandbox.entries import entries
from lightsail_sandbox.faults import FaultRule, FaultScript, Meanwhile
from lightsail_sandbox.options import Options
from lightsail_sandbox.planting import plant, region_backend
from lightsail_sandbox.role import Role
from lightsail_sandbox.seeds import Seed, SnapshotState

Query = MultiDict[str, str]
_STATES = get_args(SnapshotState)


class Control:
    """What the control routes do. The caller holds the sandbox's lock.

    Parameters
    ----------
    defaults
        The options at the start and after each reset.
    """

    def __init__(self, defaults: Options) -> None:
        self._defaults = defaults
        self.faults = FaultScript()
        self.journal = Journal()
        self._roles: dict[str | None, Role] = {}
        self._saved: Checkpoint | None = None
        self._routes: Mapping[str, Callable[[Any, Query], object]] = {
            "GET /clock": lambda _body, _query: self._clock(),
            "PUT /clock": lambda body, _query: self._set_clock(body["now"]),
            "POST /clock/advance": lambda body, _query: self._advance(body["seconds"]),
            "GET /options": lambda _body, _query: asdict(settings.options),
            "PATCH /options": lambda body, _query: self._set_options(body),
            "GET /faults": lambda _body, _query: [rule.to_json() for rule in self.faults.rules],
            "POST /faults": lambda body, _query: self._add_faults(body),
            "DELETE /faults": lambda _body, _query: self.faults.clear(),
            "POST /faults/release": lambda _body, _query: self.faults.release(),
            "GET /held": lambda _body, _query: [call.to_json() for call in self.faults.waiting.calls()],
            "PUT /role": lambda body, _query: self._set_role(body),
            "GET /entries": lambda _body, _query: [entry.to_json() for entry in entries()],
            "GET /calls": lambda _body, query: self._calls(query),
            "DELETE /calls": lambda _body, _query: self.journal.clear(),
            "POST /seed": lambda body, _query: plant([Seed.from_json(seed) for seed in body]),
            "PUT /snapshot-state": lambda body, _query: self._set_snapshot_state(**body),
            "PUT /database-state": lambda body, _query: self._set_database_state(**body),
            "PUT /automatic-failure": lambda body, _query: self._fail_automatic_snapshot(**body),
            "PUT /instance-end": lambda body, _query: self._set_instance_end(**body),
            "POST /checkpoint": lambda _body, _query: self._checkpoint(),
            "POST /restore": lambda _body, _query: self._restore(),
            "POST /reset": lambda _body, _query: self.reset(),
        }
        self.reset()

    def answer(self, method: str, path: str, query: Query, body: bytes) -> tuple[int, object]:
        """Answer a control request with an HTTP status and something for JSON."""
        route = self._routes.get(f"{method} {path}")
        if route is None:
            return 404, {"error": f"The sandbox has no {method} /sandbox{path}.", "routes": list(self._routes)}
        try:
            return 200, route(json.loads(body or b"null"), query)
        except KeyError as error:
            return 400, {"error": f"{method} /sandbox{path}: the body lacks {error}."}
        except (LightsailError, TypeError, ValueError) as error:
            return 400, {"error": f"{method} /sandbox{path}: {error}"}

    def role(self, account: str) -> Role | None:
        """Return the role in force in an account, if there is one."""
        return self._roles.get(account, self._roles.get(None))

    def reset(self) -> None:
        """Empty the sandbox; clock and options are as at the start, and everybody may do everything."""
        for regions in lightsail_backends.values():
            for region in regions.values():
                region.reset()
        settings.clock.set(None)
        settings.options = self._defaults
        self.faults.reset()
        self.journal.clear()
        self._roles.clear()

    def _checkpoint(self) -> None:
        self._saved = checkpoint()

    def _restore(self) -> None:
        if self._saved is None:
            raise ValueError("There is no checkpoint to go back to.")
        restore(self._saved)

    def _clock(self) -> object:
        return {"now": settings.clock.now().isoformat(), "stands_still": settings.clock.stands_still}

    def _set_clock(self, now: str | None) -> object:
        settings.clock.set(datetime.fromisoformat(now) if now else None)
        return self._clock()

    def _advance(self, seconds: float) -> object:
        settings.clock.advance(timedelta(seconds=seconds))
        return self._clock()

    def _set_options(self, changes: Mapping[str, Any]) -> object:
        settings.options = replace(settings.options, **changes)
        return asdict(settings.options)

    def _add_faults(self, rules: list[Mapping[str, Any]]) -> None:
        read = [FaultRule.from_json(rule) for rule in rules]
        for rule in read:
            if rule.operation is not None and rule.operation not in operation_names():
                raise ValueError(f"Lightsail has no operation {rule.operation!r}, so this rule would never strike.")
            if isinstance(rule.effect, Meanwhile) and rule.effect.operation not in operation_names():
                raise ValueError(f"Lightsail has no operation {rule.effect.operation!r}, so nobody can ask for it.")
        self.faults.add(read)

    def _set_role(self, role: Mapping[str, Any] | None) -> None:
        if role is None:
            self._roles.clear()
        else:
            read = Role.from_json(role)
            self._roles[read.account] = read

    def _calls(self, query: Query) -> object:
        return [call.to_json() for call in self.journal.calls(int(query.get("after", 0)))]

    def _set_snapshot_state(self, *, region: str, name: str, state: str, account: str | None = None) -> None:
        if state not in _STATES:
            raise ValueError(f"{state!r} is no snapshot state; expected one of {', '.join(_STATES)}.")
        region_backend(region, account or DEFAULT_ACCOUNT).find(Snapshot, name).fix_state(state)

    def _set_database_state(self, *, region: str, name: str, state: str | None, account: str | None = None) -> None:
        region_backend(region, account or DEFAULT_ACCOUNT).find(RelationalDatabase, name).fix_state(state)

    def _fail_automatic_snapshot(self, *, region: str, name: str, day: str) -> None:
        region_backend(region).find(AddOnSource, name).failed_automatic_days.add(date.fromisoformat(day))

    def _set_instance_end(self, *, region: str, name: str, end: InstanceEnd | None) -> None:
        if end is not None and end not in get_args(InstanceEnd):
            raise ValueError(f"{end!r} is no end of an instance; expected {', '.join(get_args(InstanceEnd))}.")
        instance = region_backend(region).find(Instance, name)
        instance.live(replace(instance.lived, end=end))
