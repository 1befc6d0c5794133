"""Counters of all replicas together, and accepted bytes that are counted once."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock.errors import Unavailable
from airlock.lifecycle import State
from airlock.quotas import DAY, MINUTE, Quota, Quotas, Subject, Usage, Window
from airlock.verdict import Outcome, Verdict
from aws.clients import Clients, connect
from aws.dynamodb import usage_counters
from aws.dynamodb.record import Record
from aws.dynamodb.records import Records
from aws.dynamodb.usage_counters import KEPT_SECONDS, UsageCounters
from aws.retry import DYNAMODB
from aws.settings import AwsSettings
from tests.aws import settings_at
from tests.aws.faults import answer, serving

# Today: a server that deletes expired items would delete older counters.
NOW = time.time()
TODAY, MINUTE_NOW = Window.at(NOW, DAY), Window.at(NOW, MINUTE)
ADA, ACME = Subject("owner", "ada"), Subject("tenant", "acme")
LIMITED = Quotas(owner=Quota(accepted_bytes_per_day=1), tenant=Quota(accepted_bytes_per_day=1))


@dataclass
class Table:
    clients: Clients
    name: str

    @property
    def counters(self) -> UsageCounters:
        return UsageCounters(self.clients.dynamodb, self.name)

    @property
    def records(self) -> Records:
        return Records(self.clients.dynamodb, self.name)

    async def items(self) -> list[Any]:
        return list((await self.clients.dynamodb.scan(TableName=self.name))["Items"])

    async def accepted(self, upload: str = "upload-1", *, size: int = 12, tenant: str | None = "acme") -> Record:
        """A record as it is after the settlement of an accepted object."""
        arrived = Record(
            id=upload,
            owner="ada",
            state=State.INSPECTING,
            created_at=NOW,
            updated_at=NOW,
            version_id="v",
            tenant=tenant,
        )
        claim = await self.records.claim(arrived)
        verdict = Verdict(outcome=Outcome.ACCEPTED, bytes=size, inspected_at=datetime.fromtimestamp(NOW, UTC))
        return await self.records.settle(claim.record, verdict, place="accepted", now=NOW)


@pytest.fixture
async def table(aws_settings: AwsSettings) -> AsyncIterator[Table]:
    async with connect(aws_settings, services=("dynamodb",)) as clients:
        yield Table(clients, aws_settings.table)


async def test_concurrent_additions_are_all_counted(emulator_settings: AwsSettings) -> None:
    """moto answers from several threads, and does not keep what they write apart."""
    async with connect(emulator_settings, services=("dynamodb",)) as clients:
        counters = Table(clients, emulator_settings.table).counters
        adding = [counters.add(ADA, TODAY, Usage(1, 10), by=f"r{n}", part=1) for n in range(20)]
        assert Usage(20, 200) in await asyncio.gather(*adding)


async def test_a_counter_expires_after_its_window_and_is_in_no_list_of_an_owner(table: Table) -> None:
    await table.counters.add(ADA, MINUTE_NOW, Usage(1), by="one", part=1)
    await table.counters.count_accepted(await table.accepted(), LIMITED)
    kept = {item["id"]["S"]: item for item in await table.items() if item["id"]["S"].startswith("usage#")}
    assert set(kept) == {
        f"usage#owner#ada#{MINUTE_NOW.label}",
        f"usage#owner#ada#{TODAY.label}",
        f"usage#tenant#acme#{TODAY.label}",
    }
    for item in kept.values():
        assert "owner" not in item
        end = MINUTE_NOW.end if "T" in item["id"]["S"].rpartition("#")[2] else TODAY.end
        assert item["expires_at"] == {"N": str(end + KEPT_SECONDS)}
    assert [record.id for record in (await table.records.list("ada")).records] == ["upload-1"]


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=262)
subjects = st.builds(Subject, st.sampled_from(["owner", "tenant"]), names | st.just(f"x#{TODAY.label}"))
windows = st.builds(Window.at, st.floats(0, 4e9), st.sampled_from([MINUTE, DAY]))


@given(subjects, windows, subjects, windows)
def test_different_subjects_and_windows_have_different_keys_within_the_limit(
    one: Subject, first: Window, other: Subject, second: Window
) -> None:
    key, another = (usage_counters._key(*pair)["id"]["S"] for pair in ((one, first), (other, second)))
    assert (key == another) == ((one, first) == (other, second))
    # "Constraints in Amazon DynamoDB": 2048 bytes of a partition key.
    assert len(key.encode()) <= 2048


async def test_the_total_holds_accepted_bytes(table: Table) -> None:
    await table.counters.count_accepted(await table.accepted(size=12), LIMITED)
    assert await table.counters.add(ADA, TODAY, Usage(1, 5), by="one", part=1) == Usage(1, 5, 12)


@pytest.mark.server
async def test_workers_that_count_together_count_each_upload_once(emulator_settings: AwsSettings) -> None:
    """Not in moto: a transaction that it cancels takes back what others wrote meanwhile."""
    async with connect(emulator_settings, services=("dynamodb",)) as clients:
        await _count_at_once(Table(clients, emulator_settings.table))


async def _count_at_once(table: Table) -> None:
    records = [await table.accepted(f"upload-{n}", size=n) for n in range(1, 7)]
    await asyncio.gather(*(table.counters.count_accepted(record, LIMITED) for record in records * 3))
    assert await table.counters.get(ADA, TODAY) == Usage(accepted_bytes=sum(range(1, 7)))


def cancelled(*codes: str) -> bytes:
    body = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "cancelled",
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return answer(400, json.dumps(body).encode(), headers="Content-Type: application/x-amz-json-1.0\r\n")


DONE = answer(200, b"{}", headers="Content-Type: application/x-amz-json-1.0\r\n")
RECORD = Record(
    id="u",
    owner="ada",
    state=State.ACCEPTED,
    created_at=1,
    updated_at=1,
    verdict=Verdict(outcome=Outcome.ACCEPTED, bytes=1, inspected_at=datetime.fromtimestamp(NOW, UTC)),
)


async def scripted(*answers: bytes) -> tuple[list[str], list[float]]:
    """Count one record against a server that answers so; returns its requests, and the pauses between them."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with serving(*answers) as script:
        async with connect(settings_at(script.url, secrets.token_hex(4)), services=("dynamodb",)) as clients:
            counters = UsageCounters(
                clients.dynamodb, "uploads", replace(DYNAMODB, sleep=sleep, uniform=lambda _, high: high)
            )
            await counters.count_accepted(RECORD, LIMITED)
        return script.requests, pauses


