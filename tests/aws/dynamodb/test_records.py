"""Records: an upload is bound to one version for good, and changes state only as the lifecycle allows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

import pytest

from airlock.errors import Conflict
from airlock.lifecycle import State
from airlock.verdict import Engine, Finding, Outcome, Verdict
from aws.clients import connect
from aws.dynamodb import owner_pages
from aws.dynamodb import records as records_module
from aws.dynamodb.records import TOMBSTONE_SECONDS, Location, Record, Records
from aws.settings import AwsSettings

ARRIVED = Record(
    id="upload-1",
    owner="ada",
    state=State.RECEIVED,
    created_at=1700000000.25,
    updated_at=1700000001.5,
    profile="default",
    filename="Größe ☃.png",
    content_type="image/png",
    size=12,
    version_id="v1",
    etag="e1",
    sequencer="0055",
    declared_size=12,
    declared_sha256="ab" * 32,
    metadata={"case": "7", "empty": ""},
    expires_at=1800000000,
)
PLACE = Location("accepted", "a/b", "v9")


def verdict(outcome: Outcome = Outcome.ACCEPTED) -> Verdict:
    return Verdict(
        outcome=outcome,
        findings=(Finding(code="too_large", check="size", outcome=outcome, message="…"),),
        engines=(Engine(name="clamav", version="1.4"),),
        bytes=12,
        sha256="cd" * 32,
        media_type="image/png",
        inspected_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


@pytest.fixture
async def records(aws_settings: AwsSettings) -> AsyncIterator[Records]:
    async with connect(aws_settings, services=("dynamodb",)) as clients:
        yield Records(clients.dynamodb, aws_settings.table)


async def settled(records: Records, outcome: Outcome = Outcome.ACCEPTED) -> Record:
    claim = await records.claim(ARRIVED)
    return await records.settle(
        claim.record, verdict(outcome), place="accepted", location=PLACE, event_id="event-1", now=1700000009.5
    )


async def test_an_unknown_upload_has_no_record(records: Records) -> None:
    assert await records.get("upload-1") is None
    assert await records.batch_get(["upload-1"]) == {}
    assert await records.batch_get([]) == {}
    await records.ping()


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
    assert await records.claim(ARRIVED, create=False) == records_module.Claim(ARRIVED, "unrecorded")
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
    assert (await records.claim(ARRIVED)) == records_module.Claim(made, "withdrawn")
    other = await records.withdraw("upload-2", "ada", 1700000000.5, created_at=1600000000, expires_at=1700000009)
    assert (other.created_at, other.expires_at) == (1600000000, 1700000009)


async def test_an_upload_is_not_withdrawn_by_another_owner(records: Records) -> None:
    before = (await records.claim(ARRIVED)).record
    with pytest.raises(Conflict):
        await records.withdraw("upload-1", "eve", 1700000020)
    assert await records.get("upload-1") == before


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
            await records.withdraw(f"u{number}", "ada", 1700000100)
    await records.claim(replace(ARRIVED, id="bobs", owner="bob"))


async def walk(records: Records, limit: int, state: State | None = None) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        page = await records.list("ada", state, cursor, limit)
        pages.append([record.id for record in page.records])
        if (cursor := page.cursor) is None:
            return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 50])
async def test_pages_hold_an_owners_uploads_newest_first_each_once(records: Records, limit: int) -> None:
    await fill(records)
    pages = await walk(records, limit)
    assert list(chain(*pages)) == ["u6", "u5", "u4", "u3", "u2", "u1", "u0"]
    assert all(len(page) <= limit for page in pages)
    assert await records.list("carol") == records_module.Page([], None)


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize("look", [1, 2, 100])
async def test_pages_can_hold_uploads_of_one_state_only(
    records: Records, limit: int, look: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_pages, "QUERY_LIMIT", look)
    await fill(records)
    pages = await walk(records, limit, State.INSPECTING)
    assert list(chain(*pages)) == ["u5", "u3", "u1"]
    assert all(len(page) <= limit for page in pages)


async def test_a_page_with_a_filter_can_be_empty_and_have_a_cursor(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_pages, "QUERY_LIMIT", 1)
    monkeypatch.setattr(owner_pages, "MAX_QUERIES", 2)
    await fill(records)
    pages = await walk(records, 1, State.REJECTED)
    assert len(pages) > 3
    assert list(chain(*pages)) == []


async def test_a_cursor_does_not_open_another_owners_list(records: Records) -> None:
    await fill(records)
    cursor = (await records.list("ada", limit=1)).cursor
    assert {record.owner for record in (await records.list("bob", cursor=cursor)).records} <= {"bob"}
