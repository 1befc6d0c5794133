"""What came of each object, counted."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Outcome(StrEnum):
    """sent: copied into incoming. done: an earlier run sent it. refused: the profile does not take it. skipped: it is
    no object but stands for a folder. failed: another run has to try again.
    """

    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    SKIPPED = "skipped"
    FAILED = "failed"


class Told(NamedTuple):
    """What came of one object; `code` and `detail` say why it was not sent. `upload` is the id under which it was."""

    key: str
    outcome: Outcome
    size: int
    code: str = ""
    detail: str = ""
    upload: str = ""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        told = {"key": self.key, "outcome": self.outcome.value, "code": self.code, "detail": self.detail}
        return {name: value for name, value in {**told, "upload": self.upload}.items() if value}


@dataclass
class Report:
    """Counts; `bytes` of what was sent. `interrupted`: there is more. `last` is the last key that is settled, with all
    before it, so that another run need not look at them; `stuck`: the next one is not.
    """

    dry_run: bool = False
    interrupted: bool = False
    counts: Counter[Outcome] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    last: str = ""
    stuck: bool = False

    def add(self, told: Told) -> None:
        """Count one object."""
        self.counts[told.outcome] += 1
        if told.outcome is Outcome.SENT:
            self.bytes += told.size
        if told.code:
            self.codes[told.code] += 1

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "dry_run": self.dry_run,
            "interrupted": self.interrupted,
            **{outcome.value: self.counts[outcome] for outcome in Outcome},
            "bytes": self.bytes,
            "codes": dict(sorted(self.codes.items())),
            "last": self.last,
        }
