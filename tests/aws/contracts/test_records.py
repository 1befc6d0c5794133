"""`service.ports.Records`: the records that the service reads, lists and withdraws."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import chain

import pytest

from airlock.errors import Refused, Unavailable
from airlock.lifecycle import State
from aws.clients import connect
from aws.dynamodb.record import Record, to_item
from aws.dynamodb.records import Records as Adapter
from aws.settings import AwsSettings
from service.ports import Records
from tests.aws.dynamodb.uploads import ARRIVED
from tests.service.fakes import FakeRecords

UPLOAD = f"{'ab' * 8}{1_700_000_000:08x}{900:06x}{'cd' * 15}"
WITHDRAWN_AT = 1700000020.5
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
    for now in (WITHDRAWN_AT, WITHDRAWN_AT + 5):
        await implementation.records.withdraw(ACCEPTED.id, now)
        after = await implementation.records.get(ACCEPTED.id)
        assert after == replace(ACCEPTED, state=State.WITHDRAWN, updated_at=WITHDRAWN_AT, withdrawn_at=WITHDRAWN_AT)


async def test_a_withdrawal_before_the_object_is_remembered(records: Records) -> None:
    await records.withdraw(UPLOAD, WITHDRAWN_AT)
    made = await records.get(UPLOAD)
    assert made == Record(
        id=UPLOAD,
        owner="",
        state=State.WITHDRAWN,
        created_at=1_700_000_000,
        updated_at=WITHDRAWN_AT,
        place="none",
        withdrawn_at=WITHDRAWN_AT,
    )
    assert await records.batch_get([UPLOAD]) == {UPLOAD: made}


async def test_a_list_shows_withdrawn_uploads_as_such(implementation: Implementation) -> None:
    await fill(implementation)
    await implementation.records.withdraw("u3", WITHDRAWN_AT)
    assert list(chain(*await walk(implementation.records, State.INSPECTING, 50))) == ["u5", "u1"]
    assert list(chain(*await walk(implementation.records, State.WITHDRAWN, 50))) == ["u6", "u4", "u3", "u2", "u0"]


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
        records.withdraw("a", 1),
        records.list("ada", state=None, cursor=None, limit=1),
        records.ping(),
    ]
    for call in calls:
        with pytest.raises(Unavailable) as caught:
            await call
        assert caught.value.dependency == "dynamodb"
