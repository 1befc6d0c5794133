"""Records in DynamoDB: what only the adapter does, such as requests in batches and pages of lists."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import chain, product

import pytest

from airlock.lifecycle import State
from aws.clients import connect
from aws.dynamodb import owner_pages
from aws.dynamodb.records import Records
from aws.settings import AwsSettings
from tests.aws.dynamodb.uploads import ARRIVED


@pytest.fixture
async def records(aws_settings: AwsSettings) -> AsyncIterator[Records]:
    async with connect(aws_settings, services=("dynamodb",)) as clients:
        yield Records(clients.dynamodb, aws_settings.table)


@pytest.mark.server
async def test_of_many_versions_claimed_together_exactly_one_is_bound(emulator_settings: AwsSettings) -> None:
    """On ministack only: moto checks the condition and writes in two steps."""
    versions = [f"v{number}" for number in range(12)]
    async with connect(emulator_settings, services=("dynamodb",)) as clients:
        records = Records(clients.dynamodb, emulator_settings.table)
        claims = await asyncio.gather(*(records.claim(replace(ARRIVED, version_id=version)) for version in versions))
    (winner,) = [claim for claim in claims if claim.result == "claimed"]
    assert all(claim.record.version_id == winner.record.version_id for claim in claims)
    assert {claim.result for claim in claims} == {"claimed", "overwritten"}


async def test_more_records_than_one_request_holds_are_read(records: Records) -> None:
    ids = [f"upload-{number}" for number in range(130)]
    for upload in ids[::10]:
        await records.claim(replace(ARRIVED, id=upload))
    found = await records.batch_get([*ids, *ids])
    assert sorted(found) == sorted(ids[::10])
    assert all(record.id == upload for upload, record in found.items())


async def fill(records: Records) -> None:
    """ada's u0 to u6, of which the even ones are withdrawn; and one of bob's."""
    for number in range(7):
        await records.claim(replace(ARRIVED, id=f"u{number}", created_at=1700000000 + number / 4))
        if number % 2 == 0:
            await records.withdraw(f"u{number}", 1700000100)
    await records.claim(replace(ARRIVED, id="bobs", owner="bob"))


async def walk(records: Records, limit: int, state: State | None = None) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        page = await records.list("ada", state, cursor, limit)
        pages.append([record.id for record in page.records])
        if (cursor := page.cursor) is None:
            return pages


async def test_pages_can_hold_uploads_of_one_state_only(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(records)
    for limit, query_limit in product((1, 2, 3, 50), (1, 2, 100)):
        monkeypatch.setattr(owner_pages, "QUERY_LIMIT", query_limit)
        pages = await walk(records, limit, State.INSPECTING)
        assert list(chain(*pages)) == ["u5", "u3", "u1"], (limit, query_limit)
        assert all(len(page) <= limit for page in pages), (limit, query_limit)


async def test_a_page_with_a_filter_can_be_empty_and_have_a_cursor(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_pages, "QUERY_LIMIT", 1)
    monkeypatch.setattr(owner_pages, "MAX_QUERIES", 2)
    await fill(records)
    pages = await walk(records, 1, State.REJECTED)
    assert len(pages) > 3
    assert list(chain(*pages)) == []
