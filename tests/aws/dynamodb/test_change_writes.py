"""Changes of a verdict: begun, made once, and ended, each only on the record that was read."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from airlock.errors import Conflict
from airlock.lifecycle import State, Step
from airlock.verdict import Change, Outcome
from aws.clients import connect
from aws.dynamodb.records import Location, Record, Records
from aws.settings import AwsSettings
from tests.aws.dynamodb.uploads import PLACE, settled, verdict

BEGUN = 1700000012.0
FREED = Location("accepted", "ada/upload-1", "v7")
CHANGE = Change(
    step=Step.RELEASE, before=Outcome.INFECTED, by="grace", reason="known", at=datetime(2026, 5, 6, tzinfo=UTC)
)
BACK = Change(
    step=Step.REVOKE, before=Outcome.ACCEPTED, by="rescan", reason="news", at=datetime(2026, 5, 7, tzinfo=UTC)
)


@pytest.fixture
async def records(aws_settings: AwsSettings) -> AsyncIterator[Records]:
    async with connect(aws_settings, services=("dynamodb",)) as clients:
        yield Records(clients.dynamodb, aws_settings.table)


async def release(records: Records, record: Record, **other: Any) -> Record:
    described: dict[str, Any] = {"place": "accepted", "location": FREED, "event_id": "event-2", "now": 1700000020.0}
    return await records.change(record, CHANGE, verdict(Outcome.ACCEPTED), **{**described, **other})


async def test_a_change_is_appended_to_the_record_with_the_new_verdict_and_place(records: Records) -> None:
    before = await settled(records, Outcome.INFECTED)
    begun = await records.begin_change(before, Step.RELEASE, BEGUN)
    assert begun == replace(before, moving_from=PLACE, updated_at=BEGUN)
    after = await release(records, begun)
    assert after == replace(
        begun,
        state=State.ACCEPTED,
        verdict=verdict(Outcome.ACCEPTED),
        location=FREED,
        event_id="event-2",
        changes=(CHANGE,),
        updated_at=1700000020.0,
    )
    await records.end_change(after)
    assert await records.get("upload-1") == replace(after, moving_from=None)


async def test_a_second_change_is_appended_and_deleted_bytes_have_no_location(records: Records) -> None:
    before = await settled(records, Outcome.INFECTED)
    freed = await release(records, await records.begin_change(before, Step.RELEASE, BEGUN))
    begun = await records.begin_change(freed, Step.REVOKE, BEGUN)
    assert begun.moving_from == FREED
    gone = await records.change(
        begun, BACK, verdict(Outcome.INFECTED), place="none", location=None, event_id="event-3", now=1700000030
    )
    assert (gone.state, gone.changes, gone.place, gone.location) == (State.INFECTED, (CHANGE, BACK), "none", None)


async def test_each_of_its_writes_may_be_repeated(records: Records) -> None:
    before = await settled(records, Outcome.INFECTED)
    begun = [await records.begin_change(before, Step.RELEASE, BEGUN) for _ in range(2)]
    assert begun[0] == begun[1]
    after = await release(records, before)
    assert await release(records, before, now=1700000099) == after
    for _ in range(2):
        await records.end_change(after)


async def test_a_change_of_a_record_that_was_changed_meanwhile_is_refused(records: Records) -> None:
    before = await settled(records, Outcome.INFECTED)
    freed = await release(records, await records.begin_change(before, Step.RELEASE, BEGUN))
    with pytest.raises(Conflict, match="accepted"):
        await records.begin_change(before, Step.RELEASE, BEGUN)
    other = CHANGE.model_copy(update={"by": "another operator"})
    with pytest.raises(Conflict):
        await records.change(
            before, other, verdict(), place="accepted", location=PLACE, event_id="event-2", now=1700000021
        )
    begun = await records.begin_change(freed, Step.REVOKE, BEGUN)
    # The end of the first change comes late: by now bytes are moved from elsewhere.
    await records.end_change(freed)
    assert await records.get("upload-1") == begun


@pytest.mark.parametrize("state", [Outcome.ACCEPTED, Outcome.FAILED])
async def test_only_states_of_the_lifecycle_can_be_released(records: Records, state: Outcome) -> None:
    before = await settled(records, state)
    with pytest.raises(Conflict, match=state.value):
        await records.begin_change(before, Step.RELEASE, BEGUN)


async def test_a_withdrawn_upload_is_not_released(records: Records) -> None:
    begun = await records.begin_change(await settled(records, Outcome.INFECTED), Step.RELEASE, BEGUN)
    await records.withdraw("upload-1", 1700000015)
    with pytest.raises(Conflict, match="withdrawn"):
        await release(records, begun)
