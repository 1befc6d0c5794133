"""Records every look-up and every attempt to connect in this network namespace.

Here each address is this machine's own (`__main__` sees to that), so that a packet for anybody comes by on the
loopback interface, and an attempt to connect ends at once: refused, if nobody listens.
"""

import asyncio
import ipaddress
import socket
import struct
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

A, AAAA = 1, 28  # RFC 1035, RFC 3596
TCP, UDP = 6, 17
DNS = 53
# linux/if_ether.h, linux/if_packet.h and asm/socket.h: Python has no names for them.
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
SO_RCVBUFFORCE = 33
BUFFER = 8 * 1024 * 1024


class Resolver(asyncio.DatagramProtocol):
    """A DNS server that gives each name an address of its own, 203.0.113.n and 2001:db8::n; to those `here` 127.0.0.1.

    `asked` has, for each name, the command line of the process that asked for it first.
    """

    def __init__(self, here: Collection[str]) -> None:
        self.asked: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self._here = here
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, client: tuple[str, int]) -> None:
        self._transport.sendto(self.answer(data, client[1], "udp"), client)

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question over TCP, which a client asks in this way if an answer is too long, or its settings say so."""
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        answer = self.answer(await reader.readexactly(length), writer.get_extra_info("peername")[1], "tcp")
        writer.write(struct.pack("!H", len(answer)) + answer)
        writer.close()

    def answer(self, query: bytes, port: int, protocol: str) -> bytes:
        """The response to a query (RFC 1035, section 4), which came from that port."""
        name, end = _name(query)
        (kind,) = struct.unpack_from("!H", query, end)
        self.asked.setdefault(name, _owner(port, protocol))
        address = self._address(name, kind)
        record = struct.pack("!HHHIH", 0xC00C, kind, 1, 1, len(address)) + address if address else b""
        header = query[:2] + struct.pack("!HHHHH", 0x8180, 1, bool(record), 0, 0)
        return header + query[12 : end + 4] + record

    def _address(self, name: str, kind: int) -> bytes:
        number = len(self.asked)
        v4, v6 = f"203.0.113.{number}", f"2001:db8::{number:x}"
        if name in self._here:
            return socket.inet_aton("127.0.0.1") if kind == A else b""
        if name not in self.names.values():
            self.names |= {v4: name, v6: name}
        v4, v6 = (address for address, known in self.names.items() if known == name)
        return {A: socket.inet_aton(v4), AAAA: socket.inet_pton(socket.AF_INET6, v6)}.get(kind, b"")


class Connections:
    """`seen` has the attempts to connect: `tcp 203.0.113.1:443`. Each datagram counts as one, but for those of DNS."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._socket.setblocking(False)
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)  # a packet comes by a second time, as it arrives
        with suppress(PermissionError):  # root of a user namespace has the usual buffer
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        asyncio.get_running_loop().add_reader(self._socket, self._receive)

    def lost(self) -> int:
        """The number of packets that came faster than they were read."""
        _, dropped = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        return int(dropped)

    def _receive(self) -> None:
        packet, (_, protocol, *_) = self._socket.recvfrom(65535)
        if protocol == ETH_P_IP:
            self._ip(packet[9], packet[16:20], packet[4 * (packet[0] & 15) :])
        elif protocol == ETH_P_IPV6:
            self._ip(packet[6], packet[24:40], packet[40:])

    def _ip(self, protocol: int, destination: bytes, segment: bytes) -> None:
        source, port = struct.unpack_from("!HH", segment) if protocol in (TCP, UDP) else (0, 0)
        address = ipaddress.ip_address(destination)
        host = f"[{address}]" if address.version == 6 else str(address)
        if protocol == TCP and segment[13] & 0x12 == 0x02:  # SYN without ACK
            self.seen.add(f"tcp {host}:{port}")
        elif protocol == UDP and DNS not in (source, port):
            self.seen.add(f"udp {host}:{port}")


def _name(query: bytes) -> tuple[str, int]:
    """The name in question, and where it ends."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels).lower(), at + 1


def _owner(port: int, protocol: str) -> str:
    """The command line of the process whose socket has that port."""
    rows = [line.split() for line in Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(descriptor.readlink()) in sockets:
                return (descriptor.parents[1] / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:  # it has ended, or is not ours to look at
            continue
    return "a process that has ended"
