"""The recipe: what a restore needs and a snapshot itself does not hold, kept in the tags of the snapshot. Pure.

A restored instance gets the firewall of its blueprint, open to the world, and neither static IP nor add-ons. Once the
source is deleted, nobody knows what it had; so each snapshot is born with it, in words that a person can read.

Lightsail allows letters, digits, spaces and ``+ - = . _ : / @`` in a tag, and 256 characters in a value.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias, assert_never

RECIPE: Final = "lightkeeper:recipe"
"""That there is a recipe: the version of its form, and the parts that are not in it."""
ANYWHERE: Final = "0.0.0.0/0"
ANYWHERE_V6: Final = "::/0"
_VERSION: Final = "1"
_WITHOUT: Final = "without"
_PREFIX: Final = "lightkeeper:"
_MAX_VALUE: Final = 256
# A rule and its places are at most some sixty characters each: so many fit into ten values.
_FEW_PLACES: Final = 30
_VALUE: Final = re.compile(r"[\w +\-=.:/@]{1,256}")
_IPV4: Final = re.compile(r"[0-9.]+(?:/|\Z)")
_RULE: Final = re.compile(r"(tcp|udp|icmp|icmpv6|all):(-?[0-9]{1,5})(?:-(-?[0-9]{1,5}))?=(\S+)")
_MAX_PORT: Final = 65_535


class Part(StrEnum):
    """A part of a recipe, as its tag calls it after ``lightkeeper:``: what matters most comes first."""

    PORTS = "ports"
    STATIC_IP = "static-ip"
    ZONE = "zone"
    BUNDLE = "bundle"
    PUBLIC = "public"
    ATTACHED_TO = "attached-to"
    KEY = "key"
    ADDRESS_TYPE = "address-type"
    METADATA = "metadata"
    ADD_ONS = "add-ons"
    BACKUP_WINDOW = "backup-window"
    MAINTENANCE_WINDOW = "maintenance-window"
    SIZE = "size"


PART_WORDS: Final[Mapping[Part, str]] = {
    Part.PORTS: "the firewall",
    Part.STATIC_IP: "the name of the static IP",
    Part.ZONE: "the zone",
    Part.BUNDLE: "the bundle",
    Part.PUBLIC: "whether it is public",
    Part.ATTACHED_TO: "what it was attached to",
    Part.KEY: "the key pair",
    Part.ADDRESS_TYPE: "the type of address",
    Part.METADATA: "the metadata options",
    Part.ADD_ONS: "the add-ons",
    Part.BACKUP_WINDOW: "the backup window",
    Part.MAINTENANCE_WINDOW: "the maintenance window",
    Part.SIZE: "the size",
}
"""For sentences: what each part says."""


_FORMS: Final[Mapping[Part, re.Pattern[str]]] = {
    Part.ADDRESS_TYPE: re.compile("dualstack|ipv4|ipv6"),
    Part.METADATA: re.compile(
        r"(?:(?:tokens=(?:optional|required)|(?:endpoint|ipv6)=(?:enabled|disabled)|hops=[1-9][0-9]?)(?: |\Z))+"
    ),
    Part.ADD_ONS: re.compile("AutoSnapshot (?:[01][0-9]|2[0-3]):00"),
}
"""Of the parts that Lightsail takes in certain words only: those."""


@dataclass(frozen=True, slots=True, order=True)
class PortRule:
    """From where some ports of an instance can be reached. For ICMP, the ports are type and code."""

    protocol: str
    """``tcp``, ``udp``, ``icmp``, ``icmpv6`` or ``all``."""
    first: int
    last: int
    cidrs: tuple[str, ...] = ()
    ipv6_cidrs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Such as ``lightsail-connect``, the terminal in the browser."""

    @property
    def is_open(self) -> bool:
        """Whether the whole world reaches them."""
        return ANYWHERE in self.cidrs or ANYWHERE_V6 in self.ipv6_cidrs

    def __str__(self) -> str:
        """Return the rule as the tag has it, such as ``tcp:80-443=0.0.0.0/0+::/0``."""
        ports = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.protocol}:{ports}={'+'.join((*self.cidrs, *self.ipv6_cidrs, *self.aliases))}"


