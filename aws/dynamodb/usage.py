"""What owners and tenants have taken, counted for all replicas in the table of uploads.

One item for each subject and window, `usage#owner#ada#20261122`, without the attribute `owner`, so that it stays out of
the owners' index. Its numbers are `Usage`'s fields; `expires_at` lets DynamoDB remove it some days after its window.
"""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from airlock.lifecycle import State
from airlock.quotas import DAY, Quotas, Subject, Usage, Window
from aws.dynamodb.record import Record
from aws.errors import translate
from aws.retry import DYNAMODB, RetryPolicy, Transient

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

# So that a window can still be looked at when somebody asks about it.
KEPT_SECONDS = 7 * DAY

_ADD = "ADD uploads :uploads, declared_bytes :declared_bytes SET expires_at = :end, #by = :part"


class Counters:
    """The counters of all replicas. Every method raises Unavailable("dynamodb"), and can then be repeated."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, retry: RetryPolicy = DYNAMODB) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._retry = retry

    async def add(self, subject: Subject, window: Window, more: Usage, *, by: str, part: int) -> Usage:
        """Count uploads and declared bytes; returns the sum of everybody, accepted bytes too.

        `by` is one replica (letters and digits), and `part` the number of what it adds, greater each time. An answer
        can be lost, so a part that is sent again is not counted again.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": _key(subject, window),
            "UpdateExpression": _ADD,
            "ConditionExpression": "attribute_not_exists(#by) OR #by < :part",
            "ExpressionAttributeNames": {"#by": f"by_{by}"},
            "ExpressionAttributeValues": {
                ":uploads": _number(more.uploads),
                ":declared_bytes": _number(more.declared_bytes),
                ":end": _number(window.end + KEPT_SECONDS),
                ":part": _number(part),
            },
            "ReturnValues": "ALL_NEW",
        }
        with translate("dynamodb"):
            try:
                return _usage((await self._dynamodb.update_item(**request))["Attributes"])
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
        return await self.get(subject, window)

    async def get(self, subject: Subject, window: Window) -> Usage:
        """The sum of everybody, as of the last write."""
        with translate("dynamodb"):
            answer = await self._dynamodb.get_item(
                TableName=self._table, Key=_key(subject, window), ConsistentRead=True
            )
        return _usage(answer.get("Item", {}))

    async def count_accepted(self, record: Record, quotas: Quotas) -> None:
        """Count the bytes of an accepted upload, once ever, for those whose accepted bytes `quotas` limits.

        The day is that of the verdict. Nothing happens for an upload that was counted, or is not accepted (any more).
        The mark on the record and the sums are one transaction: what ended before an answer came can be repeated.
        """
        subjects = tuple(quotas.counting_accepted(record.owner, record.tenant))
        if not subjects or record.verdict is None or record.state is not State.ACCEPTED:
            return
        window = Window.at(record.verdict.inspected_at.timestamp(), DAY)
        writes = [self._mark(record.id), *self._sums(subjects, window, record.verdict.bytes)]
        await self._retry.run(partial(self._transact, writes))

    async def _transact(self, writes: list[Any]) -> None:
        """Write all, unless the record is marked already. Raises Transient when another writer was in the way."""
        with translate("dynamodb"):
            try:
                await self._dynamodb.transact_write_items(TransactItems=writes)
            except ClientError as error:
                refused: Any = error.response
                reasons = [reason.get("Code") for reason in refused.get("CancellationReasons", ())]
                # The mark comes first, and its condition speaks for all.
                if reasons[:1] == ["ConditionalCheckFailed"]:
                    return
                if "TransactionConflict" in reasons:
                    raise Transient("dynamodb", "TransactWriteItems: other writers keep getting in the way") from error
                raise

    def _mark(self, upload: str) -> Any:
        return self._update(
            {"id": {"S": upload}},
            "SET #counted = :true",
            {":true": {"BOOL": True}, ":accepted": {"S": State.ACCEPTED.value}},
            ConditionExpression="attribute_not_exists(#counted) AND #state = :accepted",
            ExpressionAttributeNames={"#counted": "counted", "#state": "state"},
        )

    def _sums(self, subjects: Iterable[Subject], window: Window, size: int) -> Iterable[Any]:
        values = {":size": _number(size), ":end": _number(window.end + KEPT_SECONDS)}
        for subject in subjects:
            yield self._update(_key(subject, window), "ADD accepted_bytes :size SET expires_at = :end", values)

    def _update(self, key: Any, expression: str, values: Any, **more: Any) -> Any:
        place = {"TableName": self._table, "Key": key}
        return {"Update": {**place, "UpdateExpression": expression, "ExpressionAttributeValues": values, **more}}


def _key(subject: Subject, window: Window) -> Any:
    # A kind and a label hold no '#', so that whatever stands between them is the name.
    return {"id": {"S": f"usage#{subject.kind}#{subject.name}#{window.label}"}}


def _number(value: int) -> Any:
    return {"N": str(value)}


def _usage(item: Any) -> Usage:
    return Usage(*(int(item[name]["N"]) if name in item else 0 for name in Usage._fields))
