"""A model of one upload: the real journey and settlement over fakes, and what must hold after every call."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from pydantic import SecretStr

from airlock import keys, upload_id, verdict_event
from airlock.errors import Unavailable
from airlock.events import ObjectCreated, notification, withdrawal
from airlock.intent import PREFIX, Intent
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS, RECORD_SECONDS, TRANSITIONS, State
from airlock.profiles import Profiles
from airlock.verdict import Outcome, Verdict
from aws.dynamodb.record import Record, from_item
from aws.dynamodb.records import Records
from aws.session import Clients
from aws.settings import AwsSettings
from aws.sqs.queue import Message, Queue
from tests.workers.fakes import Attempt, FakeDynamoDB, FakeQueues, FakeS3, Version, called
from workers.assembly import assemble
from workers.deliveries.delivery import Delivery
from workers.inspection.checks.port import Subject
from workers.inspection.inspector import Inspector
from workers.intake.disposition import Retry
from workers.intake.executor import Executor

ObjectKind = Literal["clean", "infected", "rejected", "unscannable", "caught_later", "foreign"]
"""What an object turns out to be: `caught_later` is clean until signatures are renewed, `foreign` is none of ours."""
OBJECT_KINDS: tuple[ObjectKind, ...] = ("clean", "infected", "rejected", "unscannable", "caught_later", "foreign")

OWNER = "alice"
SECRET = b"s" * 32
BEGIN = 1_790_000_000
LIFETIME = 900
ATTEMPTS = 3
SETTINGS = AwsSettings(
    region="eu-central-1",
    incoming_bucket="incoming",
    incoming_prefix="in",
    accepted_bucket="accepted",
    quarantine_bucket="quarantine",
    delivery_queue="deliveries",
    secrets=[SecretStr(SECRET.decode())],
)

# The limit is never reached; it makes the worker count accepted bytes.
PROFILES = """
[quotas.owner]
accepted_bytes_per_day = "1 MiB"

[webhooks.billing]
url = "https://billing.example/hook"

[profiles.default]
content_types = ["*/*"]
max_bytes = "1 KiB"
notify = ["sqs:verdicts", "webhook:billing"]

