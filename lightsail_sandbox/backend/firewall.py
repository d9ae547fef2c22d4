"""The firewall of an instance: which ports are open, and to whom.

Not confirmed by AWS, so the sandbox is lenient: an address without a prefix is kept as a network of one; a rule that
names nobody is open to the world; opening a port that is open already replaces its rule; closing one that is not open
changes nothing; rules of one request for the same ports are merged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final

from lightsail_sandbox.backend.exceptions import InvalidInputError

_ANYWHERE: Final = "0.0.0.0/0"
_ANYWHERE_IPV6: Final = "::/0"
_ALIAS: Final = "lightsail-connect"
_PORTS: Final = range(65_536)
_ICMP: Final = range(-1, 256)
_RANGES: Final = {"tcp": _PORTS, "udp": _PORTS, "all": _PORTS, "icmp": _ICMP, "icmpv6": _ICMP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Ports that are open.

    Parameters
    ----------
    protocol
        In lower case.
    from_port, to_port
        The first and the last port; of ICMP, type and code.
    cidrs, ipv6_cidrs, aliases
        Who may connect.
    """

    protocol: str
    from_port: int
    to_port: int
    cidrs: tuple[str, ...] = (_ANYWHERE,)
    ipv6_cidrs: tuple[str, ...] = (_ANYWHERE_IPV6,)
    aliases: tuple[str, ...] = ()

    @property
    def ports(self) -> tuple[str, int, int]:
        """What it opens, whoever to: an instance has one rule for each."""
        return self.protocol, self.from_port, self.to_port

    def words(self) -> str:
        """Give the ports as operations name them, such as ``22/tcp``."""
        ports = str(self.from_port) if self.from_port == self.to_port else f"{self.from_port}-{self.to_port}"
        return f"{ports}/{self.protocol}"

    def render_state(self) -> dict[str, Any]:
        """Give the rule as GetInstancePortStates shows it."""
        return self._render() | {"state": "open"}

    def render_info(self) -> dict[str, Any]:
        """Give the rule as an instance shows it."""
        is_open = self.cidrs == (_ANYWHERE,) and self.ipv6_cidrs == (_ANYWHERE_IPV6,)
        return self._render() | {
            "accessFrom": f"Anywhere ({_ANYWHERE} and {_ANYWHERE_IPV6})" if is_open else "Custom",
            "accessType": "public",
            "commonName": "",
            "accessDirection": "inbound",
        }

    def _render(self) -> dict[str, Any]:
        return {
            "fromPort": self.from_port,
            "toPort": self.to_port,
            "protocol": self.protocol,
            "cidrs": [*self.cidrs],
            "ipv6Cidrs": [*self.ipv6_cidrs],
            "cidrListAliases": [*self.aliases],
        }


def open_to_the_world(ports: Iterable[int]) -> tuple[Rule, ...]:
    """Give the rules that open these TCP ports to everybody."""
    return tuple(Rule(protocol="tcp", from_port=port, to_port=port) for port in ports)


def read_rules(infos: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Read a request's rules, or refuse them all."""
    rules: dict[tuple[str, int, int], Rule] = {}
    for rule in map(read_rule, infos):
        rules[rule.ports] = _merged(rules[rule.ports], rule) if rule.ports in rules else rule
    return tuple(rules.values())


def read_rule(info: Mapping[str, Any]) -> Rule:
    """Read a rule of a request, or refuse it."""
    protocol = str(info.get("protocol", "")).lower()
    if protocol not in _RANGES:
        raise InvalidInputError(f"Invalid protocol: {protocol!r}. Expected one of {', '.join(_RANGES)}.")
    from_port, to_port = _ports(protocol, info)
    cidrs = tuple(_network(IPv4Network, cidr) for cidr in info.get("cidrs", []))
    ipv6_cidrs = tuple(_network(IPv6Network, cidr) for cidr in info.get("ipv6Cidrs", []))
    aliases = tuple(info.get("cidrListAliases", []))
    if not {*aliases} <= {_ALIAS}:
        raise InvalidInputError(f"Invalid cidrListAliases: {', '.join(aliases)}. Expected {_ALIAS}.")
    if not (cidrs or ipv6_cidrs or aliases):
        cidrs = (_ANYWHERE,) if protocol != "icmpv6" else ()
        ipv6_cidrs = (_ANYWHERE_IPV6,) if protocol != "icmp" else ()
    return Rule(
        protocol=protocol,
        from_port=from_port,
        to_port=to_port,
        cidrs=cidrs,
        ipv6_cidrs=ipv6_cidrs,
        aliases=aliases,
    )


def with_rule(rules: Sequence[Rule], rule: Rule) -> tuple[Rule, ...]:
    """Give the rules with one more, in the place of the one for the same ports."""
    return (*without_rule(rules, rule), rule)


def without_rule(rules: Sequence[Rule], rule: Rule) -> tuple[Rule, ...]:
    """Give the rules without the one for these ports."""
    return tuple(each for each in rules if each.ports != rule.ports)


def _ports(protocol: str, info: Mapping[str, Any]) -> tuple[int, int]:
    allowed = _RANGES[protocol]
    if protocol == "all":
        from_port, to_port = info.get("fromPort", allowed[0]), info.get("toPort", allowed[-1])
    else:
        from_port, to_port = info.get("fromPort", -2), info.get("toPort", -2)
    is_range = allowed is _ICMP or from_port <= to_port
    if from_port not in allowed or to_port not in allowed or not is_range:
        raise InvalidInputError(
            f"Invalid ports of {protocol}: {info.get('fromPort')} to {info.get('toPort')}. "
            f"Expected numbers from {allowed[0]} to {allowed[-1]}."
        )
    return from_port, to_port


def _network(kind: type[IPv4Network | IPv6Network], cidr: str) -> str:
    try:
        return str(kind(cidr, strict=False))
    except ValueError as error:
        raise InvalidInputError(f"Invalid CIDR block: {cidr!r}. {error}.") from error


def _merged(rule: Rule, other: Rule) -> Rule:
    return replace(
        rule,
        cidrs=tuple(dict.fromkeys((*rule.cidrs, *other.cidrs))),
        ipv6_cidrs=tuple(dict.fromkeys((*rule.ipv6_cidrs, *other.ipv6_cidrs))),
        aliases=tuple(dict.fromkeys((*rule.aliases, *other.aliases))),
    )