@dataclass(frozen=True, slots=True)
class MetadataOptions:
    """How an instance answers questions about itself. None: Lightsail's own default."""

    tokens: str | None = None
    """``required`` is IMDSv2."""
    endpoint: str | None = None
    hops: int | None = None
    ipv6: str | None = None


@dataclass(frozen=True, slots=True)
class InstanceRecipe:
    """What an instance has beside its disks."""

    zone: str | None = None
    bundle: str | None = None
    ports: tuple[PortRule, ...] | None = None
    """None: not known. Empty: all are closed."""
    static_ip: str | None = None
    """The name of it; None: it has none, or that is not known: see `missing`."""
    key: str | None = None
    address_type: str | None = None
    metadata: MetadataOptions | None = None
    auto_snapshot: str | None = None
    """The hour, UTC, of its automatic snapshots, such as ``06:00``; None: it has none."""
    missing: tuple[Part, ...] = ()
    """What is not known, or had no room."""


@dataclass(frozen=True, slots=True)
class DiskRecipe:
    """What a disk has beside its content."""

    zone: str | None = None
    size_gib: int | None = None
    attached_to: str | None = None
    path: str | None = None
    auto_snapshot: str | None = None
    missing: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class DatabaseRecipe:
    """What a database has beside its content."""

    zone: str | None = None
    bundle: str | None = None
    is_public: bool | None = None
    backup_window: str | None = None
    """Of each day, UTC, such as ``16:00-16:30``."""
    maintenance_window: str | None = None
    """Of each week, UTC, such as ``Tue:17:00-Tue:17:30``."""
    missing: tuple[Part, ...] = ()


Recipe: TypeAlias = InstanceRecipe | DiskRecipe | DatabaseRecipe


def merged_rules(rules: Iterable[PortRule]) -> tuple[PortRule, ...]:
    """Return the same firewall with one rule for each range of ports, in order."""
    by_ports: dict[tuple[str, int, int], list[PortRule]] = {}
    for rule in rules:
        by_ports.setdefault((rule.protocol, rule.first, rule.last), []).append(rule)
    return tuple(
        PortRule(
            *ports,
            cidrs=_all(rule.cidrs for rule in same),
            ipv6_cidrs=_all(rule.ipv6_cidrs for rule in same),
            aliases=_all(rule.aliases for rule in same),
        )
        for ports, same in sorted(by_ports.items())
    )


def recipe_tags(recipe: Recipe, room: int) -> tuple[dict[str, str], tuple[Part, ...]]:
    """Return the tags that keep a recipe, and the parts that are missing in them.

    Parameters
    ----------
    recipe
        What is known.
    room
        How many tags it may take. A part that has no room is left out as a whole: half a firewall would be a wrong one.
    """
    if room < 1:
        return {}, tuple(part for part, _ in _parts(recipe))
    tags: dict[str, str] = {}
    missing, counts = set(recipe.missing), []
    for part, values in _parts(recipe):
        if len(tags) + len(values) > room - 1 or not all(map(_VALUE.fullmatch, values)):
            missing.add(part)
            continue
        if len(values) > 1:
            counts.append(f"{part}={len(values)}")
        tags |= {_key(part, number): value for number, value in enumerate(values, 1)}
    left_out = tuple(part for part in Part if part in missing)
    head = " ".join((_VERSION, *counts, *((_WITHOUT, *left_out) if left_out else ())))
    return {RECIPE: head} | tags, left_out


def is_small(recipe: Recipe) -> bool:
    """Return whether a recipe takes few tags for certain: without a firewall, or with one of few places."""
    if not isinstance(recipe, InstanceRecipe) or recipe.ports is None:
        return True
    places = (len(rule.cidrs) + len(rule.ipv6_cidrs) + len(rule.aliases) for rule in recipe.ports)
    return len(recipe.ports) + sum(places) <= _FEW_PLACES


@lru_cache(maxsize=1024)
def _parts_in(head: str) -> tuple[Part, ...] | None:
    version, *words = head.split() or [""]
    return tuple(part for part in Part if part in words[1:]) if version == _VERSION else None


@lru_cache(maxsize=1024)
def _counts_in(head: str) -> Mapping[str, int]:
    """Return how many tags a part has, where it is more than one."""
    words = (word.partition("=") for word in head.split())
    return {part: int(count) for part, _, count in words if count.isdecimal()}


