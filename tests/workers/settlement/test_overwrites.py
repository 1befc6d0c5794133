"""A policy that is used more than once: what is accepted is what was inspected, and it never changes."""

import asyncio
import hashlib
import io
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from airlock import keys, upload_id
from airlock.errors import Unavailable
from airlock.intent import Intent, SizeRange
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS, RECORD_SECONDS, State
from airlock.policy import Bucket, bucket_url, sign
from aws.dynamodb.record import Record
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from tests.workers.harness import EICAR, PNG, Sent, WorkerHarness, accepted_at, harness_in
from tests.workers.inspection.checks.samples import HTML
from tests.workers.program import running
from workers.inspection.checks.port import BaseCheck, BaseScan, Check, Report, Scan, Subject
from workers.intake.arrival import Arrival

HARMLESS, INFECTED, WRONG = PNG, PNG + EICAR, HTML
STATES = {HARMLESS: State.ACCEPTED, INFECTED: State.INFECTED, WRONG: State.REJECTED}


def body_of(number: int, kind: bytes | None = None) -> bytes:
    """A body of its own for each number; of the three kinds in turn."""
    return (kind or (HARMLESS, INFECTED, WRONG)[number % 3]) + b" %d" % number


@dataclass
class Client:
    """Somebody with one policy, who posts to it again and again. `sent` holds the bytes by the version they became."""

    harness: WorkerHarness
    http: aiohttp.ClientSession
    upload: str
    url: str
    fields: dict[str, str]
    sent: dict[str, bytes] = field(default_factory=dict)

    async def post(self, body: bytes) -> str:
        """Store a body; returns the version that it became."""
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
        """What S3 would tell of a version."""
        body = self.sent[version]
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return Sent(self.upload, self.fields["key"], version, etag, len(body))

    async def holds_one_truth(self, record: Record) -> None:
        """What is accepted for this upload is the version that was inspected, if that passed; all else is gone."""
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
async def with_policy(harness: WorkerHarness, **intent: Any) -> AsyncIterator[Client]:
    """A client with a policy of our signer's."""
    meant = Intent(
        **{"owner": "alice", "profile": "default", "filename": "a.png", "content_type": "image/png", **intent}
    )
    upload = harness.mint(meant.owner)
    name, settings = harness.settings.incoming_bucket, harness.settings
    policy = sign(
        harness.clients.credentials.current(),
        Bucket(name, settings.region, bucket_url(name, settings.region, settings.s3_url, settings.addressing)),
        keys.incoming(settings.incoming_prefix, upload),
        now=int(time.time()),
        lifetime=900,
        fields=meant.to_fields(),
        size=SizeRange(0, 1 << 20),
    )
    async with aiohttp.ClientSession() as http:
        yield Client(harness, http, upload, policy.url, policy.fields)


class Held(BaseCheck, BaseScan):
    """A check whose first inspection waits until the test lets it go on. `seen` counts the inspections."""

    def __init__(self, check: Check) -> None:
        self.name = check.name
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.seen = 0
        self._check = check

    def begin(self, subject: Subject) -> Scan:
        self.seen += 1
        return HeldScan(self, self._check.begin(subject))


class HeldScan:
    def __init__(self, held: Held, scan: Scan) -> None:
        self._held = held
        self._scan = scan

    @property
    def fatal(self) -> bool:
        return self._scan.fatal

    async def feed(self, chunk: bytes) -> None:
        self._held.reached.set()
        await self._held.open.wait()
        await self._scan.feed(chunk)

    async def finish(self) -> Report:
        return await self._scan.finish()

    async def close(self) -> None:
        await self._scan.close()


@asynccontextmanager
async def held_inspection(harness: WorkerHarness, workers: int = 1) -> AsyncIterator[Held]:
    """That many workers, which share one gate."""
    checks = dict(harness.checks())
    held = Held(checks["media_type"])
    async with AsyncExitStack() as stack:
        for _ in range(workers):
            _ = await stack.enter_async_context(harness.working({**checks, "media_type": held}))
        try:
            yield held
        finally:
            held.open.set()


async def test_racing_replays_while_the_verdict_is_being_made_change_nothing(harness: WorkerHarness) -> None:
    """Many real requests at once, to an upload of each kind; the model of the settlement explores the orders."""
    async with AsyncExitStack() as stack:
        clients = {kind: await stack.enter_async_context(with_policy(harness)) for kind in STATES}
        held = await stack.enter_async_context(held_inspection(harness, workers=2))
        bound = {kind: await client.post(kind) for kind, client in clients.items()}
        for client in clients.values():
            await harness.recorded(client.upload, lambda record: record.state is State.INSPECTING)
        bodies = [body_of(number) for number in range(60)]
        await asyncio.gather(*(client.race(bodies) for client in clients.values()))
        for kind, client in clients.items():
            counted = await harness.recorded(client.upload, lambda record: record.overwrites == 60)
            assert (counted.version_id, counted.state) == (bound[kind], State.INSPECTING)
        assert await harness.accepted() == {}
        # Nothing but the bound versions is left to be inspected.
        assert {version for _, version in await harness.incoming()} == set(bound.values())

        held.open.set()
        records = {kind: await harness.settled(client.upload) for kind, client in clients.items()}
        await harness.idle()
        for kind, client in clients.items():
            assert (records[kind].version_id, records[kind].state) == (bound[kind], STATES[kind])
            await client.holds_one_truth(records[kind])

        # After the verdict too, and what was accepted stays the very version that it was.
        await asyncio.gather(
            *(client.race([body_of(number) for number in range(60, 70)]) for client in clients.values())
        )
        await harness.idle()
        for kind, client in clients.items():
            after = await harness.recorded(client.upload, lambda record: record.overwrites == 70)
            before = records[kind]
            assert (after.verdict, after.location, after.version_id) == (before.verdict, before.location, bound[kind])
            await client.holds_one_truth(after)
        assert held.seen == len(clients)


