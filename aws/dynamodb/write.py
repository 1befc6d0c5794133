"""One conditional UpdateItem of a record: what it sets, and what must hold for it to happen."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from airlock.lifecycle import State
from aws.dynamodb.record import Item, Record, from_item
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_NAME = re.compile(r"#(\w+)")


@dataclass(frozen=True, slots=True)
class Write:
    """`sets` and `defaults` (only where absent) by attribute name, `remove` and `count` (plus one) are names.

    In `condition`, `#name` stands for an attribute, `:name` for what `sets` gives it; `values` holds further ones.
    """

    sets: Mapping[str, Item]
    condition: str
    values: Mapping[str, Item] = field(default_factory=dict)
    defaults: Mapping[str, Item] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    count: str | None = None

    def request(self, table: str, upload: str) -> dict[str, Any]:
        """The arguments of UpdateItem. Every name is aliased: many of ours are DynamoDB's reserved words."""
        expression = self._expression()
        names = set(_NAME.findall(expression + self.condition))
        values = {f":{name}": value for name, value in {**self.defaults, **self.sets, **self.values}.items()}
        if self.count:
            values[":one"] = {"N": "1"}
        return {
            "TableName": table,
            "Key": {"id": {"S": upload}},
            "UpdateExpression": expression,
            "ConditionExpression": self.condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
            "ExpressionAttributeValues": values,
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _expression(self) -> str:
        sets = [f"#{name} = :{name}" for name in self.sets]
        sets += [f"#{name} = if_not_exists(#{name}, :{name})" for name in self.defaults]
        parts = ["SET " + ", ".join(sets)] if sets else []
        if self.remove:
            parts.append("REMOVE " + ", ".join(f"#{name}" for name in self.remove))
        if self.count:
            parts.append(f"ADD #{self.count} :one")
        return " ".join(parts)


def state_in(states: Collection[State]) -> tuple[str, dict[str, Item]]:
    """The condition that the record is in one of `states`, and the values that it names."""
    values: dict[str, Item] = {f"state_{state.value}": {"S": state.value} for state in sorted(states)}
    return f"#state IN ({', '.join(f':{name}' for name in values)})", values


async def run(dynamodb: "DynamoDBClient", table: str, upload: str, write: Write) -> tuple[Record | None, Record | None]:
    """Write; returns (the record after it, None), or (None, the record that stood in the way, if there is one)."""
    with translate("dynamodb"):
        try:
            answer = await dynamodb.update_item(**write.request(table, upload))
        except ClientError as error:
            refused: Any = error.response
            if refused["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return None, from_item(refused["Item"]) if refused.get("Item") else None
        return from_item(answer["Attributes"]), None
