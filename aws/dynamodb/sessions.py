"""What upload sessions have spent, in the table of uploads: one item each, and one conditional write a spending.

The item's id is `session#<id>`; it has no `owner`, so that it stands in no list, and ends a day after its session.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from airlock.errors import Unavailable
from airlock.upload_session import Session
from aws.dynamodb.record import Item
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

# A clock that is late must not find a session that has ended unspent.
KEPT_SECONDS = 24 * 3600


class _Spent(NamedTuple):
    uploads: int
    bytes: int


class Sessions:
    """The sessions that were spent from. Raises Unavailable("dynamodb") when the table is away."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    async def spend(self, session: Session, least: int, most: int) -> int | None:
        """Charge one upload of `most` bytes, or of what is left where that is at least `least`; returns the bytes.

        None, and nothing is charged, where the session has less than that left, or no upload. It is exact: whoever
        races for it, no more is ever charged than the session allows. A try whose answer was lost is charged again.
        """
        wanted = min(most, session.max_bytes)
        while wanted >= least:
            spent = await self._charge(session, wanted)
            if spent is None:
                return wanted
            if spent.uploads >= session.max_uploads:
                return None
            # It was refused for its bytes, so that this is less, and somebody else got the difference.
            wanted = session.max_bytes - spent.bytes
        return None

    async def _charge(self, session: Session, size: int) -> _Spent | None:
        """None once `size` bytes are charged; what was spent already where they are too many."""
        with translate("dynamodb"):
            try:
                await self._dynamodb.update_item(**_request(self._table, session, size))
            except ClientError as error:
                refused: Any = error.response
                if refused["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                return _spent(refused.get("Item") or await self._item(session))
        return None

    async def _item(self, session: Session) -> Item:
        """For servers that refuse without telling what stood in the way."""
        answer = await self._dynamodb.get_item(TableName=self._table, Key=_key(session), ConsistentRead=True)
        if "Item" not in answer:
            raise Unavailable("dynamodb", "UpdateItem: the table did not tell what the session has spent")
        return answer["Item"]


def _key(session: Session) -> Any:
    return {"id": {"S": f"session#{session.id}"}}


def _request(table: str, session: Session, size: int) -> dict[str, Any]:
    return {
        "TableName": table,
        "Key": _key(session),
        "UpdateExpression": "SET #expires_at = :expires_at ADD #uploads :one, #bytes :size",
        "ConditionExpression": "attribute_not_exists(#id) OR (#uploads < :max_uploads AND #bytes <= :before)",
        "ExpressionAttributeNames": {f"#{name}": name for name in ("id", "uploads", "bytes", "expires_at")},
        "ExpressionAttributeValues": {
            ":one": {"N": "1"},
            ":size": {"N": str(size)},
            ":max_uploads": {"N": str(session.max_uploads)},
            ":before": {"N": str(session.max_bytes - size)},
            ":expires_at": {"N": str(session.expires_at + KEPT_SECONDS)},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _spent(item: Item) -> _Spent:
    return _Spent(int(item["uploads"]["N"]), int(item["bytes"]["N"]))
