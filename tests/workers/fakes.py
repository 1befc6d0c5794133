"""S3, DynamoDB and SQS in memory, as far as a worker uses them. Each call waits until the test lets it go on.

A turn is taken from outside (`Attempt.go`), so that a test decides what happens before what: which of several workers
is next, whether an answer is lost, and at which call a worker ends.
"""

import asyncio
import contextlib
import hashlib
import itertools
import re
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from botocore.exceptions import ClientError

T = TypeVar("T")
Answer = Literal["done", "refused", "lost", "twice"]
"""What happens with a call. done: it succeeds. refused: it does not reach the service. lost: it succeeds, but its
response is lost. twice: its first response is lost, and the client sends it again."""
ANSWERS: tuple[Answer, ...] = ("done", "refused", "lost", "twice")

_ROUNDS = 4
_OPERATIONS = re.compile(r"(SET|REMOVE|ADD) ")
_TOKEN = re.compile(r"[#:]\w+|\w+|<>|[=<(),]")


@dataclass
class Call:
    """A call that waits to go on."""

    name: str
    effect: Callable[[], Any]
    answer: asyncio.Future[Any]


class Attempt:
    """The work of one worker on one message. It waits at each call until `go`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> None:
        self._loop = loop
        self.waiting: deque[Call] = deque()
        self.dead = False
        context = copy_context()
        context.run(_WORKING.set, self)
        self.task = loop.create_task(work, context=context)
        self._until_it_stands()

    @property
    def ended(self) -> bool:
        return self.task.done()

    def go(self, answer: Answer = "done") -> None:
        """Let the first of the waiting calls go on."""
        call = self.waiting.popleft()
        try:
            if answer == "twice":
                call.effect()
            result = call.effect() if answer != "refused" else None
        except ClientError as error:
            call.answer.set_exception(error)
        else:
            if answer in ("refused", "lost"):
                call.answer.set_exception(OSError("unavailable"))
            else:
                repeated = {"ResponseMetadata": {"RetryAttempts": int(answer == "twice")}}
                call.answer.set_result(result | repeated if isinstance(result, dict) else result)
        self._until_it_stands()

    def kill(self, *, after: bool = False) -> None:
        """End it as SIGKILL does, before or `after` the call at which it waits; it does nothing more."""
        if after and self.waiting:
            with contextlib.suppress(ClientError):
                self.waiting[0].effect()
        self.dead = True
        self.task.cancel()
        while not self.ended:
            self._turn()

    def _until_it_stands(self) -> None:
        # A response takes some rounds of the loop to reach its caller, and more of them through a gather.
        for _ in range(_ROUNDS):
            self._turn()
        while not self.ended and not self.waiting:
            self._turn()

    def _turn(self) -> None:
        self._loop.call_soon(self._loop.stop)
        self._loop.run_forever()


_WORKING: ContextVar[Attempt] = ContextVar("working")


async def called(name: str, effect: Callable[[], T]) -> T:
    """Do `effect` when this call may go on. The result can be an error instead, or never come."""
    attempt = _WORKING.get()
    if attempt.dead:
        raise asyncio.CancelledError
    call = Call(name, effect, asyncio.get_running_loop().create_future())
    attempt.waiting.append(call)
    result: T = await call.answer
    return result


@dataclass(frozen=True)
class Version:
    """A stored object."""

    id: str
    body: bytes
    metadata: dict[str, str] = field(default_factory=dict)
    content_type: str = ""

    @property
    def etag(self) -> str:
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()


def refusal(code: str, operation: str, **more: Any) -> ClientError:
    """The error that a vendor's client raises for an error response."""
    answer: Any = {"Error": {"Code": code, "Message": ""}, **more}
    return ClientError(answer, operation)


