"""A small business on Lightsail, for demonstrations: what it runs, and what happens to it."""

from datetime import datetime, timedelta

from lightsail_sandbox.seeds import Seed

REGION = "eu-central-1"
FLAKY_DISK = "mail-store"
DOOMED_INSTANCE = "old-site"
HELD_DISK = "shop-data"
WEB_SERVER = "shop-web"


def newcomer(now: datetime) -> Seed:
    """Return a disk that is added at `now` (UTC), and is to be backed up every hour."""
    return Seed(
        kind="Disk",
        name="orders",
        region=REGION,
        created_at=now,
        size_gb=16,
        tags={"backup": "hourly", "backup:keep": "hourly=12 daily=7"},
    )


def fleet(start: datetime) -> list[Seed]:
    """Return the fleet as it stands at `start` (UTC), a month after it was set up."""
    born = start - timedelta(days=30)

    def disk(name: str, size_gb: int, tags: dict[str, str], attached_to: str | None = None) -> Seed:
        return Seed(
            kind="Disk", name=name, region=REGION, created_at=born, size_gb=size_gb, tags=tags, attached_to=attached_to
        )

    def instance(name: str, tags: dict[str, str]) -> Seed:
        return Seed(kind="Instance", name=name, region=REGION, created_at=born, tags=tags)

    return [
        Seed(
            kind="Instance",
            name=WEB_SERVER,
            region=REGION,
            created_at=born,
            tags={"backup": "", "customer": "shop"},
            firewall=[
                {"protocol": "tcp", "fromPort": 80, "toPort": 80},
                {"protocol": "tcp", "fromPort": 443, "toPort": 443},
                {
                    "protocol": "tcp",
                    "fromPort": 22,
                    "toPort": 22,
                    "cidrs": ["203.0.113.0/24"],
                    "cidrListAliases": ["lightsail-connect"],
                },
            ],
        ),
        Seed(kind="StaticIp", name="shop-address", region=REGION, created_at=born, attached_to=WEB_SERVER),
        instance("clinic-db", {"backup": "daily", "backup:mode": "system-disk", "backup:at": "02:30 Europe/Zurich"}),
        instance(DOOMED_INSTANCE, {"backup": "daily", "customer": "bakery"}),
        instance("landing", {"backup": "dialy"}),
        disk(HELD_DISK, 64, {"backup": "daily", "customer": "shop"}),
        disk("shop-files", 32, {"backup": "weekly"}, attached_to=WEB_SERVER),
        disk(
            "ledger",
            8,
            {
                "backup": "daily",
                "backup:at": "02:30 America/New_York",
                "backup:keep": "daily=10 weekly=5 monthly=12 yearly=all",
            },
        ),
        disk("blog", 16, {"backup": "weekly", "backup:kepe": "6"}),
        disk(FLAKY_DISK, 128, {"backup": "daily"}),
        disk("scratch", 8, {}),
        Seed(
            kind="DiskSnapshot",
            name="before-the-big-upgrade",
            region=REGION,
            source=HELD_DISK,
            created_at=start - timedelta(days=3),
        ),
        Seed(
            kind="DiskSnapshot",
            name=f"{HELD_DISK}-{start - timedelta(days=2):%Y%m%d}-0300-c0ffee",
            region=REGION,
            source=HELD_DISK,
            tags={"customer": "shop"},
            created_at=start - timedelta(days=2),
        ),
        Seed(
            kind="RelationalDatabase",
            name="shop-orders",
            region=REGION,
            created_at=born,
            bundle_id="small_ha_2_0",
            tags={"backup": "daily", "customer": "shop"},
        ),
        Seed(
            kind="RelationalDatabase",
            name="wiki",
            region=REGION,
            created_at=born,
            blueprint_id="postgres_12",
            backup_retention=False,
            tags={"backup": "weekly"},
        ),
    ]
