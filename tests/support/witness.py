"""An independent judge of the safety rules.

It knows the documented promises, and what the sandbox shows: the record of calls and what there is. It imports nothing
of Lightkeeper, so that a wrong idea there is not shared here. It goes through the calls of a run one by one, on a
copy of what there was before, and says which promise a call breaks.

It judges by content: when a snapshot was *taken* (`createdAt`) decides what is newer, what a keep rule keeps and which
slots are covered. What a run could know is what there was when it began to read its lists for the last time; what there
is at the moment of a call is the other half. A call breaks a promise when it would in both.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from lightsail_sandbox.client import Call, Entry, Sandbox

CONSOLE = "console"
"""The access key of the user, as is an account's own; every other one is a run's."""
OWNER, SOURCE, SLOT, EXPIRES, FORMAT = (
    f"lightkeeper:{word}" for word in ("owner", "source", "slot", "expires", "format")
)
TAKEN, NAME_OF_SOURCE = "lightkeeper:taken", "lightkeeper:name"
"""On a copy in another Region, beside what its original has."""
RECIPE = "lightkeeper:recipe"
LISTS_OF_SOURCES = {
    "GetDisks": "Disk",
    "GetInstances": "Instance",
    "GetRelationalDatabases": "RelationalDatabase",
}
LISTS_OF_SNAPSHOTS = ("GetDiskSnapshots", "GetInstanceSnapshots", "GetRelationalDatabaseSnapshots")
LISTS = (*LISTS_OF_SOURCES, *LISTS_OF_SNAPSHOTS, "GetStaticIps")
LISTS_OF_COPIES = ("GetDiskSnapshots", "GetInstanceSnapshots")
"""Of a Region that copies go to, no others have to be read."""
LOOK_UPS = ("GetDiskSnapshot", "GetInstanceSnapshot", "GetRelationalDatabaseSnapshot")
READS = {*LISTS, *LOOK_UPS}
CREATES = {
    "CreateDiskSnapshot": "diskSnapshotName",
    "CreateInstanceSnapshot": "instanceSnapshotName",
    "CreateRelationalDatabaseSnapshot": "relationalDatabaseSnapshotName",
}
DELETES = {
    "DeleteDiskSnapshot": "diskSnapshotName",
    "DeleteInstanceSnapshot": "instanceSnapshotName",
    "DeleteRelationalDatabaseSnapshot": "relationalDatabaseSnapshotName",
}
SOURCES = {"diskName": "Disk", "instanceName": "Instance", "relationalDatabaseName": "RelationalDatabase"}
ANY_DELETES = DELETES | {
    "DeleteDisk": "diskName",
    "DeleteInstance": "instanceName",
    "DeleteRelationalDatabase": "relationalDatabaseName",
}
# Each kind of snapshot has words of its own.
USABLE = {"completed", "available"}
FAILED = {"error", "failed"}
COVERS = {*USABLE, "pending", "creating", "unknown"}
REFUSED_CREDENTIALS = {
    *("UnauthenticatedException", "UnrecognizedClientException", "InvalidClientTokenId"),
    *("InvalidSignatureException", "ExpiredTokenException", "IncompleteSignature"),
}
# Of 50 tags: those of a hold, a mark and Lightkeeper's own need room.
NO_ROOM_BEYOND = 35
# With so many tags or rules of a firewall, a recipe may be without a part.
MANY = 20
MOST_OF_A_COPY = 47
MOST_OF_A_NAME = 254
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
QUICK_ATTEMPTS = 3
# With a copy that does not end, before the same content is copied once more.
PATIENCE = 3 * DAY
SLOTS_LOOKED_AT = 3000
# So many sources a message names one by one, and so many marks in a run are everyday.
FEW = 5
EVERYDAY_MARKS = 3
BUILT_IN = {
    "hourly": ("0 * * * *", "hourly=24 daily=7"),
    "daily": ("0 3 * * *", "daily=7 weekly=4"),
    "weekly": ("0 3 * * 0", "weekly=8"),
    "monthly": ("0 3 1 * *", "monthly=12"),
}
PERIODS: dict[str, Callable[[datetime], object]] = {
    "hourly": lambda wall: (wall.date(), wall.hour),
    "daily": lambda wall: wall.date(),
    "weekly": lambda wall: wall.isocalendar()[:2],
    "monthly": lambda wall: (wall.year, wall.month),
    "yearly": lambda wall: wall.year,
}
PERIOD = "|".join(PERIODS)
DURATION = re.compile(r"(?=\d)(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)d)?(?:(\d+)h)?")
CLAUSE = rf"(last|{PERIOD})=([1-9]\d*|all)|within(-({PERIOD}))?=[1-9]\d*[ymdh](\d+[mdh])*|[1-9]\d*([ymdh](\d+[mdh])*)?"
KEEP = re.compile(rf"forever|({CLAUSE})( ({CLAUSE}))*")
AT = re.compile(r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)( (?P<zone>[A-Z][A-Za-z]+(/[A-Z][A-Za-z_]+)?))?")
FIXED_TIME = re.compile(r"\d+ \d+ (?P<days>.*)")
MODES = {"instance": "InstanceSnapshot", "system-disk": "DiskSnapshot"}
ONE_WAY = {"Disk": "DiskSnapshot", "RelationalDatabase": "RelationalDatabaseSnapshot"}
"""What is taken of a source that has no modes."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*-(?P<day>\d{8})-(?P<time>\d{4})-[0-9a-f]{6}(-([2-9]|[1-9]\d+))?")

ACCOUNT_IN_ARN = re.compile(r"arn:[a-z-]+:lightsail:[a-z0-9-]+:(\d{12}):")

Key = tuple[str, str]
"""Region and name: unique in an account at any time."""
Tags = Mapping[str, str]


class BrokenPromiseError(AssertionError):
    """A call, or what it left behind, that breaks a safety rule."""


def promise(kept: object, rule: int, sentence: str) -> None:
    """Insist that a rule is kept."""
    if not kept:
        raise BrokenPromiseError(f"rule {rule}: {sentence}")


# What the documentation promises about words


@dataclass(frozen=True)
class Policy:
    """When, how long, and of what; as cdk.json has it."""

    cron: str
    keep: str
    zone: str
    mode: str | None
    copy: str | None = None


@dataclass(frozen=True)
class CopyRule:
    """When to copy into a Region, and how long copies are kept there."""

    cron: str
    keep: str
    zone: ZoneInfo


@dataclass(frozen=True)
class Terms:
    """What a deployment has promised: the documented settings, as far as they bear on a rule."""

    owner: str
    key: str
    grace: str
    orphans: str
    most_deletes: int
    zone: ZoneInfo
    policies: Mapping[str, Policy]
    default_policy: str
    mode: str
    gap: timedelta | None
    """The longest time from run to run; None where the witness cannot tell."""
    regions: tuple[str, ...]
    """None named: every Region there is."""
    prunes: bool
    copies: Mapping[str, CopyRule]
    overdue: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Terms":
        """Read the `lightkeeper` object of a cdk.json."""
        zone = document.get("timeZone", "UTC")
        policies = {name: Policy(cron, keep, zone, None) for name, (cron, keep) in BUILT_IN.items()}
        for name, given in document.get("policies", {}).items():
            own_zone = given.get("timeZone", zone)
            policies[name] = Policy(given["schedule"], given["keep"], own_zone, given.get("mode"), given.get("copy"))
        rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", document.get("tick", "rate(1 hour)"))
        return cls(
            owner=document.get("deployment", "Lightkeeper"),
            key=document.get("tagKey", "backup"),
            grace=document.get("grace", "1d"),
            orphans=document.get("orphans", "keep"),
            most_deletes=document.get("maxDeletesPerSource", 3),
            zone=ZoneInfo(zone),
            policies=policies,
            default_policy=document.get("defaultPolicy", "daily"),
            mode=document.get("instanceMode", "instance"),
            gap=int(rate[1]) * {"minute": MINUTE, "hour": HOUR, "day": DAY}[rate[2]] if rate else None,
            regions=tuple(document.get("regions", ())),
            prunes=document.get("prune", "on") == "on",
            copies={
                region: CopyRule(given["schedule"], given["keep"], ZoneInfo(given.get("timeZone", zone)))
                for region, given in document.get("copies", {}).items()
            },
            overdue=document.get("overdueAfter", "6h"),
        )

    @property
    def hold(self) -> str:
        """The key of a hold."""
        return f"{self.key}:hold"

    def expires(self, now: datetime, *, orphaned: bool) -> datetime:
        """Return from when what is marked at `now` may be deleted."""
        days = [shifted(now, "1d", self.zone, 1)] if orphaned else []
        return max(shifted(now, self.grace, self.zone, 1), now + MINUTE, *days)


@dataclass(frozen=True)
class Wish:
    """What the tags of a source ask for."""

    cron: str
    zone: ZoneInfo
    keep: str
    kind: str
    """Of the snapshots to take."""

    def slots(self, now: datetime) -> Iterator[datetime]:
        """Yield the slots at or before `now`, newest first."""
        minutes, hours, days, months, weekdays = map(_numbers, self.cron.split())
        day = now.astimezone(self.zone).date()
        while True:
            if day.day in days and day.month in months and day.isoweekday() % 7 in weekdays:
                for hour in sorted(hours & {*range(24)}, reverse=True):
                    for minute in sorted(minutes & {*range(60)}, reverse=True):
                        slot = _instant(datetime(day.year, day.month, day.day, hour, minute), self.zone)  # noqa: DTZ001 - a wall-clock time
                        if slot <= now:
                            yield slot
            day -= DAY

    def slot(self, now: datetime) -> datetime:
        """Return the current slot."""
        return next(self.slots(now))


