"""What every resource has, and every source of snapshots."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Protocol

from lightsail_sandbox.backend.automatic import Switching
from lightsail_sandbox.backend.names import write_tags
from lightsail_sandbox.backend.shapes import Rendering


@dataclass(frozen=True, slots=True)
class Making:
    """How far the making of a resource has come.

    Parameters
    ----------
    status
        As operations word it.
    since
        Since when that is so.
    problem
        Why it has failed, if it has.
    """

    status: Literal["Started", "Succeeded", "Failed"]
    since: datetime
    problem: str = ""


class Made(Protocol):
    """Something whose making takes time."""

    def making(self, now: datetime, /) -> Making:
        """Say how far the making of it has come."""


@dataclass(kw_only=True)
class Resource:
    """What every kind has. Change it through its methods: answers show a rendering made before."""

    kind: ClassVar[str]
    support_prefix: ClassVar[str]

    name: str
    arn: str
    support_code: str
    created_at: datetime
    region: str
    zone: str
    tags: dict[str, str]
    position: int
    _rendering: Rendering | None = field(default=None, init=False)
    _rendered_for: object = field(default=None, init=False)

    @classmethod
    def member(cls) -> str:
        """Give the kind's word in requests and answers, such as ``diskSnapshot``."""
        return f"{cls.kind[0].lower()}{cls.kind[1:]}"

    def added(self) -> None:
        """Be told that it is there from now on."""

    def removed(self) -> None:
        """Be told that it is not there any more."""

    def set_tags(self, tags: dict[str, str]) -> None:
        """Replace all tags."""
        self.tags = tags
        self.forget_rendering()

    def forget_rendering(self) -> None:
        """Say that answers have to show something new."""
        self._rendering = None

    def render(self, now: datetime) -> Rendering:
        """Give the resource as answers show it."""
        appearance = self._appearance(now)
        if self._rendering is None or self._rendered_for != appearance:
            self._rendering = Rendering(self._common() | self._members(now))
            self._rendered_for = appearance
        return self._rendering

    def _appearance(self, _now: datetime) -> object:
        """Give what a rendering depends on besides what the methods change."""
        return None

    def _members(self, now: datetime) -> dict[str, Any]:
        raise NotImplementedError

    def _common(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "arn": self.arn,
            "supportCode": self.support_code,
            "createdAt": self.created_at.timestamp(),
            "location": self.location(),
            "resourceType": self.kind,
            "tags": write_tags(self.tags),
        }

    def location(self) -> dict[str, str]:
        """Give Region and zone as answers show them."""
        return {"availabilityZone": self.zone, "regionName": self.region}


@dataclass(kw_only=True)
class Source(Resource):
    """Something snapshots are made of."""

    size_gb: int


@dataclass(kw_only=True)
class AddOnSource(Source):
    """A disk or an instance: Lightsail takes daily automatic snapshots of it, where they are switched on."""

    switchings: list[Switching] = field(default_factory=list)
    failed_automatic_days: set[date] = field(default_factory=set)
    """The days (UTC) whose automatic snapshot fails."""

    @property
    def automatic_hour(self) -> int | None:
        """The hour of the daily automatic snapshot; None if it is switched off."""
        return self.switchings[-1].hour if self.switchings and self.switchings[-1].until is None else None

    def switch_automatic(self, hour: int | None, now: datetime) -> None:
        """Take automatic snapshots at this hour from now on. None: take no more, and keep those there are."""
        if self.automatic_hour is not None:
            last = self.switchings.pop()
            self.switchings.append(Switching(last.hour, last.since, now))
        if hour is not None:
            self.switchings.append(Switching(hour, now))
        self.forget_rendering()

    def _add_ons(self) -> list[dict[str, str]]:
        if self.automatic_hour is None:
            return []
        time_of_day = f"{self.automatic_hour:02}:00"
        return [
            {
                "name": "AutoSnapshot",
                "status": "Enabled",
                "snapshotTimeOfDay": time_of_day,
                "nextSnapshotTimeOfDay": time_of_day,
            }
        ]
