"""A worker over fakes of S3, DynamoDB, SQS and clamd, each of which can be out, in simulated time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from botocore.exceptions import ClientError, EndpointConnectionError

from airlock import keys, upload_id
from airlock.errors import Outage, Unavailable
from airlock.events import ObjectCreated, notification
from airlock.intent import PREFIX, Intent
from airlock.lifecycle import State
from airlock.profiles import Profiles
from airlock.verdict import Outcome, Verdict
from aws.clients import Clients
from aws.dynamodb.record import from_item
from aws.settings import AwsSettings
from aws.sqs.answers import Message
from aws.sqs.queue import Queue
from tests.fake_queue import FakeQueue
from tests.workers.fakes.dynamodb import FakeDynamoDB
from tests.workers.fakes.s3 import FakeS3
from workers.assembly import Assembly, assemble
from workers.inspection.checks.port import Subject
from workers.inspection.inspector import Inspector
from workers.intake.consumer import Consumer, Limits
from workers.intake.gate import Gate
from workers.readiness import dependencies

BEGIN = 1_790_000_000
OWNER = "alice"
# Fewer than the default: less is forgiven.
ATTEMPTS = 3
INSPECTION_SECONDS = 5.0
PROFILES = """
[profiles.default]
content_types = ["*/*"]
unexamined = ["*/*"]
max_bytes = "1 KiB"
notify = ["sqs:verdicts"]
"""


@dataclass(frozen=True)
class Window:
    """From `begin` until `end`, in seconds, `service` does not do `calls` (none: all of them)."""

    service: str
    begin: float
    end: float
    calls: frozenset[str] = frozenset()


def _now() -> float:
    return asyncio.get_running_loop().time()


class Weather:
    """Which services are out when."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = windows

    def out(self, service: str, call: str) -> bool:
        return any(
            each.service == service and each.begin <= _now() < each.end and (not each.calls or call in each.calls)
            for each in self._windows
        )


class Client:
    """A vendor's client over a fake. While its service is out it fails as botocore does: at once, or after a while."""

    def __init__(self, service: str, fake: Any, weather: Weather) -> None:
        self._service = service
        self._fake = fake
        self._weather = weather

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(**asked: Any) -> Any:
            if self._weather.out(self._service, name):
                await asyncio.sleep(0.5)
                if len(name) % 2:
                    raise EndpointConnectionError(endpoint_url=f"http://{self._service}")
                answer: Any = {"Error": {"Code": "ServiceUnavailable"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
                raise ClientError(answer, name)
            return await getattr(self._fake, name)(**asked)

        return call


@dataclass(frozen=True)
class QueueNames:
    """Of SQS's client, the call that asks for a queue. One is missing while it is out."""

    weather: Weather

    async def get_queue_url(self, *, QueueName: str) -> Any:  # noqa: N803
        if self.weather.out(QueueName, ""):
            raise ClientError({"Error": {"Code": "QueueDoesNotExist", "Message": ""}}, "GetQueueUrl")
        return {"QueueUrl": f"http://sqs/{QueueName}"}


class OutQueue(FakeQueue):
    """The worker's queue. While SQS is out every call fails, but what is announced arrives."""

    def __init__(self, weather: Weather) -> None:
        super().__init__()
        self._weather = weather

    async def receive(self, most: int, wait: int, visibility: float) -> list[Message]:
        received = await super().receive(most, wait, visibility)
        self._fail()
        return received

    async def send(
        self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None, *, delay: int = 0
    ) -> str:
        if self._weather.out(queue_name, ""):
            raise Outage("sqs", f"the queue {queue_name}: there is none of that name")
        return await super().send(queue_name, body, attributes, delay=delay)

    def _fail(self) -> None:
        if self._weather.out("sqs", ""):
            raise Outage("sqs", "cannot be reached")


@dataclass
class Cluster:
    """Uploads, and one worker that works on them."""

    weather: Weather
    settings: AwsSettings
    s3: FakeS3 = field(default_factory=FakeS3)
    dynamodb: FakeDynamoDB = field(default_factory=FakeDynamoDB)
    profiles: str = PROFILES
    uploads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = OutQueue(self.weather)

    @property
    def states(self) -> Mapping[str, State | None]:
        """The state of each upload; None where it has no record."""
        records = {each: from_item(item) for each, item in self.dynamodb.items.items()}
        return {each: record.state if (record := records.get(each)) else None for each in self.uploads}

    async def upload(self, settings: AwsSettings | None = None, profile: str = "default") -> None:
        """Store one object as a service of the deployment does, or one with other `settings`, and have it announced."""
        used = settings or self.settings
        secret = used.secrets[0].get_secret_value().encode()
        upload = upload_id.mint(len(self.uploads).to_bytes(8, "big"), BEGIN + int(_now()), 900, OWNER, [secret]).text
        fields = Intent(OWNER, profile, "photo.png", "image/png").to_fields()
        metadata = {name.removeprefix(PREFIX): text for name, text in fields.items() if name.startswith(PREFIX)}
        key = keys.incoming(used.incoming_prefix, upload)
        stored = self.s3.put(used.incoming_bucket, key, b"bytes", metadata, "image/png")
        event = ObjectCreated(used.incoming_bucket, key, stored.id, stored.etag, len(stored.body), "01")
        self.uploads.append(upload)
        await self.queue.add(notification(event))

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker of the deployment."""
        fakes = {"s3": self.s3, "dynamodb": self.dynamodb, "sqs": QueueNames(self.weather)}
        clients = Clients(cast(Any, None), {name: Client(name, fake, self.weather) for name, fake in fakes.items()})
        profiles = Profiles.load(self.profiles)
        engines = cast(Inspector, Engines(self.weather))
        needed = dependencies(self.settings, profiles, clients, engines)
        parts = assemble(self.settings, profiles, clients, cast(Queue, self.queue), lambda: BEGIN + _now())
        stop = asyncio.Event()
        running = asyncio.create_task(self._consumer(parts, engines, Gate(needed.ask)).run(stop))
        try:
            yield
        finally:
            stop.set()
            await running
            await needed.close()

    def _consumer(self, parts: Assembly, engines: Inspector, gate: Gate) -> Consumer:
        executor = parts.executor(engines, ATTEMPTS)
        return Consumer(self.queue, executor.execute, self.settings.dead_letter_queue, Limits(16, 60, 20, 25), gate)


@dataclass
class Engines:
    """Takes the place of the inspector. An inspection takes a while, in the middle of which clamd may end."""

    weather: Weather

    async def ready(self) -> None:
        if self.weather.out("clamd", ""):
            raise Outage("clamd", "cannot be reached")

    async def inspect(self, subject: Subject, chunks: AsyncIterator[bytes]) -> Verdict:
        await self.ready()
        size = len(b"".join([chunk async for chunk in chunks]))
        await asyncio.sleep(INSPECTION_SECONDS)
        if self.weather.out("clamd", ""):
            raise Unavailable("clamd", "the connection was lost")
        return Verdict(outcome=Outcome.ACCEPTED, bytes=size, inspected_at=datetime.fromtimestamp(BEGIN + _now(), UTC))
