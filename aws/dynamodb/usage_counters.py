"""What owners and tenants used, counted for all replicas together in the table of uploads.

One item for each subject and window, such as `usage#owner#ada#20261122`. It has no `owner`, so that no list of uploads
shows it. Its attributes are the fields of `Usage`, and `expires_at`: DynamoDB deletes it a week after its window.
"""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from airlock.lifecycle import State
from airlock.quotas import DAY, Quotas, Subject, Usage, Window
from aws.dynamodb.conditional_write import NOT_WITHDRAWN
from aws.dynamodb.record import Record
from aws.errors import translate
from aws.retry import DYNAMODB, RetryPolicy, Transient

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

# So that an operator can still read the counters of the last days.
KEPT_SECONDS = 7 * DAY

_ADD = "ADD uploads :uploads, declared_bytes :declared_bytes SET expires_at = :end, #by = :part"


class UsageCounters:
    """All methods raise Unavailable("dynamodb"), and may then be called again."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, retry: RetryPolicy = DYNAMODB) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._retry = retry

    async def add(self, subject: Subject, window: Window, more: Usage, *, by: str, part: int) -> Usage:
        """Add `more` uploads and declared bytes; returns the total of all replicas, with the accepted bytes.

        `by` names the replica (letters and digits), and `part` numbers what it adds, with a greater number each time. A
        part that is sent again, since its answer was lost, is not added again.
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
        """The total of all replicas, read consistently."""
        with translate("dynamodb"):
            answer = await self._dynamodb.get_item(
                TableName=self._table, Key=_key(subject, window), ConsistentRead=True
            )
        return _usage(answer.get("Item", {}))

    async def count_accepted(self, record: Record, quotas: Quotas) -> None:
        """Add the bytes of an accepted upload, exactly once, for the owner and tenant if `quotas` limits their bytes.

        They count for the day of the verdict. Nothing happens when the upload was counted before, or is not accepted
        (any more). One transaction marks the record as counted and adds the bytes, so that it may be repeated.
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
                # The mark comes first. If it is there already, the bytes were added with it.
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
            ConditionExpression=f"attribute_not_exists(#counted) AND #state = :accepted AND {NOT_WITHDRAWN}",
            ExpressionAttributeNames={f"#{name}": name for name in ("counted", "state", "withdrawn_at")},
        )

    def _sums(self, subjects: Iterable[Subject], window: Window, size: int) -> Iterable[Any]:
        values = {":size": _number(size), ":end": _number(window.end + KEPT_SECONDS)}
        for subject in subjects:
            yield self._update(_key(subject, window), "ADD accepted_bytes :size SET expires_at = :end", values)

    def _update(self, key: Any, expression: str, values: Any, **more: Any) -> Any:
        place = {"TableName": self._table, "Key": key}
        return {"Update": {**place, "UpdateExpression": expression, "ExpressionAttributeValues": values, **more}}


def _key(subject: Subject, window: Window) -> Any:
    # A subject kind and a window label hold no '#', so that all between them is the name.
    return {"id": {"S": f"usage#{subject.kind}#{subject.name}#{window.label}"}}


def _number(value: int) -> Any:
    return {"N": str(value)}


def _usage(item: Any) -> Usage:
    return Usage(*(int(item[name]["N"]) if name in item else 0 for name in Usage._fields))
