"""When the backfill runs of a bucket began: one item `backlog#BUCKET` in the table of uploads.

The upload ids of the objects are issued at these times, so that each run, on any machine, recognises what others sent.
"""

from typing import TYPE_CHECKING

from airlock.errors import Conflict
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class BackfillRuns:
    """All methods raise Unavailable("dynamodb"). Times are whole seconds since the epoch."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    async def start_times(self, bucket: str) -> list[int]:
        """When the runs over that bucket began, oldest first."""
        with translate("dynamodb"):
            answer = await self._dynamodb.get_item(
                TableName=self._table, Key={"id": {"S": _item_id(bucket)}}, ConsistentRead=True
            )
            return [int(each["N"]) for each in answer.get("Item", {}).get("began", {"L": []})["L"]]

    async def start(self, bucket: str, now: int, known: list[int]) -> list[int]:
        """Add a run that begins `now` to the `known` ones; returns the start times of all.

        Where another process added a run meanwhile, its run is in the result, and ours is not added.
        """
        before = {"L": [{"N": str(each)} for each in known]}
        after = {"L": [*before["L"], {"N": str(now)}]}
        try:
            with translate("dynamodb"):
                await self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"id": {"S": _item_id(bucket)}},
                    UpdateExpression="SET #began = :after",
                    ConditionExpression="#began = :before" if known else "attribute_not_exists(#began)",
                    ExpressionAttributeNames={"#began": "began"},
                    ExpressionAttributeValues={":after": after, **({":before": before} if known else {})},
                )
        except Conflict:
            return await self.start_times(bucket)
        return [*known, now]


def _item_id(bucket: str) -> str:
    return f"backlog#{bucket}"
