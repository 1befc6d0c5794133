"""Small requests that tell whether a bucket, the table, a queue, a topic or a bus answers under its name.

Each raises Outage with that name. Where a role has no permission that the request needs (`permitted` is false), a
refusal is an answer: roles have only those that their work needs.
"""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from airlock.errors import AirlockError, Outage
from aws.buses import Buses
from aws.dependencies import Ask
from aws.dynamodb.records import Records
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_sqs import SQSClient

SECONDS = 5.0
"""How long one may take."""

# An answer to HEAD has no other code than its status.
DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "AuthorizationError"})
MISSING = frozenset(
    {
        "404",
        "NoSuchBucket",
        "ResourceNotFoundException",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "NotFound",
    }
)


def bucket(s3: "S3Client", name: str, setting: str, *, permitted: bool = True) -> Ask:
    """Asks for the bucket of that name, which the variable `setting` gives. It needs s3:ListBucket."""
    resource = f"the bucket {name} ({setting})"
    return lambda: _answers("s3", resource, s3.head_bucket(Bucket=name), permitted=permitted)


def table(records: Records, name: str, setting: str) -> Ask:
    """Asks for the table of uploads, of that name."""
    return lambda: _answers("dynamodb", f"the table {name} ({setting})", records.ping())


def queue(sqs: "SQSClient", name: str, setting: str) -> Ask:
    """Asks for the queue of that name."""
    return lambda: _answers("sqs", f"the queue {name} ({setting})", sqs.get_queue_url(QueueName=name))


def topic(buses: Buses, name: str) -> Ask:
    """Asks for the topic of that name, which a profile notifies."""
    return lambda: _answers("sns", f"the topic {name} (notify)", buses.ask_topic(name), permitted=False)


def bus(buses: Buses, name: str) -> Ask:
    """Asks for the event bus of that name, which a profile notifies."""
    return lambda: _answers("eventbridge", f"the bus {name} (notify)", buses.ask_bus(name), permitted=False)


async def _answers(dependency: str, resource: str, call: Awaitable[object], *, permitted: bool = True) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            with translate(dependency):
                await call
    except TimeoutError:
        raise Outage(dependency, f"{resource}: no answer within {SECONDS:g} s") from None
    except AirlockError as error:
        code = _code(error)
        if code in DENIED and not permitted:
            return
        cause = "there is none of that name" if code in MISSING else getattr(error, "detail", str(error))
        raise Outage(dependency, f"{resource}: {cause}") from error


def _code(error: AirlockError) -> str:
    cause = error.__cause__
    return str(cause.response.get("Error", {}).get("Code", "")) if isinstance(cause, ClientError) else ""
