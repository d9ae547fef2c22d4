"""An independent judge of the safety rules.

It knows the documented promises, and what the sandbox shows: the record of calls and what there is. It imports nothing
of Lightkeeper, so that a wrong idea there is not shared here. It goes through the calls of a run one by one, on a
copy of what there was before, and says which promise a call breaks.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.client import Call, Entry, Sandbox

CONSOLE = "console"
"""The access key of the user; every other one is a run's."""
OWNER, SOURCE, SLOT, EXPIRES = (f"lightkeeper:{word}" for word in ("owner", "source", "slot", "expires"))
LISTS = ("GetDisks", "GetInstances", "GetDiskSnapshots", "GetInstanceSnapshots")
LOOK_UPS = ("GetDiskSnapshot", "GetInstanceSnapshot")
READS = {*LISTS, *LOOK_UPS}
CREATES = {"CreateDiskSnapshot": "diskSnapshotName", "CreateInstanceSnapshot": "instanceSnapshotName"}
DELETES = {"DeleteDiskSnapshot": "diskSnapshotName", "DeleteInstanceSnapshot": "instanceSnapshotName"}
USABLE = {"completed", "available"}
NO_ROOM_BEYOND = 45
BUILT_IN = {"hourly": "hourly=24 daily=7", "daily": "daily=7 weekly=4", "weekly": "weekly=8", "monthly": "monthly=12"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# From slot to slot, at the longest, with an hour for a change of clocks.
PERIODS = {"hourly": 3 * HOUR, "daily": DAY + HOUR, "weekly": 7 * DAY + HOUR, "monthly": 31 * DAY + HOUR}
PERIODIC = r"(last|hourly|daily|weekly|monthly)=[1-9]\d*"
KEEP = re.compile(rf"(within=)?[1-9]\d*d|[1-9]\d*|forever|{PERIODIC}( {PERIODIC})*")
AT = re.compile(r"([01]\d|2[0-3]):[0-5]\d( (?P<zone>[A-Z][a-z]+/[A-Z][a-z]+))?")
MODES = {"instance", "system-disk"}

Key = tuple[str, str]
"""Region and name: unique in an account at any time."""


class BrokenPromiseError(AssertionError):
    """A call, or what it left behind, that breaks a safety rule."""


def promise(kept: object, rule: int, sentence: str) -> None:
    """Insist that a rule is kept."""
    if not kept:
        raise BrokenPromiseError(f"rule {rule}: {sentence}")


@dataclass(frozen=True)
class Terms:
    """What a deployment has promised: the documented settings, as far as they bear on a rule."""

    owner: str
    grace: timedelta
    orphans: str
    most_deletes: int
    keeps: Mapping[str, str]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Terms":
        """Read the `lightkeeper` object of a cdk.json. Graces in whole days or hours will do here."""
        grace = re.fullmatch(r"(\d+)([dh])", document.get("grace", "1d"))
        assert grace, "the witness reads plain durations only"
        policies = document.get("policies", {})
        return cls(
            owner=document.get("deployment", "Lightkeeper"),
            grace=int(grace[1]) * (DAY if grace[2] == "d" else HOUR),
            orphans=document.get("orphans", "keep"),
            most_deletes=document.get("maxDeletesPerSource", 3),
            keeps=BUILT_IN | {name: policy["keep"] for name, policy in policies.items()},
        )


@dataclass(frozen=True)
class Birth:
    """A snapshot that a run took: only these are ours, whatever tags say."""

    source_arn: str
    slot: datetime


def instant(text: str) -> datetime | None:
    """Read a time as our tags have it."""
    return datetime.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text) else None


def wants_backup(tags: Mapping[str, str]) -> bool:
    """Say whether the tags ask for snapshots in a way the documentation admits."""
    policy = tags.get("backup", "off") or "daily"
    at, keep, mode = (tags.get(f"backup:{word}") for word in ("at", "keep", "mode"))
    return (
        policy in BUILT_IN
        and (keep is None or bool(KEEP.fullmatch(keep)))
        and (at is None or (policy != "hourly" and bool(AT.fullmatch(at))))
        and (mode is None or mode in MODES)
    )


