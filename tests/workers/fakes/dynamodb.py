"""DynamoDB in memory: the calls and the expressions that `aws.dynamodb` uses."""

import re
from collections import deque
from typing import Any

from tests.workers.fakes.attempt import called, refusal

_OPERATIONS = re.compile(r"(SET|REMOVE|ADD) ")
_TOKEN = re.compile(r"[#:]\w+|\w+|<>|[=<(),]")


class FakeDynamoDB:
    """Items by id, and the expressions that `aws.dynamodb` uses."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}

    async def get_item(self, *, Key: Any, **_: Any) -> Any:  # noqa: N803
        def read() -> Any:
            item = self.items.get(Key["id"]["S"])
            return {"Item": dict(item)} if item is not None else {}

        return await called("get", read)

    async def update_item(self, *, Key: Any, **asked: Any) -> Any:  # noqa: N803
        return await called("update", lambda: self.update(Key["id"]["S"], asked))

    async def transact_write_items(self, *, TransactItems: Any) -> Any:  # noqa: N803
        def write() -> Any:
            updates = [(item["Update"]["Key"]["id"]["S"], item["Update"]) for item in TransactItems]
            held = [self._holds(key, asked) for key, asked in updates]
            if not all(held):
                reasons = [{"Code": "None" if each else "ConditionalCheckFailed"} for each in held]
                raise refusal("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)
            for key, asked in updates:
                self.update(key, asked)
            return {}

        return await called("transact", write)

    def _holds(self, key: str, asked: Any) -> bool:
        condition = asked.get("ConditionExpression")
        values = asked.get("ExpressionAttributeValues", {})
        return condition is None or _Condition(condition, self.items.get(key, {}), values).holds()

    def update(self, upload: str, asked: Any) -> Any:
        old = self.items.get(upload)
        values = asked.get("ExpressionAttributeValues", {})
        if not self._holds(upload, asked):
            # AWS returns the item whose condition failed, if there is one.
            existing = {"Item": dict(old)} if old is not None else {}
            raise refusal("ConditionalCheckFailedException", "UpdateItem", **existing)
        item = {"id": {"S": upload}, **(old or {})}
        _, *parts = _OPERATIONS.split(asked["UpdateExpression"])
        for operation, text in zip(parts[::2], parts[1::2], strict=True):
            for clause in re.split(r", (?=#)(?![^(]*\))", text.strip()):
                _apply(operation, clause, item, values)
        self.items[upload] = item
        return {"Attributes": dict(item)}


def _apply(operation: str, clause: str, item: dict[str, Any], values: Any) -> None:
    written, *rest = _TOKEN.findall(clause)
    # Each placeholder is the attribute's own name behind a #.
    name = written.removeprefix("#")
    match operation, rest:
        case "REMOVE", []:
            item.pop(name, None)
        case "ADD", [value]:
            item[name] = {"N": str(int(item.get(name, {"N": "0"})["N"]) + int(values[value]["N"]))}
        case "SET", ["=", "if_not_exists", "(", same, ",", value, ")"] if same == written:
            item.setdefault(name, values[value])
        case "SET", ["=", value]:
            item[name] = values[value]
        case _:
            raise AssertionError(f"the fake does not know {operation} {clause}")


class _Condition:
    """A condition in DynamoDB's grammar, as far as it is used: OR, AND, brackets, =, <>, <, IN and three functions."""

    def __init__(self, text: str, item: dict[str, Any], values: Any) -> None:
        self._tokens: deque[str] = deque(_TOKEN.findall(text))
        self._item = item
        self._values = values

    def holds(self) -> bool:
        held = self._any()
        assert not self._tokens, f"the fake does not know {self._tokens}"
        return held

    def _any(self) -> bool:
        held = self._all()
        while self._tokens and self._tokens[0] == "OR":
            self._tokens.popleft()
            held = self._all() or held
        return held

    def _all(self) -> bool:
        held = self._one()
        while self._tokens and self._tokens[0] == "AND":
            self._tokens.popleft()
            held = self._one() and held
        return held

    def _one(self) -> bool:
        token = self._tokens.popleft()
        if token == "(":
            held = self._any()
            self._tokens.popleft()
            return held
        if token in ("attribute_exists", "attribute_not_exists"):
            _, name, _ = (self._tokens.popleft() for _ in range(3))
            return (name[1:] in self._item) == (token == "attribute_exists")
        given = self._item.get(token[1:])
        if token == "size":
            _, name, _ = (self._tokens.popleft() for _ in range(3))
            given = {"N": str(len(self._item[name[1:]]["L"]))} if name[1:] in self._item else None
        operator = self._tokens.popleft()
        if operator == "IN":
            return any(given == value for value in self._list())
        value = self._values[self._tokens.popleft()]
        if operator == "<":
            return given is not None and int(given["N"]) < int(value["N"])
        return bool(given == value) == (operator == "=")

    def _list(self) -> list[Any]:
        found = []
        assert self._tokens.popleft() == "("
        while (token := self._tokens.popleft()) != ")":
            found += [self._values[token]] if token != "," else []
        return found