@pytest.mark.usefixtures("made_up_keys")
class TestWithAScript:
    async def test_a_transaction_conflict_is_retried_after_growing_pauses(self) -> None:
        requests, pauses = await scripted(
            cancelled("None", "TransactionConflict"), cancelled("TransactionConflict"), DONE
        )
        assert len(requests) == 3
        assert pauses == sorted(pauses)
        assert len(pauses) == 2

    async def test_an_upload_that_was_counted_before_needs_no_retry(self) -> None:
        requests, _ = await scripted(cancelled("ConditionalCheckFailed", "TransactionConflict"))
        assert len(requests) == 1

    async def test_transaction_conflicts_are_retried_a_limited_number_of_times(self) -> None:
        with pytest.raises(Unavailable, match="in the way"):
            await scripted(*[cancelled("None", "TransactionConflict")] * DYNAMODB.attempts)

    async def test_any_other_cancellation_makes_dynamodb_unavailable(self) -> None:
        with pytest.raises(Unavailable, match="TransactionCanceledException"):
            await scripted(cancelled("None", "ThrottlingError"))

    async def test_a_counter_that_cannot_be_written_makes_dynamodb_unavailable(self) -> None:
        async with (
            serving(cancelled("None")) as script,
            connect(settings_at(script.url, secrets.token_hex(4)), services=("dynamodb",)) as clients,
        ):
            with pytest.raises(Unavailable, match="UpdateItem"):
                await UsageCounters(clients.dynamodb, "uploads").add(ADA, TODAY, Usage(1), by="one", part=1)
