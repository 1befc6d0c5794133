"""Scans of the table: every item once, one page at a time; and deletion of items that have expired."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from airlock.errors import Unavailable
from aws.clients import Clients, connect
from aws.dynamodb.record import Location
from aws.dynamodb.records import Records
from aws.maintenance import table_scan
from aws.maintenance.table_scan import TableItem, TableScan
from aws.settings import AwsSettings
from tests.aws.dynamodb.uploads import ARRIVED, verdict


@pytest.fixture
async def clients(aws_settings: AwsSettings) -> AsyncIterator[Clients]:
    async with connect(aws_settings, services=("dynamodb",)) as clients:
        yield clients


async def everything(scan: TableScan) -> list[list[TableItem]]:
    page, after = await scan.items()
    pages = [page]
    while after is not None:
        page, after = await scan.items(after)
        pages.append(page)
    return pages


async def test_every_item_is_read_once_with_what_is_needed_of_it(
    clients: Clients, aws_settings: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_scan, "ITEMS_PER_PAGE", 2)
    records, scan = Records(clients.dynamodb, aws_settings.table), TableScan(clients.dynamodb, aws_settings.table)
    claims = [await records.claim(replace(ARRIVED, id=f"upload-{number}")) for number in range(5)]
    where = Location("accepted", "a", "v")
    settled = await records.settle(claims[1].record, verdict(), place="accepted", location=where, expires_at=9, now=7)
    usage = {"id": {"S": "usage#owner#ada#20260101"}, "uploads": {"N": "1"}, "expires_at": {"N": "5"}}
    await clients.dynamodb.put_item(TableName=aws_settings.table, Item=usage)
    pages = await everything(scan)
    assert len(pages) >= 3
    assert all(len(page) <= 2 for page in pages)
    items = {one.id: one for page in pages for one in page}
    assert len(items) == sum(len(page) for page in pages) == 6
    assert items["usage#owner#ada#20260101"] == TableItem("usage#owner#ada#20260101", None, 5)
    record = items["upload-1"].record
    assert record is not None
    assert (record.state, record.location, record.version_id) == (settled.state, settled.location, "v1")
    assert (record.updated_at, record.verdict, record.filename) == (7, None, "")


async def test_an_expired_item_is_deleted_unless_it_was_changed_since(
    clients: Clients, aws_settings: AwsSettings
) -> None:
    records, scan = Records(clients.dynamodb, aws_settings.table), TableScan(clients.dynamodb, aws_settings.table)
    claim = await records.claim(ARRIVED)
    item = TableItem(ARRIVED.id, None, 5)
    assert not await scan.delete_expired(item)
    assert await records.get(ARRIVED.id) is not None
    await records.settle(claim.record, verdict(), place="none", expires_at=5, now=7)
    assert await scan.delete_expired(item)
    assert await records.get(ARRIVED.id) is None
    assert not await scan.delete_expired(item)
    with pytest.raises(ValueError, match="does not expire"):
        await scan.delete_expired(TableItem("a", None, None))


async def test_accepted_uploads_are_read_with_what_was_found_in_them(
    clients: Clients, aws_settings: AwsSettings
) -> None:
    records, scan = Records(clients.dynamodb, aws_settings.table), TableScan(clients.dynamodb, aws_settings.table)
    claims = [await records.claim(replace(ARRIVED, id=f"upload-{number}")) for number in range(3)]
    where = Location("accepted", "a", "v")
    settled = await records.settle(claims[1].record, verdict(), place="accepted", location=where, now=7)
    [found], cursor = await scan.accepted()
    assert cursor is None
    assert (found.id, found.verdict, found.profile, found.size) == (
        "upload-1",
        settled.verdict,
        "default",
        settled.size,
    )
    assert found.filename == ""


async def test_a_table_that_does_not_exist_is_unavailable(clients: Clients) -> None:
    with pytest.raises(Unavailable, match="dynamodb"):
        await TableScan(clients.dynamodb, "none").items()
