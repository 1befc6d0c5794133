"""All items of the table of uploads, page by page, for whoever looks after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airlock.errors import Conflict
from aws.dynamodb.record import ATTRIBUTES, Record, from_item
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

# What DynamoDB looks at for one page: it ends a page at 1 MB besides.
LOOK = 1000
# Of a record, all but what the uploader and the inspection told, which can be long.
_READ = (
    "id", "owner", "state", "created_at", "updated_at", "version_id", "etag", "size", "sequencer", "place", "location",
    "moving_from", "expires_at",
)  # fmt: skip

Mark = Mapping[str, Any]
"""Where a page ended."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An item of the table. `record` has no verdict, names and metadata; None for an item that is no upload's.

    `expires_at` in seconds since the epoch.
    """

    id: str
    record: Record | None
    expires_at: int | None


class RecordScan:
    """All methods raise Unavailable("dynamodb")."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    async def page(self, after: Mark | None = None) -> tuple[list[Kept], Mark | None]:
        """Some items, in no order and perhaps not as of the last write; with where the page ended, or None at the end.

        A page costs half a read unit for each 4 KB of it.
        """
        names = {f"#{place}": name for place, name in enumerate(_attribute_names())}
        more: dict[str, Any] = {"ExclusiveStartKey": after} if after else {}
        with translate("dynamodb"):
            answer = await self._dynamodb.scan(
                TableName=self._table,
                Limit=LOOK,
                ProjectionExpression=", ".join(names),
                ExpressionAttributeNames=names,
                **more,
            )
            return [_kept(item) for item in answer["Items"]], answer.get("LastEvaluatedKey") or None

    async def forget(self, kept: Kept) -> bool:
        """Delete an item that is still to expire when it was; whether it was there to be deleted."""
        if kept.expires_at is None:
            raise ValueError("what does not expire is not forgotten")
        try:
            with translate("dynamodb"):
                await self._dynamodb.delete_item(
                    TableName=self._table,
                    Key={"id": {"S": kept.id}},
                    ConditionExpression="#end = :end",
                    ExpressionAttributeNames={"#end": "expires_at"},
                    ExpressionAttributeValues={":end": {"N": str(kept.expires_at)}},
                )
        except Conflict:
            return False
        return True


def _attribute_names() -> list[str]:
    return [ATTRIBUTES[field].name for field in _READ]


def _kept(item: Any) -> Kept:
    upload = item["id"]["S"]
    end = int(item["expires_at"]["N"]) if "expires_at" in item else None
    # `usage#…` and `session#…` are in the same table.
    return Kept(upload, from_item(item) if "#" not in upload else None, end)
