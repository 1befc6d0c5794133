"""A policy that is used more than once: what is accepted is what was inspected, and it never changes."""

import asyncio
import hashlib
import io
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from airlock import keys, upload_id
from airlock.errors import Unavailable
from airlock.events import ObjectCreated
from airlock.intent import Intent
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS, RECORD_SECONDS, State
from airlock.policy import Bucket, bucket_url, sign
from aws.dynamodb.record import Record
from aws.s3.objects import Objects
from tests.workers.inspection.checks.samples import HTML
from tests.workers.program import running
from tests.workers.site import EICAR, PNG, Sent, Site
from workers.inspection.checks.port import Check, Idle, Report, Scan, Subject
from workers.intake.admission import Admission
from workers.intake.arrival import Arrival

HARMLESS, INFECTED, WRONG = PNG, PNG + EICAR, HTML
STATES = {HARMLESS: State.ACCEPTED, INFECTED: State.INFECTED, WRONG: State.REJECTED}


def body_of(number: int, kind: bytes | None = None) -> bytes:
    """A body of its own for each number; of the three kinds in turn."""
    return (kind or (HARMLESS, INFECTED, WRONG)[number % 3]) + b" %d" % number


@dataclass
class Client:
    """Somebody with one policy, who posts to it again and again. `sent` holds the bytes by the version they became."""

    site: Site
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
        assert await self.site.versions(self.site.settings.incoming_bucket, self.fields["key"]) == []
        held = [each for each in await self.site.versions(self.site.settings.accepted_bucket) if self.upload in each[0]]
        if record.state is not State.ACCEPTED:
            assert held == []
            return
        assert record.location is not None
        assert held == [(record.accepted_key, record.accepted_version)]
        assert await self.site.read(*record.location) == inspected
        assert await self.site.read(record.location.bucket, record.location.key) == inspected


@asynccontextmanager
async def with_policy(site: Site, **intent: Any) -> AsyncIterator[Client]:
    """A client with a policy of our signer's."""
    meant = Intent(
        **{"owner": "alice", "profile": "default", "filename": "a.png", "content_type": "image/png", **intent}
    )
    upload = site.mint(meant.owner)
    name, places = site.settings.incoming_bucket, site.settings
    policy = sign(
        site.clients.credentials.current(),
        Bucket(name, places.region, bucket_url(name, places.region, places.s3_url, places.addressing)),
        keys.incoming(places.incoming_prefix, upload),
        now=int(time.time()),
        lifetime=900,
        fields=meant.to_fields(),
        size=(0, 1 << 20),
    )
    async with aiohttp.ClientSession() as http:
        yield Client(site, http, upload, policy.url, policy.fields)


class Held(Idle):
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
async def held_inspection(site: Site, workers: int = 1) -> AsyncIterator[Held]:
    """That many workers, which share one gate."""
    checks = dict(site.checks())
    held = Held(checks["media_type"])
    async with AsyncExitStack() as stack:
        for _ in range(workers):
            _ = await stack.enter_async_context(site.working({**checks, "media_type": held}))
        try:
            yield held
        finally:
            held.open.set()


@pytest.mark.parametrize("first", [HARMLESS, INFECTED, WRONG], ids=["harmless", "infected", "wrong-type"])
async def test_two_hundred_racing_replays_while_the_verdict_is_being_made_change_nothing(
    site: Site, first: bytes
) -> None:
    async with with_policy(site) as client, held_inspection(site, workers=2) as held:
        bound = await client.post(first)
        await held.reached.wait()
        await client.race([body_of(number) for number in range(200)])
        counted = await site.recorded(client.upload, lambda record: record.overwrites == 200)
        assert (counted.version_id, counted.state) == (bound, State.INSPECTING)
        assert await site.accepted() == {}
        # Nothing but the bound version is left to be inspected.
        assert [version for _, version in await site.incoming()] == [bound]

        held.open.set()
        record = await site.settled(client.upload)
        await site.idle()
        assert (record.version_id, record.state) == (bound, STATES[first])
        await client.holds_one_truth(record)

        # After the verdict too, and what was accepted stays the very version that it was.
        await client.race([body_of(number) for number in range(200, 230)])
        await site.idle()
        after = await site.recorded(client.upload, lambda record: record.overwrites == 230)
        assert (after.verdict, after.location, after.version_id) == (record.verdict, record.location, bound)
        await client.holds_one_truth(after)
        assert held.seen == 1