async def test_of_a_storm_that_came_before_any_worker_one_version_is_inspected_and_the_rest_is_gone(
    harness: WorkerHarness,
) -> None:
    """Every notification comes three times, in a random order, to three workers at once."""
    async with with_policy(harness) as client:
        await client.race([body_of(number) for number in range(30)])
        again = [harness.notification(client.stored(version)) for version in client.sent] * 2
        random.Random(1).shuffle(again)
        for body in again:
            await harness.send(body)
        async with AsyncExitStack() as stack:
            for _ in range(3):
                _ = await stack.enter_async_context(harness.working())
            record = await harness.settled(client.upload)
            await harness.idle()
            events = await harness.events()
        final = await harness.records.get(client.upload)
        assert final is not None
        assert final.overwrites >= 29
        assert (final.version_id, final.verdict, final.location) == (record.version_id, record.verdict, record.location)
        await client.holds_one_truth(final)
        assert {event["id"] for event in events} == {record.event_id}


async def test_many_clients_race_many_policies_through_two_real_workers(harness: WorkerHarness) -> None:
    less = harness.settings.profiles.with_name("less.toml")
    less.write_text(harness.settings.profiles.read_text().replace('"checksum", "clamd"]', '"checksum"]'))
    changes = {"AIRLOCK_PROFILES": str(less)}
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(with_policy(harness)) for _ in range(4)]
        workers = [await stack.enter_async_context(running(harness, **changes)) for _ in range(2)]
        await asyncio.gather(*(worker.logged("working") for worker in workers))
        await asyncio.gather(*(client.race([body_of(n + at) for n in range(15)]) for at, client in enumerate(clients)))
        records = [await harness.settled(client.upload) for client in clients]
        await harness.idle()
        for client, record in zip(clients, records, strict=True):
            final = await harness.recorded(client.upload, lambda record: record.overwrites >= 14)
            assert (final.version_id, final.location) == (record.version_id, record.location)
            await client.holds_one_truth(final)


async def test_the_version_that_was_stored_first_counts_whichever_is_announced_first(harness: WorkerHarness) -> None:
    async with with_policy(harness) as client:
        versions = [await client.post(body_of(number, HARMLESS)) for number in range(3)]
        await emptied(harness)
        async with harness.working():
            await harness.send(harness.notification(client.stored(versions[1])))
            record = await harness.settled(client.upload)
            for late in (versions[2], versions[0]):
                await harness.send(harness.notification(client.stored(late)))
            await harness.idle()
        assert record.version_id == versions[0]
        final = await harness.recorded(client.upload, lambda record: record.overwrites == 2)
        assert final.overwritten_at is not None
        await client.holds_one_truth(final)


async def emptied(harness: WorkerHarness) -> None:
    """Take S3's own notifications away: the test sends its own, in its own order."""
    url = (await harness.clients.sqs.get_queue_url(QueueName=harness.settings.queue))["QueueUrl"]
    taken = 0
    async with asyncio.timeout(20):
        while taken < len(await harness.incoming()):
            answer = await harness.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                await harness.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken += 1


async def test_replays_after_a_withdrawal_are_removed_and_nothing_is_accepted(harness: WorkerHarness) -> None:
    async with with_policy(harness) as client:
        async with harness.working():
            await client.post(HARMLESS)
            await harness.settled(client.upload)
            await harness.idle()
            await harness.withdraw(client.upload)
            await client.race([body_of(number, HARMLESS) for number in range(10)])
            await harness.idle()
        record = await harness.records.get(client.upload)
        assert record is not None
        assert record.state is State.WITHDRAWN
        for bucket in (
            harness.settings.incoming_bucket,
            harness.settings.accepted_bucket,
            harness.settings.quarantine_bucket,
        ):
            assert await harness.versions(bucket) == []


class Failing(BaseCheck, BaseScan):
    """A check that cannot look while it is told so."""

    def __init__(self, check: Check) -> None:
        self.name = check.name
        self.away = True
        self._check = check

    def begin(self, subject: Subject) -> Scan:
        if self.away:
            raise Unavailable(self.name, "is away")
        return self._check.begin(subject)


