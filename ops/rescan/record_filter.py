"""Which accepted objects are inspected again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from airlock.verdict import Engine, Verdict
from aws.dynamodb.record import Record


@dataclass(frozen=True)
class RecordFilter:
    """Selects records by their last inspection, profile and owner; None selects any. Times have a time zone."""

    since: datetime | None = None
    until: datetime | None = None
    signatures_before: datetime | None = None
    profile: str | None = None
    owner: str | None = None

    def selects(self, record: Record) -> bool:
        """Whether the object of this record is to be inspected again."""
        last = _last_inspection(record)
        return (
            last is not None
            and (self.since is None or last.inspected_at >= self.since)
            and (self.until is None or last.inspected_at < self.until)
            and (self.signatures_before is None or _older(last.engines, self.signatures_before))
            and self.profile in (None, record.profile)
            and self.owner in (None, record.owner)
        )


def _last_inspection(record: Record) -> Verdict | None:
    verdicts = [verdict for verdict in (record.verdict, record.rescanned) if verdict]
    return max(verdicts, key=lambda verdict: verdict.inspected_at, default=None)


def _older(engines: Iterable[Engine], moment: datetime) -> bool:
    return any(engine.signatures_at is not None and engine.signatures_at < moment for engine in engines)