def missing_parts(tags: Mapping[str, str]) -> tuple[Part, ...] | None:
    """Return the parts that a snapshot's recipe lacks; None where it has none, or one of a later form."""
    return _parts_in(tags.get(RECIPE, ""))


def read_instance_recipe(tags: Mapping[str, str]) -> InstanceRecipe | None:
    """Return the recipe of an instance in the tags of a snapshot, or None if there is none that this release reads."""
    tags, missing = _readable(tags)
    if missing is None:
        return None
    values = [*_values(tags, Part.PORTS)]
    # A part of a firewall would be a wrong one: whoever took a tag away has taken all of it.
    is_whole = len(values) == _counts_in(tags.get(RECIPE, "")).get(Part.PORTS, 1)
    ports = _read_ports(values) if is_whole else None
    if ports is None and Part.PORTS not in missing:
        missing = (Part.PORTS, *missing)
    return InstanceRecipe(
        zone=_value(tags, Part.ZONE),
        bundle=_value(tags, Part.BUNDLE),
        ports=ports,
        static_ip=_value(tags, Part.STATIC_IP),
        key=_value(tags, Part.KEY),
        address_type=_value(tags, Part.ADDRESS_TYPE),
        metadata=_read_metadata(_value(tags, Part.METADATA)),
        auto_snapshot=_read_auto_snapshot(_value(tags, Part.ADD_ONS)),
        missing=missing,
    )


def read_disk_recipe(tags: Mapping[str, str]) -> DiskRecipe | None:
    """Return the same for a disk."""
    tags, missing = _readable(tags)
    if missing is None:
        return None
    instance, _, path = (_value(tags, Part.ATTACHED_TO) or "").partition(" ")
    size = _value(tags, Part.SIZE) or ""
    return DiskRecipe(
        zone=_value(tags, Part.ZONE),
        size_gib=int(size) if size.isdecimal() else None,
        attached_to=instance or None,
        path=path or None,
        auto_snapshot=_read_auto_snapshot(_value(tags, Part.ADD_ONS)),
        missing=missing,
    )


def read_database_recipe(tags: Mapping[str, str]) -> DatabaseRecipe | None:
    """Return the same for a database."""
    tags, missing = _readable(tags)
    if missing is None:
        return None
    public = _value(tags, Part.PUBLIC)
    return DatabaseRecipe(
        zone=_value(tags, Part.ZONE),
        bundle=_value(tags, Part.BUNDLE),
        is_public={"yes": True, "no": False}.get(public or ""),
        backup_window=_value(tags, Part.BACKUP_WINDOW),
        maintenance_window=_value(tags, Part.MAINTENANCE_WINDOW),
        missing=missing,
    )


def _parts(recipe: Recipe) -> Iterator[tuple[Part, Sequence[str]]]:
    """Yield each part that is known, with the values of its tags."""
    match recipe:
        case InstanceRecipe():
            auto_snapshot = recipe.auto_snapshot
            found: dict[Part, str | None] = {
                Part.STATIC_IP: recipe.static_ip,
                Part.ZONE: recipe.zone,
                Part.BUNDLE: recipe.bundle,
                Part.KEY: recipe.key,
                Part.ADDRESS_TYPE: recipe.address_type,
                Part.METADATA: _metadata_text(recipe.metadata),
            }
            if recipe.ports is not None:
                yield Part.PORTS, _ports_values(recipe.ports)
        case DiskRecipe():
            auto_snapshot = recipe.auto_snapshot
            attached = f"{recipe.attached_to} {recipe.path or ''}".strip() if recipe.attached_to else None
            found = {
                Part.ZONE: recipe.zone,
                Part.ATTACHED_TO: attached,
                Part.SIZE: None if recipe.size_gib is None else str(recipe.size_gib),
            }
        case DatabaseRecipe():
            auto_snapshot = None
            found = {
                Part.ZONE: recipe.zone,
                Part.BUNDLE: recipe.bundle,
                Part.PUBLIC: None if recipe.is_public is None else "yes" if recipe.is_public else "no",
                Part.BACKUP_WINDOW: recipe.backup_window,
                Part.MAINTENANCE_WINDOW: recipe.maintenance_window,
            }
        case _:
            assert_never(recipe)
    found[Part.ADD_ONS] = f"AutoSnapshot {auto_snapshot}" if auto_snapshot else None
    for part in Part:
        if value := found.get(part):
            yield part, (value,)


