"""Which objects a backfill sends, for whom and how fast."""

from dataclasses import dataclass

from airlock.backfill import Sender
from ops.backfill.checkpoint import Checkpoint


@dataclass(frozen=True)
class Options:
    """`rate` is in objects a second at most; `concurrency` is how many objects are copied at the same time."""

    bucket: str
    prefix: str
    sender: Sender
    rate: float
    concurrency: int
    dry_run: bool
    checkpoint: Checkpoint | None = None