async def test_an_upload_that_failed_stays_bound_to_its_version_when_it_is_sent_again(harness: WorkerHarness) -> None:
    checks = dict(harness.checks())
    failing = Failing(checks["yara"])
    async with (
        with_policy(harness) as client,
        harness.working({**checks, "yara": failing}, max_attempts=1, visibility=2),
    ):
        bound = await client.post(HARMLESS)
        assert (await harness.settled(client.upload)).state is State.FAILED
        letters = await harness.dead_letters()
        failing.away = False
        await client.race([body_of(number) for number in range(10)])
        failed = await harness.recorded(client.upload, lambda record: record.overwrites == 10)
        assert (failed.state, failed.version_id) == (State.FAILED, bound)
        await harness.send(next(iter(letters)))
        record = await harness.recorded(client.upload, lambda record: record.state is State.ACCEPTED)
        await harness.idle()
        assert (record.version_id, record.overwrites) == (bound, 10)
        await client.holds_one_truth(record)


async def test_a_record_outlives_its_policy_however_short_it_is_to_be_kept(harness: WorkerHarness) -> None:
    """Were it gone while the policy can be used, a replay would be new, and would replace what was accepted."""
    path = harness.settings.profiles
    path.write_text(path.read_text().replace("[profiles.default]", '[profiles.default]\nretention = "1h"'))
    upload = upload_id.mint(bytes(8), int(time.time()), upload_id.MAX_LIFETIME, "alice", [harness.secret])
    async with harness.working():
        await harness.put(PNG, upload=upload.text)
        record = await harness.settled(upload.text)
    assert record.expires_at is not None
    assert record.expires_at == upload.expires_at + RECORD_SECONDS


async def test_what_comes_when_its_record_may_be_forgotten_is_buried_and_stays_where_it_is(
    harness: WorkerHarness,
) -> None:
    issued = int(time.time()) - LATEST_ARRIVAL_SECONDS - 901
    upload = upload_id.mint(bytes(8), issued, 900, "alice", [harness.secret])
    sent = await harness.put(PNG, upload=upload.text)
    async with harness.working():
        await harness.idle()
        (reason,) = (await harness.dead_letters()).values()
    assert "may be gone" in reason
    assert await harness.records.get(upload.text) is None
    assert await harness.accepted() == {}
    assert await harness.incoming() == [(sent.key, sent.version_id)]


async def copied_by_a_worker_that_ended(harness: WorkerHarness, sent: Sent) -> Arrival:
    """Claim it and copy it to accepted, as a worker that found nothing in it, and then was no more."""
    arrival = await harness.arrival(sent)
    await harness.records.claim(arrival.record(time.time()))
    key = keys.accepted(
        arrival.profile.accepted_key,
        upload=sent.upload,
        profile=arrival.profile.name,
        owner=arrival.intent.owner,
        issued_at=arrival.upload.issued_at,
        media_type=arrival.intent.content_type,
    )
    await Objects(harness.clients.s3).promote(
        arrival.source, harness.settings.accepted_bucket, key, content_type="image/png"
    )
    return arrival


@pytest.mark.parametrize("profile", ["default", "strict"])
async def test_a_copy_of_an_attempt_that_ended_does_not_stay_when_the_next_one_finds_a_virus(
    harness: WorkerHarness, profile: str
) -> None:
    """As when the signatures were renewed between the two."""
    sent = await harness.put(EICAR, profile=profile)
    await copied_by_a_worker_that_ended(harness, sent)
    async with harness.working():
        record = await harness.settled(sent)
        await harness.idle()
    assert (record.state, record.attempts) == (State.INFECTED, 2)
    assert await harness.versions(harness.settings.accepted_bucket) == []


async def test_a_copy_of_an_attempt_that_ended_does_not_stay_when_the_upload_fails(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    await copied_by_a_worker_that_ended(harness, sent)
    checks = dict(harness.checks())
    failing = Failing(checks["yara"])
    async with harness.working({**checks, "yara": failing}, max_attempts=1, visibility=2):
        assert (await harness.settled(sent)).state is State.FAILED
        (letter,) = await harness.dead_letters()
        assert await harness.versions(harness.settings.accepted_bucket) == []
        failing.away = False
        await harness.send(letter)
        record = await harness.recorded(sent.upload, lambda record: record.state is State.ACCEPTED)
        await harness.idle()
    held = [accepted_at(record)[1:]]
    assert await harness.versions(harness.settings.accepted_bucket) == held


@pytest.mark.parametrize("body", [HARMLESS, EICAR])
async def test_nothing_goes_where_it_could_be_replaced(
    new_deployment: AwsSettings, tmp_path: Path, body: bytes
) -> None:
    """Accepted and quarantine are to keep versions: what is recorded is a version, and stays the one that it is."""
    async with harness_in(new_deployment, tmp_path) as harness:
        for bucket in (new_deployment.accepted_bucket, new_deployment.quarantine_bucket):
            suspended: Any = {"Status": "Suspended"}
            await harness.clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=suspended)
        sent = await harness.put(body)
        async with harness.working(max_attempts=1, visibility=2):
            record = await harness.settled(sent)
            (reason,) = (await harness.dead_letters()).values()
        assert record.state is State.FAILED
        assert "versioning is off" in reason
        assert await harness.accepted() == {}
        assert await harness.incoming() == [(sent.key, sent.version_id)]
