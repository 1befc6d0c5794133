"""The frames between the worker and a parser's process, over a socket that keeps packets apart (SOCK_SEQPACKET).

The worker sends a request: a packet of JSON, with the descriptor of the object's copy. The process answers with frames,
one in each packet; a frame begins with a byte for its type, and the last is DONE, SPENT or FAILED. Hostile bytes may
have taken over the process, so the worker checks each frame: an invalid one counts as a crash.
"""

import json
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from workers.inspection.parsers.port import ParserFinding

# Below half of a socket's buffer (net.core.wmem_default, 208 KiB): one packet is written while another is read.
LARGEST = 64 * 1024

# Names and messages are cut to this many characters.
LONGEST_TEXT = 400


class FrameType(IntEnum):
    """The first byte of a frame."""

    READY = 1  # the process has given up its rights and waits for a request
    FINDING = 2
    MEMBER_START = 3
    MEMBER_DATA = 4
    MEMBER_END = 5
    DONE = 6  # the last frame
    SPENT = 7  # the last frame, and the process cannot be used again
    FAILED = 8  # the last frame: the parser cannot be imported


class ParseRequest(NamedTuple):
    """`parser` is a module's full name, `size` in bytes; `seconds` limits the CPU time, `limits` are the parser's."""

    parser: str
    size: int
    seconds: int
    limits: Mapping[str, int]

    def encode(self) -> bytes:
        return json.dumps([self.parser, self.size, self.seconds, dict(self.limits)]).encode()

    @classmethod
    def decode(cls, packet: bytes) -> "ParseRequest":
        return cls(*json.loads(packet))


class MemberStart(NamedTuple):
    """A member of an archive begins. Its bytes and its end follow."""

    name: str


class MemberData(NamedTuple):
    """The next bytes of the member."""

    data: bytes


class MemberEnd(NamedTuple):
    """The member is complete."""


class ExaminationEnd(NamedTuple):
    """The last of an object's frames; `seconds` is how long the worker waited for the process."""

    seconds: float


Frame: TypeAlias = ParserFinding | MemberStart | MemberData | MemberEnd | ExaminationEnd


class InvalidFrame(Exception):
    """A packet that no process of ours sends."""


def encode_finding(finding: ParserFinding) -> bytes:
    """The packet of a finding."""
    return bytes([FrameType.FINDING]) + json.dumps(finding).encode()


def decode_frame(packet: bytes) -> ParserFinding | MemberStart | MemberData | MemberEnd:
    """The frame in a packet; raises InvalidFrame."""
    match packet[:1]:
        case b"\x02":
            return _decode_finding(packet[1:])
        case b"\x03":
            return MemberStart(printable(packet[1:].decode("utf-8", "replace")))
        case b"\x04":
            return MemberData(packet[1:])
        case b"\x05":
            return MemberEnd()
        case _:
            raise InvalidFrame(f"a frame of type {packet[:1]!r}")


def printable(text: str) -> str:
    """The text cut to LONGEST_TEXT, with a replacement character for each one that a terminal or a log could act on."""
    kept = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:LONGEST_TEXT])
    return kept + "…" * (len(text) > LONGEST_TEXT)


def _decode_finding(body: bytes) -> ParserFinding:
    try:
        code, outcome, message = json.loads(body)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidFrame("a finding that is not JSON of three parts") from error
    if outcome not in ("rejected", "infected", "unscannable") or not isinstance(message, str):
        raise InvalidFrame("a finding without a valid outcome or message")
    if not isinstance(code, str) or not code.isidentifier() or not code.isascii() or len(code) > 64:
        raise InvalidFrame("a finding without a valid code")
    return ParserFinding(code, outcome, printable(message))
