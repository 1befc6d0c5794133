"""Reads many records by their ids."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aws.dynamodb.record import Record, from_item
from aws.errors import translate
from aws.retry import RetryPolicy, Transient

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
BATCH = 100


async def read(dynamodb: "DynamoDBClient", table: str, uploads: Iterable[str], retry: RetryPolicy) -> dict[str, Record]:
    """The records of those uploads that have one, by upload id, read consistently."""
    wanted = list(dict.fromkeys(uploads))
    items: list[Any] = []
    for start in range(0, len(wanted), BATCH):
        keys = [{"id": {"S": upload}} for upload in wanted[start : start + BATCH]]
        items += await _items(dynamodb, table, keys, retry)
    return {record.id: record for record in map(from_item, items) if record is not None}


async def _items(dynamodb: "DynamoDBClient", table: str, keys: list[Any], retry: RetryPolicy) -> list[Any]:
    items: list[Any] = []
    left = keys

    async def get() -> None:
        nonlocal left
        wanted: Any = {table: {"Keys": left, "ConsistentRead": True}}
        with translate("dynamodb"):
            answer: Any = await dynamodb.batch_get_item(RequestItems=wanted)
            items.extend(answer["Responses"].get(table, ()))
        left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if left:
            raise Transient("dynamodb", "BatchGetItem: keys stay unprocessed")

    await retry.run(get)
    return items
