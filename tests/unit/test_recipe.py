"""A recipe is written into tags and read again: nothing is lost, or what is lost is named."""

import random
import re
from collections import defaultdict
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lightkeeper.recipe import (
    RECIPE,
    DatabaseRecipe,
    DiskRecipe,
    InstanceRecipe,
    MetadataOptions,
    Part,
    PortRule,
    Recipe,
    merged_rules,
    missing_parts,
    read_database_recipe,
    read_disk_recipe,
    read_instance_recipe,
    recipe_tags,
)

ALLOWED = re.compile(r"[\w +\-=.:/@]{1,256}")
ROOMY = 40

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}[A-Za-z0-9]", fullmatch=True)
HOURS = st.integers(0, 23).map(lambda hour: f"{hour:02}:00")
CIDRS = st.builds("{}/{}".format, st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 32))
IPV6_CIDRS = st.builds("{}/{}".format, st.integers(0, 2**128 - 1).map(IPv6Address), st.integers(0, 128))
ALIASES = st.lists(st.just("lightsail-connect"), max_size=1)


def port_rules() -> st.SearchStrategy[PortRule]:
    """Return rules that let somebody in: Lightsail has no others."""
    return any_rules().filter(lambda rule: bool(rule.cidrs or rule.ipv6_cidrs or rule.aliases))


@st.composite
def any_rules(draw: st.DrawFn) -> PortRule:
    protocol = draw(st.sampled_from(["tcp", "udp", "all", "icmp", "icmpv6"]))
    if protocol.startswith("icmp"):
        first, last = draw(st.tuples(st.integers(-1, 255), st.integers(-1, 255)))
    else:
        first, last = sorted(draw(st.tuples(st.integers(0, 65_535), st.integers(0, 65_535))))
    return PortRule(
        protocol,
        first,
        last,
        cidrs=tuple(draw(st.lists(CIDRS, max_size=9, unique=True))),
        ipv6_cidrs=tuple(draw(st.lists(IPV6_CIDRS, max_size=5, unique=True))),
        aliases=tuple(draw(ALIASES)),
    )


