"""Upload sessions are charged exactly, however many requests compete."""

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airlock.errors import Unavailable
from airlock.upload_session import Session
from aws.clients import connect
from aws.dynamodb.upload_sessions import KEPT_SECONDS, UploadSessions
from aws.settings import AwsSettings
from tests.aws import settings_at

SESSION = Session("5e" * 16, "ann", "acme", "avatar", 3, 1000, 1_760_000_900)


async def test_the_item_expires_and_is_in_no_list(aws_settings: AwsSettings) -> None:
    async with connect(aws_settings, services=("dynamodb",)) as clients:
        await UploadSessions(clients.dynamodb, aws_settings.table).spend(SESSION, 5, 5)
        items = (await clients.dynamodb.scan(TableName=aws_settings.table))["Items"]
    assert items == [
        {
            "id": {"S": f"session#{SESSION.id}"},
            "uploads": {"N": "1"},
            "bytes": {"N": "5"},
            "expires_at": {"N": str(SESSION.expires_at + KEPT_SECONDS)},
        }
    ]


@pytest.mark.server
async def test_fifty_concurrent_requests_get_the_ten_uploads_of_a_session(emulator_settings: AwsSettings) -> None:
    ten = SESSION._replace(max_uploads=10, max_bytes=10_000)
    async with connect(emulator_settings, services=("dynamodb",)) as clients:
        racing = UploadSessions(clients.dynamodb, emulator_settings.table)
        spent = await asyncio.gather(*(racing.spend(ten, 10, 10) for _ in range(50)))
    assert sorted(filter(None, spent)) == [10] * 10


@pytest.mark.server
async def test_concurrent_requests_are_charged_all_bytes_and_no_more(
    emulator_settings: AwsSettings,
) -> None:
    """Eleven of ninety do not fit into a thousand: the last one that is served gets the ten that are left."""
    wide = SESSION._replace(max_uploads=50)
    async with connect(emulator_settings, services=("dynamodb",)) as clients:
        racing = UploadSessions(clients.dynamodb, emulator_settings.table)
        spent = await asyncio.gather(*(racing.spend(wide, 1, 90) for _ in range(50)))
    assert sorted(filter(None, spent)) == [100 - 90] + [90] * 11


class Untelling:
    """A server that refuses without the values that stood in the way."""

    def __init__(self, item: dict[str, Any] | None, code: str = "ConditionalCheckFailedException") -> None:
        self.item = item
        self.code = code

    async def update_item(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "UpdateItem")

    async def get_item(self, **_: Any) -> dict[str, Any]:
        return {"Item": self.item} if self.item else {}


async def test_a_server_that_does_not_return_the_item_with_a_refusal_is_asked_for_it() -> None:
    spent = {"uploads": {"N": "3"}, "bytes": {"N": "9"}}
    client: Any = Untelling(spent)
    assert await UploadSessions(client, "uploads").spend(SESSION, 1, 1) is None
    client = Untelling(None)
    with pytest.raises(Unavailable):
        await UploadSessions(client, "uploads").spend(SESSION, 1, 1)


async def test_a_missing_permission_makes_dynamodb_unavailable() -> None:
    client: Any = Untelling(None, "AccessDeniedException")
    with pytest.raises(Unavailable):
        await UploadSessions(client, "uploads").spend(SESSION, 1, 1)


async def test_an_unreachable_table_makes_dynamodb_unavailable(made_up_keys: None, no_pauses: None) -> None:
    async with connect(settings_at("http://127.0.0.1:9"), services=("dynamodb",)) as clients:
        with pytest.raises(Unavailable):
            await UploadSessions(clients.dynamodb, "uploads-test").spend(SESSION, 1, 1)
