"""An upload whose object arrived, and its record after the settlement."""

from datetime import UTC, datetime

from airlock.lifecycle import State
from airlock.verdict import Engine, Finding, Outcome, Verdict
from aws.dynamodb.records import Location, Record, Records

ARRIVED = Record(
    id="upload-1",
    owner="ada",
    state=State.RECEIVED,
    created_at=1700000000.25,
    updated_at=1700000001.5,
    profile="default",
    filename="Größe ☃.png",
    content_type="image/png",
    size=12,
    version_id="v1",
    etag="e1",
    sequencer="0055",
    declared_size=12,
    declared_sha256="ab" * 32,
    metadata={"case": "7", "empty": ""},
    expires_at=1800000000,
)
PLACE = Location("accepted", "a/b", "v9")


def verdict(outcome: Outcome = Outcome.ACCEPTED) -> Verdict:
    return Verdict(
        outcome=outcome,
        findings=(Finding(code="too_large", check="size", outcome=outcome, message="…"),),
        engines=(Engine(name="clamav", version="1.4"),),
        bytes=12,
        sha256="cd" * 32,
        media_type="image/png",
        inspected_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


async def settled(records: Records, outcome: Outcome = Outcome.ACCEPTED) -> Record:
    claim = await records.claim(ARRIVED)
    return await records.settle(
        claim.record, verdict(outcome), place="accepted", location=PLACE, event_id="event-1", now=1700000009.5
    )
