"""The scan of the table: every item once, in pages, and what has expired is forgotten as it was seen."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from airlock.errors import Unavailable
from aws.dynamodb.record import Location
from aws.dynamodb.records import Records
from aws.maintenance import record_scan
from aws.maintenance.record_scan import Kept, RecordScan
from aws.session import Clients, connect
from aws.settings import AwsSettings
from tests.aws.dynamodb.test_records import ARRIVED, verdict


@pytest.fixture
async def clients(aws_settings: AwsSettings) -> AsyncIterator[Clients]:
    async with connect(aws_settings, services=("dynamodb",)) as clients:
        yield clients


async def everything(scan: RecordScan) -> list[list[Kept]]:
    page, after = await scan.page()
    pages = [page]
    while after is not None:
        page, after = await scan.page(after)
        pages.append(page)
    return pages


async def test_every_item_comes_once_with_what_is_needed_of_it(
    clients: Clients, aws_settings: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_scan, "LOOK", 2)
    records, scan = Records(clients.dynamodb, aws_settings.table), RecordScan(clients.dynamodb, aws_settings.table)
    claims = [await records.claim(replace(ARRIVED, id=f"upload-{number}")) for number in range(5)]
    where = Location("accepted", "a", "v")
    settled = await records.settle(claims[1].record, verdict(), place="accepted", location=where, expires_at=9, now=7)
    usage = {"id": {"S": "usage#owner#ada#20260101"}, "uploads": {"N": "1"}, "expires_at": {"N": "5"}}
    await clients.dynamodb.put_item(TableName=aws_settings.table, Item=usage)
    pages = await everything(scan)
    assert len(pages) >= 3
    assert all(len(page) <= 2 for page in pages)
    kept = {one.id: one for page in pages for one in page}
    assert len(kept) == sum(len(page) for page in pages) == 6
    assert kept["usage#owner#ada#20260101"] == Kept("usage#owner#ada#20260101", None, 5)
    record = kept["upload-1"].record
    assert record is not None
    assert (record.state, record.location, record.version_id) == (settled.state, settled.location, "v1")
    assert (record.updated_at, record.verdict, record.filename) == (7, None, "")


async def test_what_has_expired_is_forgotten_unless_it_was_changed_since(
    clients: Clients, aws_settings: AwsSettings
) -> None:
    records, scan = Records(clients.dynamodb, aws_settings.table), RecordScan(clients.dynamodb, aws_settings.table)
    claim = await records.claim(ARRIVED)
    kept = Kept(ARRIVED.id, None, 5)
    assert not await scan.forget(kept)
    assert await records.get(ARRIVED.id) is not None
    await records.settle(claim.record, verdict(), place="none", expires_at=5, now=7)
    assert await scan.forget(kept)
    assert await records.get(ARRIVED.id) is None
    assert not await scan.forget(kept)
    with pytest.raises(ValueError, match="does not expire"):
        await scan.forget(Kept("a", None, None))


async def test_a_table_that_is_not_there_is_told(clients: Clients) -> None:
    with pytest.raises(Unavailable, match="dynamodb"):
        await RecordScan(clients.dynamodb, "none").page()