def _numbers(text: str) -> set[int]:
    """Read a field of a cron expression, as far as the policies of the stories go."""
    if every := re.fullmatch(r"\*(?:/(\d+))?", text):
        return {*range(0, 60, int(every[1] or 1))}
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= {*range(int(first), int(last or first) + 1)}
    return found


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when a clock on the wall shows a time: the first time it does, or the end of the gap that it lies in."""
    while (there := wall.replace(tzinfo=zone).astimezone(UTC)).astimezone(zone).replace(tzinfo=None) != wall:
        wall += MINUTE
    return there


def shifted(time: datetime, duration: str, zone: ZoneInfo, sign: int) -> datetime:
    """Return what a calendar shows a duration such as `2y5m7d3h` later, or earlier; hours pass on any clock."""
    found = DURATION.fullmatch(duration)
    assert found, f"the witness cannot read the duration {duration}"
    years, months, days, hours = (int(number or 0) for number in found.groups())
    if not (years or months or days):
        return time + sign * hours * HOUR
    wall = time.astimezone(zone).replace(tzinfo=None)
    month = wall.year * 12 + wall.month - 1 + sign * (12 * years + months)
    wall = _no_such_day(month // 12, month % 12 + 1, wall) + sign * days * DAY
    return _instant(wall, zone) + sign * hours * HOUR


def _no_such_day(year: int, month: int, wall: datetime) -> datetime:
    for day in range(wall.day, 27, -1):
        try:
            return wall.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    return wall.replace(year=year, month=month)


def instant(text: str) -> datetime | None:
    """Read a time as our tags have it."""
    return datetime.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text) else None


def wish(tags: Tags, kind: str, terms: Terms) -> Wish | None:
    """Return what tags ask for, in a way the documentation admits; None if they ask for nothing, or for nonsense."""
    name = tags.get(terms.key, "off") or terms.default_policy
    policy = terms.policies.get(name)
    at, keep, mode = (tags.get(f"{terms.key}:{word}") for word in ("at", "keep", "mode"))
    time, fixed = AT.fullmatch(at or ""), FIXED_TIME.fullmatch(policy.cron) if policy else None
    if (
        policy is None
        or (keep is not None and not KEEP.fullmatch(keep))
        or (at is not None and not (time and fixed))
        or (mode is not None and mode not in MODES and kind not in ONE_WAY)
    ):
        return None
    cron = f"{int(time['minute'])} {int(time['hour'])} {fixed['days']}" if time and fixed else policy.cron
    taken = ONE_WAY.get(kind) or MODES.get(mode or policy.mode or terms.mode, "")
    return Wish(cron, ZoneInfo((time and time["zone"]) or policy.zone), keep or policy.keep, taken)


def copy_wish(tags: Tags, kind: str, home: str, target: str, terms: Terms) -> Wish | None:
    """Return what the tags of something at home ask for of copies in a Region; None if for none."""
    asked, rule = wish(tags, kind, terms), terms.copies.get(target)
    if asked is None or rule is None or target == home or kind.startswith("RelationalDatabase"):
        return None
    policy = terms.policies[tags.get(terms.key) or terms.default_policy]
    where = tags.get(f"{terms.key}:copy", policy.copy)
    if where is None or where.strip() == "off" or not {*where.split()} <= {*terms.copies}:
        return None
    if where.split() and target not in where.split():
        return None
    keep = tags.get(f"{terms.key}:copy-keep", rule.keep)
    return Wish(rule.cron, rule.zone, keep if KEEP.fullmatch(keep) else rule.keep, asked.kind)


def are_copies_troubled(tags: Tags, terms: Terms) -> bool:
    """Say whether tags say something wrong of copies."""
    where, keep = tags.get(f"{terms.key}:copy", "off"), tags.get(f"{terms.key}:copy-keep", "1")
    is_somewhere = where.strip() == "off" or (bool(terms.copies) and {*where.split()} <= {*terms.copies})
    return not is_somewhere or not KEEP.fullmatch(keep)


def copy_name(birth: "Birth", source: str, region: str) -> str:
    """Return the name that the copy of a snapshot of ours has in a Region; later attempts end in a number."""
    digest = hashlib.sha256(f"{birth.source_arn}\0{birth.owner}\0{region}".encode()).hexdigest()[:6]
    # What has no letter or digit is called by its kind; a name has at most 254 characters, a second attempt's, too.
    stem = re.sub(r"[^A-Za-z0-9]+", "-", source).strip("-")[: 254 - len("-YYYYMMDD-HHMM-abcdef-2")]
    stem = stem or birth.source_arn.split(":")[-1].split("/")[0].lower()
    return f"{stem}-{birth.slot:%Y%m%d-%H%M}-{digest}"


def is_name_of_copy(name: str, birth: "Birth", source: str, region: str) -> bool:
    """Say whether a name is that of a copy of a snapshot of ours in a Region."""
    return re.fullmatch(rf"{re.escape(copy_name(birth, source, region))}(-([2-9]|[1-9]\d+))?", name) is not None


def is_troubled(tags: Tags, terms: Terms) -> bool:
    """Say whether tags hold something that a person should mend: then nothing may be pruned."""
    known = {terms.key, *(f"{terms.key}:{word}" for word in ("at", "keep", "mode", "hold", "copy", "copy-keep"))}
    if terms.key in tags and are_copies_troubled(tags, terms):
        return True
    word = re.escape(terms.key).replace("backup", r"back\W?up")
    lookalikes = [key for key in tags if key not in known and re.match(rf"{word}s?\b", key, re.IGNORECASE)]
    return bool(lookalikes) or not is_date(tags.get(terms.hold, ""))


def is_date(text: str) -> bool:
    """Say whether a hold's value can be read."""
    try:
        date.fromisoformat(text or "2026-01-01")
    except ValueError:
        return False
    return not text or bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text))


def is_over(value: str, now: datetime, terms: Terms) -> bool:
    """Say whether a hold's day has passed, on the calendar of the settings."""
    return bool(value) and is_date(value) and now.astimezone(terms.zone).date().isoformat() > value


def is_source_held(tags: Tags, now: datetime, terms: Terms) -> bool:
    """Say whether a source's tags hold all of its snapshots."""
    return terms.hold in tags and not is_over(tags[terms.hold], now, terms)


def is_held(tags: Tags, source: Tags, now: datetime, terms: Terms) -> bool:
    """Say whether the tags of a snapshot hold it: by a hold, by another's hold, or in words that nobody knows."""
    known = {f"{terms.key}:{word}" for word in ("at", "keep", "mode", "copy", "copy-keep")} | {*source}
    return is_source_held(tags, now, terms) or any(
        key != terms.hold and (key.lower().endswith("hold") or (key.startswith(f"{terms.key}:") and key not in known))
        for key in tags
    )


def keeps(rule: str, times: Sequence[datetime], zone: ZoneInfo, newest: datetime) -> set[int]:
    """Return which of the times, newest first, a keep rule keeps: restic's words, read anew."""
    walls = [time.astimezone(zone) for time in times]

    def firsts(period: str, chosen: Iterable[int]) -> list[int]:
        of_period: dict[object, int] = {}
        for index in chosen:
            of_period.setdefault(PERIODS[period](walls[index]) if period in PERIODS else index, index)
        return [*of_period.values()]

    kept: set[int] = set()
    for word in ["last=all"] if rule == "forever" else rule.split():
        name, equals, value = word.partition("=")
        if not equals:
            name, value = ("last" if word.isdigit() else "within"), word
        if name.startswith("within"):
            start = shifted(newest, value, zone, -1)
            kept.update(firsts(name.removeprefix("within-"), (i for i, time in enumerate(times) if time > start)))
            continue
        chosen = firsts(name, range(len(times)))
        kept.update(chosen if value == "all" else chosen[: int(value)])
        # With count to spare, the oldest stays too.
        if times and (value == "all" or len(chosen) < int(value)):
            kept.add(len(times) - 1)
    return kept


# What there is


Recipe = Mapping[str, frozenset[str]]
"""What a source has that no snapshot holds: the words of each part."""


def recipe_of(source: Entry) -> Recipe:
    """Return what a source has that no snapshot of it holds, by what Lightsail shows of it."""
    shown = source.shown
    parts: dict[str, object] = {"zone": shown["location"]["availabilityZone"]}
    hours = [add_on["snapshotTimeOfDay"] for add_on in shown.get("addOns", ())]
    parts["add-ons"] = f"AutoSnapshot {hours[0]}" if hours else None
    match source.kind:
        case "Disk":
            parts["size"] = shown["sizeInGb"]
            parts["attached-to"] = f"{shown['attachedTo']} {shown['path']}" if "attachedTo" in shown else None
        case "Instance":
            options = shown["metadataOptions"]
            parts["metadata"] = (
                f"tokens={options['httpTokens']} endpoint={options['httpEndpoint']} "
                f"hops={options['httpPutResponseHopLimit']} ipv6={options['httpProtocolIpv6']}"
            )
            parts["bundle"], parts["key"] = shown["bundleId"], shown.get("sshKeyName")
            parts["address-type"], parts["static-ip"] = shown["ipAddressType"], shown.get("staticIp")
            parts["ports"] = " ".join(_doors(shown["networking"]["ports"])) or "none"
        case _:
            parts["bundle"] = shown["relationalDatabaseBundleId"]
            parts["public"] = "yes" if shown["publiclyAccessible"] else "no"
            parts["backup-window"] = shown["preferredBackupWindow"]
            parts["maintenance-window"] = shown["preferredMaintenanceWindow"]
    return {part: frozenset(str(words).split()) for part, words in parts.items() if words is not None}


