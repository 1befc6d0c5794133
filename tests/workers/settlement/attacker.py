"""A worker over fakes, and an attacker who has the keys of the service's role and nothing else.

The table is one that knows no conditions on attributes, so that the attacker writes whatever it wants into a record.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, cast

from airlock import events, keys, upload_id
from airlock.events import ObjectCreated
from airlock.intent import PREFIX, Intent
from airlock.lifecycle import State
from airlock.profiles import Profiles
from airlock.verdict import Change, Finding, Outcome, Verdict
from aws.clients import Clients
from aws.dynamodb.record import ATTRIBUTES, Location, Record, attributes
from aws.sqs.answers import Message
from aws.sqs.queue import Queue
from tests.fake_queue import FakeQueue
from tests.workers.fakes.dynamodb import FakeDynamoDB
from tests.workers.fakes.s3 import FakeS3, Version
from tests.workers.settlement.model import BEGIN, LIFETIME, OWNER, PROFILES, SECRET, SETTINGS
from workers.assembly import assemble
from workers.inspection.checks.port import Subject
from workers.inspection.inspector import Inspector
from workers.intake.disposition import Disposition

MALWARE = b"malware"
CLEAN = b"clean"
MATCH = Finding(code="signature_match", check="clamd", outcome=Outcome.INFECTED, message="malware was found")
VERDICT = Verdict(
    outcome=Outcome.ACCEPTED, bytes=7, media_type="image/png", inspected_at=datetime(2026, 1, 1, tzinfo=UTC)
)


NOWHERE = Location("accepted", "nowhere", "v0")


def changed(step: Any, before: Outcome) -> tuple[Change, ...]:
    """The changes of a record whose verdict an operator or a worker seems to have changed."""
    return (Change(step=step, before=before, by="operator", reason="forged", at=datetime(2026, 1, 1, tzinfo=UTC)),)


class Scene:
    """A worker that takes whatever is delivered. `signatures` are the bodies that it finds infected."""

    def __init__(self) -> None:
        self.s3, self.dynamodb, self.queue = FakeS3(), FakeDynamoDB(), FakeQueue()
        self.signatures = {MALWARE}
        self.meanwhile: Callable[[], object] = lambda: None
        self._minted = 0
        clients = Clients(cast(Any, None), {"s3": self.s3, "dynamodb": self.dynamodb})
        self.profiles = Profiles.load(PROFILES)
        self.parts = assemble(SETTINGS, self.profiles, clients, cast(Queue, self.queue), lambda: BEGIN + 60.0)
        self._executor = self.parts.executor(cast(Inspector, self), 3, uniform=lambda low, _: low)

    async def inspect(self, subject: Subject, chunks: AsyncIterator[bytes]) -> Verdict:
        """Take the place of the inspector."""
        body = b"".join([chunk async for chunk in chunks])
        found = (MATCH,) if body in self.signatures else ()
        self.meanwhile()
        outcome = Outcome.INFECTED if found else Outcome.ACCEPTED
        moment = datetime.fromtimestamp(BEGIN + 60, UTC)
        return Verdict(outcome=outcome, findings=found, bytes=len(body), media_type="image/png", inspected_at=moment)

    # What everybody can do.

    def put(self, body: bytes, upload: str | None = None) -> ObjectCreated:
        """Store an object as a policy of ours allows; returns what S3 then says of it."""
        if upload is None:
            self._minted += 1
            random = self._minted.to_bytes(8, "big")
            upload = upload_id.mint(random, BEGIN, LIFETIME, OWNER, [SECRET]).text
        fields = Intent(OWNER, "default", "photo.png", "image/png").to_fields()
        metadata = {name.removeprefix(PREFIX): text for name, text in fields.items() if name.startswith(PREFIX)}
        key = keys.incoming(SETTINGS.incoming_prefix, upload)
        stored = self.s3.put("incoming", key, body, metadata, "image/png")
        return ObjectCreated("incoming", key, stored.id, stored.etag, len(body), "1")

    async def settled(self, body: bytes) -> Record:
        """The record of a new upload, once a worker has settled it."""
        event = self.put(body)
        await self.deliver(events.notification(event))
        return await self.record(upload_of(event))

    # What the service's role allows, and its attacker misuses.

    async def deliver(self, body: str) -> Disposition:
        """What a worker does with a message."""
        return await self._executor.execute(Message("id", "receipt", body, 1))

    async def rescan(self, upload: str) -> Disposition:
        return await self.deliver(events.rescan(upload))

    def forge(self, upload: str, **fields: Any) -> None:
        """Write these fields into a record, whether there is one or not; None removes."""
        item = self.dynamodb.items.setdefault(upload, {"id": {"S": upload}})
        for name in fields:
            item.pop(ATTRIBUTES[name].name, None)
        item |= attributes(fields)

    def forge_record(self, event: ObjectCreated, **fields: Any) -> str:
        """Write a whole record of an object that no worker has seen; returns the upload's id."""
        upload = upload_of(event)
        described = {"owner": OWNER, "profile": "default", "filename": "photo.png", "content_type": "image/png"}
        times = {"created_at": float(BEGIN), "updated_at": float(BEGIN), "attempts": 1}
        bound = {"version_id": event.version_id, "etag": event.etag, "size": event.size, "verdict": VERDICT}
        self.forge(upload, **{"state": State.ACCEPTED, "place": "accepted", **described, **times, **bound, **fields})
        return upload

    # What came of it.

    async def record(self, upload: str) -> Record:
        record = await self.parts.records.get(upload)
        assert record is not None
        return record

    def bodies(self, bucket: str) -> list[bytes]:
        return sorted(version.body for _, version in self.s3.all_in(bucket))

    def copy_of(self, record: Record) -> Version | None:
        assert record.location is not None
        return self.s3.find(*record.location)

    def told(self, outcome: str) -> int:
        """How many events say that an upload is `outcome`."""
        return sum(f"airlock.upload.{outcome}" in text for text in self.queue.sent_to("verdicts"))


def upload_of(event: ObjectCreated) -> str:
    return event.key.rpartition("/")[2]
