"""The floor: only the worker's calls to S3, SQS and DynamoDB, made with aiobotocore and aiosqs; nothing is inspected.

`python -m bench.pipeline.floor` reads the worker's settings. For each message: one GetObject, read to its end, one
conditional UpdateItem, CopyObject, a second conditional UpdateItem, SendMessage, DeleteObject of that version, and the
message deleted with others in a batch.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import orjson
import uvloop

from aws.clients import Clients, connect
from aws.sqs.answers import Message
from aws.sqs.queue import Queue
from workers.intake.acknowledgements import LINGER
from workers.settings import Settings

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import CopySourceTypeDef


async def main() -> None:
    settings = Settings()
    async with connect(settings) as clients, Queue.open(settings, clients) as queue:
        Path(os.environ["BENCH_READY"]).write_text("ready")
        await _work(settings, clients, queue)


async def _work(settings: Settings, clients: Clients, queue: Queue) -> None:
    waiting: asyncio.Queue[Message] = asyncio.Queue(maxsize=settings.concurrency)
    done: list[str] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(settings.concurrency):
            group.create_task(_take(settings, clients, waiting, done))
        group.create_task(_acknowledge(queue, done))
        while True:
            for message in await queue.receive(10, 1, settings.visibility):
                await waiting.put(message)


async def _take(settings: Settings, clients: Clients, waiting: asyncio.Queue[Message], done: list[str]) -> None:
    while True:
        message = await waiting.get()
        await _settle(settings, clients, message.body)
        done.append(message.receipt)


async def _acknowledge(queue: Queue, done: list[str]) -> None:
    while True:
        await asyncio.sleep(LINGER)
        while done:
            batch, done[:] = done[:10], done[10:]
            await queue.delete(batch)


async def _settle(settings: Settings, clients: Clients, body: str) -> None:
    item: dict[str, Any] = orjson.loads(body)["Records"][0]["s3"]["object"]
    key, version, bucket = unquote_plus(item["key"]), item["versionId"], settings.incoming_bucket
    response = await clients.s3.get_object(Bucket=bucket, Key=key, VersionId=version, IfMatch=item["eTag"])
    async with response["Body"] as stream:
        await stream.read()
    await _update(settings, clients, key, "inspecting", "attribute_not_exists(id)")
    source: CopySourceTypeDef = {"Bucket": bucket, "Key": key, "VersionId": version}
    await clients.s3.copy_object(
        Bucket=settings.accepted_bucket, Key=key, CopySource=source, CopySourceIfMatch=item["eTag"],
        MetadataDirective="REPLACE", Metadata={"id": key}, ContentType="application/octet-stream",
    )  # fmt: skip
    await _update(settings, clients, key, "accepted", "attribute_exists(id)")
    await clients.sqs.send_message(QueueUrl=os.environ["BENCH_VERDICTS"], MessageBody=body)
    await clients.s3.delete_object(Bucket=bucket, Key=key, VersionId=version)


async def _update(settings: Settings, clients: Clients, key: str, state: str, condition: str) -> None:
    now = f"{time.time():.3f}"
    await clients.dynamodb.update_item(
        TableName=settings.table,
        Key={"id": {"S": key}},
        UpdateExpression="SET #s = :s, #o = :o, created = if_not_exists(created, :n), updated = :n ADD attempts :one",
        ConditionExpression=condition,
        ExpressionAttributeNames={"#s": "state", "#o": "owner"},
        ExpressionAttributeValues={":s": {"S": state}, ":o": {"S": "bench"}, ":n": {"N": now}, ":one": {"N": "1"}},
    )


if __name__ == "__main__":
    uvloop.run(main())