def _doors(ports: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield each place that reaches some ports of an instance, with the ports."""
    for rule in ports:
        span = f"{rule['fromPort']}" + (f"-{rule['toPort']}" if rule["toPort"] != rule["fromPort"] else "")
        for place in (*rule["cidrs"], *rule["ipv6Cidrs"], *rule["cidrListAliases"]):
            yield f"{rule['protocol']}:{span}={place}"


def recipe_in(tags: Tags) -> tuple[Recipe, Sequence[str]]:
    """Return the recipe that the tags of a snapshot hold, and the parts that they say are not in it."""
    version, *rest = tags.get(RECIPE, "").split()
    promise(version == "1" and rest[:1] in ([], ["without"]), 1, f"a recipe that says {tags.get(RECIPE)!r}")
    found: defaultdict[str, set[str]] = defaultdict(set)
    for key, value in tags.items():
        part = key.removeprefix("lightkeeper:")
        if part in {key, "owner", "source", "slot", "format", "recipe", "by-hand", "expires"}:
            continue
        if re.fullmatch(r"ports(-\d+)?", part):
            rules = [word.partition("=") for word in value.split()]
            found["ports"] |= {
                f"{door}{equals}{place}" for door, equals, places in rules for place in places.split("+")
            }
        else:
            found[part] |= {*value.split()}
    return {part: frozenset(words) for part, words in found.items()}, rest[1:]


def content(entry: Entry) -> datetime:
    """Return when what a snapshot holds was taken; no clock that is set back makes that later than the snapshot."""
    return min(entry.content_at or entry.created_at, entry.created_at)


@dataclass(frozen=True)
class Birth:
    """A snapshot that a run took, or copied: only these are ours, whatever tags say."""

    owner: str
    source_arn: str
    slot: datetime
    of: Mapping[str, str] = field(default_factory=dict)
    """What a copy says of its origin."""

    @property
    def home(self) -> str:
        """The Region of its source."""
        return self.source_arn.split(":")[3]


@dataclass(frozen=True)
class Point:
    """A snapshot of ours, as it is."""

    key: Key
    entry: Entry
    slot: datetime

    @property
    def taken(self) -> datetime:
        """When its content is from."""
        return content(self.entry)

    @property
    def is_usable(self) -> bool:
        """Whether it can be restored."""
        return self.entry.state in USABLE


@dataclass
class Scene:
    """What there is, changed call by call."""

    entries: dict[Key, Entry]
    ours: dict[Key, Birth]
    _sources: dict[str, Entry] | None = None
    _keys: dict[tuple[str, str], set[Key]] | None = None
    _points: dict[tuple[str, str], list[Point]] = field(default_factory=dict)
    _copy: "Scene | None" = None

    def set(self, key: Key, entry: Entry | None, birth: Birth | None = None) -> None:
        """Put an entry there, or take it away; a birth is that of a new snapshot of ours."""
        self._copy = None
        if entry is None:
            del self.entries[key]
        else:
            self.entries[key] = entry
        if birth:
            self.ours[key] = birth
        if not (known := self.ours.get(key)):
            self._sources = None
            return
        if entry is None:
            del self.ours[key]
        series = known.owner, known.source_arn
        self._points.pop(series, None)
        if self._keys is not None:
            keys = self._keys.setdefault(series, set())
            keys.discard(key) if entry is None else keys.add(key)

    def copy(self) -> "Scene":
        """Return what there is now, for good."""
        self._copy = self._copy or Scene(dict(self.entries), dict(self.ours))
        return self._copy

    def source(self, arn: str) -> Entry | None:
        """Return a source that still exists."""
        if self._sources is None:
            self._sources = {entry.arn: entry for entry in self.entries.values() if entry.state is None}
        return self._sources.get(arn)

    def is_ours(self, key: Key, terms: Terms) -> bool:
        """Say whether a run of this deployment took this snapshot, and nobody has changed that it says so."""
        birth, entry = self.ours.get(key), self.entries.get(key)
        return bool(
            birth
            and entry
            and birth.owner == terms.owner == entry.tags.get(OWNER)
            and entry.tags.get(SOURCE) == birth.source_arn
            and instant(entry.tags.get(SLOT, "")) == birth.slot
            and birth.of.items() <= entry.tags.items()
        )

    def points(self, arn: str, terms: Terms, region: str | None = None) -> list[Point]:
        """Return our snapshots of a source in a Region, of whatever kind, the newest content first; None: at home."""
        place = region or arn.split(":")[3]
        return [point for point in self.everywhere(arn, terms) if point.key[0] == place]

    def everywhere(self, arn: str, terms: Terms) -> list[Point]:
        """Return our snapshots of a source, copies among them, the newest content first."""
        series = terms.owner, arn
        if self._keys is None:
            self._keys = {}
            for key, birth in self.ours.items():
                self._keys.setdefault((birth.owner, birth.source_arn), set()).add(key)
        if series not in self._points:
            keys = [key for key in sorted(self._keys.get(series, ())) if self.is_ours(key, terms)]
            points = [Point(key, self.entries[key], self.ours[key].slot) for key in keys]
            self._points[series] = sorted(points, key=lambda point: point.taken, reverse=True)
        return self._points[series]


Objection = tuple[int, str]
"""The number of the rule that forbids, and why."""


@dataclass(frozen=True)
class Judgement:
    """What the rules say of our snapshots in one scene, at the time of a run."""

    scene: Scene
    terms: Terms
    now: datetime

    def series(self, key: Key) -> list[Point]:
        """Return the snapshots of the same source and kind in the same Region, the newest content first."""
        points = self.scene.points(self.scene.ours[key].source_arn, self.terms, key[0])
        return [point for point in points if point.entry.kind == self.scene.entries[key].kind]

    def source(self, key: Key) -> Entry | None:
        """Return the source of a snapshot, if it is still there."""
        return self.scene.source(self.scene.ours[key].source_arn)

    def feeds(self, key: Key) -> Wish | None:
        """Return what the source asks for, if that feeds the series of this snapshot; None makes it an orphan."""
        asked = self._asked(key)
        return asked if asked and asked.kind == self.scene.entries[key].kind else None

    def is_copy(self, key: Key) -> bool:
        """Say whether a snapshot of ours is a copy."""
        return key[0] != self.scene.ours[key].home

    def _asked(self, key: Key) -> Wish | None:
        """Return what a source asks for in the Region of a snapshot of it."""
        source = self.source(key)
        if source is None:
            return None
        if self.is_copy(key):
            return copy_wish(source.tags, source.kind, source.region, key[0], self.terms)
        return wish(source.tags, source.kind, self.terms)

    def is_held(self, key: Key) -> bool:
        """Say whether the snapshot, or all of its source's, are held."""
        source = self.source(key)
        own = self.scene.entries[key].tags
        return is_held(own, source.tags if source else {}, self.now, self.terms) or bool(
            source and is_source_held(source.tags, self.now, self.terms)
        )

    def objection_to_pruning(self, key: Key) -> Objection | None:
        """Return why this snapshot may neither be marked nor deleted."""
        return (
            self._nature(key) or self._protection(key) or self._stays(key) or self._trouble(key) or self._retention(key)
        )

    def _nature(self, key: Key) -> Objection | None:
        if not self.scene.is_ours(key, self.terms):
            return 1, "what no run of ours has taken"
        if self.is_of_a_newer_release(key):
            return 1, "which a newer release has made"
        if self.is_copy(key) and key[0] not in self.terms.copies:
            return 1, "which lies where nothing is copied to"
        if not self.terms.prunes:
            return 7, "although prune is off"
        if (state := self.scene.entries[key].state) not in USABLE | FAILED:
            return 2, f"which is {state}"
        return (6, "which is held") if self.is_held(key) else None

    def is_of_a_newer_release(self, key: Key) -> bool:
        """Say whether a snapshot is in a format that nobody knows."""
        return self.scene.entries[key].tags.get(FORMAT, "1") != "1"

    def _stays(self, key: Key) -> Objection | None:
        source = self.source(key)
        is_off = source is None or source.tags.get(self.terms.key, "off") == "off"
        is_unfed = self.feeds(key) is None and (self.is_copy(key) or self._asked(key) is not None)
        if self.terms.orphans != "expire" and (is_off or is_unfed):
            return 8, "which is an orphan"
        return None

    def _trouble(self, key: Key) -> Objection | None:
        source = self.source(key)
        if source and (is_troubled(source.tags, self.terms) or self.asks_for_nonsense(source)):
            return 3, f"whose source has a problem in its tags: {dict(source.tags)}"
        others = self.scene.everywhere(self.scene.ours[key].source_arn, self.terms)
        newer = next((point for point in others if self.is_of_a_newer_release(point.key)), None)
        return (3, f"beside {newer.key[1]}, which a newer release has made") if newer else None

    def _retention(self, key: Key) -> Objection | None:
        asked = self.feeds(key)
        if asked is None:
            return self._orphans_objection(key)
        if self.scene.entries[key].state in USABLE and self._is_kept(key, asked.keep, asked.zone, ()):
            return 7, f'which "{asked.keep}" keeps'
        return None

    def asks_for_nonsense(self, source: Entry) -> bool:
        """Say whether a source asks for something that nobody can give, or says `off` and something wrong besides."""
        tags, key = source.tags, self.terms.key
        if key not in tags:
            return any(f"{key}:{word}" in tags for word in ("at", "keep", "mode", "copy", "copy-keep"))
        if tags.get(f"{key}:copy", "off").strip() != "off" and tags[key] != "off":
            where = {*tags[f"{key}:copy"].split()} or {*self.terms.copies}
            if source.kind == "RelationalDatabase" or where <= {source.region}:
                return True
        meant = {**tags, key: ""} if tags[key] == "off" else tags
        return wish(meant, source.kind, self.terms) is None

    def _protection(self, key: Key) -> Objection | None:
        entry = self.scene.entries[key]
        if entry.state in FAILED:
            others = self.scene.points(self.scene.ours[key].source_arn, self.terms, key[0])
            newer = [point for point in others if point.is_usable and point.taken >= content(entry)]
            return None if newer else (5, "which ended in error, and nothing newer is usable")
        newer = [
            point
            for point in self.series(key)
            if point.is_usable and point.taken >= content(entry) and point.key != key
        ]
        return None if newer else (2, f"the newest {entry.kind} by content")

    def _orphans_objection(self, key: Key) -> Objection | None:
        usable = [point for point in self.series(key) if point.is_usable]
        tags = usable[0].entry.tags if usable else {}
        own = wish(tags, "", self.terms)
        if own and self.is_copy(key):
            rule = self.terms.copies[key[0]]
            own = Wish(rule.cron, rule.zone, tags.get(f"{self.terms.key}:copy-keep", rule.keep), own.kind)
        if own is None or is_troubled({tag: tags[tag] for tag in tags if tag != self.terms.hold}, self.terms):
            return 8, f"which is an orphan, and its own tags name no policy: {dict(tags)}"
        # As if the schedule had gone on. One more, for what begins and ends at the same moment.
        missed = takewhile(lambda slot: slot > usable[0].taken, own.slots(self.now))
        imagined = [max(self.now, usable[0].taken) + DAY, *islice(missed, SLOTS_LOOKED_AT)]
        if self.scene.entries[key].state in USABLE and self._is_kept(key, own.keep, own.zone, imagined):
            return 8, f'which is an orphan, and its own "{own.keep}" keeps it'
        return None

    def _is_kept(self, key: Key, rule: str, zone: ZoneInfo, imagined: Sequence[datetime]) -> bool:
        """Say whether a rule keeps a usable snapshot, in whatever order those of the same moment are taken."""
        usable = [point for point in self.series(key) if point.is_usable]
        # Held ones use no count.
        others = [point.taken for point in usable if point.key != key and not self.is_held(point.key)]
        taken, newest = content(self.scene.entries[key]), max([*imagined, usable[0].taken])
        newer = [time for time in others if time > taken]
        same = [time for time in others if time == taken]
        older = [time for time in others if time < taken]
        verdicts = [
            len([*imagined, *before]) in keeps(rule, [*imagined, *before, taken, *after], zone, newest)
            for before, after in ((newer, [*same, *older]), ([*newer, *same], older))
        ]
        return all(verdicts)

    def objection_to_deleting(self, key: Key) -> Objection | None:
        """Return why this snapshot may not be deleted, though it may be marked."""
        text = self.scene.entries[key].tags.get(EXPIRES)
        expires = instant(text or "")
        if expires is None or expires > self.now:
            return 7, f"marked for {text}"
        if self.terms.gap and expires < self.now - 3 * self.terms.gap:
            return 7, f"marked for {text}, long ago: it is to be marked again"
        return None

    def carries_a_hold(self, key: Key) -> bool:
        """Say whether a snapshot carries the tag for which AWS refuses to delete it, even if its day is over."""
        return self.terms.hold in self.scene.entries[key].tags

    def expiry(self, key: Key) -> datetime:
        """Return from when the snapshot may be deleted, if it is marked now.

        To a run that is replayed its own time is long past: the grace then counts from when the newest was made.
        """
        usable = [point.entry.created_at for point in self.series(key) if point.is_usable]
        return self.terms.expires(max(self.now, *usable[:1]), orphaned=self.feeds(key) is None)


@dataclass
class Run:
    """What a run has done so far, and what it could know: Region by Region."""

    calls: list[Call] = field(default_factory=list)
    _looks: defaultdict[str, dict[str, tuple[int, Scene]]] = field(default_factory=lambda: defaultdict(dict))
    _lists: defaultdict[str, dict[str, Call]] = field(default_factory=lambda: defaultdict(dict))
    _creates: dict[str, tuple[int, Scene]] = field(default_factory=dict)
    _all_looks: defaultdict[str, list[tuple[int, Scene]]] = field(default_factory=lambda: defaultdict(list))
    """Of a Region that copies go to, which is read for each home and perhaps for itself."""
    _copied: dict[str, tuple[int, Scene]] = field(default_factory=dict)
    """By home: when the last snapshot was taken there, or copied from there."""
    _read: set[tuple[str, str]] = field(default_factory=set)
    """Region and list: those that have been read to their end."""

    def follow(self, call: Call, scene: Scene) -> None:
        """Take in a call that is about to be made."""
        self.calls.append(call)
        if call.operation in LISTS:
            if not call.parameters.get("pageToken"):
                self._looks[call.region][call.operation] = call.number, scene.copy()
                self._all_looks[call.region].append((call.number, scene.copy()))
            self._lists[call.region][call.operation] = call
            if _is_well(call) and not call.more:
                self._read.add((call.region, call.operation))
        elif call.operation in CREATES:
            self._creates[call.region] = self._copied[call.region] = call.number, scene.copy()
        elif call.operation == "CopySnapshot":
            self._copied[call.parameters["sourceRegion"]] = call.number, scene.copy()

    def knows(self, region: str) -> Scene | None:
        """Return what there was when the run began to look for the last time; None if it has not looked."""
        looks = self._looks[region].values()
        return min(looks, key=lambda look: look[0])[1] if looks else None

    def should_know(self, region: str) -> Scene | None:
        """Return what a run has to know that deletes: it looks again when it has taken the last snapshot."""
        looks = self._looks[region].values()
        if not looks:
            return None
        known = min(looks, key=lambda look: look[0])
        return max(known, self._creates.get(region, known), key=lambda look: look[0])[1]

    def knows_of_copies(self, home: str, region: str, *, deleting: bool) -> list[Scene]:
        """Return what there was whenever the run may have looked at copies; the last time before it deletes."""
        looks = [look for place in (home, region) for look in self._all_looks[place]]
        if deleting and home in self._copied:
            begun = self._copied[home]
            looks = [look for look in looks if look[0] > begun[0]] or [begun]
        return [scene for _, scene in sorted(looks, key=lambda look: look[0])]

    def unread(self, region: str, names: Sequence[str] = LISTS, *, once: bool = False) -> list[str]:
        """Return the lists that were never read, or are only read in part; `once` in the run is enough."""
        lists = self._lists[region]
        return [
            name
            for name in names
            if not (once and (region, name) in self._read)
            and (name not in lists or (_is_well(lists[name]) and lists[name].more))
        ]

    def failed(self, region: str, names: Sequence[str] = LISTS, *, once: bool = False) -> list[str]:
        """Return the lists that could not be read to their end; that one was, `once` in the run, is enough."""
        return [
            name
            for name, call in self._lists[region].items()
            if name in names and not _is_well(call) and not (once and (region, name) in self._read)
        ]


def judge_accounts(calls: Iterable[Call], keys: Mapping[str, str]) -> None:
    """Insist that runs of several accounts are made by each account's own role, and about nothing of another's.

    Parameters
    ----------
    calls
        All that were made while the runs went, in whatever account.
    keys
        The access keys that these runs were given, with the account that each was given for.

    Raises
    ------
    BrokenPromiseError
        If a call is made with another key, or in another account, or names what is another's.
    """
    for call in calls:
        if is_users(call):
            continue
        what = f"{call.operation} in {call.account}"
        promise(call.access_key_id in keys, 1, f"{what} with {call.access_key_id}, which was given for no run of now")
        promise(keys[call.access_key_id] == call.account, 1, f"{what} with the role of {keys[call.access_key_id]}")
        strangers = {*ACCOUNT_IN_ARN.findall(str(call.parameters))} - {call.account}
        promise(not strangers, 1, f"{what} names what is in {strangers}: {call.parameters}")


def is_users(call: Call) -> bool:
    """Say whether the user has made a call, and no run."""
    return call.access_key_id in {CONSOLE, call.account}


def _is_well(call: Call) -> bool:
    return call.took_effect and call.answer == "sent"


@dataclass
class Witness:
    """Follows one account of a sandbox from its start."""

    sandbox: Sandbox
    account: str | None = None
    """12 digits; None: the only one there is."""
    judged: Counter[str] = field(default_factory=Counter)
    """How many calls of runs have been judged and took effect, by operation."""
    _number: int = 0
    _scene: Scene = field(default_factory=lambda: Scene({}, {}))
    _saved: Scene = field(default_factory=lambda: Scene({}, {}))
    _court: "_Court | None" = None
    """Of the last run."""
    _earlier: Judgement | None = None
    """How things stood after the run before."""
    _notified: set[str] = field(default_factory=set)
    """The sources, by ARN, of which a person knows that they are not backed up any more."""
    _notified_lists: set[tuple[str, str]] = field(default_factory=set)

    def look(self) -> None:
        """Take in what has happened since, none of it by a run."""
        entries = self._entries()
        born = {key: birth for key, birth in self._scene.ours.items() if self._is_the_same(key, entries.get(key))}
        self._scene = Scene(entries, born)
        # The record may have been cleared: then it counts from 1 again. Else it still has the last call that is known.
        calls = self.sandbox.calls(max(self._number - 1, 0)) or self.sandbox.calls()
        self._number = calls[-1].number if calls else 0

    def adopt(self, names: Iterable[str]) -> None:
        """Take snapshots that were there from the start for such as runs have taken."""
        self.look()
        chosen = set(names)
        for key, entry in self._scene.entries.items():
            slot = instant(entry.tags.get(SLOT, ""))
            if entry.name in chosen and slot:
                of = {name: entry.tags[name] for name in (TAKEN, NAME_OF_SOURCE) if name in entry.tags}
                self._scene.ours[key] = Birth(entry.tags[OWNER], entry.tags[SOURCE], slot, of)

    def checkpoint(self) -> None:
        """Remember the sandbox as it is now, and what in it is ours."""
        self.look()
        self._saved = self._scene.copy()
        self.sandbox.checkpoint()

    def restore(self) -> None:
        """Go back to the checkpoint."""
        self.sandbox.restore()
        self._scene = Scene(dict(self._saved.entries), dict(self._saved.ours))
        self.look()

    def _entries(self) -> dict[Key, Entry]:
        here = [entry for entry in self.sandbox.entries() if self._is_here(entry.account)]
        return {(entry.region, entry.name): entry for entry in here}

    def _is_here(self, account: str) -> bool:
        return self.account in {None, account}

    def _is_the_same(self, key: Key, entry: Entry | None) -> bool:
        return entry is not None and entry.arn == self._scene.entries[key].arn

    @contextmanager
    def watching(
        self,
        document: Mapping[str, Any],
        *,
        now: datetime | None = None,
        expect_all: bool = False,
        enforced: bool = False,
    ) -> Iterator[None]:
        """Watch a run, or several at once, and judge it when it has ended, however it ended.

        Parameters
        ----------
        document
            The settings, as in cdk.json.
        now
            The scheduled time of the run; None: what the sandbox's clock says.
        expect_all
            Whether everything due has to be there afterwards, as far as no call has failed that it needs.
        enforced
            Whether the run has its role, which refuses to delete what carries a hold.
        """
        self.look()
        completed = False
        try:
            yield
            completed = True
        finally:
            self.judge(Terms.of(document), now=now, expect_all=expect_all and completed, enforced=enforced)

    def judge(
        self, terms: Terms, *, now: datetime | None = None, expect_all: bool = False, enforced: bool = False
    ) -> None:
        """Judge all calls since the last look.

        Raises
        ------
        BrokenPromiseError
            If a rule is broken.
        """
        now = now or self.sandbox.now()
        calls = [call for call in self.sandbox.calls(self._number) if self._is_here(call.account)]
        after = self._entries()
        court = _Court(terms, now, self._scene, after, enforced=enforced)
        for call in calls:
            court.take(call)
        court.close(expect_all=expect_all)
        self._earlier = self._court.end if self._court else None
        self._court = court
        self.judged.update(call.operation for run in court.runs.values() for call in run.calls if call.took_effect)
        self.look()

    def said(self, texts: Iterable[str]) -> None:
        """Judge whether the run that was watched last has notified a person of what stops being protected.

        Parameters
        ----------
        texts
            What it said, such as the texts of its messages. None: it was silent.

        Raises
        ------
        BrokenPromiseError
            If something stops being protected in silence.
        """
        assert self._court, "nothing was watched"
        text = "\n".join(texts)
        stopped = self._court.stopped()
        new = {arn: name for arn, name in stopped.items() if arn not in self._notified}
        _expect_named(new, text, "recovery points, and is not backed up any more")
        cut = self._court.cut(self._earlier)
        if sum(cut.values()) > EVERYDAY_MARKS:
            names = {name: name for name in cut}
            number = rf"\b{sum(cut.values())} snapshots"
            _expect_named({} if re.search(number, text) else names, text, "its rule cut")
        lists = self._court.short_lists()
        for region, operation in lists:
            is_notified = (region, operation) in self._notified_lists or region in text
            promise(is_notified, 13, f"{region}: {operation} has lost most, and nobody is notified")
        # What is backed up again, and stops again, is news again.
        self._notified = {*stopped, *(arn for arn in self._notified if not self._court.has_seen(arn))}
        self._notified_lists = {*lists}


def _expect_named(names: Mapping[str, str], text: str, what: str) -> None:
    silent = sorted(name for name in names.values() if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text))
    is_counted = len(names) > FEW and len(silent) < len(names) and re.search(rf"\b{len(names)}\b", text)
    promise(not silent or is_counted, 13, f"{silent} has {what}; nobody is notified")