@pytest.mark.parametrize("order", [1, 2, 3])
async def test_of_a_storm_that_came_before_any_worker_one_version_is_inspected_and_the_rest_is_gone(
    site: Site, order: int
) -> None:
    """Every notification comes three times, in any order, to three workers at once."""
    async with with_policy(site) as client:
        await client.race([body_of(number) for number in range(30)])
        again = [site.notification(client.stored(version)) for version in client.sent] * 2
        random.Random(order).shuffle(again)
        for body in again:
            await site.send(body)
        async with AsyncExitStack() as stack:
            for _ in range(3):
                _ = await stack.enter_async_context(site.working())
            record = await site.settled(client.upload)
            await site.idle()
            events = await site.events()
        final = await site.records.get(client.upload)
        assert final is not None
        assert final.overwrites >= 29
        assert (final.version_id, final.verdict, final.location) == (record.version_id, record.verdict, record.location)
        await client.holds_one_truth(final)
        assert {event["id"] for event in events} == {record.event_id}


async def test_many_clients_race_many_policies_through_two_real_workers(site: Site) -> None:
    less = site.settings.profiles.with_name("less.toml")
    less.write_text(site.settings.profiles.read_text().replace('"checksum", "clamd"]', '"checksum"]'))
    changes = {"AIRLOCK_PROFILES": str(less)}
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(with_policy(site)) for _ in range(4)]
        workers = [await stack.enter_async_context(running(site, **changes)) for _ in range(2)]
        await asyncio.gather(*(worker.logged("working") for worker in workers))
        await asyncio.gather(*(client.race([body_of(n + at) for n in range(15)]) for at, client in enumerate(clients)))
        records = [await site.settled(client.upload) for client in clients]
        await site.idle()
        for client, record in zip(clients, records, strict=True):
            final = await site.recorded(client.upload, lambda record: record.overwrites >= 14)
            assert (final.version_id, final.location) == (record.version_id, record.location)
            await client.holds_one_truth(final)


async def test_the_version_that_was_stored_first_counts_whichever_is_announced_first(site: Site) -> None:
    async with with_policy(site) as client:
        versions = [await client.post(body_of(number, HARMLESS)) for number in range(3)]
        await emptied(site)
        async with site.working():
            await site.send(site.notification(client.stored(versions[1])))
            record = await site.settled(client.upload)
            for late in (versions[2], versions[0]):
                await site.send(site.notification(client.stored(late)))
            await site.idle()
        assert record.version_id == versions[0]
        final = await site.recorded(client.upload, lambda record: record.overwrites == 2)
        assert final.overwritten_at is not None
        await client.holds_one_truth(final)


async def emptied(site: Site) -> None:
    """Take S3's own notifications away: the test sends its own, in its own order."""
    url = (await site.clients.sqs.get_queue_url(QueueName=site.settings.queue))["QueueUrl"]
    taken = 0
    async with asyncio.timeout(20):
        while taken < len(await site.incoming()):
            answer = await site.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                await site.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken += 1


async def test_replays_after_a_withdrawal_are_removed_and_nothing_is_accepted(site: Site) -> None:
    async with with_policy(site) as client:
        async with site.working():
            await client.post(HARMLESS)
            await site.settled(client.upload)
            await site.idle()
            await site.withdraw(client.upload)
            await client.race([body_of(number, HARMLESS) for number in range(10)])
            await site.idle()
        record = await site.records.get(client.upload)
        assert record is not None
        assert record.state is State.WITHDRAWN
        for bucket in (site.settings.incoming_bucket, site.settings.accepted_bucket, site.settings.quarantine_bucket):
            assert await site.versions(bucket) == []


class Failing(Idle):
    """A check that cannot look while it is told so."""

    def __init__(self, check: Check) -> None:
        self.name = check.name
        self.away = True
        self._check = check

    def begin(self, subject: Subject) -> Scan:
        if self.away:
            raise Unavailable(self.name, "is away")
        return self._check.begin(subject)


async def test_an_upload_that_failed_stays_bound_to_its_version_when_it_is_sent_again(site: Site) -> None:
    checks = dict(site.checks())
    failing = Failing(checks["yara"])
    async with with_policy(site) as client, site.working({**checks, "yara": failing}, max_attempts=1, visibility=2):
        bound = await client.post(HARMLESS)
        assert (await site.settled(client.upload)).state is State.FAILED
        letters = await site.dead_letters()
        failing.away = False
        await client.race([body_of(number) for number in range(10)])
        failed = await site.recorded(client.upload, lambda record: record.overwrites == 10)
        assert (failed.state, failed.version_id) == (State.FAILED, bound)
        await site.send(next(iter(letters)))
        record = await site.recorded(client.upload, lambda record: record.state is State.ACCEPTED)
        await site.idle()
        assert (record.version_id, record.overwrites) == (bound, 10)
        await client.holds_one_truth(record)


