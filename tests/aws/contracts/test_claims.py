"""Claims and settlements: an upload is bound to one version for good, and changes state only as the lifecycle allows.

The worker makes these calls: on the fake table of its tests, and on DynamoDB.
"""

from dataclasses import replace

import pytest

from airlock.errors import Conflict
from airlock.lifecycle import State
from airlock.verdict import Outcome
from aws.dynamodb.records import TOMBSTONE_SECONDS, Claim, Record, Records
from tests.aws.contracts.tables import Table
from tests.aws.dynamodb.uploads import ARRIVED, PLACE, settled, verdict


@pytest.fixture
def records(table: Table) -> Records:
    return Records(table.dynamodb, table.name)


async def test_the_first_claim_records_the_object_and_binds_its_version(records: Records) -> None:
    claim = await records.claim(ARRIVED)
    assert claim.result == "claimed"
    assert claim.record == replace(ARRIVED, state=State.INSPECTING, attempts=1)
    assert await records.get("upload-1") == claim.record


async def test_each_claim_counts_an_attempt_and_keeps_the_creation_time(records: Records) -> None:
    await records.claim(ARRIVED)
    again = await records.claim(replace(ARRIVED, created_at=1700000777, updated_at=1700000888))
    assert (again.result, again.record.attempts) == ("claimed", 2)
    assert (again.record.created_at, again.record.updated_at) == (ARRIVED.created_at, 1700000888)


async def test_an_upload_that_is_bound_is_never_bound_to_another_version(records: Records) -> None:
    bound = (await records.claim(ARRIVED)).record
    for _ in range(2):
        late = await records.claim(replace(ARRIVED, version_id="v2", sequencer="0099"))
        assert (late.result, late.record) == ("overwritten", bound)
    await records.give_back(bound, 1700000002)
    assert (await records.claim(replace(ARRIVED, version_id="v2"))).result == "overwritten"
    await settled(records)
    assert (await records.claim(replace(ARRIVED, version_id="v2"))).result == "overwritten"


async def test_overwrites_are_counted_and_a_later_claim_keeps_the_count(records: Records) -> None:
    bound = (await records.claim(ARRIVED)).record
    for number in (1, 2):
        await records.overwritten("upload-1", f"late-{number}", 1700000100.5 + number)
    counted = replace(bound, overwrites=2, overwritten_at=1700000102.5)
    assert await records.get("upload-1") == counted
    assert (await records.claim(ARRIVED)).record == replace(counted, attempts=2)


async def test_the_bound_version_and_unknown_uploads_count_no_overwrite(records: Records) -> None:
    await records.overwritten("upload-1", "v1", 1700000100)
    assert await records.get("upload-1") is None
    bound = (await records.claim(ARRIVED)).record
    await records.overwritten("upload-1", "v1", 1700000100)
    assert await records.get("upload-1") == bound


async def test_a_claim_without_create_makes_no_record(records: Records) -> None:
    assert await records.claim(ARRIVED, create=False) == Claim(ARRIVED, "unrecorded")
    assert await records.get("upload-1") is None
    await records.claim(ARRIVED)
    again = await records.claim(ARRIVED, create=False)
    assert (again.result, again.record.attempts) == ("claimed", 2)
    assert (await records.claim(replace(ARRIVED, version_id="v2"), create=False)).result == "overwritten"
    await settled(records)
    assert (await records.claim(ARRIVED, create=False)).result == "settled"


async def test_a_released_upload_can_be_claimed_again(records: Records) -> None:
    bound = (await records.claim(ARRIVED)).record
    for now in (1700000002, 1700000003):
        released = await records.give_back(bound, now)
        assert (released.state, released.updated_at) == (State.RECEIVED, 1700000002)
    assert (await records.claim(ARRIVED)).record.attempts == 2


@pytest.mark.parametrize("outcome", Outcome)
async def test_a_verdict_is_recorded_with_its_place(records: Records, outcome: Outcome) -> None:
    record = await settled(records, outcome)
    assert (record.state, record.verdict) == (outcome.state, verdict(outcome))
    assert (record.place, record.location, record.event_id) == ("accepted", PLACE, "event-1")
    assert (record.updated_at, record.expires_at) == (1700000009.5, ARRIVED.expires_at)
    assert await records.get("upload-1") == record


async def test_a_settled_version_is_settled_again_from_its_first_verdict(records: Records) -> None:
    first = await settled(records)
    assert (await records.claim(ARRIVED)).result == "settled"
    for other in (Outcome.ACCEPTED, Outcome.INFECTED, Outcome.FAILED):
        second = await records.settle(
            first, verdict(other), place="none", event_id="event-2", expires_at=5, now=1800000000
        )
        assert second == first


async def test_a_settlement_can_set_when_the_record_expires(records: Records) -> None:
    bound = (await records.claim(ARRIVED)).record
    record = await records.settle(bound, verdict(), place="none", expires_at=1900000000, now=1700000009)
    assert (record.expires_at, record.location, record.event_id) == (1900000000, None, None)


