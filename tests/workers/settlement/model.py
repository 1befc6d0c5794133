"""A model of one upload: the real executor, journey and settlement over fakes, with every version and message of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from pydantic import SecretStr

from airlock import keys, upload_id
from airlock.errors import Unavailable
from airlock.events import ObjectCreated, notification, withdrawal
from airlock.intent import PREFIX, Intent
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS
from airlock.profiles import Profiles
from airlock.verdict import Outcome, Verdict
from aws.clients import Clients
from aws.dynamodb.record import Record, from_item
from aws.dynamodb.records import Records
from aws.settings import AwsSettings
from aws.sqs.answers import Message
from aws.sqs.queue import Queue
from tests.workers.fakes.attempt import Attempt, called
from tests.workers.fakes.dynamodb import FakeDynamoDB
from tests.workers.fakes.queues import GatedQueue
from tests.workers.fakes.s3 import FakeS3, Version
from tests.workers.settlement.invariants import Invariants
from workers.assembly import assemble
from workers.inspection.checks.port import Subject
from workers.inspection.inspector import Inspector
from workers.intake.disposition import Retry, Wait
from workers.intake.executor import Executor

ObjectKind = Literal["clean", "infected", "rejected", "unscannable", "caught_later", "foreign"]
"""What an inspection finds. `caught_later` is clean until signatures are renewed; `foreign` is not ours."""
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
unexamined = ["*/*"]
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
    """`notifications` are all messages about the upload, in the order of their causes; `versions` all that were stored.

    `outcomes` are those that inspections came to, by version. `late` is true from the time when nothing may be bound.
    """

    def __init__(self) -> None:
        self.clock = float(BEGIN)
        self.renewed = False
        self.late = False
        self.notifications: list[Notification] = []
        self.versions: list[Version] = []
        self.outcomes: dict[str, set[Outcome]] = {}
        self.s3, self.dynamodb, self.queue = FakeS3(), FakeDynamoDB(), GatedQueue()
        self.loop = asyncio.new_event_loop()
        self.upload = upload_id.mint(b"12345678", BEGIN, LIFETIME, OWNER, [SECRET])
        self.key = keys.incoming(SETTINGS.incoming_prefix, self.upload.text)
        self._records = Records(cast(Any, self.dynamodb), SETTINGS.table)
        self._executor = self._assembled()
        self._invariants = Invariants(self)

    def _assembled(self) -> Executor:
        clients = Clients(cast(Any, None), {"s3": self.s3, "dynamodb": self.dynamodb})
        parts = assemble(SETTINGS, Profiles.load(PROFILES), clients, cast(Queue, self.queue), self._now)
        return parts.executor(cast(Inspector, self), ATTEMPTS, uniform=lambda low, _: low)

    def _now(self) -> float:
        self.clock += 0.001
        return self.clock

    @property
    def record(self) -> Record | None:
        item = self.dynamodb.items.get(self.upload.text)
        return from_item(item) if item is not None else None

    @property
    def first(self) -> Version | None:
        """The version that was stored first, of those that came by the policy."""
        return next((each for each in self.versions if each.metadata), None)

    def version_of(self, body: bytes) -> Version:
        """Every version has a body of its own."""
        return next(each for each in self.versions if each.body == body)

    # What users, operators and time do.

    def store(self, kind: ObjectKind) -> None:
        """Store one more version of the upload's key, which causes a notification."""
        self.clock += 1
        body = f"{len(self.versions)} {kind}".encode()
        fields = Intent(OWNER, "default", "photo.png", "image/png").to_fields() if kind != "foreign" else {}
        metadata = {name.removeprefix(PREFIX): text for name, text in fields.items() if name.startswith(PREFIX)}
        stored = self.s3.put("incoming", self.key, body, metadata, "image/png")
        self.versions.append(stored)
        event = ObjectCreated("incoming", self.key, stored.id, stored.etag, len(body), f"{len(self.versions):016x}")
        self.notifications.append(Notification(notification(event)))

    def withdraw(self) -> None:
        """Withdraw the upload as the service does."""
        marking = self._records.withdraw(self.upload.text, self._now())
        self.finish(Attempt(self.loop, marking))
        self.notifications.append(Notification(withdrawal(self.upload.text)))

    def pass_time(self) -> None:
        """Go to the time when nothing new may be bound any more."""
        self.clock = self.upload.expires_at + LATEST_ARRIVAL_SECONDS + 1
        self.late = True

    def remove_record(self) -> None:
        """Go to the end of the record's time to live, where it has one, and let DynamoDB remove it."""
        record = self.record
        if record is not None and record.expires_at is not None:
            self.clock = max(self.clock, record.expires_at + 1.0)
            self.late = True
            del self.dynamodb.items[self.upload.text]
            self._invariants.record_removed()

    # What workers do.

    def deliver(self, delivered: Notification) -> Attempt:
        """A worker receives the message, and waits at its first call."""
        delivered.receives += 1
        message = Message("id", "receipt", delivered.body, delivered.receives)
        return Attempt(self.loop, self._executor.execute(message))

    def go(self, attempt: Attempt, calls: int) -> Attempt:
        """Let it make so many calls, or fewer where it ends before."""
        for _ in range(calls):
            if attempt.ended:
                break
            attempt.go()
            self.check()
        return attempt

    def go_until(self, attempt: Attempt, name: str) -> Attempt:
        """Let it work until it waits at a call of that name."""
        while name not in [call.name for call in attempt.waiting]:
            self.go(attempt, 1)
        return attempt

    def finish(self, attempt: Attempt) -> None:
        """Let it work to its end without a further fault."""
        while not attempt.ended:
            self.go(attempt, 1)

    def redeliver(self) -> None:
        """Deliver all messages once more, without a fault, as after an operator redrove them."""
        for each in self.notifications:
            each.receives = 0
            attempt = self.deliver(each)
            self.finish(attempt)
            assert not isinstance(attempt.task.result(), Retry | Wait), "everything is available, and yet it is retried"

    async def inspect(self, subject: Subject, chunks: AsyncIterator[bytes]) -> Verdict:
        """Take the place of the inspector: read the bytes; the engines can be unavailable."""
        body = b"".join([chunk async for chunk in chunks])
        try:
            outcome = await called("inspect", lambda: self._outcome(body))
        except OSError:
            raise Unavailable("clamd", "cannot be reached") from None
        return Verdict(outcome=outcome, bytes=len(body), inspected_at=datetime.fromtimestamp(self._now(), UTC))

    def _outcome(self, body: bytes) -> Outcome:
        kind = body.decode().split()[1]
        by_kind = {"clean": Outcome.ACCEPTED, "caught_later": Outcome.INFECTED if self.renewed else Outcome.ACCEPTED}
        outcome = by_kind.get(kind) or Outcome(kind)
        self.outcomes.setdefault(self.version_of(body).id, set()).add(outcome)
        return outcome

    # What must hold.

    def check(self) -> None:
        """Check what must hold after every single call."""
        self._invariants.check()

    def end(self) -> None:
        """Redeliver everything twice: after the first time all is settled, and the second changes nothing."""
        try:
            self.redeliver()
            if not self.late:
                self._invariants.check_end()
            settled = self._state()
            self.redeliver()
            assert self._state() == settled, "a second redelivery changed something"
        finally:
            self.close()

    def _state(self) -> Any:
        return self.record, {place: list(versions) for place, versions in self.s3.stored.items() if versions}

    def close(self) -> None:
        self.loop.close()
