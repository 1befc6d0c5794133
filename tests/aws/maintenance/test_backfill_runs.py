"""The runs over a bucket: every process sees the same ones."""

from collections.abc import AsyncIterator

import pytest

from aws.clients import Clients, connect
from aws.dynamodb.records import Records
from aws.maintenance.backfill_runs import BackfillRuns
from aws.settings import AwsSettings


@pytest.fixture
async def clients(aws_settings: AwsSettings) -> AsyncIterator[Clients]:
    async with connect(aws_settings, services=["dynamodb"]) as clients:
        yield clients


@pytest.fixture
def runs(clients: Clients, aws_settings: AwsSettings) -> BackfillRuns:
    return BackfillRuns(clients.dynamodb, aws_settings.table)


async def test_runs_are_recorded_by_bucket_oldest_first(runs: BackfillRuns) -> None:
    assert await runs.start_times("old") == []
    assert await runs.start("old", 100, []) == [100]
    assert await runs.start("old", 200, [100]) == [100, 200]
    assert await runs.start_times("old") == [100, 200]
    assert await runs.start_times("other") == []


async def test_of_two_runs_that_start_together_one_is_recorded_and_both_use_it(runs: BackfillRuns) -> None:
    assert await runs.start("old", 100, []) == [100]
    assert await runs.start("old", 101, []) == [100]
    assert await runs.start("old", 200, [100]) == [100, 200]
    assert await runs.start("old", 201, [100]) == [100, 200]


async def test_no_list_of_an_owner_shows_runs(runs: BackfillRuns, clients: Clients, aws_settings: AwsSettings) -> None:
    await runs.start("old", 100, [])
    assert (await Records(clients.dynamodb, aws_settings.table).list("old")).records == []