def _ports_values(rules: Sequence[PortRule]) -> Sequence[str]:
    """Return the rules as values of tags; one that is longer than a value is written as several of the same ports."""
    pieces = [piece for rule in merged_rules(rules) for piece in _pieces(rule)]
    if not pieces:
        return ("none",)
    values = [pieces[0]]
    for piece in pieces[1:]:
        if len(values[-1]) + 1 + len(piece) <= _MAX_VALUE:
            values[-1] += f" {piece}"
        else:
            values.append(piece)
    return values


def _pieces(rule: PortRule) -> Iterator[str]:
    ports = str(PortRule(rule.protocol, rule.first, rule.last))
    piece = ports
    for place in (*rule.cidrs, *rule.ipv6_cidrs, *rule.aliases):
        joined = f"{piece}{'' if piece == ports else '+'}{place}"
        if len(joined) > _MAX_VALUE and piece != ports:
            yield piece
            joined = f"{ports}{place}"
        piece = joined
    yield piece


def _read_ports(values: Iterable[str]) -> tuple[PortRule, ...] | None:
    """Return the firewall that values of tags say; None where they say none, or are not as we write them."""
    pieces = " ".join(values).split()
    if pieces == ["none"]:
        return ()
    rules: list[PortRule] = []
    for piece in pieces:
        read = _RULE.fullmatch(piece)
        if read is None:
            return None
        first, last = int(read[2]), int(read[3] or read[2])
        is_range = read[1].startswith("icmp") or 0 <= first <= last
        places = read[4].split("+")
        if not is_range or max(first, last) > _MAX_PORT or not all(places):
            return None
        rules.append(
            PortRule(
                read[1],
                first,
                last,
                cidrs=tuple(place for place in places if _IPV4.match(place)),
                ipv6_cidrs=tuple(place for place in places if ":" in place),
                aliases=tuple(place for place in places if ":" not in place and not _IPV4.match(place)),
            )
        )
    return merged_rules(rules) if rules else None


def _metadata_text(options: MetadataOptions | None) -> str | None:
    if options is None:
        return None
    words = {"tokens": options.tokens, "endpoint": options.endpoint, "hops": options.hops, "ipv6": options.ipv6}
    return " ".join(f"{word}={value}" for word, value in words.items() if value is not None) or None


def _read_metadata(text: str | None) -> MetadataOptions | None:
    if text is None:
        return None
    words = dict(word.partition("=")[::2] for word in text.split())
    hops = words.get("hops", "")
    return MetadataOptions(
        tokens=words.get("tokens"),
        endpoint=words.get("endpoint"),
        hops=int(hops) if hops.isdecimal() else None,
        ipv6=words.get("ipv6"),
    )


def _read_auto_snapshot(text: str | None) -> str | None:
    name, _, hour = (text or "").partition(" ")
    return hour or None if name == "AutoSnapshot" else None


def _readable(tags: Mapping[str, str]) -> tuple[Mapping[str, str], tuple[Part, ...] | None]:
    """Return the tags without those parts that nobody wrote so but a person, and the parts that are missing then.

    What Lightsail would refuse has to be known before anything is made.
    """
    missing = missing_parts(tags)
    wrong = {part for part, form in _FORMS.items() if (value := tags.get(_key(part))) and not form.fullmatch(value)}
    if missing is None or not wrong:
        return tags, missing
    sound = {key: value for key, value in tags.items() if key not in {_key(part) for part in wrong}}
    return sound, tuple(part for part in Part if part in {*missing, *wrong})


def _all(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for found in lists for each in found))


def _key(part: Part, number: int = 1) -> str:
    return f"{_PREFIX}{part}" if number == 1 else f"{_PREFIX}{part}-{number}"


def _value(tags: Mapping[str, str], part: Part) -> str | None:
    return tags.get(_key(part)) or None


def _values(tags: Mapping[str, str], part: Part) -> Iterator[str]:
    number = 1
    while value := tags.get(_key(part, number)):
        yield value
        number += 1
