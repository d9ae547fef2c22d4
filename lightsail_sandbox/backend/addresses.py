"""IP addresses, by a number that nothing else in the Region has. They are such as nobody on the internet has."""

from ipaddress import IPv4Address, IPv6Address
from typing import Final

_PUBLIC: Final = IPv4Address("198.18.0.0")  # for benchmarks, 131,072 of them
_PRIVATE: Final = IPv4Address("172.26.0.0")
_STATIC: Final = IPv4Address("100.64.0.0")  # for carriers' own networks
_IPV6: Final = IPv6Address("2001:db8::")  # for documentation
_PUBLIC_COUNT: Final = 2**17
_PRIVATE_COUNT: Final = 2**16


def public_address(number: int) -> str:
    """Give a public IPv4 address that an instance has until it stops."""
    return str(_PUBLIC + number % _PUBLIC_COUNT)


def private_address(number: int) -> str:
    """Give an IPv4 address within Lightsail's network."""
    return str(_PRIVATE + number % _PRIVATE_COUNT)


def static_address(number: int) -> str:
    """Give a public IPv4 address that is kept until it is released."""
    return str(_STATIC + number % _PUBLIC_COUNT)


def ipv6_address(number: int) -> str:
    """Give an IPv6 address."""
    return str(_IPV6 + number)
