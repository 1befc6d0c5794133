"""A client that uses one policy more than once."""

import asyncio
import hashlib
import io
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from airlock import keys
from airlock.intent import Intent, SizeRange
from airlock.lifecycle import State
from airlock.policy import Bucket, bucket_url, sign
from aws.dynamodb.record import Record
from tests.workers.deployment_reader import Sent
from tests.workers.harness import EICAR, PNG, WorkerHarness, accepted_at
from tests.workers.inspection.checks.samples import HTML

HARMLESS, INFECTED, WRONG = PNG, PNG + EICAR, HTML
STATES = {HARMLESS: State.ACCEPTED, INFECTED: State.INFECTED, WRONG: State.REJECTED}


def body_of(number: int, kind: bytes | None = None) -> bytes:
    """A different body for each number, of that kind or of the three kinds in turn."""
    return (kind or (HARMLESS, INFECTED, WRONG)[number % 3]) + b" %d" % number


@dataclass
class ReplayingClient:
    """Posts again and again with one policy. `sent` has the bytes by version id."""

    harness: WorkerHarness
    http: aiohttp.ClientSession
    upload: str
    url: str
    fields: dict[str, str]
    sent: dict[str, bytes] = field(default_factory=dict)

    async def post(self, body: bytes) -> str:
        """Store a body; returns its version id."""
        form = aiohttp.FormData(self.fields)
        form.add_field("file", io.BytesIO(body), filename="file")
        async with self.http.post(self.url, data=form) as response:
            assert response.status == 204, await response.text()
            version = response.headers["x-amz-version-id"]
        self.sent[version] = body
        return version

    async def race(self, bodies: Sequence[bytes]) -> None:
        """Store all of them at once."""
        await asyncio.gather(*(self.post(body) for body in bodies))

    def stored(self, version: str) -> Sent:
        """A version, as S3 describes it in a notification."""
        body = self.sent[version]
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return Sent(self.upload, self.fields["key"], version, etag, len(body))

    async def check_settled(self, record: Record) -> None:
        """Check that accepted has the version that was inspected, if it passed, and nothing else of this upload."""
        inspected = self.sent[record.version_id]
        assert record.verdict is not None
        assert record.verdict.sha256 == hashlib.sha256(inspected).hexdigest()
        assert record.state is next(state for kind, state in reversed(STATES.items()) if inspected.startswith(kind))
        assert await self.harness.versions(self.harness.settings.incoming_bucket, self.fields["key"]) == []
        held = [
            each
            for each in await self.harness.versions(self.harness.settings.accepted_bucket)
            if self.upload in each[0]
        ]
        if record.state is not State.ACCEPTED:
            assert held == []
            return
        assert record.location is not None
        assert held == [accepted_at(record)[1:]]
        assert await self.harness.read(*record.location) == inspected
        assert await self.harness.read(record.location.bucket, record.location.key) == inspected


@asynccontextmanager
async def with_policy(harness: WorkerHarness, **intent: Any) -> AsyncIterator[ReplayingClient]:
    """A client with a policy that our signer signed."""
    declared = Intent(
        **{"owner": "alice", "profile": "default", "filename": "a.png", "content_type": "image/png", **intent}
    )
    upload = harness.mint(declared.owner)
    name, settings = harness.settings.incoming_bucket, harness.settings
    policy = sign(
        harness.clients.credentials.current(),
        Bucket(name, settings.region, bucket_url(name, harness.clients.s3_url, settings.addressing)),
        keys.incoming(settings.incoming_prefix, upload),
        now=int(time.time()),
        lifetime=900,
        fields=declared.to_fields(),
        size=SizeRange(0, 1 << 20),
    )
    async with aiohttp.ClientSession() as http:
        yield ReplayingClient(harness, http, upload, policy.url, policy.fields)
