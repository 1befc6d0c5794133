"""Scans of the whole table of uploads, one page at a time.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airlock.errors import Conflict
from airlock.lifecycle import State
from aws.dynamodb.conditional_write import NOT_WITHDRAWN
from aws.dynamodb.record import ATTRIBUTES, Record, from_item
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

# DynamoDB also ends a page after 1 MB that it read.
ITEMS_PER_PAGE = 1000
# Of each record all but what the uploader said and the inspection found, which can be long.
_FIELDS = (
    "id", "owner", "state", "created_at", "updated_at", "version_id", "etag", "size", "sequencer", "place", "location",
    "moving_from", "expires_at", "withdrawn_at",
)  # fmt: skip
_ACCEPTED_FIELDS = (
    "id", "owner", "state", "created_at", "updated_at", "profile", "size", "verdict", "rescanned", "place",
    "withdrawn_at",
)  # fmt: skip

TableCursor = Mapping[str, Any]
"""Where a page ended: the request of the next page must name it."""


@dataclass(frozen=True, slots=True)
class TableItem:
    """An item of the table. `expires_at` in seconds since the epoch.

    `record` is without verdict, names and metadata. It is None for an item that is not an upload's, as those of usage
    counters, upload sessions and backfill runs in the same table, and for one in which nothing is recorded.
    """

    id: str
    record: Record | None
    expires_at: int | None


class TableScan:
    """All methods raise Unavailable("dynamodb"). Pages come in no order, and may not show the last writes.

    Scanning costs half a read unit for each 4 KB of the table. A cursor is None after the last page.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    async def items(self, after: TableCursor | None = None) -> tuple[list[TableItem], TableCursor | None]:
        """A page of all items."""
        found, cursor = await self._page(_FIELDS, after, {"Limit": ITEMS_PER_PAGE}, {})
        return [_table_item(item) for item in found], cursor

    async def accepted(self, after: TableCursor | None = None) -> tuple[list[Record], TableCursor | None]:
        """A page of the accepted uploads, with what was found in them.

        A page can be empty and still have a cursor: it ends after 1 MB of the table, whatever was in it.
        """
        wanted = {
            "FilterExpression": f"#state = :accepted AND #place = :there AND {NOT_WITHDRAWN}",
            "ExpressionAttributeValues": {":accepted": {"S": State.ACCEPTED.value}, ":there": {"S": "accepted"}},
        }
        names = {f"#{name}": name for name in ("state", "place", "withdrawn_at")}
        found, cursor = await self._page(_ACCEPTED_FIELDS, after, wanted, names)
        return [record for record in map(from_item, found) if record is not None], cursor

    async def delete_expired(self, item: TableItem) -> bool:
        """Delete an item unless its expiry was changed since it was read; returns whether it was deleted."""
        if item.expires_at is None:
            raise ValueError("an item that does not expire is not deleted")
        try:
            with translate("dynamodb"):
                await self._dynamodb.delete_item(
                    TableName=self._table,
                    Key={"id": {"S": item.id}},
                    ConditionExpression="#end = :end",
                    ExpressionAttributeNames={"#end": "expires_at"},
                    ExpressionAttributeValues={":end": {"N": str(item.expires_at)}},
                )
        except Conflict:
            return False
        return True

    async def _page(
        self, fields: Iterable[str], after: TableCursor | None, more: Mapping[str, Any], names: Mapping[str, str]
    ) -> tuple[list[Any], TableCursor | None]:
        projected = {f"#{number}": ATTRIBUTES[field].name for number, field in enumerate(fields)}
        request: dict[str, Any] = {
            "TableName": self._table,
            "ProjectionExpression": ", ".join(projected),
            "ExpressionAttributeNames": {**projected, **names},
            **more,
        }
        if after:
            request["ExclusiveStartKey"] = after
        with translate("dynamodb"):
            answer = await self._dynamodb.scan(**request)
            return answer["Items"], answer.get("LastEvaluatedKey") or None


def _table_item(item: Any) -> TableItem:
    name = item["id"]["S"]
    expires_at = int(item["expires_at"]["N"]) if "expires_at" in item else None
    return TableItem(name, from_item(item), expires_at)
