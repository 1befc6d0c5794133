"""The options of a reconcile run."""

from dataclasses import dataclass
from typing import Final, Literal

Scan = Literal["multipart", "incoming", "settled", "records"]
SCANS: Final[tuple[Scan, ...]] = ("multipart", "incoming", "settled", "records")


@dataclass(frozen=True)
class Options:
    """All times are in seconds.

    `stuck`: an inspection whose record did not change for so long is dead. `grace`: whatever is younger is in progress,
    and is skipped. `multipart`: the age at which an open multipart upload is aborted. `rate`: repairs a second at most.
    `backlog`: nothing is sent while more messages than that wait in the queue, since the notifications that seem to be
    missing may be among them.
    """

    stuck: float = 15 * 60
    grace: float = 15 * 60
    multipart: float = 24 * 3600
    rate: float = 200
    backlog: int = 10_000
    dry_run: bool = False
    scans: tuple[Scan, ...] = SCANS
