"""The counts of a rescan."""

from dataclasses import dataclass
from typing import Any


@dataclass
class Summary:
    """`scanned` counts the accepted objects that were read from the table, `requested` those for which an inspection
    was requested, and `bytes` their size.
    """

    dry_run: bool = False
    finished: bool = False
    scanned: int = 0
    requested: int = 0
    bytes: int = 0

    def document(self) -> dict[str, Any]:
        """The summary as JSON."""
        return {
            "finished": self.finished,
            "dry_run": self.dry_run,
            "looked": self.scanned,
            "asked": self.requested,
            "bytes": self.bytes,
        }
