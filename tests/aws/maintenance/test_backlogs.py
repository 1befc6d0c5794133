"""When runs over a bucket began: everybody sees the same, whoever noted it."""

from aws.dynamodb.records import Records
from aws.maintenance.backlogs import Backlogs
from aws.session import connect
from aws.settings import AwsSettings


async def test_runs_are_noted_by_bucket_oldest_first(aws_settings: AwsSettings) -> None:
    async with connect(aws_settings, services=["dynamodb"]) as clients:
        backlogs = Backlogs(clients.dynamodb, aws_settings.table)
        assert await backlogs.began("old") == []
        assert await backlogs.begin("old", 100, []) == [100]
        assert await backlogs.begin("old", 200, [100]) == [100, 200]
        assert await backlogs.began("old") == [100, 200]
        assert await backlogs.began("other") == []


async def test_of_two_that_begin_at_once_one_is_noted_and_both_know_it(aws_settings: AwsSettings) -> None:
    async with connect(aws_settings, services=["dynamodb"]) as clients:
        backlogs = Backlogs(clients.dynamodb, aws_settings.table)
        assert await backlogs.begin("old", 100, []) == [100]
        assert await backlogs.begin("old", 101, []) == [100]
        assert await backlogs.begin("old", 200, [100]) == [100, 200]
        assert await backlogs.begin("old", 201, [100]) == [100, 200]


async def test_no_owner_s_list_shows_it(aws_settings: AwsSettings) -> None:
    async with connect(aws_settings, services=["dynamodb"]) as clients:
        await Backlogs(clients.dynamodb, aws_settings.table).begin("old", 100, [])
        assert (await Records(clients.dynamodb, aws_settings.table).list("old")).records == []
