"""The plan of one run: what is uploaded, and in which state each upload must end. All of it comes from the seed."""

import random
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from airlock.lifecycle import State
from tests.workers.harness import EICAR
from tests.workers.inspection.corpus.archives import encrypted_zip
from tests.workers.inspection.corpus.images import chunk

SIDE = 8
OWNERS = ("alice", "bob", "carol", "dan")
# One notification in 50 is never delivered; the others are delivered up to four times.
LOST = 0.02
MOST_COPIES = 4
REPLAYED = 0.08
WITHDRAWN = 0.05
LATE_SECONDS = 4.0
"""How much later a copy of a notification can come: much longer than the time between two uploads."""


@dataclass(frozen=True)
class FileKind:
    """One kind of file: what is declared of it, and the state in which its upload must end."""

    filename: str
    content_type: str
    state: State
    make: Callable[[random.Random], bytes]


@dataclass(frozen=True)
class Planned:
    """One upload. `second` is stored under the same key `second_after` seconds later, and must change nothing.

    `withdrawn_after` is the number of seconds after which the owner withdraws it, or None.
    """

    number: int
    kind: str
    token: bytes
    body: bytes
    second: bytes | None = None
    second_after: float = 0.0
    withdrawn_after: float | None = None

    @property
    def owner(self) -> str:
        return OWNERS[self.number % len(OWNERS)]

    @property
    def state(self) -> State:
        """The state in which it must end."""
        return State.WITHDRAWN if self.withdrawn_after is not None else FILE_KINDS[self.kind].state


@dataclass(frozen=True)
class Plan:
    """`poison` has the bodies of messages that must be buried."""

    seed: int
    uploads: Sequence[Planned]
    poison: Sequence[str]

    def deliveries(self, name: str) -> list[float]:
        """The seconds after which each copy of the notification of that name is delivered; none where it is lost."""
        rng = random.Random(f"{self.seed} delivery {name}")
        return [] if rng.random() < LOST else self.certain_deliveries(name)

    def certain_deliveries(self, name: str) -> list[float]:
        """The same for a message that is never lost."""
        rng = random.Random(f"{self.seed} copies {name}")
        return [rng.uniform(0, LATE_SECONDS) for _ in range(rng.randint(1, MOST_COPIES))]


def make(seed: int, count: int) -> Plan:
    """The plan of `count` uploads for that seed."""
    rng = random.Random(f"{seed} plan")
    uploads = [_upload(rng, number) for number in range(count)]
    poison = [f'{{"not": "a notification", "number": {number}}}' for number in range(max(1, count // 50))]
    return Plan(seed, uploads, poison)


def _upload(rng: random.Random, number: int) -> Planned:
    kind = rng.choices(list(FILE_KINDS), weights=(50, 20, 12, 8, 10))[0]
    token, body, lot = rng.randbytes(8), FILE_KINDS[kind].make(rng), rng.random()
    if lot < REPLAYED and kind in _REPLAYS:
        after = 0.0 if rng.random() < 0.5 else rng.uniform(0, LATE_SECONDS)
        return Planned(number, kind, token, body, FILE_KINDS[_REPLAYS[kind]].make(rng), after)
    if lot > 1 - WITHDRAWN:
        return Planned(number, kind, token, body, withdrawn_after=rng.uniform(0, LATE_SECONDS))
    return Planned(number, kind, token, body)


def _text(rng: random.Random) -> bytes:
    lines = (" ".join(rng.choices(_WORDS, k=12)).capitalize() + ".\n" for _ in range(rng.choice((6, 60, 400))))
    return "".join(lines).encode()


def _infected(rng: random.Random) -> bytes:
    return EICAR + b"\n" + _text(rng)


def _picture(rng: random.Random) -> bytes:
    lines = b"".join(b"\0" + rng.randbytes(3 * SIDE) for _ in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def _page(rng: random.Random) -> bytes:
    body = f"<p>{rng.random()}</p><script>alert(1)</script>"
    return f"<!DOCTYPE html>\n<html><head><title>Hello</title></head><body>{body}</body></html>\n".encode()


def _encrypted(rng: random.Random) -> bytes:
    # Only the comment at its end differs.
    return encrypted_zip()[:-2] + b"\x08\x00" + rng.randbytes(8)


_WORDS = [
    "the",
    "minutes",
    "of",
    "our",
    "meeting",
    "on",
    "monday",
    "say",
    "that",
    "nobody",
    "knows",
    "when",
    "this",
    "letter",
    "was",
    "written",
    "by",
    "whom",
    "and",
    "why",
]
FILE_KINDS: Mapping[str, FileKind] = {
    "text": FileKind("letter.txt", "text/plain", State.ACCEPTED, _text),
    "picture": FileKind("photo.png", "image/png", State.ACCEPTED, _picture),
    "EICAR": FileKind("letter.txt", "text/plain", State.INFECTED, _infected),
    "page as PNG": FileKind("photo.png", "image/png", State.REJECTED, _page),
    "encrypted zip": FileKind("papers.zip", "application/zip", State.UNSCANNABLE, _encrypted),
}
# The kind that is stored over each: of the same declared type, but with another verdict.
_REPLAYS = {"text": "EICAR", "EICAR": "text", "picture": "page as PNG", "page as PNG": "picture"}
