"""What a run found, and what it did about it: counts and a few examples of each kind, however much there is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

EXAMPLES = 5


class Kind(StrEnum):
    """Each kind of thing that events can leave behind."""

    MISSED = "missed"
    STUCK = "stuck"
    UNFINISHED = "unfinished"
    OVERWRITTEN = "overwritten"
    WITHDRAWN = "withdrawn"
    GONE = "gone"
    LEFTOVER = "leftover"
    MULTIPART = "multipart"
    EXPIRED = "expired"
    FAILED = "failed"
    REVISION = "revision"
    LATE = "late"
    FOREIGN = "foreign"
    UNRECORDED = "unrecorded"
    LOST = "lost"


SENTENCES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.MISSED: "in incoming and never inspected: announced again",
        Kind.STUCK: "in incoming, and its inspection stopped: announced again",
        Kind.UNFINISHED: "in incoming though it has its verdict: announced again, so that settlement ends",
        Kind.OVERWRITTEN: "another version than the upload's, in incoming: announced again, which removes it",
        Kind.WITHDRAWN: "bytes of a withdrawn upload: its withdrawal is sent again",
        Kind.GONE: "to be inspected, and its object is gone: announced again, which records that",
        Kind.LEFTOVER: "a copy that no record names, of an attempt that ended: removed",
        Kind.MULTIPART: "a multipart upload that nobody ended: aborted",
        Kind.EXPIRED: "an item of the table that should have expired two days ago: deleted",
        Kind.FAILED: "in incoming, could not be inspected: kept for whoever sends its dead letter back",
        Kind.REVISION: "a release or a revocation that stopped on its way: left for whoever repeats it",
        Kind.LATE: "in incoming, so long after its policy's end that its record may be forgotten: left",
        Kind.FOREIGN: "not stored by a policy of ours: left",
        Kind.UNRECORDED: "in accepted, and no record names it (its record may have expired): left",
        Kind.LOST: "accepted by its record, and its object is not there any more: left",
    }
)


@dataclass(slots=True)
class Tally:
    """Of one kind: how many were found, how many of these repaired, and some of them by name."""

    found: int = 0
    repaired: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.found - self.repaired


@dataclass
class Report:
    """`looked` counts what was looked at, by place. `held_back`: the queue was too full to send all that was found."""

    dry_run: bool = False
    held_back: bool = False
    looked: Counter[str] = field(default_factory=Counter)
    kinds: dict[Kind, Tally] = field(default_factory=dict)

    def found(self, kind: Kind, example: str) -> None:
        """Count one thing."""
        tally = self.kinds.setdefault(kind, Tally())
        tally.found += 1
        if len(tally.examples) < EXAMPLES:
            tally.examples.append(example)

    def repaired(self, kind: Kind) -> None:
        """Count the repair of one thing that was found."""
        self.kinds[kind].repaired += 1

    def of(self, kind: Kind) -> Tally:
        """The tally of a kind; zeros where none was found."""
        return self.kinds.get(kind, Tally())

    @property
    def repairs(self) -> int:
        """How many things were repaired in all."""
        return sum(tally.repaired for tally in self.kinds.values())

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "dry_run": self.dry_run,
            "held_back": self.held_back,
            "looked": dict(self.looked),
            "kinds": {
                kind.value: {
                    "found": tally.found,
                    "repaired": tally.repaired,
                    "left": tally.left,
                    "examples": tally.examples,
                }
                for kind, tally in sorted(self.kinds.items(), key=lambda pair: list(Kind).index(pair[0]))
            },
        }
