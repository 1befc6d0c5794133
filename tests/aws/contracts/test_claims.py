"""Claims and settlements: an upload is bound to one version for good, and changes state only as the lifecycle allows.

The worker makes these calls: on the fake table of its tests, and on DynamoDB.
"""

from dataclasses import replace

import pytest

from airlock.errors import Conflict
from airlock.lifecycle import State, Step
from airlock.verdict import Change, Outcome
from aws.dynamodb.record import to_item
from aws.dynamodb.records import TOMBSTONE_SECONDS, Claim, Records
from tests.aws.contracts.tables import Table
from tests.aws.dynamodb.uploads import ARRIVED, PLACE, settled, verdict

UPLOAD = f"{'ab' * 8}{1_700_000_000:08x}{900:06x}{'cd' * 15}"


@pytest.fixture
def records(table: Table) -> Records:
    return Records(table.dynamodb, table.name)


async def test_the_first_claim_records_the_object_and_binds_its_version(records: Records) -> None:
    claim = await records.claim(ARRIVED)
    assert claim.result == "claimed"
    assert claim.record == replace(ARRIVED, state=State.INSPECTING, attempts=1)
    assert await records.get("upload-1") == claim.record


async def test_each_claim_counts_an_attempt(records: Records) -> None:
    await records.claim(ARRIVED)
    again = await records.claim(replace(ARRIVED, updated_at=1700000888))
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
    await records.withdraw("upload-1", 1700000003)
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
    for now in (1700000020, 1700000030):
        await records.withdraw("upload-1", now)
        after = await records.get("upload-1")
        assert after == replace(before, state=State.WITHDRAWN, updated_at=1700000020, withdrawn_at=1700000020)
    for version in ("v1", "v2"):
        assert (await records.claim(replace(ARRIVED, version_id=version))).result == "withdrawn"


@pytest.mark.parametrize("outcome", Outcome)
async def test_no_verdict_is_recorded_on_a_withdrawn_upload(records: Records, outcome: Outcome) -> None:
    bound = (await records.claim(ARRIVED)).record
    await records.withdraw("upload-1", 1700000020)
    with pytest.raises(Conflict):
        await records.settle(bound, verdict(outcome), place="none", now=1700000030)
    with pytest.raises(Conflict):
        await records.give_back(bound, 1700000030)


async def test_nothing_arrives_after_a_withdrawal_before_the_object(records: Records) -> None:
    await records.withdraw(UPLOAD, 1700000000.5)
    claim = await records.claim(replace(ARRIVED, id=UPLOAD))
    assert (claim.result, claim.record.state, claim.record.owner) == ("withdrawn", State.WITHDRAWN, "")


async def test_a_worker_ends_a_withdrawal_for_good(records: Records, table: Table) -> None:
    """The record stays withdrawn without the service's mark, and expires."""
    await records.withdraw(UPLOAD, 1700000020)
    marked = await records.get(UPLOAD)
    assert marked is not None
    for _ in range(2):
        await records.end_withdrawal(marked)
    await _remove_mark(table, UPLOAD)
    ended = await records.get(UPLOAD)
    assert ended == replace(marked, expires_at=1700000000 + TOMBSTONE_SECONDS, withdrawn_at=None)
    assert (await records.claim(replace(ARRIVED, id=UPLOAD))).result == "withdrawn"


async def test_a_withdrawal_that_ends_keeps_when_the_record_expires(records: Records) -> None:
    before = await settled(records)
    await records.withdraw("upload-1", 1700000020)
    marked = await records.get("upload-1")
    assert marked is not None
    await records.end_withdrawal(marked)
    assert await records.get("upload-1") == marked
    assert marked.expires_at == before.expires_at


async def test_a_withdrawal_whose_mark_is_gone_is_not_ended(records: Records, table: Table) -> None:
    before = await settled(records)
    await records.withdraw("upload-1", 1700000020)
    marked = await records.get("upload-1")
    assert marked is not None
    await _remove_mark(table, "upload-1")
    await records.end_withdrawal(marked)
    assert await records.get("upload-1") == before


async def test_an_item_in_which_nothing_is_recorded_is_in_nobodys_way(records: Records, table: Table) -> None:
    await records.withdraw(UPLOAD, 1700000020)
    await _remove_mark(table, UPLOAD)
    assert await records.get(UPLOAD) is None
    assert (await records.claim(replace(ARRIVED, id=UPLOAD))).result == "claimed"


async def test_a_claim_leaves_nothing_that_another_wrote_into_the_record(records: Records, table: Table) -> None:
    first = (await records.claim(replace(ARRIVED, tenant=None, declared_sha256=None))).record
    forged = replace(
        ARRIVED,
        tenant="acme",
        location=PLACE,
        moving_from=PLACE,
        place="accepted",
        rescanned=verdict(),
        event_id="event-9",
        changes=(Change(step=Step.RELEASE, before=Outcome.INFECTED, by="x", reason="x", at=verdict().inspected_at),),
    )
    values = {f":{name}": value for name, value in to_item(forged).items() if name not in ("id", "state")}
    await table.dynamodb.update_item(
        TableName=table.name,
        Key={"id": {"S": "upload-1"}},
        UpdateExpression="SET " + ", ".join(f"#{name[1:]} = {name}" for name in values),
        ConditionExpression="attribute_exists(#id)",
        ExpressionAttributeNames={"#id": "id", **{f"#{name[1:]}": name[1:] for name in values}},
        ExpressionAttributeValues=values,
    )
    again = (await records.claim(replace(ARRIVED, tenant=None, declared_sha256=None))).record
    assert again == replace(first, attempts=1)


async def _remove_mark(table: Table, upload: str) -> None:
    await table.dynamodb.update_item(
        TableName=table.name,
        Key={"id": {"S": upload}},
        UpdateExpression="REMOVE #withdrawn_at",
        ConditionExpression="attribute_exists(#id)",
        ExpressionAttributeNames={"#withdrawn_at": "withdrawn_at", "#id": "id"},
    )