def is_understood(tags: Mapping[str, str]) -> bool:
    """Say whether the tags hold nothing that a person should mend: then, and only then, may something be pruned."""
    known = {"backup", *(f"backup:{word}" for word in ("at", "keep", "mode", "hold"))}
    lookalikes = [key for key in tags if key not in known and re.match(r"back\W?ups?\b", key, re.IGNORECASE)]
    return wants_backup(tags) and not lookalikes and is_date(tags.get("backup:hold", ""))


def is_date(text: str) -> bool:
    """Say whether a hold's value can be read."""
    return not text or bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text))


def is_held(tags: Mapping[str, str], now: datetime) -> bool:
    """Say whether a hold is on: for good, until the end of a day (UTC), or in words nobody understands."""
    holds = [value for key, value in tags.items() if re.fullmatch(r"backup\W?hold", key, re.IGNORECASE)]
    return any(not value or not is_date(value) or now.date().isoformat() <= value for value in holds)


def keeps(rule: str, slots: Sequence[datetime], zone: ZoneInfo) -> set[datetime]:
    """Return which slots, newest first, a keep rule keeps: restic's words, read anew."""
    if rule == "forever":
        return set(slots)
    if days := re.fullmatch(r"(?:within=)?(\d+)d", rule):
        return {slot for slot in slots if slot > slots[0] - int(days[1]) * DAY}
    periods: dict[str, Callable[[datetime], object]] = {
        "last": lambda slot: slot,
        "hourly": lambda slot: slot.astimezone(zone).strftime("%Y%m%d%H"),
        "daily": lambda slot: slot.astimezone(zone).date(),
        "weekly": lambda slot: slot.astimezone(zone).isocalendar()[:2],
        "monthly": lambda slot: slot.astimezone(zone).strftime("%Y%m"),
    }
    kept: set[datetime] = set()
    for word in rule.split() if "=" in rule else [f"last={rule}"]:
        name, _, count = word.partition("=")
        newest_of: dict[object, datetime] = {}
        for slot in slots:
            newest_of.setdefault(periods[name](slot), slot)
        chosen = list(newest_of.values())[: int(count)]
        # With count to spare, the oldest stays too.
        kept.update([*chosen, *slots[-1:]] if len(chosen) < int(count) else chosen)
    return kept


@dataclass
class Scene:
    """What there is, changed call by call."""

    entries: dict[Key, Entry]
    ours: dict[Key, Birth]

    def source(self, arn: str) -> Entry | None:
        """Return a disk or an instance that still exists."""
        return next((entry for entry in self.entries.values() if entry.arn == arn), None)

    def is_ours(self, key: Key, terms: Terms) -> bool:
        """Say whether a run took this snapshot, and nobody has changed that it says so."""
        birth, entry = self.ours.get(key), self.entries.get(key)
        return bool(
            birth
            and entry
            and entry.tags.get(OWNER) == terms.owner
            and entry.tags.get(SOURCE) == birth.source_arn
            and instant(entry.tags.get(SLOT, "")) == birth.slot
        )

    def series(self, arn: str, terms: Terms) -> dict[Key, Entry]:
        """Return our snapshots of a source, newest slot first."""
        keys = [key for key, birth in self.ours.items() if birth.source_arn == arn and self.is_ours(key, terms)]
        return {key: self.entries[key] for key in sorted(keys, key=lambda key: self.ours[key].slot, reverse=True)}

    def usable_slots(self, arn: str, terms: Terms) -> list[datetime]:
        """Return the slots of what can be restored, newest first."""
        return [self.ours[key].slot for key, entry in self.series(arn, terms).items() if entry.state in USABLE]

    def judged_slots(self, arn: str, terms: Terms, now: datetime) -> list[datetime]:
        """Return the slots that take part in a keep rule, newest first: held ones use no count."""
        return [
            self.ours[key].slot
            for key, entry in self.series(arn, terms).items()
            if entry.state in USABLE and not is_held(entry.tags, now)
        ]


