"""Counting of accepted bytes, as the worker does it: on the fake table of its tests, and on DynamoDB."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airlock.lifecycle import State
from airlock.quotas import DAY, Quota, Quotas, Subject, Usage, Window
from airlock.verdict import Outcome, Verdict
from aws.dynamodb.record import Record
from aws.dynamodb.records import Records
from aws.dynamodb.usage_counters import UsageCounters
from tests.aws.contracts.tables import Table

# Today: a server that deletes expired items would delete older counters.
NOW = time.time()
TODAY = Window.at(NOW, DAY)
ADA, ACME = Subject("owner", "ada"), Subject("tenant", "acme")
LIMITED = Quotas(owner=Quota(accepted_bytes_per_day=1), tenant=Quota(accepted_bytes_per_day=1))


@pytest.fixture
def counters(table: Table) -> UsageCounters:
    return UsageCounters(table.dynamodb, table.name)


async def accepted(table: Table, upload: str = "upload-1", *, size: int = 12, tenant: str | None = "acme") -> Record:
    """A record as it is after the settlement of an accepted object."""
    records = Records(table.dynamodb, table.name)
    arrived = Record(
        id=upload,
        owner="ada",
        state=State.INSPECTING,
        created_at=NOW,
        updated_at=NOW,
        version_id="v",
        tenant=tenant,
    )
    claim = await records.claim(arrived)
    verdict = Verdict(outcome=Outcome.ACCEPTED, bytes=size, inspected_at=datetime.fromtimestamp(NOW, UTC))
    return await records.settle(claim.record, verdict, place="accepted", now=NOW)


async def test_an_accepted_upload_is_counted_once_for_its_owner_and_its_tenant(
    table: Table, counters: UsageCounters
) -> None:
    record = await accepted(table, size=12)
    for _ in range(3):
        await counters.count_accepted(record, LIMITED)
    assert await counters.get(ADA, TODAY) == Usage(accepted_bytes=12)
    assert await counters.get(ACME, TODAY) == Usage(accepted_bytes=12)
    assert await Records(table.dynamodb, table.name).get(record.id) == record


async def test_only_subjects_with_a_limit_are_counted(table: Table, counters: UsageCounters) -> None:
    await counters.count_accepted(await accepted(table, "u1"), Quotas())
    await counters.count_accepted(await accepted(table, "u2"), Quotas(tenant=LIMITED.tenant))
    await counters.count_accepted(await accepted(table, "u3", tenant=None), Quotas(tenant=LIMITED.tenant))
    assert await counters.get(ADA, TODAY) == Usage()
    assert await counters.get(ACME, TODAY) == Usage(accepted_bytes=12)


async def test_an_upload_that_is_not_accepted_is_not_counted(table: Table, counters: UsageCounters) -> None:
    record = await accepted(table)
    await counters.count_accepted(replace(record, state=State.REJECTED), LIMITED)
    await counters.count_accepted(replace(record, verdict=None), LIMITED)
    await Records(table.dynamodb, table.name).withdraw(record.id, NOW)
    await counters.count_accepted(record, LIMITED)
    assert await counters.get(ADA, TODAY) == Usage()


async def test_bytes_count_for_the_day_of_the_verdict(table: Table, counters: UsageCounters) -> None:
    record = await accepted(table)
    assert record.verdict
    evening = datetime.fromtimestamp(TODAY.start - 0.5, UTC)
    late = replace(record, verdict=record.verdict.model_copy(update={"inspected_at": evening}))
    await counters.count_accepted(late, LIMITED)
    assert await counters.get(ADA, TODAY) == Usage()
    assert await counters.get(ADA, Window.at(TODAY.start - 1, DAY)) == Usage(accepted_bytes=12)
