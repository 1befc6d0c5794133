"""The journey of an object through a real S3, SQS and DynamoDB, with a worker in this process."""

import hashlib

from airlock.lifecycle import State
from tests.workers.site import EICAR, PNG, Site


async def test_an_object_that_nothing_objects_to_is_promoted_byte_by_byte(site: Site) -> None:
    sent = await site.put(PNG, filename="Ünïcode photo.png", metadata={"reference": "A 1"}, size=len(PNG))
    async with site.working():
        record = await site.settled(sent)
        events = await site.events()
        await site.idle()

    assert record.state is State.ACCEPTED
    assert await site.accepted() == {record.accepted_key: PNG}
    assert await site.incoming() == []
    assert record.verdict is not None
    assert (record.verdict.bytes, record.verdict.media_type) == (len(PNG), "image/png")
    assert record.verdict.sha256 == hashlib.sha256(PNG).hexdigest()
    assert [engine.name for engine in record.verdict.engines] == ["yara-x"]
    assert [(event["id"], event["type"]) for event in events] == [(record.event_id, "airlock.upload.accepted")]
    assert events[0]["data"]["metadata"] == {"reference": "A 1"}
    assert events[0]["data"]["location"]["key"] == record.accepted_key
    stored = await site.clients.s3.head_object(Bucket=site.settings.accepted_bucket, Key=record.accepted_key or "")
    assert stored["ContentType"] == "image/png"
    assert stored["Metadata"] == {
        "upload": sent.upload,
        "owner": "alice",
        "profile": "default",
        "filename": "%C3%9Cn%C3%AFcode%20photo.png",
        "sha256": record.verdict.sha256,
    }


async def test_eicar_named_as_a_picture_is_infected_and_never_in_accepted(site: Site) -> None:
    sent = await site.put(EICAR)
    async with site.working():
        record = await site.settled(sent)
        await site.idle()

    assert record.state is State.INFECTED
    assert record.verdict is not None
    assert {finding.code for finding in record.verdict.findings} == {"yara_match", "media_type_mismatch"}
    assert await site.accepted() == {}
    assert await site.incoming() == []
    assert record.place == "quarantine"
    assert record.location is not None
    assert await site.read(*record.location) == EICAR