@dataclass
class Witness:
    """Follows one sandbox from its start."""

    sandbox: Sandbox
    judged: Counter[str] = field(default_factory=Counter)
    """How many calls of runs have been judged and took effect, by operation."""
    _number: int = 0
    _scene: Scene = field(default_factory=lambda: Scene({}, {}))
    _before: Scene = field(default_factory=lambda: Scene({}, {}))
    _saved: Scene = field(default_factory=lambda: Scene({}, {}))

    def look(self) -> None:
        """Take in what has happened since, none of it by a run."""
        entries = {(entry.region, entry.name): entry for entry in self.sandbox.entries()}
        born = {key: birth for key, birth in self._scene.ours.items() if self._is_the_same(key, entries.get(key))}
        self._scene = Scene(entries, born)
        # The record may have been cleared; then it counts from 1 again.
        calls = self.sandbox.calls(self._number) or self.sandbox.calls()
        self._number = calls[-1].number if calls else 0

    def adopt(self, names: Iterable[str]) -> None:
        """Take snapshots that were there from the start for such as runs have taken."""
        self.look()
        chosen = set(names)
        for key, entry in self._scene.entries.items():
            slot = instant(entry.tags.get(SLOT, ""))
            if entry.name in chosen and slot:
                self._scene.ours[key] = Birth(entry.tags[SOURCE], slot)

    def checkpoint(self) -> None:
        """Remember the sandbox as it is now, and what in it is ours."""
        self.look()
        self._saved = Scene(dict(self._scene.entries), dict(self._scene.ours))
        self.sandbox.checkpoint()

    def restore(self) -> None:
        """Go back to the checkpoint."""
        self.sandbox.restore()
        self._scene = Scene(dict(self._saved.entries), dict(self._saved.ours))
        self.look()

    def _is_the_same(self, key: Key, entry: Entry | None) -> bool:
        return entry is not None and entry.arn == self._scene.entries[key].arn

    @contextmanager
    def watching(self, document: Mapping[str, Any], *, expect_all: bool = False) -> Iterator[None]:
        """Watch a run, or several at once, and judge it when it has ended, however it ended.

        Parameters
        ----------
        document
            The settings, as in cdk.json.
        expect_all
            Whether everything due has to be there afterwards, if no call failed.
        """
        self.look()
        completed = False
        try:
            yield
            completed = True
        finally:
            self.judge(Terms.of(document), expect_all=expect_all and completed)

    def judge(self, terms: Terms, *, expect_all: bool) -> None:
        """Judge all calls since the last look.

        Raises
        ------
        BrokenPromiseError
            If a rule is broken.
        """
        now = self.sandbox.now()
        calls = self.sandbox.calls(self._number)
        after = {(entry.region, entry.name): entry for entry in self.sandbox.entries()}
        before = self._before = Scene(dict(self._scene.entries), dict(self._scene.ours))
        runs: defaultdict[str, list[Call]] = defaultdict(list)
        for call in calls:
            if call.access_key_id != CONSOLE:
                runs[call.access_key_id].append(call)
                self._judge_call(call, terms, now)
            self._replay(call, after)
        for run in runs.values():
            self._judge_run(run, before, terms)
        self._judge_end(after)
        if expect_all and all(call.took_effect and call.answer == "sent" for run in runs.values() for call in run):
            self._judge_state(terms, now)
        self.judged.update(call.operation for run in runs.values() for call in run if call.took_effect)
        self.look()

    # One call

    def _judge_call(self, call: Call, terms: Terms, now: datetime) -> None:
        match call.operation:
            case operation if operation in READS:
                return
            case operation if operation in CREATES:
                self._judge_create(call, terms, now)
            case "TagResource":
                key = call.region, call.parameters["resourceName"]
                tags = {tag["key"]: tag.get("value", "") for tag in call.parameters["tags"]}
                promise(set(tags) == {EXPIRES}, 1, f"{key}: a run sets no tag but {EXPIRES}; it set {tags}")
                self._judge_prune(call, key, terms, now)
                self._judge_announcement(call, key, tags[EXPIRES], terms, now)
            case "UntagResource":
                key = call.region, call.parameters["resourceName"]
                promise(call.parameters["tagKeys"] == [EXPIRES], 1, f"{key}: a run removes no tag but {EXPIRES}")
                self._judge_ours(call, key, terms)
            case operation if operation in DELETES:
                key = call.region, call.parameters[DELETES[operation]]
                self._judge_prune(call, key, terms, now)
                self._judge_delete(call, key, terms, now)
            case operation:
                promise(kept=False, rule=1, sentence=f"a run has no business with {operation}")

    def _judge_ours(self, call: Call, key: Key, terms: Terms) -> bool:
        """Insist that what a call names is ours; return whether it still exists."""
        if key not in self._scene.entries:
            promise(not call.took_effect, 1, f"{key}: {call.operation} of what nobody knows")
            return False
        promise(self._scene.is_ours(key, terms), 1, f"{key}: {call.operation} of what no run of ours has taken")
        return True

    def _judge_create(self, call: Call, terms: Terms, now: datetime) -> None:
        given = {tag["key"]: tag.get("value", "") for tag in call.parameters["tags"]}
        kind, name = (
            ("Disk", call.parameters["diskName"])
            if "diskName" in call.parameters
            else ("Instance", call.parameters["instanceName"])
        )
        source = self._scene.entries.get((call.region, name))
        if source is None or source.kind != kind:
            promise(not call.took_effect, 4, f"a snapshot of {name}, which does not exist")
            return
        slot = instant(given.get(SLOT, ""))
        promise(given.get(OWNER) == terms.owner, 1, f"{name}: a snapshot without our owner tag")
        promise(slot and slot <= now, 4, f"{name}: a snapshot for the slot {given.get(SLOT)}")
        assert slot
        if given.get(SOURCE) != source.arn:
            # It was deleted and made anew after the lists were read: what it then says is not what it is.
            promise(self._was_made_anew(call, source), 1, f"{name}: a snapshot that names another source")
            return
        promise(wants_backup(source.tags), 3, f"{name}: a snapshot by guess; its tags are {source.tags}")
        inherited = {key: value for key, value in source.tags.items() if not key.startswith(("aws:", "lightkeeper:"))}
        if len(inherited) > NO_ROOM_BEYOND:
            inherited = {key: value for key, value in inherited.items() if key.startswith("backup")}
        promise(inherited.items() <= given.items(), 1, f"{name}: born with {given}, but its source has {inherited}")
        others = [
            entry for key, entry in self._scene.series(source.arn, terms).items() if self._scene.ours[key].slot == slot
        ]
        twin = next((entry.name for entry in others if entry.state != "error"), None)
        promise(not call.took_effect or not twin, 4, f"{name}: a second snapshot of one slot, beside {twin}")
        promise(not call.took_effect or len(others) < 3, 4, f"{name}: a fourth attempt at one slot")

    def _was_made_anew(self, call: Call, source: Entry) -> bool:
        return any(
            other.access_key_id == CONSOLE and source.name in other.parameters.values()
            for other in self.sandbox.calls(self._number)
            if other.number < call.number
        )

    def _judge_prune(self, call: Call, key: Key, terms: Terms, now: datetime) -> None:
        """Insist on all that an announcement and a deletion have in common."""
        if not self._judge_ours(call, key, terms):
            return
        entry, birth = self._scene.entries[key], self._scene.ours[key]
        source = self._scene.source(birth.source_arn)
        what = f"{call.operation} of {entry.name}"
        promise(entry.state in USABLE | {"error"}, 2, f"{what}, which is {entry.state}")
        promise(not is_held(entry.tags, now), 6, f"{what}, which is held")
        promise(not (source and is_held(source.tags, now)), 6, f"{what}, whose source is held")
        slots = self._scene.usable_slots(birth.source_arn, terms)
        promise(
            any(slot > birth.slot for slot in slots) or self._has_later_attempt(key, terms), 2, f"{what}: the newest"
        )
        if source and source.tags.get("backup", "off") != "off":
            promise(is_understood(source.tags), 3, f"{what}, whose source has a problem in its tags: {source.tags}")
            policy, zone = self._policy(source.tags, terms)
            if entry.state in USABLE:
                # What others delete once the lists are read, no run can know.
                kept = [
                    birth.slot in keeps(policy, scene.judged_slots(birth.source_arn, terms, now), zone)
                    for scene in (self._before, self._scene)
                ]
                promise(not all(kept), 7, f'{what}, which "{policy}" keeps')
        else:
            promise(terms.orphans == "expire", 8, f"{what}, which is an orphan")

    def _has_later_attempt(self, key: Key, terms: Terms) -> bool:
        """Say whether a failed snapshot has a usable one of the same slot: a later attempt."""
        birth, name = self._scene.ours[key], key[1]
        return self._scene.entries[key].state == "error" and any(
            entry.state in USABLE and entry.name > name and self._scene.ours[other].slot == birth.slot
            for other, entry in self._scene.series(birth.source_arn, terms).items()
        )

    @staticmethod
    def _policy(tags: Mapping[str, str], terms: Terms) -> tuple[str, ZoneInfo]:
        at = AT.fullmatch(tags.get("backup:at", ""))
        zone = ZoneInfo((at and at["zone"]) or "UTC")
        return tags.get("backup:keep") or terms.keeps[tags["backup"] or "daily"], zone

    def _judge_announcement(self, call: Call, key: Key, value: str, terms: Terms, now: datetime) -> None:
        expires = instant(value)
        promise(expires, 7, f"{key}: announced for {value}")
        # As it was when the lists were read: another run may have put it off in the meantime.
        entry = self._before.entries.get(key)
        if entry is None or expires is None:
            return
        passed = instant(entry.tags.get(EXPIRES, ""))
        if (passed and passed <= now) or not terms.grace or entry.state == "error":
            promise(now < expires <= now + DAY, 9, f"{key}: what has to wait is put off to {value}")
        else:
            promise(expires == now + terms.grace, 7, f"{key}: announced for {value}, at {call.at}")

    def _judge_delete(self, call: Call, key: Key, terms: Terms, now: datetime) -> None:
        entry = self._scene.entries.get(key)
        if entry is None or entry.state == "error":
            return
        text = entry.tags.get(EXPIRES)
        expires = instant(text) if text else None
        announced = expires is not None and expires <= now
        promise(
            announced or (not terms.grace and expires is None), 7, f"{call.operation} of {key}, announced for {text}"
        )

    # What a call leaves behind

    def _replay(self, call: Call, after: Mapping[Key, Entry]) -> None:
        if not call.took_effect:
            return
        scene, region = self._scene, call.region
        match call.operation:
            case operation if operation in CREATES:
                key = region, call.parameters[CREATES[operation]]
                tags = {tag["key"]: tag.get("value", "") for tag in call.parameters.get("tags", [])}
                source = scene.entries[region, call.parameters.get("diskName") or call.parameters["instanceName"]]
                there = after.get(key)
                scene.entries[key] = Entry(
                    kind=operation.removeprefix("Create"),
                    name=key[1],
                    arn=there.arn if there else "",
                    region=region,
                    created_at=call.at,
                    tags=tags,
                    state=there.state if there else "pending",
                    source_name=source.name,
                    source_arn=source.arn,
                )
                slot = instant(tags.get(SLOT, ""))
                if call.access_key_id != CONSOLE and slot:
                    scene.ours[key] = Birth(tags[SOURCE], slot)
            case operation if operation in DELETES:
                key = region, call.parameters[DELETES[operation]]
                del scene.entries[key]
                scene.ours.pop(key, None)
            case "DeleteDisk":
                del scene.entries[region, call.parameters["diskName"]]
            case "DeleteInstance":
                del scene.entries[region, call.parameters["instanceName"]]
            case "CreateDisk" | "CreateInstances":
                # Only a user does: whatever is new afterwards is taken as it is.
                scene.entries.update(
                    {key: entry for key, entry in after.items() if key not in scene.entries and not entry.state}
                )
            case "TagResource":
                key = region, call.parameters["resourceName"]
                tags = {tag["key"]: tag.get("value", "") for tag in call.parameters["tags"]}
                scene.entries[key] = replace(scene.entries[key], tags={**scene.entries[key].tags, **tags})
            case "UntagResource":
                key = region, call.parameters["resourceName"]
                gone = call.parameters["tagKeys"]
                tags = {name: value for name, value in scene.entries[key].tags.items() if name not in gone}
                scene.entries[key] = replace(scene.entries[key], tags=tags)
            case _:
                pass

    def _judge_end(self, after: Mapping[Key, Entry]) -> None:
        """Insist that nothing has changed but by the calls that were judged."""
        expected = {key: dict(entry.tags) for key, entry in self._scene.entries.items()}
        found = {key: dict(entry.tags) for key, entry in after.items()}
        promise(expected == found, 1, f"what there is, is not what the calls have made: {expected} {found}")

    # A whole run

    def _judge_run(self, run: Sequence[Call], before: Scene, terms: Terms) -> None:
        writes = [call for call in run if call.operation not in READS]
        first = writes[0].number if writes else None
        late = [call for call in run if call.operation in LISTS and first and call.number > first]
        promise(not late, 10, f"a list was read after the first write: {late[:1]}")
        prunes = [call for call in writes if call.operation in DELETES or call.operation == "TagResource"]
        for region in {call.region for call in prunes}:
            for operation in sorted({*LISTS} - self._read_to_the_end(run, region)):
                promise(kept=False, rule=10, sentence=f"{region}: pruned although {operation} was not read to its end")
        deleted = self._by_source((call for call in run if call.operation in DELETES and call.took_effect), before)
        deferred = self._by_source((call for call in prunes if self._is_deferral(call, before, terms)), before)
        for arn, slots in deleted.items():
            promise(len(slots) <= terms.most_deletes, 9, f"{len(slots)} snapshots of {arn} deleted in one run")
            promise(
                max(slots) <= min(deferred.get(arn) or [max(slots)]), 9, f"{arn}: not the oldest were deleted first"
            )
        self._judge_failed_creates(run, prunes, before, terms)

    @staticmethod
    def _read_to_the_end(run: Iterable[Call], region: str) -> set[str]:
        last = {call.operation: call for call in run if call.region == region and call.operation in LISTS}
        return {name for name, call in last.items() if call.took_effect and call.answer == "sent" and not call.more}

    @staticmethod
    def _is_deferral(call: Call, before: Scene, terms: Terms) -> bool:
        entry = before.entries.get((call.region, call.parameters.get("resourceName", "")))
        if entry is None or call.operation != "TagResource" or not call.took_effect:
            return False
        passed = instant(entry.tags.get(EXPIRES, ""))
        return not terms.grace or entry.state == "error" or (passed is not None and passed <= call.at)

    @staticmethod
    def _by_source(calls: Iterable[Call], scene: Scene) -> dict[str, list[datetime]]:
        found: defaultdict[str, list[datetime]] = defaultdict(list)
        for call in calls:
            name = call.parameters.get("resourceName") or call.parameters[DELETES[call.operation]]
            if birth := scene.ours.get((call.region, name)):
                found[birth.source_arn].append(birth.slot)
        return found

    def _judge_failed_creates(self, run: Iterable[Call], prunes: Iterable[Call], before: Scene, terms: Terms) -> None:
        wanted = {
            (tags[SOURCE], instant(tags[SLOT]))
            for call in run
            if call.operation in CREATES
            for tags in [{tag["key"]: tag.get("value", "") for tag in call.parameters["tags"]}]
        }
        effective = [call for call in prunes if call.took_effect]
        pruned = self._by_source(effective, before)
        for arn, slot in wanted:
            there = [
                key
                for key, entry in self._scene.series(arn, terms).items()
                if self._scene.ours[key].slot == slot and entry.state != "error"
            ]
            promise(there or arn not in pruned, 3, f"{arn}: pruned although its snapshot for {slot} failed")

    # What there is after a run in which nothing failed

    def _judge_state(self, terms: Terms, now: datetime) -> None:
        for source in [entry for entry in self._scene.entries.values() if entry.state is None]:
            if not wants_backup(source.tags):
                continue
            series = self._scene.series(source.arn, terms)
            period = PERIODS[source.tags["backup"] or "daily"]
            recent = [entry.state for key, entry in series.items() if now - period <= self._scene.ours[key].slot <= now]
            given_up = any(entry.state == "error" and entry.name.endswith("-3") for entry in series.values())
            promise(
                given_up or any(state != "error" for state in recent), 11, f"{source.name} has no snapshot for its slot"
            )
            held = is_held(source.tags, now)
            if is_understood(source.tags):
                marked = [entry for entry in series.values() if instant(entry.tags.get(EXPIRES, ""))]
                wrong = [entry.name for entry in marked if held or is_held(entry.tags, now)]
                promise(not wrong, 7, f"announced although held: {wrong}")
