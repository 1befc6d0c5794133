"""The accepted uploads of the table, page by page, with the evidence for their verdicts."""

from typing import TYPE_CHECKING

from airlock.lifecycle import State
from aws.dynamodb.record import ATTRIBUTES, Record, from_item
from aws.errors import translate
from aws.maintenance.record_scan import Mark

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_READ = ("id", "owner", "state", "created_at", "updated_at", "profile", "size", "verdict", "rescanned", "place")


class Accepted:
    """All methods raise Unavailable("dynamodb")."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    async def page(self, after: Mark | None = None) -> tuple[list[Record], Mark | None]:
        """Some records, in no order and perhaps not as of the last write; with where the page ended, or None at the
        end. Of each only what tells which object it is and what was found. A page looks at 1 MB of the table.
        """
        names = {f"#{place}": ATTRIBUTES[field].name for place, field in enumerate(_READ)}
        more = {"ExclusiveStartKey": dict(after)} if after else {}
        with translate("dynamodb"):
            answer = await self._dynamodb.scan(
                TableName=self._table,
                FilterExpression="#state = :accepted AND #where = :there",
                ProjectionExpression=", ".join(names),
                ExpressionAttributeNames={**names, "#state": "state", "#where": "place"},
                ExpressionAttributeValues={":accepted": {"S": State.ACCEPTED.value}, ":there": {"S": "accepted"}},
                **more,  # type: ignore[arg-type]
            )
            return [from_item(item) for item in answer["Items"]], answer.get("LastEvaluatedKey") or None
