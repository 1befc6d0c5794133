"""What a child and the worker say to each other over a socket that keeps packets apart (SOCK_SEQPACKET).

The worker sends requests: a packet of JSON, with the descriptor of the object's copy. The child answers each by packets
that begin with a byte for their kind, the last of which is DONE or FAILED. The worker believes none of it: a packet
that makes no sense counts as a crash.
"""

import json
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from workers.inspection.parsers.port import ParserFinding

# Below half of what a socket buffers (net.core.wmem_default, 208 KiB), so that the child fills one while one is read.
LARGEST = 64 * 1024

# The longest of names and sentences that are believed to be meant for people.
LONGEST_TEXT = 400


class FrameType(IntEnum):
    """The first byte of a child's packet."""

    READY = 1
    FOUND = 2
    MEMBER_START = 3
    MEMBER_DATA = 4
    MEMBER_END = 5
    DONE = 6
    SPENT = 7  # done, and the child is not to be used again
    FAILED = 8  # the parser could not even be loaded


class ParseRequest(NamedTuple):
    """`parser` is a module's full name; `seconds` bounds the computing."""

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
    """A member of an archive begins; its bytes and its end follow."""

    name: str


class MemberData(NamedTuple):
    """The next bytes of the member."""

    data: bytes


class MemberEnd(NamedTuple):
    """The member is complete."""


class Done(NamedTuple):
    """The last of an object's frames; `seconds` is how long the child was waited for."""

    seconds: float


Frame: TypeAlias = ParserFinding | MemberStart | MemberData | MemberEnd | Done


class InvalidFrame(Exception):
    """A packet that no child of ours sends."""


def encode_finding(finding: ParserFinding) -> bytes:
    """The packet of a finding."""
    return bytes([FrameType.FOUND]) + json.dumps(finding).encode()


def decode_frame(packet: bytes) -> ParserFinding | MemberStart | MemberData | MemberEnd:
    """The frame in a packet; raises Nonsense."""
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
            raise InvalidFrame(f"a packet of kind {packet[:1]!r}")


def printable(text: str) -> str:
    """The text, short and on one line, with nothing in it that a terminal or a log would act on."""
    kept = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:LONGEST_TEXT])
    return kept + "…" * (len(text) > LONGEST_TEXT)


def _decode_finding(body: bytes) -> ParserFinding:
    try:
        code, outcome, message = json.loads(body)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidFrame("a finding that is none") from error
    if outcome not in ("rejected", "infected", "unscannable") or not isinstance(message, str):
        raise InvalidFrame("a finding without an outcome")
    if not isinstance(code, str) or not code.isidentifier() or not code.isascii() or len(code) > 64:
        raise InvalidFrame("a finding without a code")
    return ParserFinding(code, outcome, printable(message))