async def test_a_record_outlives_its_policy_however_short_it_is_to_be_kept(site: Site) -> None:
    """Were it gone while the policy can be used, a replay would be new, and would replace what was accepted."""
    path = site.settings.profiles
    path.write_text(path.read_text().replace("[profiles.default]", '[profiles.default]\nretention = "1h"'))
    upload = upload_id.mint(bytes(8), int(time.time()), upload_id.MAX_LIFETIME, "alice", [site.secret])
    async with site.working():
        await site.put(PNG, upload=upload.text)
        record = await site.settled(upload.text)
    assert record.expires_at is not None
    assert record.expires_at == upload.expires_at + RECORD_SECONDS


async def test_what_comes_when_its_record_may_be_forgotten_is_buried_and_stays_where_it_is(site: Site) -> None:
    issued = int(time.time()) - LATEST_ARRIVAL_SECONDS - 901
    upload = upload_id.mint(bytes(8), issued, 900, "alice", [site.secret])
    sent = await site.put(PNG, upload=upload.text)
    async with site.working():
        await site.idle()
        (reason,) = (await site.dead_letters()).values()
    assert "may be forgotten" in reason
    assert await site.records.get(upload.text) is None
    assert await site.accepted() == {}
    assert await site.incoming() == [(sent.key, sent.version_id)]


async def copied_by_a_worker_that_ended(site: Site, sent: Sent) -> Arrival:
    """Claim it and copy it to accepted, as a worker that found nothing in it, and then was no more."""
    objects = Objects(site.clients.s3)
    event = ObjectCreated(site.settings.incoming_bucket, sent.key, sent.version_id, sent.etag, sent.size, "01")
    admission = Admission(site.settings.incoming_bucket, site.settings.incoming_prefix, site.profiles, [site.secret])
    async with objects.open(event.bucket, event.key, event.version_id, event.etag) as body:
        arrival = admission.arrival(event, sent.upload, body)
    await site.records.claim(arrival.record(time.time()))
    key = keys.accepted(
        arrival.profile.accepted_key,
        upload=sent.upload,
        profile=arrival.profile.name,
        owner=arrival.intent.owner,
        issued_at=arrival.upload.issued_at,
        media_type=arrival.intent.content_type,
    )
    await objects.promote(arrival.source, site.settings.accepted_bucket, key, content_type="image/png")
    return arrival


@pytest.mark.parametrize("profile", ["default", "strict"])
async def test_a_copy_of_an_attempt_that_ended_does_not_stay_when_the_next_one_finds_a_virus(
    site: Site, profile: str
) -> None:
    """As when the signatures were renewed between the two."""
    sent = await site.put(EICAR, profile=profile)
    await copied_by_a_worker_that_ended(site, sent)
    async with site.working():
        record = await site.settled(sent)
        await site.idle()
    assert (record.state, record.attempts) == (State.INFECTED, 2)
    assert await site.versions(site.settings.accepted_bucket) == []


async def test_a_copy_of_an_attempt_that_ended_does_not_stay_when_the_upload_fails(site: Site) -> None:
    sent = await site.put(PNG)
    await copied_by_a_worker_that_ended(site, sent)
    checks = dict(site.checks())
    failing = Failing(checks["yara"])
    async with site.working({**checks, "yara": failing}, max_attempts=1, visibility=2):
        assert (await site.settled(sent)).state is State.FAILED
        (letter,) = await site.dead_letters()
        assert await site.versions(site.settings.accepted_bucket) == []
        failing.away = False
        await site.send(letter)
        record = await site.recorded(sent.upload, lambda record: record.state is State.ACCEPTED)
        await site.idle()
    held = [(record.accepted_key, record.accepted_version)]
    assert await site.versions(site.settings.accepted_bucket) == held


@pytest.mark.parametrize("body", [HARMLESS, EICAR])
async def test_nothing_goes_where_it_could_be_replaced(site: Site, body: bytes) -> None:
    """Accepted and quarantine are to keep versions: what is recorded is a version, and stays the one that it is."""
    for bucket in (site.settings.accepted_bucket, site.settings.quarantine_bucket):
        await site.clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    sent = await site.put(body)
    async with site.working(max_attempts=1, visibility=2):
        record = await site.settled(sent)
        (reason,) = (await site.dead_letters()).values()
    assert record.state is State.FAILED
    assert "versioning is off" in reason
    assert await site.accepted() == {}
    assert await site.incoming() == [(sent.key, sent.version_id)]
