"""A conditional UpdateItem of a record: what it changes, and the condition.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

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
class ConditionalWrite:
    """`sets` and `defaults` are attributes by name; a default is set only where the attribute is absent. `remove` names
    attributes to remove, `count` one to increment.

    In `condition`, `#name` is an attribute of the item, and `:name` is its value in `sets`, or one of `values`.
    """

    sets: Mapping[str, Item]
    condition: str
    values: Mapping[str, Item] = field(default_factory=dict)
    defaults: Mapping[str, Item] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    count: str | None = None

    def request(self, table: str, upload: str) -> dict[str, Any]:
        """The arguments of UpdateItem. All names are aliased, since some are reserved words of DynamoDB."""
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


NOT_WITHDRAWN = "attribute_not_exists(#withdrawn_at)"


def state_in(states: Collection[State]) -> tuple[str, dict[str, Item]]:
    """The condition that the record is in one of `states` and was not withdrawn, and the values that it uses."""
    values: dict[str, Item] = {f"state_{state.value}": {"S": state.value} for state in sorted(states)}
    return f"#state IN ({', '.join(f':{name}' for name in values)}) AND {NOT_WITHDRAWN}", values


async def run(
    dynamodb: "DynamoDBClient", table: str, upload: str, write: ConditionalWrite
) -> tuple[Record | None, Record | None]:
    """Returns (the record after the write, None), or (None, the record that does not meet the condition).

    It returns (None, None) where there is no record, or where the server does not return the one that it found.
    """
    with translate("dynamodb"):
        try:
            answer = await dynamodb.update_item(**write.request(table, upload))
        except ClientError as error:
            refused: Any = error.response
            if refused["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return None, from_item(refused["Item"]) if refused.get("Item") else None
        return from_item(answer["Attributes"]), None
