"""`service.ports.Records`: the records that the service reads, lists and withdraws."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import pytest

from airlock.errors import Conflict, Refused, Unavailable
from airlock.lifecycle import State
from aws.clients import connect
from aws.dynamodb.record import Record, to_item
from aws.dynamodb.records import TOMBSTONE_SECONDS
from aws.dynamodb.records import Records as Adapter
from aws.settings import AwsSettings
from service.ports import Records
from tests.aws.dynamodb.uploads import ARRIVED
from tests.service.fakes import FakeRecords

ACCEPTED = replace(ARRIVED, state=State.ACCEPTED, place="accepted")


@dataclass(frozen=True)
class Implementation:
    """`unavailable` is another one of its kind, whose table cannot be reached."""

    records: Records
    put: Callable[[Record], Awaitable[object]]
    unavailable: Records


@pytest.fixture
async def implementation(settings_or_fake: AwsSettings | None) -> AsyncIterator[Implementation]:
    if settings_or_fake is None:
        yield _fake()
        return
    async with connect(settings_or_fake, services=("dynamodb",)) as clients:
        table = settings_or_fake.table

        async def put(record: Record) -> object:
            return await clients.dynamodb.put_item(TableName=table, Item=to_item(record))

        yield Implementation(Adapter(clients.dynamodb, table), put, Adapter(clients.dynamodb, "no-such-table"))


def _fake() -> Implementation:
    fake = FakeRecords()

    async def put(record: Record) -> object:
        return fake.put(record)

    return Implementation(fake, put, FakeRecords(error=Unavailable("dynamodb", "cannot be reached")))


@pytest.fixture
def records(implementation: Implementation) -> Records:
    return implementation.records


async def withdraw(records: Records, upload: str, owner: str = "ada", **changes: Any) -> Record:
    return await records.withdraw(upload, owner, 1700000020.5, **{"created_at": None, "expires_at": None, **changes})


async def test_a_record_is_read_as_it_was_written(implementation: Implementation) -> None:
    await implementation.put(ARRIVED)
    assert await implementation.records.get(ARRIVED.id) == ARRIVED
    assert await implementation.records.batch_get([ARRIVED.id, "another", ARRIVED.id]) == {ARRIVED.id: ARRIVED}


async def test_an_unknown_upload_has_no_record(records: Records) -> None:
    assert await records.get("upload-1") is None
    assert await records.batch_get(["upload-1"]) == {}
    assert await records.batch_get([]) == {}
    await records.ping()


async def test_a_withdrawal_keeps_what_was_recorded(implementation: Implementation) -> None:
    await implementation.put(ACCEPTED)
    after = await withdraw(implementation.records, ACCEPTED.id, created_at=1, expires_at=2)
    assert after == replace(ACCEPTED, state=State.WITHDRAWN, updated_at=1700000020.5)
    assert await implementation.records.get(ACCEPTED.id) == after
    assert await withdraw(implementation.records, ACCEPTED.id) == after


async def test_a_withdrawal_sets_the_expiry_of_a_record_that_would_stay(implementation: Implementation) -> None:
    await implementation.put(replace(ACCEPTED, expires_at=None))
    assert (await withdraw(implementation.records, ACCEPTED.id, expires_at=1800000001)).expires_at == 1800000001


async def test_a_withdrawal_before_the_object_makes_a_record_that_expires(records: Records) -> None:
    made = await withdraw(records, "upload-1")
    assert made == Record(
        id="upload-1",
        owner="ada",
        state=State.WITHDRAWN,
        created_at=1700000020.5,
        updated_at=1700000020.5,
        place="none",
        expires_at=1700000020 + TOMBSTONE_SECONDS,
    )
    assert await records.get("upload-1") == made
    other = await withdraw(records, "upload-2", created_at=1600000000, expires_at=1700000029)
    assert (other.created_at, other.expires_at) == (1600000000, 1700000029)


async def test_an_upload_is_not_withdrawn_by_another_owner(implementation: Implementation) -> None:
    await implementation.put(ARRIVED)
    with pytest.raises(Conflict):
        await withdraw(implementation.records, ARRIVED.id, "eve")
    assert await implementation.records.get(ARRIVED.id) == ARRIVED


async def walk(records: Records, state: State | None, limit: int) -> list[list[str]]:
    """The ids of ada's uploads, by page."""
    pages, cursor = [], None
    while True:
        page = await records.list("ada", state=state, cursor=cursor, limit=limit)
        assert len(page.records) <= limit
        pages.append([record.id for record in page.records])
        if (cursor := page.cursor) is None:
            return pages


async def fill(implementation: Implementation) -> None:
    """ada's u0 to u6, of which the even ones are withdrawn; and one of bob's."""
    for number in range(7):
        state = State.INSPECTING if number % 2 else State.WITHDRAWN
        await implementation.put(replace(ARRIVED, id=f"u{number}", state=state, created_at=1700000000 + number / 4))
    await implementation.put(replace(ARRIVED, id="bobs", owner="bob"))


async def test_pages_hold_an_owners_uploads_newest_first_each_once(implementation: Implementation) -> None:
    await fill(implementation)
    for limit in (1, 3, 6, 7, 50):
        pages = await walk(implementation.records, None, limit)
        assert list(chain(*pages)) == ["u6", "u5", "u4", "u3", "u2", "u1", "u0"], limit


async def test_pages_can_hold_uploads_of_one_state_only(implementation: Implementation) -> None:
    await fill(implementation)
    for limit in (1, 2, 50):
        assert list(chain(*await walk(implementation.records, State.INSPECTING, limit))) == ["u5", "u3", "u1"], limit


async def test_an_owner_without_uploads_has_one_empty_page(records: Records) -> None:
    page = await records.list("carol", state=None, cursor=None, limit=50)
    assert (page.records, page.cursor) == ([], None)


async def test_a_cursor_does_not_open_another_owners_list(implementation: Implementation) -> None:
    await fill(implementation)
    cursor = (await implementation.records.list("ada", state=None, cursor=None, limit=1)).cursor
    page = await implementation.records.list("bob", state=None, cursor=cursor, limit=50)
    assert {record.owner for record in page.records} <= {"bob"}


async def test_a_cursor_that_is_not_from_a_page_is_refused(records: Records) -> None:
    for cursor in ("", "x", "é", "bm90IGpzb24"):
        with pytest.raises(Refused) as caught:
            await records.list("ada", state=None, cursor=cursor, limit=50)
        assert (caught.value.code, caught.value.field) == ("invalid_cursor", "cursor"), cursor


async def test_a_table_that_cannot_be_reached_is_unavailable(implementation: Implementation) -> None:
    records = implementation.unavailable
    calls: list[Awaitable[object]] = [
        records.get("a"),
        records.batch_get(["a"]),
        withdraw(records, "a"),
        records.list("ada", state=None, cursor=None, limit=1),
        records.ping(),
    ]
    for call in calls:
        with pytest.raises(Unavailable) as caught:
            await call
        assert caught.value.dependency == "dynamodb"
