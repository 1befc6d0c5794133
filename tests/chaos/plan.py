"""What is uploaded in one run, and what is to come of each: all of it from the seed."""

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
# 1 in 50 notifications never comes, as the others come up to four times.
LOST = 0.02
MOST_COPIES = 4
REPLAYED = 0.08
WITHDRAWN = 0.05
LATE_SECONDS = 4.0
"""How much later than another a copy of a notification can come: far above what the order of uploads is."""


@dataclass(frozen=True)
class Kind:
    """One sort of file: what it is declared as, and what it is known to come to."""

    filename: str
    content_type: str
    state: State
    make: Callable[[random.Random], bytes]


@dataclass(frozen=True)
class Planned:
    """One upload. `second` is stored at the same key `second_after` seconds later: nothing is to come of it.

    Where `withdrawn_after` is a number of seconds, the owner takes it back then.
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
        """Whose it is."""
        return OWNERS[self.number % len(OWNERS)]

    @property
    def state(self) -> State:
        """The state in which it has to end."""
        return State.WITHDRAWN if self.withdrawn_after is not None else KINDS[self.kind].state


@dataclass(frozen=True)
class Plan:
    """`uploads`, and `poison`: bodies of messages that can only be buried."""

    seed: int
    uploads: Sequence[Planned]
    poison: Sequence[str]

    def deliveries(self, what: str) -> list[float]:
        """After how many seconds each copy of a notification is delivered: of `what`, which says which one it is."""
        dice = random.Random(f"{self.seed} delivery {what}")
        return [] if dice.random() < LOST else self.certain(what)

    def certain(self, what: str) -> list[float]:
        """The same for a message that was sent to SQS, which loses none."""
        dice = random.Random(f"{self.seed} copies {what}")
        return [dice.uniform(0, LATE_SECONDS) for _ in range(dice.randint(1, MOST_COPIES))]


def make(seed: int, count: int) -> Plan:
    """The plan of `count` uploads that `seed` gives."""
    dice = random.Random(f"{seed} plan")
    uploads = [_upload(dice, number) for number in range(count)]
    poison = [f'{{"not": "a notification", "number": {number}}}' for number in range(max(1, count // 50))]
    return Plan(seed, uploads, poison)


def _upload(dice: random.Random, number: int) -> Planned:
    kind = dice.choices(list(KINDS), weights=(50, 20, 12, 8, 10))[0]
    token, body, lot = dice.randbytes(8), KINDS[kind].make(dice), dice.random()
    if lot < REPLAYED and kind in _REPLAYS:
        after = 0.0 if dice.random() < 0.5 else dice.uniform(0, LATE_SECONDS)
        return Planned(number, kind, token, body, KINDS[_REPLAYS[kind]].make(dice), after)
    if lot > 1 - WITHDRAWN:
        return Planned(number, kind, token, body, withdrawn_after=dice.uniform(0, LATE_SECONDS))
    return Planned(number, kind, token, body)


def _text(dice: random.Random) -> bytes:
    lines = (" ".join(dice.choices(_WORDS, k=12)).capitalize() + ".\n" for _ in range(dice.choice((6, 60, 400))))
    return "".join(lines).encode()


def _infected(dice: random.Random) -> bytes:
    return EICAR + b"\n" + _text(dice)


def _picture(dice: random.Random) -> bytes:
    lines = b"".join(b"\0" + dice.randbytes(3 * SIDE) for _ in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def _page(dice: random.Random) -> bytes:
    body = f"<p>{dice.random()}</p><script>alert(1)</script>"
    return f"<!DOCTYPE html>\n<html><head><title>Hello</title></head><body>{body}</body></html>\n".encode()


def _sealed(dice: random.Random) -> bytes:
    # Nothing but the comment at its end differs.
    return encrypted_zip()[:-2] + b"\x08\x00" + dice.randbytes(8)


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
KINDS: Mapping[str, Kind] = {
    "text": Kind("letter.txt", "text/plain", State.ACCEPTED, _text),
    "picture": Kind("photo.png", "image/png", State.ACCEPTED, _picture),
    "EICAR": Kind("letter.txt", "text/plain", State.INFECTED, _infected),
    "page as PNG": Kind("photo.png", "image/png", State.REJECTED, _page),
    "encrypted zip": Kind("papers.zip", "application/zip", State.UNSCANNABLE, _sealed),
}
# What is stored over it: of the same declared type, and of another verdict.
_REPLAYS = {"text": "EICAR", "EICAR": "text", "picture": "page as PNG", "page as PNG": "picture"}
