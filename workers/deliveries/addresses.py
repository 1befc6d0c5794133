"""The addresses that webhooks may connect to. They are checked for each socket, after the name was resolved.

A check of the name would be too early: its DNS server could give another address for the connection.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# A NAT64 gateway connects to the IPv4 address in the last 32 bits (RFC 6052, RFC 8215).
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))

FORBIDDEN = "a private address, and not in AIRLOCK_WEBHOOK_NETWORKS"


class ForbiddenAddress(OSError):
    """The receiver's name resolves to an address that webhooks may not connect to."""


def is_public(address: Address) -> bool:
    """Whether `address` is on the internet: not private, loopback, link-local (cloud metadata), shared or reserved."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded = _embedded(address)
        if embedded is not None:
            return is_public(embedded)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address to which packets for this IPv6 address can be sent on."""
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def guarded_sockets(allowed: Sequence[Network]) -> Callable[[Any], socket.socket]:
    """A socket factory for aiohttp's connector.

    It raises ForbiddenAddress for an address that is neither public nor in an `allowed` network.
    """

    def make(info: Any) -> socket.socket:
        family, kind, protocol, _, sockaddr = info
        address = ipaddress.ip_address(str(sockaddr[0]).partition("%")[0])
        if not is_public(address) and not any(address in network for network in allowed):
            raise ForbiddenAddress(f"{address} is {FORBIDDEN}")
        connecting = socket.socket(family, kind, protocol)
        connecting.setblocking(False)
        return connecting

    return make
