"""Pages of the records of one owner, newest first."""

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from airlock.errors import Refused
from airlock.lifecycle import State
from aws.dynamodb.record import Record, from_item
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

OWNER_INDEX = "owner-index"
# With a filter DynamoDB's Limit counts the items that it reads, not those that it returns: so a page with a filter is
# made by up to MAX_QUERIES queries, each of QUERY_LIMIT items.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.FilterExpression.html
MAX_QUERIES = 10
QUERY_LIMIT = 100

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?\Z")
MAX_ID_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Page:
    """Records, newest first, and the cursor of the next page; None where this is the last one."""

    records: list[Record]
    cursor: str | None


async def read(
    dynamodb: "DynamoDBClient", table: str, owner: str, state: State | None, cursor: str | None, limit: int
) -> Page:
    """A page of at most `limit` records. Raises Refused("invalid_cursor")."""
    query = _query(table, owner, state, limit)
    items: list[Any] = []
    start = _start(cursor, owner) if cursor is not None else None
    for _ in range(MAX_QUERIES):
        found, start = await _queried(dynamodb, query | ({"ExclusiveStartKey": start} if start else {}))
        items += found
        if not start or len(items) >= limit:
            break
    if len(items) > limit:
        items, start = items[:limit], items[limit - 1]
    return Page([record for record in map(from_item, items) if record is not None], _cursor(start) if start else None)


def _query(table: str, owner: str, state: State | None, limit: int) -> dict[str, Any]:
    query: dict[str, Any] = {
        "TableName": table,
        "IndexName": OWNER_INDEX,
        "KeyConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":owner": {"S": owner}},
        "ScanIndexForward": False,
        "Limit": limit if state is None else max(limit, QUERY_LIMIT),
    }
    if state is not None:
        marked = "OR attribute_exists" if state is State.WITHDRAWN else "AND attribute_not_exists"
        query["FilterExpression"] = f"#state = :state {marked}(#withdrawn_at)"
        query["ExpressionAttributeNames"] |= {"#state": "state", "#withdrawn_at": "withdrawn_at"}
        query["ExpressionAttributeValues"][":state"] = {"S": state.value}
    return query


async def _queried(dynamodb: "DynamoDBClient", query: dict[str, Any]) -> tuple[list[Any], Any]:
    with translate("dynamodb"):
        try:
            answer = await dynamodb.query(**query)
        except ClientError as error:
            # The cursor is all that comes from the caller.
            if "ExclusiveStartKey" in query and error.response["Error"].get("Code") == "ValidationException":
                raise _refused() from error
            raise
        return answer["Items"], answer.get("LastEvaluatedKey")


def _cursor(key: Any) -> str:
    text = json.dumps([key["id"]["S"], key["created"]["N"]], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _start(cursor: str, owner: str) -> dict[str, Any]:
    """Where a page ended. The owner is the caller, not the cursor's, so that no caller reads the list of another."""
    try:
        given = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True))
    except ValueError:
        raise _refused() from None
    match given:
        case [str(upload), str(created)] if 0 < len(upload) <= MAX_ID_LENGTH and _NUMBER.match(created):
            return {"id": {"S": upload}, "owner": {"S": owner}, "created": {"N": created}}
    raise _refused()


def _refused() -> Refused:
    return Refused("invalid_cursor", "Use a cursor that this list gave, unchanged.", field="cursor")
