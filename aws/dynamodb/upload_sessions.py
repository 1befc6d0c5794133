"""What upload sessions have used up: one item for each in the table of uploads, changed by conditional writes.

The item's id is `session#<id>`. It has no `owner`, so that no list of uploads shows it, and it expires a day after its
session.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from airlock.errors import Unavailable
from airlock.upload_session import Session
from aws.dynamodb.record import Item
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

# A service whose clock is slow must not find a session unused after its item was deleted.
KEPT_SECONDS = 24 * 3600


class _Spent(NamedTuple):
    uploads: int
    bytes: int


class UploadSessions:
    """Charges upload sessions. Raises Unavailable("dynamodb")."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    async def spend(self, session: Session, least: int, most: int) -> int | None:
        """Charge one upload of `most` bytes, or of what is left where that is at least `least`; returns the bytes.

        Returns None, and charges nothing, where the session has fewer than `least` bytes left, or no upload. However
        many requests compete, no more is charged than the session allows. A request whose answer was lost is charged
        twice.
        """
        wanted = min(most, session.max_bytes)
        while wanted >= least:
            spent = await self._charge(session, wanted)
            if spent is None:
                return wanted
            if spent.uploads >= session.max_uploads:
                return None
            # It was refused for its bytes: less is left than was wanted.
            wanted = session.max_bytes - spent.bytes
        return None

    async def _charge(self, session: Session, size: int) -> _Spent | None:
        """None when `size` bytes were charged; what was used up before where they are too many."""
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
        """The item, for servers that do not return it with a refusal."""
        answer = await self._dynamodb.get_item(TableName=self._table, Key=_key(session), ConsistentRead=True)
        if "Item" not in answer:
            raise Unavailable("dynamodb", "UpdateItem: the item of the upload session was not found")
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