async def test_only_an_upload_in_inspection_is_settled(records: Records) -> None:
    with pytest.raises(Conflict, match="no record"):
        await records.settle(ARRIVED, verdict(), place="none", now=1)
    bound = (await records.claim(ARRIVED)).record
    with pytest.raises(Conflict, match="v1"):
        await records.settle(replace(bound, version_id="v2"), verdict(), place="none", now=1)
    await records.give_back(bound, 1700000002)
    with pytest.raises(Conflict, match="received"):
        await records.settle(bound, verdict(), place="none", now=1)
    await records.withdraw("upload-1", "ada", 1700000003)
    with pytest.raises(Conflict, match="withdrawn"):
        await records.settle(bound, verdict(), place="none", now=1)


async def test_after_giving_up_only_a_later_claim_can_settle(records: Records) -> None:
    early, late = [(await records.claim(ARRIVED)).record for _ in range(2)]
    failed = await records.settle(late, verdict(Outcome.FAILED), place="incoming", now=1700000002)
    assert (failed.attempts, failed.given_up) == (2, 2)
    again = (await records.claim(ARRIVED)).record
    for given_up in (early, late):
        with pytest.raises(Conflict, match="attempt 3"):
            await records.settle(given_up, verdict(), place="accepted", location=PLACE, now=1700000003)
    assert await records.get("upload-1") == again
    assert (await records.settle(again, verdict(), place="none", now=1700000004)).state is State.ACCEPTED


async def test_an_earlier_claim_may_settle_while_a_later_one_inspects(records: Records) -> None:
    early, late = [(await records.claim(ARRIVED)).record for _ in range(2)]
    first = await records.settle(early, verdict(), place="accepted", location=PLACE, now=1700000002)
    assert first.state is State.ACCEPTED
    assert await records.settle(late, verdict(Outcome.INFECTED), place="none", now=1700000003) == first


async def test_a_claim_that_was_followed_by_another_cannot_give_up_or_give_back(records: Records) -> None:
    early, late = [(await records.claim(ARRIVED)).record for _ in range(2)]
    with pytest.raises(Conflict, match="attempt 2"):
        await records.settle(early, verdict(Outcome.FAILED), place="incoming", now=1700000002)
    with pytest.raises(Conflict, match="attempt 2"):
        await records.give_back(early, 1700000002)
    assert await records.get("upload-1") == late


async def test_giving_up_may_be_repeated(records: Records) -> None:
    bound = (await records.claim(ARRIVED)).record
    first = await records.settle(bound, verdict(Outcome.FAILED), place="incoming", now=1700000002)
    assert await records.settle(bound, verdict(Outcome.FAILED), place="incoming", now=1700000003) == first


async def test_an_upload_that_is_not_inspected_is_not_given_back(records: Records) -> None:
    done = await settled(records)
    for claimed in (done, replace(done, version_id="v2"), replace(done, id="none")):
        with pytest.raises(Conflict):
            await records.give_back(claimed, 1)


async def test_a_failed_upload_can_be_claimed_again(records: Records) -> None:
    claims = [await records.claim(ARRIVED) for _ in range(5)]
    failed = await records.settle(claims[-1].record, verdict(Outcome.FAILED), place="incoming", now=1700000002)
    assert failed.state is State.FAILED
    again = await records.claim(ARRIVED)
    assert (again.result, again.record.attempts, again.record.state) == ("claimed", 6, State.INSPECTING)


async def test_a_new_claim_removes_the_verdict_failed(records: Records) -> None:
    await settled(records, Outcome.FAILED)
    again = await records.claim(ARRIVED)
    assert (again.result, again.record.verdict, again.record.event_id) == ("claimed", None, None)


async def test_a_released_upload_can_fail(records: Records) -> None:
    bound = (await records.claim(ARRIVED)).record
    released = await records.give_back(bound, 1700000002)
    failed = await records.settle(released, verdict(Outcome.FAILED), place="incoming", now=1700000003)
    assert failed.state is State.FAILED


async def test_a_withdrawal_keeps_what_is_needed_to_delete_the_bytes(records: Records) -> None:
    before = await settled(records)
    for upload in ("upload-1", before):
        after = await records.withdraw(upload, "ada", 1700000020)
        assert after == replace(before, state=State.WITHDRAWN, updated_at=1700000020)
    for version in ("v1", "v2"):
        assert (await records.claim(replace(ARRIVED, version_id=version))).result == "withdrawn"


async def test_a_withdrawal_before_the_object_makes_a_record_that_expires(records: Records) -> None:
    made = await records.withdraw("upload-1", "ada", 1700000000.5)
    assert made == Record(
        id="upload-1",
        owner="ada",
        state=State.WITHDRAWN,
        created_at=1700000000.5,
        updated_at=1700000000.5,
        place="none",
        expires_at=1700000000 + TOMBSTONE_SECONDS,
    )
    assert (await records.claim(ARRIVED)) == Claim(made, "withdrawn")
    other = await records.withdraw("upload-2", "ada", 1700000000.5, created_at=1600000000, expires_at=1700000009)
    assert (other.created_at, other.expires_at) == (1600000000, 1700000009)


async def test_an_upload_is_not_withdrawn_by_another_owner(records: Records) -> None:
    before = (await records.claim(ARRIVED)).record
    with pytest.raises(Conflict):
        await records.withdraw("upload-1", "eve", 1700000020)
    assert await records.get("upload-1") == before