class _Court:
    """Judges the calls of one run, or of several that ran side by side, one by one."""

    def __init__(
        self, terms: Terms, now: datetime, scene: Scene, after: Mapping[Key, Entry], *, enforced: bool
    ) -> None:
        self.runs: defaultdict[str, Run] = defaultdict(Run)
        self._terms, self._now, self._scene, self._after, self._enforced = terms, now, scene, after, enforced
        self._before = scene.copy()
        self._made_anew: set[Key] = set()
        self._tagged: dict[Key, Birth] = {}
        """What gets the tags of a copy."""
        self._waiting: dict[tuple[str, str, str], list[Point]] = {}
        """By run, source and Region: what might have been deleted when the first one was."""

    def take(self, call: Call) -> None:
        """Judge a call, and do on the scene what it did."""
        if not is_users(call):
            run = self.runs[call.access_key_id]
            run.follow(call, self._scene)
            self._judge(call, run)
        self._replay(call)

    def _judge(self, call: Call, run: Run) -> None:
        if call.operation in READS:
            return
        unread = self._unread(call, run)
        promise(not unread, 10, f"{call.region}: {call.operation} before {unread} was read to its end")
        match call.operation:
            case operation if operation in CREATES:
                self._judge_create(call, run)
            case "CopySnapshot":
                self._judge_copy(call, run)
            case "TagResource" if {*_given(call)} != {EXPIRES} and call.region in self._terms.copies:
                self._judge_tags_of_copy(call, run)
            case "TagResource":
                self._judge_tag(call, run)
            case "UntagResource":
                self._judge_untag(call, run)
            case operation if operation in DELETES:
                key = call.region, call.parameters[DELETES[operation]]
                if self._judge_ours(call, key):
                    self._judge_prune(call, key, run, deleting=True)
                    self._judge_delete(call, key, run)
            case operation:
                promise(kept=False, rule=1, sentence=f"a run has no business with {operation}")

    def _judge_tag(self, call: Call, run: Run) -> None:
        key = call.region, call.parameters["resourceName"]
        tags = _given(call)
        promise(set(tags) == {EXPIRES}, 1, f"{key}: a run sets no tag but {EXPIRES}; it set {tags}")
        if self._judge_ours(call, key):
            self._judge_prune(call, key, run, deleting=False)
            self._judge_mark(key, tags[EXPIRES], run)

    def _judge_untag(self, call: Call, run: Run) -> None:
        key = call.region, call.parameters["resourceName"]
        keys = call.parameters["tagKeys"]
        promise(keys in ([EXPIRES], [self._terms.hold]), 1, f"{key}: a run removes {EXPIRES} or a hold; not {keys}")
        is_there = self._judge_ours(call, key)
        if is_there:
            views = self._views(run, key)
            known = not all(view.is_of_a_newer_release(key) for view in views)
            promise(known, 1, f"{key}: {keys} was taken off what a newer release has made")
        if is_there and keys != [EXPIRES]:
            promise(self._terms.prunes, 7, f"{key}: a hold was taken off although prune is off")
            held = self._scene.entries[key].tags.get(self._terms.hold, "")
            promise(
                not call.took_effect or is_over(held, min(self._now, call.at), self._terms),
                6,
                f"{key}: the hold until {held!r} was taken off",
            )

    def _home(self, key: Key) -> str:
        """Return the Region of the source of a snapshot, as far as it is ours."""
        # What another run has deleted meanwhile, too.
        birth = self._scene.ours.get(key) or self._before.ours.get(key)
        return birth.home if birth else key[0]

    def _unread(self, call: Call, run: Run) -> list[str]:
        """Return the lists that have to be read before a call, and are not."""
        name = call.parameters.get("resourceName") or (_named(call) if call.operation in DELETES else "")
        home = call.parameters.get("sourceRegion") or self._home((call.region, name))
        if SOURCE in _given(call):
            home = region_of(_given(call)[SOURCE])
        elif name and home == call.region in self._terms.copies:
            # Nobody knows where the home is of what is not ours. To touch it is wrong anyway.
            return run.unread(home, LISTS_OF_COPIES, once=True)
        own, shared = self._lists_of(home)
        unread = run.unread(home, own) + run.unread(home, shared, once=True)
        return unread + (run.unread(call.region, LISTS_OF_COPIES, once=True) if home != call.region else [])

    def _lists_of(self, home: str) -> tuple[Sequence[str], Sequence[str]]:
        """Return the lists of a Region that only it is read for, and those that others that copy there read, too."""
        shared = LISTS_OF_COPIES if home in self._terms.copies else ()
        return [name for name in LISTS if name not in shared], shared

    def _failed(self, run: Run, key: Key) -> list[str]:
        """Return the lists that could not be read, of those that say what becomes of a snapshot of ours."""
        home, region = self._home(key), key[0]
        own, shared = self._lists_of(home)
        failed = run.failed(home, own) + run.failed(home, shared, once=True)
        return failed + (run.failed(region, LISTS_OF_COPIES, once=True) if home != region else [])

    def _views(self, run: Run, key: Key, *, deleting: bool = False) -> list[Judgement]:
        """Return what there is, and what the run knew of it; what it did not know of, it has no right to touch."""
        home, region = self._home(key), key[0]
        if home != region:
            known = run.knows_of_copies(home, region, deleting=deleting)
        else:
            last = run.should_know(region) if deleting else run.knows(region)
            known = [last] if last else []
        scenes = [self._scene, *(scene for scene in known if key in scene.entries and key in scene.ours)]
        return [Judgement(scene, self._terms, self._now) for scene in scenes]

    def _judge_ours(self, call: Call, key: Key) -> bool:
        """Insist that what a call names is ours; return whether it still exists."""
        if key not in self._scene.entries:
            promise(not call.took_effect, 1, f"{key}: {call.operation} of what nobody knows")
            return False
        promise(self._scene.is_ours(key, self._terms), 1, f"{key}: {call.operation} of what no run of ours has taken")
        return True

    # Snapshots taken

    def _judge_create(self, call: Call, run: Run) -> None:
        terms, given, region = self._terms, _given(call), call.region
        kind, name = _source_of(call)
        source = self._scene.entries.get((region, name))
        if source is None or source.kind != kind:
            promise(not call.took_effect, 4, f"a snapshot of {name}, which does not exist")
            return
        slot = instant(given.get(SLOT, ""))
        promise(given.get(OWNER) == terms.owner, 1, f"{name}: a snapshot without our owner tag")
        promise(given.get(FORMAT) == "1", 1, f"{name}: a snapshot in the format {given.get(FORMAT)}")
        promise(slot and slot <= self._now, 4, f"{name}: a snapshot for the slot {given.get(SLOT)}")
        assert slot
        snapshot = call.parameters[CREATES[call.operation]]
        self._judge_name(call, snapshot, slot)
        known = run.knows(region)
        listed = known and known.entries.get((region, name))
        if given.get(SOURCE) != source.arn:
            # It was deleted and made anew after the lists were read: what it then says is not what it is.
            promise(listed and listed.arn == given.get(SOURCE), 1, f"{name}: a snapshot that names another source")
            return
        looks = [source, *([listed] if listed and listed.arn == source.arn else [])]
        wishes = [asked for look in looks if (asked := wish(look.tags, kind, terms))]
        promise(wishes, 3, f"{name}: a snapshot by guess; its tags are {dict(source.tags)}")
        made = call.operation.removeprefix("Create")
        promise(made in {asked.kind for asked in wishes}, 3, f"{name}: {made}, which nobody asked for")
        current = {asked.slot(self._now) for asked in wishes}
        promise(slot in current, 4, f"{name}: a snapshot for the slot {slot}, but it is the turn of {current}")
        promise(
            any(self._inherits(look.tags, given) for look in looks),
            1,
            f"{name}: born with {given}, but its source has {dict(source.tags)}",
        )
        self._judge_recipe(call, source, given, run)
        self._judge_need(call, source, slot, known)

    def _judge_recipe(self, call: Call, source: Entry, given: Tags, run: Run) -> None:
        """Insist that a snapshot says what its source has that no snapshot holds, or that it does not say it."""
        # What changes while a run works may be read before or after.
        there = [self._before.entries.get((call.region, source.name)), self._after.get((call.region, source.name))]
        recipes = [recipe_of(entry) for entry in there if entry and entry.arn == source.arn and entry.shown]
        if not recipes:
            return
        said, without = recipe_in(given)
        for part in {*said, *(part for recipe in recipes for part in recipe)}:
            if part in without:
                is_unread = part == "static-ip" and "GetStaticIps" in run.failed(call.region)
                many = max(len(recipe.get("ports", ())) for recipe in recipes)
                promise(
                    part not in said and (is_unread or many > MANY or len(source.tags) > MANY),
                    1,
                    f"{source.name}: a snapshot whose recipe is without {part}; its tags are {given}",
                )
            else:
                promise(
                    any(said.get(part) == recipe.get(part) for recipe in recipes),
                    1,
                    f"{source.name}: a snapshot whose recipe has {part} {said.get(part)}; the source has {recipes}",
                )

    def _judge_name(self, call: Call, snapshot: str, slot: datetime) -> None:
        form = NAME.fullmatch(snapshot)
        dated = form and form["day"] + form["time"]
        promise(
            dated == f"{slot:%Y%m%d%H%M}" and len(snapshot) <= MOST_OF_A_NAME,
            4,
            f"{snapshot}: a name for the slot {slot}",
        )
        theirs = self._scene.ours.get((call.region, snapshot))
        promise(
            theirs is None or theirs.owner == self._terms.owner, 1, f"{snapshot}: another deployment's snapshot has it"
        )

    def _inherits(self, tags: Tags, given: Tags) -> bool:
        """Say whether a snapshot has all tags of its source, but AWS's, ours, and a hold that is over."""
        if any(key.lower().startswith("lightkeeper:") and key != key.lower() for key in given):
            return False
        inherited = {key: tags[key] for key in tags if not key.lower().startswith(("aws:", "lightkeeper:"))}
        hold = self._terms.hold
        if hold not in given and is_over(inherited.get(hold, ""), self._now, self._terms):
            del inherited[hold]
        if len(inherited) > NO_ROOM_BEYOND:
            inherited = {key: value for key, value in inherited.items() if key.startswith(self._terms.key)}
        return inherited.items() <= given.items()

    def _judge_need(self, call: Call, source: Entry, slot: datetime, known: Scene | None) -> None:
        """Insist that a slot gets one snapshot, and none if newer content covers it."""
        if not call.took_effect:
            return
        points = self._scene.points(source.arn, self._terms)
        of_slot = [point for point in points if point.slot == slot]
        twin = next((point.entry.name for point in of_slot if point.entry.state in COVERS), None)
        promise(not twin, 4, f"{source.name}: a second snapshot of one slot, beside {twin}")
        covering = [
            next((each for each in scene.points(source.arn, self._terms) if _covers(each, slot)), None)
            for scene in (self._scene, known or self._scene)
        ]
        promise(
            not all(covering),
            4,
            f"{source.name}: a snapshot for the slot {slot}, which newer content covers: "
            + str(covering[0] and (covering[0].key[1], covering[0].taken.isoformat())),
        )
        failed = [point for point in of_slot if point.entry.state in FAILED]
        promise(
            len(failed) < QUICK_ATTEMPTS or max(point.taken for point in failed) <= call.at - DAY + HOUR,
            4,
            f"{source.name}: one more attempt at the slot {slot}, less than a day after the last of {len(failed)}",
        )

    # Copies made

    def _judge_copy(self, call: Call, run: Run) -> None:
        terms, origin = self._terms, (call.parameters["sourceRegion"], call.parameters["sourceSnapshotName"])
        name, region = call.parameters["targetSnapshotName"], call.region
        promise(region in terms.copies and region != origin[0], 1, f"{name}: a copy to {region}, where none goes")
        if origin not in self._scene.entries:
            promise(not call.took_effect, 1, f"{name}: a copy of what nobody knows")
            return
        promise(self._scene.is_ours(origin, terms), 1, f"{name}: a copy of {origin}, which is not ours")
        original, birth = self._scene.entries[origin], self._scene.ours[origin]
        is_named = is_name_of_copy(name, birth, original.source_name or "", region)
        promise(is_named, 4, f"{name}: a name that no copy of {origin} has in {region}")
        scenes = [self._scene, *run.knows_of_copies(origin[0], region, deleting=False)]
        wishes = [asked for scene in scenes if (asked := self._copies_asked(scene, birth.source_arn, region))]
        promise(wishes, 3, f"{name}: a copy that nobody asked for")
        newest = [_copyable(scene.points(birth.source_arn, terms), asked)[:1] for scene in scenes for asked in wishes]
        promise(any(point.key == origin for points in newest for point in points), 4, f"{name}: a copy of no newest")
        if not call.took_effect:
            return
        covering = [self._covering(scene, birth.source_arn, region, wishes[0]) for scene in scenes]
        promise(not all(covering), 4, f"{name}: a copy without need, beside {covering[0] and covering[0].key}")
        copies = self._scene.points(birth.source_arn, terms, region)
        failed = [point for point in copies if point.entry.state in FAILED and point.slot == birth.slot]
        promise(
            len(failed) < QUICK_ATTEMPTS or max(point.entry.created_at for point in failed) <= call.at - DAY + HOUR,
            4,
            f"{name}: one more attempt at a copy of {origin}, less than a day after the last of {len(failed)}",
        )

    def _copies_asked(self, scene: Scene, arn: str, region: str) -> Wish | None:
        """Return what a source asks for of copies in a Region, or what its newest snapshot does, where it is silent."""
        terms, source = self._terms, scene.source(arn)
        home = arn.split(":")[3]
        if source and source.tags.get(terms.key) == "off":
            return None
        if source and wish(source.tags, source.kind, terms):
            return copy_wish(source.tags, source.kind, home, region, terms)
        points = scene.points(arn, terms) if source else scene.everywhere(arn, terms)
        newest = next((point for point in points if point.is_usable), None)
        return copy_wish(newest.entry.tags, newest.entry.kind, home, region, terms) if newest else None

    def _covering(self, scene: Scene, arn: str, region: str, asked: Wish) -> Point | None:
        """Return a copy that covers the current slot of copies, or may soon."""
        slot, before = islice(asked.slots(self._now), 2)
        since = min(slot, shifted(self._now, self._terms.overdue, self._terms.zone, -1))
        points = _copyable(scene.points(arn, self._terms), asked)
        known = next((point for point in points if min(point.slot, point.taken) <= slot), None)
        source = scene.source(arn)
        own = wish(source.tags, source.kind, self._terms) if source else None
        is_newest_then = known is not None and (
            known is points[0]
            or min(known.slot, known.taken) > before
            or (own is not None and max(known.slot, known.taken) >= own.slot(slot))
        )
        return next(
            (
                point
                for point in scene.points(arn, self._terms, region)
                if (
                    point.taken >= known.taken
                    if known and is_newest_then
                    # What was newest at the slot is gone: content of the time since the slot before will do.
                    else not points or point.taken >= points[0].taken or min(point.slot, point.taken) > before
                )
                and (
                    point.entry.state in {*USABLE, "unknown"}
                    or (
                        point.entry.state == "pending"
                        and point.entry.created_at
                        >= (min(since, self._now - PATIENCE) if points and _is_same(point, points[0]) else since)
                    )
                )
            ),
            None,
        )

    def _original_of(self, key: Key, scene: Scene) -> Key | None:
        """Return the snapshot at home whose copy there has that name."""
        for origin, birth in scene.ours.items():
            entry = scene.entries[origin]
            if origin[0] != birth.home or birth.home == key[0] or not scene.is_ours(origin, self._terms):
                continue
            if is_name_of_copy(key[1], birth, entry.source_name or "", key[0]):
                return origin
        return None

    def _judge_tags_of_copy(self, call: Call, run: Run) -> None:
        """Insist that a run gives tags to nothing but a copy of ours, and those that its original has, and two more."""
        key, given = (call.region, call.parameters["resourceName"]), _given(call)
        there = self._scene.entries.get(key)
        if there is None:
            promise(not call.took_effect, 1, f"{key}: tags for what nobody knows")
            return
        known = [self._scene, *run.knows_of_copies(region_of(given.get(SOURCE, "")), key[0], deleting=False)]
        found = [(scene, origin) for scene in known if (origin := self._original_of(key, scene))]
        promise(found, 1, f"{key}: tagged as ours, but no snapshot of ours has a copy of that name")
        promise(
            not there.tags or self._scene.is_ours(key, self._terms),
            1,
            f"{key}: taken over from somebody, who has given it {dict(there.tags)}",
        )
        originals = [scene.entries[origin] for scene, origin in found]
        alike = [each for each in originals if (each.kind, each.size_gb) == (there.kind, there.size_gb)]
        promise(alike, 1, f"{key}: tagged as ours, but its original is of another kind or size")
        promise(
            any(content(each) <= there.created_at for each in alike),
            1,
            f"{key}: tagged with the content of what was taken after it was made",
        )
        expected = [_tags_of_copy(each) for each in originals]
        promise(
            any(_is_given(given, tags, self._terms) for tags in expected), 1, f"{key}: {given}; expected {expected}"
        )
        scene, origin = found[0]
        of = {TAKEN: given[TAKEN], NAME_OF_SOURCE: given[NAME_OF_SOURCE]}
        self._tagged[key] = replace(scene.ours[origin], of=of)

    def _being_copied(self, scene: Scene, key: Key, run: Run) -> Key | None:
        """Return the copy of a snapshot at home that is not complete yet, as far as the run has looked."""
        birth = scene.ours.get(key)
        if birth is None or birth.home != key[0] or scene.entries[key].state not in USABLE:
            return None
        for region in self._terms.copies:
            if run.failed(region, LISTS_OF_COPIES, once=True):
                continue
            for point in scene.points(birth.source_arn, self._terms, region):
                if point.entry.state == "pending" and (point.slot, point.entry.kind) == (
                    birth.slot,
                    scene.entries[key].kind,
                ):
                    return point.key
        return None

    # Snapshots marked and deleted

    def _judge_prune(self, call: Call, key: Key, run: Run, *, deleting: bool) -> None:
        """Insist on all that a mark and a deletion have in common."""
        failed = self._failed(run, key)
        promise(not failed, 10, f"{call.region}: pruned although {failed} was not read to its end")
        copies = [self._being_copied(scene, key, run) for scene in (self._scene, self._before)]
        promise(not all(copies), 2, f"{call.operation} of {key[1]}, which is being copied: {copies[0]}")
        objections = [view.objection_to_pruning(key) for view in self._views(run, key, deleting=deleting)]
        rule, why = objections[-1] or (0, "")
        promise(not all(objections), rule, f"{call.operation} of {key[1]}, {why}")

    def _judge_mark(self, key: Key, value: str, run: Run) -> None:
        expires = instant(value)
        promise(expires, 7, f"{key}: marked for {value}")
        assert expires
        views = self._views(run, key)
        marks = [instant(view.scene.entries[key].tags.get(EXPIRES, "")) for view in views]
        if any(mark and mark <= self._now for mark in marks):
            # It has to wait for another run, or was marked so long ago that it is marked again.
            latest = max(self._now + DAY, *(view.expiry(key) for view in views))
            promise(self._now < expires <= latest, 9, f"{key}: what has to wait is put off to {value}")
        elif self._scene.entries[key].state in FAILED:
            latest = max(view.expiry(key) for view in views)
            promise(self._now + MINUTE <= expires <= latest, 7, f"{key}: marked for {value}, at {self._now}")
        else:
            rule = 8 if all(view.feeds(key) is None for view in views) else 7
            right = {view.expiry(key) for view in views}
            promise(expires in right, rule, f"{key}: marked for {value}, at {self._now}")

    def _judge_delete(self, call: Call, key: Key, run: Run) -> None:
        views = self._views(run, key, deleting=True)
        objections = [view.objection_to_deleting(key) for view in views]
        rule, why = objections[-1] or (0, "")
        promise(not all(objections), rule, f"{call.operation} of {key[1]}, {why}")
        carried = [view.carries_a_hold(key) for view in views]
        sentence = f"{call.operation} of {key[1]}, which carries {self._terms.hold}: expected it to be taken off first"
        promise(not all(carried), 6, sentence)
        promise(not (self._enforced and call.took_effect and carried[0]), 6, sentence)
        arn, scene = self._scene.ours[key].source_arn, views[-1].scene
        if (call.access_key_id, arn, key[0]) not in self._waiting:
            both = [Judgement(each, self._terms, self._now) for each in (self._scene, scene)]
            self._waiting[call.access_key_id, arn, key[0]] = [
                point
                for point in scene.points(arn, self._terms, key[0])
                if point.key in self._scene.ours and all(self._may_go(view, point.key) for view in both)
            ]

    @staticmethod
    def _may_go(view: Judgement, key: Key) -> bool:
        return key in view.scene.entries and not (
            view.objection_to_pruning(key) or view.objection_to_deleting(key) or view.carries_a_hold(key)
        )

    # What a call leaves behind

    def _replay(self, call: Call) -> None:
        if not call.took_effect or call.operation in READS:
            return
        scene, region = self._scene, call.region
        match call.operation:
            case operation if operation in CREATES:
                key = region, call.parameters[CREATES[operation]]
                tags = _given(call)
                source = scene.entries[region, _source_of(call)[1]]
                there = self._after.get(key)
                entry = Entry(
                    kind=operation.removeprefix("Create"),
                    name=key[1],
                    arn=there.arn if there else "",
                    region=region,
                    created_at=there.created_at if there else call.at,
                    tags=tags,
                    state=there.state if there else "pending",
                    source_name=source.name,
                    source_arn=source.arn,
                )
                slot = instant(tags.get(SLOT, ""))
                birth = Birth(tags[OWNER], tags[SOURCE], slot) if slot and not is_users(call) else None
                scene.set(key, entry, birth)
            case "CopySnapshot":
                self._replay_copy(call)
            case operation if operation in ANY_DELETES:
                gone = scene.entries[region, call.parameters[ANY_DELETES[operation]]]
                scene.set((region, gone.name), None)
                if operation == "DeleteRelationalDatabase":
                    self._take_in_a_final_snapshot(gone)
            case "CreateDisk" | "CreateInstances" | "CreateRelationalDatabase":
                # Only a user does: whatever is new afterwards is taken as it is.
                for key, new in self._after.items():
                    if key not in scene.entries and not new.state:
                        scene.set(key, new)
            case "TagResource" | "UntagResource":
                self._replay_tags(call)
            case _:
                pass

    def _replay_tags(self, call: Call) -> None:
        key = call.region, call.parameters["resourceName"]
        there, given = self._scene.entries[key], _given(call)
        gone = call.parameters.get("tagKeys", ())
        birth = self._tagged.get(key) if SOURCE in given and not is_users(call) else None
        tags = {name: value for name, value in {**there.tags, **given}.items() if name not in gone}
        self._scene.set(key, replace(there, tags=tags), birth)

    def _replay_copy(self, call: Call) -> None:
        """Put a copy there: one of ours, where a run has made it of what is ours."""
        scene, key = self._scene, (call.region, call.parameters["targetSnapshotName"])
        original = scene.entries.get((call.parameters["sourceRegion"], call.parameters.get("sourceSnapshotName", "")))
        there = self._after.get(key)
        if original is None:
            if there:
                scene.set(key, there)
            return
        copy = replace(
            original,
            name=key[1],
            region=key[0],
            arn=there.arn if there else "",
            created_at=there.created_at if there else call.at,
            content_at=original.content_at or original.created_at,
            tags={},
            state=there.state if there else "pending",
        )
        scene.set(key, copy)

    def _take_in_a_final_snapshot(self, gone: Entry) -> None:
        """Take what Lightsail itself made when a database was deleted as it is: the user's."""
        for key, new in self._after.items():
            if key not in self._scene.entries and new.source_arn == gone.arn and OWNER not in new.tags:
                self._scene.set(key, new)

    # Whole runs

    def close(self, *, expect_all: bool) -> None:
        """Judge what can only be judged at the end."""
        expected = {key: dict(entry.tags) for key, entry in self._scene.entries.items()}
        found = {key: dict(entry.tags) for key, entry in self._after.items()}
        promise(expected == found, 1, f"what there is, is not what the calls have made: {expected} {found}")
        for name, run in self.runs.items():
            self._judge_numbers(name, run)
            self._judge_failed_creates(run)
            self._judge_failed_copies(run)
            self._judge_not_available(run)
        if expect_all:
            calls = [call for run in self.runs.values() for call in run.calls]
            for source in [entry for entry in self._scene.entries.values() if entry.state is None]:
                self._judge_source(source, calls)
                self._judge_copies(source, calls)

    @property
    def end(self) -> Judgement:
        """How things stood when the runs had ended."""
        return Judgement(self._scene.copy(), self._terms, self._now)

    def has_seen(self, arn: str) -> bool:
        """Say whether the runs have read the lists that tell of a source."""
        region = arn.split(":")[3]
        runs = self.runs.values()
        return bool(runs) and not any(run.unread(region) or run.failed(region) for run in runs)

    def stopped(self) -> dict[str, str]:
        """Return the sources that have recovery points and are not backed up any more: their names, by ARN."""
        found: dict[str, str] = {}
        short = {region for region, _ in self.short_lists()}
        for birth in self._scene.ours.values():
            arn = birth.source_arn
            points = [point for point in self._scene.points(arn, self._terms) if point.is_usable]
            source = self._scene.source(arn)
            is_off = source is None or source.tags.get(self._terms.key, "off") == "off"
            if points and is_off and self.has_seen(arn) and points[0].key[0] not in short:
                found[arn] = points[0].entry.source_name or ""
        return found

    def cut(self, earlier: Judgement | None) -> Counter[str]:
        """Return how many snapshots of which sources were marked although nothing newer pushes them out."""
        marks = {
            (call.region, call.parameters["resourceName"])
            for run in self.runs.values()
            for call in run.calls
            if call.operation == "TagResource" and call.took_effect and EXPIRES in _given(call)
        }
        found: Counter[str] = Counter()
        for key in marks:
            before = Judgement(self._before, self._terms, self._now)
            if (
                earlier is None
                or key not in self._before.ours
                or key not in earlier.scene.ours
                or not before.feeds(key)
            ):
                continue
            usable = [{point.key for point in view.series(key) if point.is_usable} for view in (earlier, before)]
            is_marked = EXPIRES in self._before.entries[key].tags
            if usable[0] == usable[1] and not is_marked and not earlier.is_held(key):
                found[self._before.entries[key].source_name or ""] += 1
        return found

    def short_lists(self) -> list[tuple[str, str]]:
        """Return the lists of sources that lacked most of those that are there and have recovery points."""
        found: set[tuple[str, str]] = set()
        for run in self.runs.values():
            for region, operation in {(call.region, call.operation) for call in run.calls}:
                kind = LISTS_OF_SOURCES.get(operation)
                there = [
                    entry
                    for entry in self._before.entries.values()
                    if entry.region == region and entry.kind == kind and self._scene.points(entry.arn, self._terms)
                ]
                pages = [call.items for call in run.calls if (call.region, call.operation) == (region, operation)]
                if there and all(_is_well(call) for call in run.calls) and sum(filter(None, pages)) < len(there) / 2:
                    found.add((region, operation))
        return sorted(found)

    def _judge_numbers(self, name: str, run: Run) -> None:
        deletes = [call for call in run.calls if call.operation in DELETES]
        tried = {(call.region, call.parameters[DELETES[call.operation]]) for call in deletes}
        deleted: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
        for call in deletes:
            key = call.region, call.parameters[DELETES[call.operation]]
            if call.took_effect and key in self._before.ours:
                deleted[self._before.ours[key].source_arn, key[0]].append(content(self._before.entries[key]))
        most = self._terms.most_deletes
        for (arn, region), taken in deleted.items():
            promise(len(taken) <= most, 9, f"{len(taken)} snapshots of {arn} in {region} deleted in one run")
            older = [point for point in self._waiting.get((name, arn, region), ()) if point.taken < max(taken)]
            left = [point.key[1] for point in older if point.key not in tried]
            promise(not left, 9, f"{arn}: not the oldest were deleted first; {left} waited")

    def _judge_failed_creates(self, run: Run) -> None:
        wanted = {
            (tags[SOURCE], instant(tags[SLOT]))
            for call in run.calls
            if call.operation in CREATES
            for tags in [_given(call)]
        }
        pruned = self._pruned(run)
        for arn, slot in wanted:
            points = self._scene.points(arn, self._terms)
            there = [point for point in points if point.slot == slot and point.entry.state in COVERS]
            promise(there or arn not in pruned, 3, f"{arn}: pruned although its snapshot for {slot} failed")

    def _judge_failed_copies(self, run: Run) -> None:
        """Insist that no copy is pruned beside one that could not be made, or did not get its tags."""
        wanted: set[tuple[str, str, datetime | None]] = set()
        for call in run.calls:
            given = _given(call)
            if call.operation == "CopySnapshot":
                origin = call.parameters["sourceRegion"], call.parameters["sourceSnapshotName"]
                if birth := self._before.ours.get(origin):
                    wanted.add((birth.source_arn, call.region, birth.slot))
            elif call.operation == "TagResource" and TAKEN in given:
                wanted.add((given[SOURCE], call.region, instant(given[SLOT])))
        pruned = self._pruned_places(run)
        for arn, region, slot in wanted:
            points = self._scene.points(arn, self._terms, region)
            there = [point for point in points if point.slot == slot and point.entry.state in COVERS]
            promise(
                there or (arn, region) not in pruned,
                3,
                f"{arn}: copies in {region} pruned although that of the slot {slot} failed",
            )

    def _judge_not_available(self, run: Run) -> None:
        """Insist that nothing is pruned of a database that is due a snapshot of which none could be taken."""
        pruned = self._pruned(run)
        for key, database in self._before.entries.items():
            still = self._scene.entries.get(key)
            if database.database_state in {None, "available"} or still is None or still.arn != database.arn:
                continue
            wishes = [wish(entry.tags, entry.kind, self._terms) for entry in (database, still)]
            slots = {asked.slot(self._now) if asked else None for asked in wishes}
            points = self._before.points(database.arn, self._terms)
            is_due = len(slots) == 1 and all(slot and not any(_covers(each, slot) for each in points) for slot in slots)
            promise(
                not is_due or database.arn not in pruned,
                3,
                f"{database.name}: pruned although it is {database.database_state}, so its snapshot has to wait",
            )

    def _pruned(self, run: Run) -> set[str]:
        """Return the sources, by ARN, of which a run has marked or deleted snapshots."""
        return {arn for arn, _ in self._pruned_places(run)}

    def _pruned_places(self, run: Run) -> set[tuple[str, str]]:
        """Return the same, each with the Region in which it has."""
        prunes = [
            call
            for call in run.calls
            if call.took_effect
            and (call.operation in DELETES or (call.operation == "TagResource" and EXPIRES in _given(call)))
        ]
        keys = {(call.region, call.parameters.get("resourceName") or _named(call)) for call in prunes}
        return {(self._before.ours[key].source_arn, key[0]) for key in keys if key in self._before.ours}

    def _judge_source(self, source: Entry, calls: Sequence[Call]) -> None:
        """Insist that a source has what it is due, if no call has failed that this needs; others' do not matter."""
        terms, now, region = self._terms, self._now, source.region
        asked = wish(source.tags, source.kind, terms)
        before = self._before.entries.get((region, source.name))
        is_busy = before is not None and before.database_state not in {None, "available"}
        if asked is None or is_busy or (terms.regions and region not in terms.regions):
            return
        here = [call for call in calls if call.region == region]
        own = {point.key[1] for point in self._scene.points(source.arn, terms)}
        hindrances = [
            call
            for call in here
            if not _is_well(call)
            and (
                call.operation in READS
                or source.name in call.parameters.values()
                or own & {value for value in call.parameters.values() if isinstance(value, str)}
                or call.error in {*REFUSED_CREDENTIALS, "ThrottlingException"}
            )
        ]
        if hindrances:
            return
        slot = asked.slot(now)
        points = self._scene.points(source.arn, terms)
        failed = [point for point in points if point.slot == slot and point.entry.state in FAILED]
        given_up = len(failed) >= QUICK_ATTEMPTS and max(point.taken for point in failed) > now - DAY - HOUR
        promise(
            given_up or any(_covers(point, slot) for point in points),
            11,
            f"{source.name} has no snapshot for its slot {slot}",
        )
        self._judge_marks(source, points)

    def _judge_marks(self, source: Entry, points: Iterable[Point]) -> None:
        """Insist that nothing of a source is still marked that its rule keeps."""
        view = Judgement(self._scene, self._terms, self._now)
        if is_troubled(source.tags, self._terms):
            return
        for point in points:
            is_marked = instant(point.entry.tags.get(EXPIRES, ""))
            if not point.is_usable or not is_marked or view.feeds(point.key) is None:
                continue
            if view.is_of_a_newer_release(point.key):
                continue
            objection = view.objection_to_pruning(point.key)
            # While a source has a problem, nothing is marked; a mark from before stays.
            holds = objection is None or objection[0] == 3
            promise(holds, 7, f"{point.key[1]} is marked, {objection and objection[1]}")

    def _judge_copies(self, source: Entry, calls: Sequence[Call]) -> None:
        """Insist that what is newest lies where it is to be copied, or is copied, if no call has failed there."""
        terms, now, home = self._terms, self._now, source.region
        if terms.regions and home not in terms.regions:
            return
        for region in terms.copies:
            asked = copy_wish(source.tags, source.kind, home, region, terms)
            if asked is None or not all(_is_well(call) for call in calls if call.region in {home, region}):
                continue
            slot, points = asked.slot(now), self._scene.points(source.arn, terms)
            # Nothing is worth waiting for until a run that has a slot of its own.
            may_wait = terms.gap is None or asked.slot(now + terms.gap) == slot
            awaited = may_wait and any(point.entry.state == "pending" and point.slot <= slot for point in points)
            newest = _copyable(self._before.points(source.arn, terms), asked)[:1]
            failed = [
                point
                for point in self._scene.points(source.arn, terms, region)
                if point.entry.state in FAILED and (point.entry.created_at >= slot or point.slot == newest[0].slot)
            ]
            is_due = newest and not awaited and len(failed) < QUICK_ATTEMPTS
            promise(
                not is_due or self._covering(self._scene, source.arn, region, asked),
                11,
                f"{source.name} has no copy in {region} for the slot {slot}",
            )
            self._judge_marks(source, self._scene.points(source.arn, terms, region))


