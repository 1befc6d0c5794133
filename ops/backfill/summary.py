"""The result of each object of a backfill, and their counts."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Status(StrEnum):
    """sent: copied into incoming. done: an earlier run sent it. refused: the profile does not allow it. skipped: an
    empty object that stands for a folder. failed: another run has to try again.
    """

    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    SKIPPED = "skipped"
    FAILED = "failed"


class Result(NamedTuple):
    """The result of one object. `size` is in bytes; `code` and `detail` say why it was not sent; `upload` is the id
    under which it was sent.
    """

    key: str
    status: Status
    size: int
    code: str = ""
    detail: str = ""
    upload: str = ""

    def document(self) -> dict[str, Any]:
        """The result as JSON, without empty members."""
        members = {"key": self.key, "outcome": self.status.value, "code": self.code, "detail": self.detail}
        return {name: value for name, value in {**members, "upload": self.upload}.items() if value}


@dataclass
class Summary:
    """Counts of results, and the bytes of what was sent. `interrupted`: not all objects were processed. `last`: all
    objects up to this key are settled, so that another run can begin after it. `stuck`: the object after `last` failed.
    """

    dry_run: bool = False
    interrupted: bool = False
    counts: Counter[Status] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    last: str = ""
    stuck: bool = False

    def add(self, result: Result) -> None:
        """Count one object."""
        self.counts[result.status] += 1
        if result.status is Status.SENT:
            self.bytes += result.size
        if result.code:
            self.codes[result.code] += 1

    def document(self) -> dict[str, Any]:
        """The summary as JSON."""
        return {
            "dry_run": self.dry_run,
            "interrupted": self.interrupted,
            **{status.value: self.counts[status] for status in Status},
            "bytes": self.bytes,
            "codes": dict(sorted(self.codes.items())),
            "last": self.last,
        }
