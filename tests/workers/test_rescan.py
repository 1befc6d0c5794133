"""A rescan: what newer signatures match is taken back, once, and everything else stays what it is."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airlock import events, verdict_event
from airlock.errors import Unavailable
from airlock.lifecycle import State, Step
from airlock.verdict import Outcome
from aws.buses import Buses
from aws.dynamodb.records import Record, Records
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from aws.sqs.queue import Queue
from tests.service.stack import deployed
from tests.workers.inspection.clamd.daemon import Daemon
from tests.workers.site import EICAR, PNG, Site, opened
from workers.inspection.inspector import Inspector
from workers.intake.admission import Admission
from workers.intake.disposition import Bury, Done
from workers.rescan import Rescan
from workers.settlement.copies import Buckets
from workers.settlement.publishing import Publisher
from workers.settlement.revision import Revision

NOW = datetime(2030, 1, 1, tzinfo=UTC)
BAD = PNG + b"new malware"
RULE = 'rule late { strings: $a = "new malware" condition: $a }\n'
WEAK = 'rule weak { meta: outcome = "rejected" strings: $a = "new malware" condition: $a }\n'


@pytest.fixture
async def site(places: AwsSettings, tmp_path: Path) -> AsyncIterator[Site]:
    """A deployment with a folder of rules, in which there is none yet."""
    rules = tmp_path / "rules"
    rules.mkdir()
    # A worker that ends can still be given a message: it is to come back soon.
    async with opened(places, tmp_path, yara_rules=rules, visibility=2) as here:
        yield here


def renew(site: Site, rule: str = RULE) -> None:
    assert site.settings.yara_rules
    (site.settings.yara_rules / "late.yar").write_text(rule)


async def accepted(site: Site, *bodies: bytes, **intent: Any) -> list[Record]:
    async with site.working():
        sent = [await site.put(body, **intent) for body in bodies]
        records = [await site.settled(each) for each in sent]
        await site.idle()
    assert {record.state for record in records} == {State.ACCEPTED}
    if site.profiles.get(records[0].profile).notify:
        await site.events(len(bodies))
    return records


async def rescanned(site: Site, *records: Record, times: int = 1) -> list[Record]:
    """The records after a worker, which has the rules of now, took all messages."""
    for record in records * times:
        await site.send(events.rescan(record.id))
    async with site.working():
        await site.idle()
    return [await of_today(site, record.id) for record in records]


async def of_today(site: Site, upload: str) -> Record:
    record = await site.records.get(upload)
    assert record is not None
    return record


async def told(site: Site) -> dict[str, list[dict[str, Any]]]:
    by_id: dict[str, list[dict[str, Any]]] = {}
    for event in await site.events(0):
        by_id.setdefault(event["id"], []).append(event)
    return by_id


async def test_exactly_what_the_new_rule_matches_is_taken_back(site: Site) -> None:
    good, bad = await accepted(site, PNG, BAD)
    renew(site)
    still, revoked = await rescanned(site, good, bad, times=3)

    assert (still.state, still.location, still.verdict, still.changes) == (good.state, good.location, good.verdict, ())
    assert still.rescanned
    assert still.rescanned.outcome is Outcome.ACCEPTED
    assert (revoked.state, revoked.place, revoked.moving_from) == (State.INFECTED, "quarantine", None)
    assert revoked.verdict
    assert [finding.code for finding in revoked.verdict.findings] == ["yara_match"]
    [change] = revoked.changes
    assert (change.step, change.before, change.by, change.reason) == (
        Step.REVOKE,
        Outcome.ACCEPTED,
        "worker",
        "yara_match",
    )
    assert good.accepted_key
    assert await site.accepted() == {good.accepted_key: PNG}
    assert len(await site.versions(site.settings.accepted_bucket)) == 1
    assert revoked.location
    assert await site.versions(site.settings.quarantine_bucket) == [revoked.location[1:]]
    assert await site.read(*revoked.location) == BAD
    head = await site.clients.s3.head_object(Bucket=revoked.location.bucket, Key=revoked.location.key)
    assert head["ContentType"] == "application/octet-stream"

    events_by_id = await told(site)
    assert list(events_by_id) == [verdict_event.event_id(bad.id, bad.version_id, 1)] == [revoked.event_id]
    [[event]] = events_by_id.values()
    assert event["type"] == "airlock.upload.infected"
    assert event["data"]["changes"][0]["step"] == "revoke"


async def test_what_was_taken_back_is_lent_no_more(site: Site) -> None:
    [bad] = await accepted(site, BAD, owner="shop")
    places = AwsSettings(**site.settings.model_dump(include=set(AwsSettings.model_fields)))
    async with deployed(places) as service:
        content = f"/v1/uploads/{bad.id}/content"
        assert (await service.ask("GET", content)).status == 302
        renew(site)
        await rescanned(site, bad)
        answer = await service.ask("GET", content)
        assert (answer.status, answer.json["code"]) == (409, "not_accepted")
        told = (await service.ask("GET", f"/v1/uploads/{bad.id}")).json
        assert (told["state"], [change["step"] for change in told["changes"]]) == ("infected", ["revoke"])


async def test_where_what_is_infected_is_not_kept_it_is_gone(site: Site) -> None:
    [bad] = await accepted(site, BAD, profile="strict")
    renew(site)
    [revoked] = await rescanned(site, bad)
    assert (revoked.state, revoked.place, revoked.location) == (State.INFECTED, "none", None)
    for bucket in (site.settings.accepted_bucket, site.settings.quarantine_bucket):
        assert await site.versions(bucket) == []


async def test_what_is_not_infected_now_stays_and_is_recorded(site: Site) -> None:
    [record] = await accepted(site, BAD)
    renew(site, WEAK)
    [still] = await rescanned(site, record)
    assert (still.state, still.verdict, still.location) == (State.ACCEPTED, record.verdict, record.location)
    assert still.rescanned
    assert still.rescanned.outcome is Outcome.REJECTED
    assert still.rescanned.engines != record.verdict.engines  # type: ignore[union-attr]  # it has one
    assert await told(site) == {}


async def test_a_rescan_notices_other_bytes(site: Site) -> None:
    [record] = await accepted(site, PNG)
    assert record.location
    await site.clients.s3.delete_object(
        Bucket=record.location.bucket, Key=record.location.key, VersionId=record.location.version_id
    )
    other = await site.clients.s3.put_object(Bucket=record.location.bucket, Key=record.location.key, Body=PNG + b"x")
    key = {"id": {"S": record.id}}
    place = {"L": [{"S": record.location.bucket}, {"S": record.location.key}, {"S": other["VersionId"]}]}
    await site.clients.dynamodb.update_item(
        TableName=site.settings.table,
        Key=key,
        UpdateExpression="SET #location = :other",
        ExpressionAttributeNames={"#location": "location"},
        ExpressionAttributeValues={":other": place},
    )
    [still] = await rescanned(site, record)
    assert still.rescanned
    assert [finding.code for finding in still.rescanned.findings] == ["checksum_mismatch"]
    assert still.state is State.ACCEPTED


async def test_what_an_operator_released_is_taken_back_for_news_only(site: Site) -> None:
    sent = await site.put(EICAR + b"new malware", content_type="text/plain")
    async with site.working():
        infected = await site.settled(sent)
        await site.idle()
    await site.events()
    async with Queue.open(site.settings, site.clients) as queue:
        revision = _revision(site, site.records, Objects(site.clients.s3), queue)
        profile = site.profiles.get("default")
        released = await revision.release(infected, profile, by="grace", reason="a test file that we know")
    await site.events()
    [still] = await rescanned(site, released)
    assert (still.state, still.changes) == (State.ACCEPTED, released.changes)
    assert still.rescanned
    assert still.rescanned.outcome is Outcome.INFECTED

    renew(site)
    [revoked] = await rescanned(site, released)
    assert revoked.state is State.INFECTED
    assert [change.step for change in revoked.changes] == [Step.RELEASE, Step.REVOKE]
    assert list(await told(site)) == [verdict_event.event_id(sent.upload, sent.version_id, 2)]


@pytest.mark.parametrize("what", ["unknown", "withdrawn", "revoked", "vanished"])
async def test_what_is_not_accepted_any_more_is_left_as_it_is(site: Site, what: str) -> None:
    [record] = await accepted(site, BAD)
    upload = "0" * 60 if what == "unknown" else record.id
    if what == "withdrawn":
        async with site.working():
            await site.withdraw(record.id)
            await site.idle()
    renew(site)
    if what == "revoked":
        await rescanned(site, record)
        await site.events()
    if what == "vanished":
        assert record.location
        await Objects(site.clients.s3).delete(*record.location)
    before = await site.records.get(upload)
    async with _crew(site) as crew:
        assert await crew.rescan.rescan(upload) == Done()
    assert await site.records.get(upload) == before
    assert await told(site) == {}


async def test_an_upload_of_no_profile_is_buried(site: Site) -> None:
    [record] = await accepted(site, PNG)
    async with _crew(site) as crew:
        crew.rescan._admission = Admission("b", "p", site.profiles.model_copy(update={"profiles": {}}), [site.secret])
        assert await crew.rescan.rescan(record.id) == Bury("there is no profile 'default'")


async def test_an_engine_that_is_away_is_for_another_try_and_changes_nothing(
    places: AwsSettings, tmp_path: Path, clamd: Daemon
) -> None:
    async with opened(places, tmp_path, clamd=clamd.unix, max_attempts=2, visibility=2) as site:
        [record] = await accepted(site, PNG, profile="scanned")
        await site.send(events.rescan(record.id))
        with mock.patch("workers.inspection.clamd.check.ClamdCheck.begin", side_effect=Unavailable("clamd", "is away")):
            async with site.working():
                reasons = await site.dead_letters()
        assert list(reasons.values()) == ["after 2 attempts: clamd: is away"]
        assert await site.records.get(record.id) == record


class Ended(Exception):
    """The worker ended here."""


class _Crew:
    """A rescan whose worker ends before the `left`-th of its calls."""

    def __init__(self, site: Site, queue: Queue, inspector: Inspector, left: int) -> None:
        self.left = left
        self.calls: list[str] = []
        objects, records = Objects(site.clients.s3), Records(site.clients.dynamodb, site.settings.table)
        revision = _revision(site, records, objects, queue)
        watched: dict[Any, tuple[str, ...]] = {
            objects: ("pin", "promote", "versions", "delete_versions"),
            records: ("get", "begin_change", "change", "end_change", "rescanned"),
            inspector: ("inspect",),
            queue: ("send",),
        }
        for owner, names in watched.items():
            for name in names:
                setattr(owner, name, self._watched(name, getattr(owner, name)))
        admission = Admission(
            site.settings.incoming_bucket, site.settings.incoming_prefix, site.profiles, [site.secret]
        )
        self.rescan = Rescan(objects, records, inspector, revision, admission)

    def _watched(self, name: str, real: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            if not self.left:
                raise Ended
            self.left -= 1
            self.calls.append(name)
            return await real(*args, **kwargs)

        return call


class _crew:  # noqa: N801 # used as a function
    def __init__(self, site: Site, left: int = 1000) -> None:
        self._site, self._left = site, left

    async def __aenter__(self) -> _Crew:
        self._inspector = Inspector(self._site.checks(), NOW.timestamp)
        self._queue = Queue.open(self._site.settings, self._site.clients)
        return _Crew(self._site, await self._queue.__aenter__(), self._inspector, self._left)

    async def __aexit__(self, *error: object) -> None:
        await self._queue.__aexit__(None, None, None)
        await self._inspector.close()


async def _none(_: Record) -> None:
    return


def _revision(site: Site, records: Records, objects: Objects, queue: Queue) -> Revision:
    places = site.settings
    publisher = Publisher(queue, Buses(site.clients, places.region), places.delivery_queue, NOW.timestamp)
    buckets = Buckets(places.accepted_bucket, places.quarantine_bucket)
    later = NOW + timedelta(hours=1)
    return Revision(objects, records, publisher, _none, buckets, later.timestamp)


async def test_wherever_a_worker_ends_the_next_one_comes_to_the_same_end(site: Site) -> None:
    records = await accepted(site, *(BAD + bytes([number]) for number in range(24)))
    renew(site)
    ended: list[str] = []
    for left, record in enumerate(records):
        async with _crew(site, left) as crew:
            try:
                await crew.rescan.rescan(record.id)
            except Ended:
                ended.append(crew.calls[-1] if crew.calls else "nothing")
            else:
                break
        async with _crew(site) as crew:
            assert await crew.rescan.rescan(record.id) == Done()
    else:
        pytest.fail("it never came to its end")
    assert {"begin_change", "promote", "change", "send", "delete_versions"} <= set(ended)

    revoked = records[: len(ended) + 1]
    for before in revoked:
        record = await of_today(site, before.id)
        assert (record.state, len(record.changes), record.moving_from) == (State.INFECTED, 1, None)
        assert record.location
        assert await site.versions(site.settings.quarantine_bucket, record.id) == [record.location[1:]]
        assert await site.versions(site.settings.accepted_bucket, before.accepted_key or "") == []
    by_id = await told(site)
    assert by_id.keys() == {verdict_event.event_id(each.id, each.version_id, 1) for each in revoked}
    for same in by_id.values():
        assert all(json.dumps(event) == json.dumps(same[0]) for event in same)
