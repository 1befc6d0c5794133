"""What settled objects are stored with: no browser ever shows or runs one, whatever link leads to it."""

import asyncio

from airlock.lifecycle import State
from aws.records import Record
from tests.workers.checks.samples import HTML
from tests.workers.site import EICAR, PNG, Site

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9"/></svg>'


async def described(site: Site, record: Record) -> tuple[str, str]:
    assert record.location is not None
    bucket, key, version = record.location
    stored = await site.clients.s3.head_object(Bucket=bucket, Key=key, VersionId=version)
    return stored["ContentDisposition"], stored["ContentType"]


async def test_all_is_stored_as_an_attachment_and_quarantine_without_a_type(site: Site) -> None:
    kinds = {"image/svg+xml": ("a.svg", SVG), "text/html": ("a.html", HTML), "image/png": ("a.png", PNG)}
    sent = {kind: await site.put(body, filename=name, content_type=kind) for kind, (name, body) in kinds.items()}
    infected = await site.put(EICAR, content_type="text/html")
    async with site.working():
        records = dict(zip(sent, await asyncio.gather(*map(site.settled, sent.values())), strict=True))
        quarantined = await site.settled(infected)
        await site.idle()
    for kind, record in records.items():
        assert record.state is State.ACCEPTED
        assert await described(site, record) == ("attachment", kind)
    assert quarantined.place == "quarantine"
    assert await described(site, quarantined) == ("attachment", "application/octet-stream")
