"""What a sandbox lets its user turn."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a running sandbox.

    Parameters
    ----------
    page_size
        How many entries one page of a list call holds. Lightsail publishes none, so clients must not depend on it.
    snapshot_seconds
        How long a new snapshot stays ``pending`` (of a database: ``creating``), on the sandbox clock.
    copy_seconds
        How long a copy of a snapshot stays ``pending``, on the sandbox clock.
    refusal_of_tags
        The error code with which a copy that is still ``pending`` refuses tags. None: it takes them. AWS says neither.
    automatic_snapshot_seconds
        How long a daily automatic snapshot runs, on the sandbox clock.
    automatic_snapshot_delay_seconds
        How long after its hour it begins; in AWS anything up to 45 minutes.
    boot_seconds
        How long an instance that is restored or started is ``pending`` before it runs, on the sandbox clock.
    health_seconds
        How long Lightsail's checks of it then go on before they say that it is healthy, on the sandbox clock.
    stop_seconds
        How long an instance is ``stopping``, on the sandbox clock.
    disk_seconds
        How long a restored disk is ``pending``, on the sandbox clock.
    database_seconds
        How long a restored database is ``creating``, on the sandbox clock.
    vcpu_quota
        How many virtual processors all instances of a Region may have. None: as many as anybody likes.
    latency_seconds
        How long each answer is on its way, in real time. The call has taken effect before the wait begins.
    sts_url
        Where to ask which account a role's session belongs to. None: sessions are in the default account.
    shifting_pages
        Whether a list counts its entries from the newest one: what is created between two pages then gives an entry
        twice, and what is deleted lets one go missing. Lightsail promises neither this nor the opposite.
    """

    page_size: int = 100
    snapshot_seconds: float = 120.0
    copy_seconds: float = 600.0
    refusal_of_tags: str | None = None
    automatic_snapshot_seconds: float = 300.0
    automatic_snapshot_delay_seconds: float = 0.0
    boot_seconds: float = 40.0
    health_seconds: float = 180.0
    stop_seconds: float = 30.0
    disk_seconds: float = 20.0
    database_seconds: float = 600.0
    vcpu_quota: int | None = None
    latency_seconds: float = 0.0
    sts_url: str | None = None
    shifting_pages: bool = False

    def __post_init__(self) -> None:
        if self.page_size < 1:
            raise ValueError(f"page_size is {self.page_size}, but a page holds at least 1 entry.")
        if self.vcpu_quota is not None and self.vcpu_quota < 0:
            raise ValueError(f"vcpu_quota is {self.vcpu_quota}; use 0 or more, or None for no quota.")
        for field in fields(self):
            if field.name.endswith("_seconds") and getattr(self, field.name) < 0:
                raise ValueError(
                    f"{field.name} is {getattr(self, field.name)}, but time does not run backwards: use 0 or more."
                )
