"""What there is to tell people of a fleet, as `notify.tell` wants it: one message for all accounts. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lightkeeper.finding import Finding
from lightkeeper.fleet_findings import findings, unseen_keys
from lightkeeper.fleet_message import compose_fleet
from lightkeeper.fleet_metrics import alarm_begins
from lightkeeper.fleet_report import FleetReport
from lightkeeper.message import Message
from lightkeeper.notify import Memory
from lightkeeper.sender import Sender
from lightkeeper.settings import Settings


@dataclass(frozen=True, slots=True)
class FleetNews:
    """What there is to tell of a fleet."""

    report: FleetReport
    settings: Settings
    sender: Sender

    @property
    def now(self) -> datetime:
        """The scheduled time of the run, UTC."""
        return self.report.fleet.time

    @property
    def regions(self) -> tuple[str, ...]:
        """Which Regions are looked after, in each account."""
        # As runs take it: where the settings name none, the deployment's own.
        return self.settings.regions or (self.sender.region,)

    @property
    def unseen(self) -> tuple[str, ...]:
        """What the keys of those findings begin with that may not be over."""
        return unseen_keys(self.report)

    @property
    def told_before(self) -> tuple[str, ...]:
        """What people were told, as the fleet's last document has it."""
        return self.report.previous.told if self.report.previous else ()

    def findings(self, regions_before: Iterable[str]) -> Sequence[Finding]:
        """Return what needs a person, the most pressing first."""
        zone = self.settings.time_zone
        return findings(self.report, self.regions, regions_before, sender=self.sender, zone=zone)

    def alarm_begins(self, memory: Memory) -> bool:
        """Return whether the alarm on what is overdue can begin now."""
        return memory.whole is None and alarm_begins(self.report)

    def compose(self, new: Sequence[Finding], still: Sequence[Finding], *, daily: bool) -> Message:
        """Return the message."""
        return compose_fleet(new, still, self.report.fleet, self.settings, daily=daily, sender=self.sender)