def maybe(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | strategy


METADATA = st.builds(
    MetadataOptions,
    st.sampled_from(["optional", "required"]),
    st.sampled_from(["enabled", "disabled"]),
    st.integers(1, 64),
    st.sampled_from(["enabled", "disabled"]),
)
INSTANCES = st.builds(
    InstanceRecipe,
    zone=maybe(st.just("eu-central-1a")),
    bundle=maybe(NAMES),
    ports=st.lists(port_rules(), max_size=6).map(merged_rules),
    static_ip=maybe(NAMES),
    key=maybe(NAMES),
    address_type=maybe(st.sampled_from(["dualstack", "ipv4", "ipv6"])),
    metadata=st.none() | METADATA,
    auto_snapshot=maybe(HOURS),
)
DISKS = st.builds(
    DiskRecipe,
    zone=maybe(st.just("eu-central-1a")),
    size_gib=st.none() | st.integers(8, 16_000),
    attached_to=st.just("web"),
    path=maybe(st.just("/dev/xvdf")),
    auto_snapshot=maybe(HOURS),
)
DATABASES = st.builds(
    DatabaseRecipe,
    zone=maybe(st.just("eu-central-1a")),
    bundle=maybe(NAMES),
    is_public=st.none() | st.booleans(),
    backup_window=maybe(st.just("16:00-16:30")),
    maintenance_window=maybe(st.just("Tue:17:00-Tue:17:30")),
)


def reader(recipe: Recipe) -> Callable[[dict[str, str]], Recipe | None]:
    match recipe:
        case InstanceRecipe():
            return read_instance_recipe
        case DiskRecipe():
            return read_disk_recipe
        case DatabaseRecipe():
            return read_database_recipe


@given(INSTANCES | DISKS | DATABASES)
@example(InstanceRecipe(ports=()))
@example(InstanceRecipe(ports=(PortRule("icmp", -1, -1, ("0.0.0.0/0",)),)))
@example(InstanceRecipe(ports=(PortRule("icmp", 8, -1, ("0.0.0.0/0",)), PortRule("icmpv6", 128, 0, (), ("::/0",)))))
@example(InstanceRecipe(ports=(PortRule("all", 0, 65_535, ("10.0.0.0/8",)), PortRule("tcp", 0, 65_535, (), ("::/0",)))))
@example(InstanceRecipe(ports=(PortRule("tcp", 22, 22, tuple(f"10.{n}.0.0/16" for n in range(200))),)))
def test_a_recipe_loses_nothing_on_its_way_through_tags(recipe: Recipe) -> None:
    tags, left_out = recipe_tags(recipe, 1000)

    assert left_out == ()
    assert reader(recipe)(tags) == recipe
    assert all(ALLOWED.fullmatch(value) for value in tags.values())
    assert all(ALLOWED.fullmatch(key) and len(key) <= 128 for key in tags)


@given(INSTANCES, st.integers(0, ROOMY))
def test_with_too_little_room_a_part_is_left_out_whole_and_named(recipe: InstanceRecipe, room: int) -> None:
    tags, left_out = recipe_tags(recipe, room)

    assert len(tags) <= room
    read = read_instance_recipe(tags)
    if read is None:
        assert room == 0
        assert tags == {}
        return
    assert read.missing == left_out
    for part, field in FIELDS.items():
        kept = getattr(read, field)
        assert kept == (None if part in left_out else getattr(recipe, field)), part


FIELDS = {
    Part.PORTS: "ports",
    Part.STATIC_IP: "static_ip",
    Part.ZONE: "zone",
    Part.BUNDLE: "bundle",
    Part.KEY: "key",
    Part.ADDRESS_TYPE: "address_type",
    Part.METADATA: "metadata",
    Part.ADD_ONS: "auto_snapshot",
}


@given(st.lists(port_rules(), max_size=6), st.randoms())
def test_a_firewall_is_the_same_whatever_the_order_and_the_parts_it_was_opened_in(
    rules: list[PortRule], chance: random.Random
) -> None:
    shuffled = list(rules)
    chance.shuffle(shuffled)

    assert places(merged_rules(shuffled)) == places(merged_rules(rules)) == places(rules)


def places(rules: "list[PortRule] | tuple[PortRule, ...]") -> dict[tuple[str, int, int], set[str]]:
    found: dict[tuple[str, int, int], set[str]] = defaultdict(set)
    for rule in rules:
        found[rule.protocol, rule.first, rule.last].update((*rule.cidrs, *rule.ipv6_cidrs, *rule.aliases))
    return found


def test_what_is_known_to_be_missing_stays_so() -> None:
    tags, left_out = recipe_tags(InstanceRecipe(zone="eu-central-1a", missing=(Part.PORTS, Part.STATIC_IP)), ROOMY)

    assert left_out == (Part.PORTS, Part.STATIC_IP)
    read = read_instance_recipe(tags)
    assert read is not None
    assert read.missing == (Part.PORTS, Part.STATIC_IP)
    assert read.ports is None


def test_what_a_tag_cannot_hold_is_left_out_and_named() -> None:
    _, left_out = recipe_tags(InstanceRecipe(key="owner's key!", static_ip="shop-ip", ports=()), ROOMY)

    assert left_out == (Part.KEY,)


@pytest.mark.parametrize("wrong", ["tcp", "tcp:80", "80=0.0.0.0/0", "tcp:80=0.0.0.0/0 nonsense"])
def test_a_firewall_that_somebody_has_edited_is_not_half_a_firewall(wrong: str) -> None:
    tags, _ = recipe_tags(InstanceRecipe(ports=(PortRule("tcp", 80, 80, ("0.0.0.0/0",)),)), ROOMY)

    read = read_instance_recipe(tags | {"lightkeeper:ports": wrong})

    assert read is not None
    assert read.ports is None
    assert read.missing == (Part.PORTS,)


def test_a_firewall_whose_second_part_was_taken_away_is_not_half_a_firewall() -> None:
    rules = merged_rules(PortRule("tcp", port, port, ("198.51.100.0/24",)) for port in range(40))
    tags, _ = recipe_tags(InstanceRecipe(ports=rules), ROOMY)
    assert "lightkeeper:ports-3" in tags

    for gone in ("lightkeeper:ports", "lightkeeper:ports-2", "lightkeeper:ports-3"):
        read = read_instance_recipe({key: value for key, value in tags.items() if key != gone})
        assert read is not None
        assert read.ports is None, gone
        assert Part.PORTS in read.missing


@pytest.mark.parametrize("head", ["", "2", "2 without ports", "x"])
def test_a_recipe_of_a_later_form_is_none(head: str) -> None:
    assert missing_parts({RECIPE: head}) is None
    assert read_instance_recipe({RECIPE: head}) is None
    assert read_disk_recipe({RECIPE: head}) is None
    assert read_database_recipe({RECIPE: head}) is None


@pytest.mark.parametrize(
    ("tag", "value", "part"),
    [
        ("ports", "tcp:99999=0.0.0.0/0", Part.PORTS),
        ("ports", "tcp:80-22=0.0.0.0/0", Part.PORTS),
        ("ports", "foo:22=0.0.0.0/0", Part.PORTS),
        ("ports", "tcp:22=", Part.PORTS),
        ("ports", "tcp:22=0.0.0.0/0+", Part.PORTS),
        ("address-type", "ipv9", Part.ADDRESS_TYPE),
        ("metadata", "tokens=foo hops=2", Part.METADATA),
        ("metadata", "hops=9999999999", Part.METADATA),
        ("add-ons", "AutoSnapshot 25:99", Part.ADD_ONS),
    ],
)
def test_what_lightsail_would_refuse_is_missing_before_anything_is_made(tag: str, value: str, part: Part) -> None:
    whole = InstanceRecipe(
        zone="eu-central-1a",
        bundle="small_3_0",
        ports=(PortRule("tcp", 443, 443, ("0.0.0.0/0",)),),
        address_type="ipv4",
        metadata=MetadataOptions("required"),
        auto_snapshot="06:00",
    )
    tags, _ = recipe_tags(whole, ROOMY)

    read = read_instance_recipe(tags | {f"lightkeeper:{tag}": value})

    assert read_instance_recipe(tags) == whole
    assert read is not None
    assert read.missing == (part,)
    assert (read.zone, read.bundle) == ("eu-central-1a", "small_3_0")
