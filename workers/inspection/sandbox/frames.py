"""The frames between the worker and a parser's process, over a socket that keeps packets apart (SOCK_SEQPACKET).

The worker sends a request: a packet of JSON, with the descriptor of the object's copy. The process answers with frames,
one in each packet; a frame begins with a byte for its type, and the last is DONE, SPENT or FAILED. Hostile bytes may
have taken over the process, so the worker checks each frame: an invalid one counts as a crash.
"""

import json
import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from workers.inspection.readings import ExaminerFinding, Reading

# Below half of a socket's buffer (net.core.wmem_default, 208 KiB): one packet is written while another is read.
LARGEST = 64 * 1024

# Names and messages are cut to this many characters.
LONGEST_TEXT = 400

_MEDIA_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,127}")


class FrameType(IntEnum):
    """The first byte of a frame."""

    READY = 1  # the process has given up its rights and waits for a request; its body names what it could not give up
    FINDING = 2
    MEMBER_START = 3
    MEMBER_DATA = 4
    MEMBER_END = 5
    DONE = 6  # the last frame
    SPENT = 7  # the last frame, and the process cannot be used again
    FAILED = 8  # the last frame: the cause is not the object; its body says what it is
    READING = 9
    EXAMINED = 10


class ExaminationRequest(NamedTuple):
    """What the process is asked to identify and examine.

    `examiners` are the checks that may examine it, by name, each with its module's full name. `claims` are the media
    types of its declaration and name. `size` is in bytes; `seconds` limits the CPU time, and `lifetime`, in the first
    request to a process, that of all requests together; `limits` are the examiners'.
    """

    examiners: Mapping[str, str]
    claims: Sequence[str]
    size: int
    seconds: int
    lifetime: int
    limits: Mapping[str, int]

    def encode(self) -> bytes:
        fields = (dict(self.examiners), list(self.claims), self.size, self.seconds, self.lifetime, dict(self.limits))
        return json.dumps(fields).encode()

    @classmethod
    def decode(cls, packet: bytes) -> "ExaminationRequest":
        return cls(*json.loads(packet))


class FoundReading(NamedTuple):
    """One reading of the bytes. All readings come before the first of them is examined."""

    reading: Reading


class Examined(NamedTuple):
    """The examiner `examiner` has examined all of the reading of `media_type`."""

    media_type: str
    examiner: str


class FoundBy(NamedTuple):
    """What one examiner found; "" is the name of the identification."""

    examiner: str
    finding: ExaminerFinding


class MemberStart(NamedTuple):
    """A member begins. Its bytes and its end follow."""

    name: str


class MemberData(NamedTuple):
    """The next bytes of the member."""

    data: bytes


class MemberEnd(NamedTuple):
    """The member is complete."""


class ExaminationEnd(NamedTuple):
    """The last of an object's frames; `seconds` is how long the worker waited for the process."""

    seconds: float


Frame: TypeAlias = FoundReading | Examined | FoundBy | MemberStart | MemberData | MemberEnd | ExaminationEnd


class InvalidFrame(Exception):
    """A packet that no process of ours sends."""


def encode_frame(frame: FoundReading | Examined | FoundBy) -> bytes:
    """The packet of a frame that is not about a member."""
    match frame:
        case FoundReading(reading):
            return bytes([FrameType.READING]) + json.dumps(reading).encode()
        case Examined():
            return bytes([FrameType.EXAMINED]) + json.dumps(frame).encode()
        case FoundBy(examiner, finding):
            return bytes([FrameType.FINDING]) + json.dumps([examiner, *finding]).encode()


def decode_frame(packet: bytes) -> FoundReading | Examined | FoundBy | MemberStart | MemberData | MemberEnd:
    """The frame in a packet; raises InvalidFrame."""
    match int.from_bytes(packet[:1], "big"):  # 0, of an empty packet, is no type
        case FrameType.FINDING:
            examiner, code, message = _texts(packet[1:], 3)
            return FoundBy(examiner, ExaminerFinding(_code(code), printable(message)))
        case FrameType.MEMBER_START:
            return MemberStart(printable(packet[1:].decode("utf-8", "replace")))
        case FrameType.MEMBER_DATA:
            return MemberData(packet[1:])
        case FrameType.MEMBER_END:
            return MemberEnd()
        case FrameType.READING:
            return FoundReading(_decode_reading(packet[1:]))
        case FrameType.EXAMINED:
            return Examined(*_texts(packet[1:], 2))
        case _:
            raise InvalidFrame(f"a frame of type {packet[:1]!r}")


def printable(text: str) -> str:
    """The text cut to LONGEST_TEXT, with a replacement character for each one that a terminal or a log could act on."""
    kept = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:LONGEST_TEXT])
    return kept + "…" * (len(text) > LONGEST_TEXT)


def _parts(body: bytes, count: int) -> list[object]:
    try:
        parts = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidFrame("a frame that is not JSON") from error
    if not isinstance(parts, list) or len(parts) != count:
        raise InvalidFrame(f"a frame that is not JSON of {count} parts")
    return parts


def _texts(body: bytes, count: int) -> list[str]:
    texts = [part for part in _parts(body, count) if isinstance(part, str)]
    if len(texts) != count:
        raise InvalidFrame("a frame with a part that is no text")
    return texts


def _code(code: str) -> str:
    if not code.isidentifier() or not code.isascii() or len(code) > 64:
        raise InvalidFrame("a finding without a valid code")
    return code


def _decode_reading(body: bytes) -> Reading:
    media_type, start, end, claimed = _parts(body, 4)
    if not isinstance(media_type, str) or not _MEDIA_TYPE.fullmatch(media_type):
        raise InvalidFrame("a reading without a valid media type")
    if type(start) is not int or type(end) is not int or type(claimed) is not bool:
        raise InvalidFrame("a reading without a valid place")
    return Reading(media_type, start, end, claimed)