def _is_same(one: Point, other: Point) -> bool:
    """Say whether two are of the same content: a snapshot, and its copy."""
    return (one.entry.kind, one.slot) == (other.entry.kind, other.slot)


def _copyable(points: Iterable[Point], asked: Wish) -> list[Point]:
    """Return what can be copied, newest first: what is taken now, or else what was."""
    usable = [
        point
        for point in points
        if point.is_usable and point.entry.tags.get(FORMAT, "1") == "1" and "Database" not in point.entry.kind
    ]
    kinds = [point.entry.kind for point in usable]
    kind = asked.kind if asked.kind in kinds else next(iter(kinds), None)
    return [point for point in usable if point.entry.kind == kind]


def _tags_of_copy(original: Entry) -> dict[str, str]:
    """Return the tags of a copy: those of its original but for a mark and AWS's own, and two that say what it is."""
    inherited = {key: original.tags[key] for key in original.tags if key != EXPIRES and not key.startswith("aws:")}
    return inherited | {TAKEN: f"{content(original):%Y-%m-%dT%H:%M:%SZ}", NAME_OF_SOURCE: original.source_name or ""}


def _is_given(given: Tags, expected: Tags, terms: Terms) -> bool:
    """Say whether a copy gets these tags, as far as there is room for them."""
    if len(expected) <= MOST_OF_A_COPY:
        return given == expected
    first = {key: expected[key] for key in expected if key.startswith((terms.key, "lightkeeper:"))}
    return first.items() <= given.items() <= expected.items()


def region_of(arn: str) -> str:
    """Return the Region in an ARN; in what is none, nothing."""
    return ":".join([*arn.split(":"), *"::::"]).split(":")[3]


def _covers(point: Point, slot: datetime) -> bool:
    return point.entry.state in COVERS and (point.slot == slot or point.taken >= slot)


def _source_of(call: Call) -> tuple[str, str]:
    """Return of what kind the source of a snapshot is that a call takes, and its name."""
    return next((kind, call.parameters[key]) for key, kind in SOURCES.items() if key in call.parameters)


def _given(call: Call) -> dict[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in call.parameters.get("tags", [])}


def _named(call: Call) -> str:
    name: str = call.parameters[DELETES[call.operation]]
    return name
