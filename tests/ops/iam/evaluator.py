"""Which calls of DynamoDB a policy allows on AWS: ministack's evaluator, with the values that AWS gives to conditions.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html#FGAC_DDB.ConditionKeys
"""

import re
from collections.abc import Mapping
from typing import Any

from ministack.core.iam_evaluator import (  # type: ignore[import-untyped]  # it has no types
    EvalContext,
    evaluate,
    parse_policy_document,
)

from ops.dev.emulator import ACCOUNT, REGION
from ops.iam.policies import PolicyDocument

_NAME = re.compile(r"(?<![:#\w])#?[A-Za-z_]\w*")
_WORDS = {
    "SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "IN", "BETWEEN", "if_not_exists", "list_append",
    "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size",
}  # fmt: skip
_EXPRESSIONS = ("UpdateExpression", "ConditionExpression", "ProjectionExpression")


def allows(policy: PolicyDocument, call: str, request: Mapping[str, Any]) -> bool:
    """Whether the policy allows a call of one item, such as `UpdateItem`, with these arguments."""
    context = EvalContext(
        principal_arn=f"arn:aws:iam::{ACCOUNT}:user/pod",
        principal_type="User",
        principal_account=ACCOUNT,
        action=f"dynamodb:{call}",
        resource_arn=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{request['TableName']}",
        region=REGION,
        source_ip="203.0.113.7",
        secure_transport=True,
        service_context=_conditions(request),
    )
    return bool(evaluate(context, [parse_policy_document(policy)]).decision == "Allow")


def _conditions(request: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values of `dynamodb:LeadingKeys` and `dynamodb:Attributes`, as far as the request has any."""
    key = request.get("Key", {})
    leading = [value["S"] for name, value in key.items() if name == "id"]
    attributes = {*key, *_named(request)} - {""}
    values = {"dynamodb:leadingkeys": leading, "dynamodb:attributes": sorted(attributes)}
    return {name: value for name, value in values.items() if value}


def _named(request: Mapping[str, Any]) -> set[str]:
    """The attributes that the expressions of a request name."""
    aliases = request.get("ExpressionAttributeNames", {})
    found = {name for each in _EXPRESSIONS for name in _NAME.findall(request.get(each, ""))}
    return {aliases.get(name, name) for name in found - _WORDS}