class FakeS3:
    """Versions by (bucket, key), oldest first."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], list[Version]] = {}
        self._numbers = itertools.count(1)

    def put(self, bucket: str, key: str, body: bytes, metadata: dict[str, str], content_type: str) -> Version:
        made = Version(f"v{next(self._numbers)}", body, metadata, content_type)
        self.stored.setdefault((bucket, key), []).append(made)
        return made

    def find(self, bucket: str, key: str, version_id: str) -> Version | None:
        return next((each for each in self.stored.get((bucket, key), ()) if each.id == version_id), None)

    def all_in(self, bucket: str) -> list[tuple[str, Version]]:
        """(key, version) of everything in a bucket."""
        return [(key, each) for (place, key), versions in self.stored.items() if place == bucket for each in versions]

    async def get_object(self, *, Bucket: str, Key: str, VersionId: str, IfMatch: str) -> Any:  # noqa: N803
        def read() -> Any:
            found = self._pinned(Bucket, Key, VersionId, IfMatch, "GetObject")
            return {
                "Body": Stream(found.body),
                "ContentLength": len(found.body),
                "ETag": f'"{found.etag}"',
                "VersionId": found.id,
                "ContentType": found.content_type,
                "Metadata": found.metadata,
            }

        return await called("open", read)

    async def copy_object(self, *, CopySource: Any, CopySourceIfMatch: str, **to: Any) -> Any:  # noqa: N803
        def copy() -> Any:
            source = (CopySource["Bucket"], CopySource["Key"], CopySource["VersionId"])
            found = self._pinned(*source, CopySourceIfMatch, "CopyObject")
            made = self.put(to["Bucket"], to["Key"], found.body, to["Metadata"], to["ContentType"])
            return {"VersionId": made.id, "CopyObjectResult": {"ETag": f'"{made.etag}"'}}

        return await called("copy", copy)

    async def list_object_versions(self, *, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        def read() -> Any:
            versions = reversed(self.stored.get((Bucket, Prefix), ()))
            listed = [{"Key": Prefix, "VersionId": v.id, "ETag": f'"{v.etag}"', "Size": len(v.body)} for v in versions]
            return {"Versions": listed}

        return await called("list", read)

    async def delete_object(self, *, Bucket: str, Key: str, VersionId: str) -> Any:  # noqa: N803
        return await called("delete", lambda: self._remove(Bucket, Key, {VersionId}))

    async def delete_objects(self, *, Bucket: str, Delete: Any) -> Any:  # noqa: N803
        keys = {each["Key"] for each in Delete["Objects"]}
        assert len(keys) == 1, "versions of one key are deleted at once"
        wanted = {each["VersionId"] for each in Delete["Objects"]}
        return await called("delete", lambda: self._remove(Bucket, keys.pop() if keys else "", wanted))

    def _pinned(self, bucket: str, key: str, version_id: str, etag: str, operation: str) -> Version:
        found = self.find(bucket, key, version_id)
        if found is None:
            raise refusal("NoSuchVersion", operation)
        if etag != f'"{found.etag}"':
            raise refusal("PreconditionFailed", operation)
        return found

    def _remove(self, bucket: str, key: str, wanted: set[str]) -> Any:
        left = [each for each in self.stored.get((bucket, key), ()) if each.id not in wanted]
        self.stored[bucket, key] = left
        return {}


class Stream:
    """The body of a response."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self, size: int) -> bytes:
        def take() -> bytes:
            part, self._body = self._body[:size], self._body[size:]
            return part

        return await called("read", take)

    def close(self) -> None:
        """There is no connection to close."""


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
        values = asked["ExpressionAttributeValues"]
        return condition is None or _Condition(condition, self.items.get(key, {}), values).holds()

    def update(self, upload: str, asked: Any) -> Any:
        old = self.items.get(upload)
        values = asked["ExpressionAttributeValues"]
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
    """A condition in DynamoDB's grammar, as far as it is used: OR, AND, brackets, =, <>, <, IN and two functions."""

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
        operator = self._tokens.popleft()
        given = self._item.get(token[1:])
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


class FakeQueues:
    """What was sent, by queue."""

    def __init__(self) -> None:
        self.sent: dict[str, list[str]] = {}

    async def send(self, queue_name: str, body: str, attributes: Any = None) -> str:
        def put() -> str:
            self.sent.setdefault(queue_name, []).append(body)
            return "sent"

        return await called("publish", put)
