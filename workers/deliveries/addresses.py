"""Which addresses a webhook may lead to. Looked at when a socket is made: no name server can get past it."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IPv4 inside IPv6: a NAT64 gateway would lead to the address in the last 32 bits (RFC 6052, RFC 8215).
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


FORBIDDEN = "a private address, and not in AIRLOCK_WEBHOOK_NETWORKS"


class ForbiddenAddress(OSError):
    """The receiver's name leads to an address that webhooks may not call."""


def is_public(address: Address) -> bool:
    """Whether it is an address of the internet: not private, loopback, link-local (metadata), shared or reserved."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inside(address)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def guarded_sockets(allowed: Sequence[Network]) -> Callable[[Any], socket.socket]:
    """A socket factory for aiohttp's connector that makes none for an address which is neither public nor `allowed`.

    It raises ForbiddenAddress.
    """

    def make(info: Any) -> socket.socket:
        family, kind, protocol, _, place = info
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if not is_public(address) and not any(address in network for network in allowed):
            raise ForbiddenAddress(f"{address} is {FORBIDDEN}")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return make