[profiles.default.outcomes]
rejected = "delete"
"""


@dataclass
class Notification:
    """A message that can be delivered at any time and any number of times."""

    body: str
    receives: int = 0


class UploadModel:
    """`letters` are all notifications that there ever were, in the order of their causes."""

    def __init__(self) -> None:
        self.clock = float(BEGIN)
        self.renewed = False
        self.late = False
        self.notifications: list[Notification] = []
        self.versions: list[Version] = []
        self.outcomes: dict[str, set[Outcome]] = {}
        self.s3, self.dynamodb, self.queues = FakeS3(), FakeDynamoDB(), FakeQueues()
        self.loop = asyncio.new_event_loop()
        self.upload = upload_id.mint(b"12345678", BEGIN, LIFETIME, OWNER, [SECRET])
        self.key = keys.incoming("in", self.upload.text)
        self._records = Records(cast(Any, self.dynamodb), SETTINGS.table)
        self._executor = self._program()
        self._before: Record | None = None
        self._last: Record | None = None
        self._bound = ""
        self._were: set[str] = set()

    def _program(self) -> Executor:
        clients = Clients(cast(Any, None), {"s3": self.s3, "dynamodb": self.dynamodb})
        parts = assemble(SETTINGS, Profiles.load(PROFILES), clients, cast(Queue, self.queues), self._now)
        return parts.executor(cast(Inspector, self), ATTEMPTS, uniform=lambda low, _: low)

    def _now(self) -> float:
        self.clock += 0.001
        return self.clock

    # What happens outside.

    def store(self, kind: ObjectKind) -> None:
        """One more version of the upload's key, and its notification."""
        self.clock += 1
        body = f"{len(self.versions)} {kind}".encode()
        fields = Intent(OWNER, "default", "photo.png", "image/png").to_fields() if kind != "foreign" else {}
        metadata = {name.removeprefix(PREFIX): text for name, text in fields.items() if name.startswith(PREFIX)}
        stored = self.s3.put("incoming", self.key, body, metadata, "image/png")
        self.versions.append(stored)
        told = ObjectCreated("incoming", self.key, stored.id, stored.etag, len(body), f"{len(self.versions):016x}")
        self.notifications.append(Notification(notification(told)))

    def withdraw(self) -> None:
        """As the service does it."""
        end = self.upload.expires_at + RECORD_SECONDS
        marked = self._records.withdraw(
            self.upload.text, OWNER, self._now(), created_at=self.upload.issued_at, expires_at=end
        )
        attempt = Attempt(self.loop, marked)
        while not attempt.ended:
            attempt.go()
        self.notifications.append(Notification(withdrawal(self.upload.text)))
        self.check()

    def pass_time(self) -> None:
        """So much that nothing new may be bound any more."""
        self.clock = self.upload.expires_at + LATEST_ARRIVAL_SECONDS + 1
        self.late = True

    def forget(self) -> None:
        """The record's time comes, where it has one, and DynamoDB removes it."""
        record = self.record
        if record is not None and record.expires_at is not None:
            self.clock = max(self.clock, record.expires_at + 1.0)
            self.late = True
            del self.dynamodb.items[self.upload.text]
            self._before = None

    # A worker.

    def deliver(self, letter: Notification) -> Attempt:
        """A worker receives it, and stands at its first call."""
        letter.receives += 1
        message = Message("id", "receipt", letter.body, letter.receives)
        return Attempt(self.loop, self._executor.execute(message))

    def finish(self, attempt: Attempt) -> None:
        """Let it work to its end without a further fault."""
        while not attempt.ended:
            attempt.go()
            self.check()

    def redeliver(self) -> None:
        """Everything once more, without a fault, as after an operator sent it back."""
        for letter in self.notifications:
            letter.receives = 0
            attempt = self.deliver(letter)
            self.finish(attempt)
            assert not isinstance(attempt.task.result(), Retry), "nothing is away, and yet it is to be tried again"

    async def inspect(self, subject: Subject, chunks: AsyncIterator[bytes]) -> Verdict:
        """In the place of the inspector: it reads the bytes, and the engines can be away."""
        body = b"".join([chunk async for chunk in chunks])
        try:
            outcome = await called("inspect", lambda: self._outcome(body))
        except OSError:
            raise Unavailable("clamd", "away") from None
        return Verdict(outcome=outcome, bytes=len(body), inspected_at=datetime.fromtimestamp(self._now(), UTC))

    def _outcome(self, body: bytes) -> Outcome:
        kind = body.decode().split()[1]
        by_kind = {"clean": Outcome.ACCEPTED, "caught_later": Outcome.INFECTED if self.renewed else Outcome.ACCEPTED}
        outcome = by_kind.get(kind) or Outcome(kind)
        self.outcomes.setdefault(self._version(body).id, set()).add(outcome)
        return outcome

    def _version(self, body: bytes) -> Version:
        return next(each for each in self.versions if each.body == body)

    # What must hold.

    @property
    def record(self) -> Record | None:
        item = self.dynamodb.items.get(self.upload.text)
        return from_item(item) if item is not None else None

    @property
    def ours(self) -> Version | None:
        """The version that was stored first, of those that a policy of ours let in."""
        return next((each for each in self.versions if each.metadata), None)

    def check(self) -> None:
        """What must hold after every single call."""
        record = self.record
        self._check_step(self._before, record)
        self._last = record or self._last
        self._before = record
        self._check_incoming()
        self._check_copies(record)
        self._check_events()
        self._check_usage()

    def _check_step(self, before: Record | None, record: Record | None) -> None:
        if record is None:
            assert before is None, "a record is not removed by us"
            return
        old, new = before.state if before else State.AWAITING_UPLOAD, record.state
        assert old is new or any(a is old and b is new for (a, _), b in TRANSITIONS.items()), f"from {old} to {new}"
        if before and before.version_id:
            assert record.version_id == before.version_id, "an upload is bound for good"
        elif record.version_id:
            assert self.ours is not None
            assert record.version_id == self.ours.id, "an upload is bound to the version that was stored first"
            assert not self.late, "nothing is bound when a record can have been forgotten"
            self._bound = record.version_id
        if before and before.verdict and before.state is not State.FAILED:
            assert record.verdict == before.verdict, "a verdict stays"

    def _check_incoming(self) -> None:
        there = {version.id for _, version in self.s3.all_in("incoming")}
        for gone in self._were - there:
            record = self._last
            assert record is not None, "deleted before anything was recorded"
            if record.state is State.WITHDRAWN or record.version_id != gone:
                continue
            assert record.verdict is not None, "deleted before the verdict was recorded"
            assert record.state is not State.FAILED, "deleted although we failed"
        self._were = there

    def _check_copies(self, record: Record | None) -> None:
        for _, copy in self.s3.all_in("accepted"):
            assert Outcome.ACCEPTED in self.outcomes[self._version(copy.body).id], "accepted what nobody found clean"
        if record is None or record.location is None or record.state is State.WITHDRAWN:
            return
        kept = self.s3.find(*record.location)
        assert kept is not None, "the record names a copy that is not there"
        assert self._version(kept.body).id == record.version_id, "the record names another version's bytes"
        assert record.verdict is not None
        assert (record.place == "accepted") == (record.state is State.ACCEPTED)
        assert record.verdict.outcome in self.outcomes[record.version_id], "a verdict that nobody found"

    def _check_events(self) -> None:
        events = self.events
        assert len(events) <= 1, "one verdict, told in two ways"
        if events:
            told = json.loads(events.copy().pop())
            assert told["id"] == verdict_event.event_id(self.upload.text, self._bound)

    def _check_usage(self) -> None:
        counted = self.accepted_bytes
        if counted:
            [bound] = [each for each in self.versions if each.id == self._bound]
            assert Outcome.ACCEPTED in self.outcomes[bound.id], "counted what nobody found clean"
            assert counted == len(bound.body), "accepted bytes are counted once"

    @property
    def accepted_bytes(self) -> int:
        """What was counted for the owner, on all days."""
        usage = [item for key, item in self.dynamodb.items.items() if key.startswith(f"usage#owner#{OWNER}#")]
        return sum(int(item["accepted_bytes"]["N"]) for item in usage)

    @property
    def events(self) -> set[str]:
        """The texts of all events, by whatever way they went out."""
        sent = self.queues.sent
        told = {*sent.get("verdicts", ()), *(Delivery.parse(text).event for text in sent.get("deliveries", ()))}
        # That we failed is no verdict: it has an id of its own, and another look can follow.
        return {text for text in told if json.loads(text)["type"] != "airlock.upload.failed"}

    def check_end(self) -> None:
        """What must hold when everything was delivered once without a fault, and nothing came too late."""
        record, ours = self.record, self.ours
        copies = {(bucket, key, v.id) for bucket in ("accepted", "quarantine") for key, v in self.s3.all_in(bucket)}
        foreign = {each.id for each in self.versions if not each.metadata}
        left = {version.id for _, version in self.s3.all_in("incoming")}
        if record is not None and record.state is State.WITHDRAWN:
            assert not copies, "bytes of a withdrawn upload"
            assert not left, "bytes of a withdrawn upload"
            return
        assert left == foreign, "incoming is not empty"
        if ours is None:
            assert record is None
            return
        assert record is not None
        assert record.verdict is not None
        assert record.verdict.outcome in self.outcomes[ours.id]
        assert record.state is record.verdict.outcome.state
        assert record.state is not State.FAILED
        assert copies == ({record.location} if record.location else set()), "copies that the record does not name"
        assert (record.location is None) == (record.state is State.REJECTED)
        assert self.accepted_bytes == (len(ours.body) if record.state is State.ACCEPTED else 0), "usage is counted"
        assert len(self.queues.sent["verdicts"]) >= 1
        assert len(self.queues.sent["deliveries"]) >= 1

    def everything(self) -> Any:
        """All that redelivery must leave as it is."""
        return self.record, {place: list(versions) for place, versions in self.s3.stored.items() if versions}

    def close(self) -> None:
        self.loop.close()
