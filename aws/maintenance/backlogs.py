"""When runs over the existing objects of a bucket began: an item `backlog#BUCKET` in the table of uploads.

Upload ids of the objects are issued at these times, so that every run, on whichever machine, finds what others did.
"""

from typing import TYPE_CHECKING

from airlock.errors import Conflict
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class Backlogs:
    """All methods raise Unavailable("dynamodb"). Times are whole seconds since the epoch."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    async def began(self, bucket: str) -> list[int]:
        """When runs over that bucket began, oldest first."""
        with translate("dynamodb"):
            answer = await self._dynamodb.get_item(
                TableName=self._table, Key={"id": {"S": _name(bucket)}}, ConsistentRead=True
            )
            return [int(each["N"]) for each in answer.get("Item", {}).get("began", {"L": []})["L"]]

    async def begin(self, bucket: str, now: int, known: list[int]) -> list[int]:
        """Add a run to those that are `known`; returns all of them.

        Where somebody else added one meanwhile, theirs is in what is returned and ours is not.
        """
        before = {"L": [{"N": str(each)} for each in known]}
        after = {"L": [*before["L"], {"N": str(now)}]}
        try:
            with translate("dynamodb"):
                await self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"id": {"S": _name(bucket)}},
                    UpdateExpression="SET #began = :after",
                    ConditionExpression="#began = :before" if known else "attribute_not_exists(#began)",
                    ExpressionAttributeNames={"#began": "began"},
                    ExpressionAttributeValues={":after": after, **({":before": before} if known else {})},
                )
        except Conflict:
            return await self.began(bucket)
        return [*known, now]


def _name(bucket: str) -> str:
    return f"backlog#{bucket}"
