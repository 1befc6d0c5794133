"""What each permission of a pod is for: one thing that the pod does through `aws/`, and that fails without it."""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from airlock.errors import AirlockError, VersionGone
from airlock.intent import SizeRange
from airlock.lifecycle import State
from airlock.policy import Bucket, Policy, bucket_url, sign
from aws.buses import Buses
from aws.clients import Clients
from aws.dynamodb.records import Record, Records
from aws.s3.objects import Objects, Pinned
from aws.settings import AwsSettings
from aws.sqs.queue import Queue
from ops.iam.policies import Pod
from tests.service.deployed import post_form

MIB = 1024**2
CONTENT = b"bytes of a file"


class DeniedError(Exception):
    """It was not done, and the reason is a permission."""


@dataclass(frozen=True)
class Scene:
    """A deployment, everything in it that a pod has, and clients that may do all (`admin`) to prepare and to look."""

    settings: AwsSettings
    clients: Clients
    admin: Clients
    http: aiohttp.ClientSession

    @property
    def objects(self) -> Objects:
        return Objects(self.clients.s3, multipart_above=2 * MIB, part_size=MIB)

    @property
    def records(self) -> Records:
        return Records(self.clients.dynamodb, self.settings.table)

    def key(self) -> str:
        """A key under incoming's prefix that nobody used."""
        return f"{self.settings.incoming_prefix}/{secrets.token_hex(8)}"

    async def stored(self, bucket: str, key: str | None = None, body: bytes = CONTENT) -> Pinned:
        """A new object, put there by the admin."""
        key = key or self.key()
        made = await self.admin.s3.put_object(Bucket=bucket, Key=key, Body=body)
        return Pinned(bucket, key, made["VersionId"], made["ETag"].strip('"'), len(body))

    async def versions(self, bucket: str, key: str) -> list[str]:
        listed = await self.admin.s3.list_object_versions(Bucket=bucket, Prefix=key)
        return [each["VersionId"] for each in listed.get("Versions", [])]

    def signed(self, key: str, bucket: str | None = None) -> Policy:
        """A policy for one object, signed by the pod."""
        here, name = self.settings, bucket or self.settings.incoming_bucket
        place = Bucket(name, here.region, bucket_url(name, self.clients.s3_url, here.addressing))
        credentials = self.clients.credentials.current()
        return sign(credentials, place, key, now=int(time.time()), lifetime=60, fields={}, size=SizeRange(1, 100))

    async def post(self, policy: Policy) -> int:
        """S3's status for a file that is sent by it."""
        status, _ = await post_form(self.http, policy.url, dict(policy.fields), CONTENT)
        return status


Need = Callable[[Scene, str], Awaitable[None]]
"""Does it once, in the bucket or queue of that name; raises DeniedError, or what `aws/` makes of a refusal."""


async def _upload(scene: Scene, bucket: str) -> None:
    if await scene.post(scene.signed(scene.key())) == 403:
        raise DeniedError


async def _lend(scene: Scene, bucket: str) -> None:
    lent = await scene.stored(bucket)
    url = await scene.objects.presign_get(
        bucket, lent.key, lent.version_id, content_disposition="attachment", content_type="image/png", expires=60
    )
    async with scene.http.get(url) as response:
        if response.status == 403:
            raise DeniedError
        assert await response.read() == CONTENT


async def _get(scene: Scene, _: str) -> None:
    await scene.records.get("nobody's")


async def _batch_get(scene: Scene, _: str) -> None:
    await scene.records.batch_get(["nobody's", "either"])


async def _claim(scene: Scene, _: str) -> None:
    now = time.time()
    upload = secrets.token_hex(8)
    await scene.records.claim(
        Record(id=upload, owner="owner", state=State.RECEIVED, created_at=now, updated_at=now, version_id="v")
    )


async def _list(scene: Scene, _: str) -> None:
    await scene.records.list("owner")


async def _publish(scene: Scene, topic: str) -> None:
    await Buses(scene.clients, scene.settings.region).publish_to_topic(topic, "{}", {})


async def _put_event(scene: Scene, bus: str) -> None:
    await Buses(scene.clients, scene.settings.region).put_event(bus, "airlock.upload.accepted", "{}")


async def _send(scene: Scene, queue: str) -> None:
    async with Queue.open(scene.settings, scene.clients) as opened:
        await opened.send(queue, "{}")


async def _receive(scene: Scene, queue: str) -> None:
    async with Queue.open(scene.settings, scene.clients, name=queue) as opened:
        await opened.receive(10, 0, 0)


async def _received(scene: Scene, queue: Queue, name: str) -> str:
    url = (await scene.admin.sqs.get_queue_url(QueueName=name))["QueueUrl"]
    await scene.admin.sqs.send_message(QueueUrl=url, MessageBody="{}")
    [message] = await queue.receive(1, 1, 60)
    return message.receipt


async def _acknowledge(scene: Scene, name: str) -> None:
    async with Queue.open(scene.settings, scene.clients, name=name) as queue:
        assert await queue.delete([await _received(scene, queue, name)]) == []


async def _extend(scene: Scene, name: str) -> None:
    async with Queue.open(scene.settings, scene.clients, name=name) as queue:
        receipt = await _received(scene, queue, name)
        try:
            assert await queue.extend([receipt], 60) == []
        finally:
            await queue.delete([receipt])


async def _read(scene: Scene, bucket: str) -> None:
    there = await scene.stored(bucket)
    async with scene.objects.open(bucket, there.key, there.version_id, there.etag) as body:
        assert [chunk async for chunk in body.chunks(MIB)] == [CONTENT]


async def _delete(scene: Scene, bucket: str) -> None:
    there = await scene.stored(bucket)
    await scene.objects.delete(bucket, there.key, there.version_id)
    assert await scene.versions(bucket, there.key) == []


async def _delete_all(scene: Scene, bucket: str) -> None:
    there = await scene.stored(bucket)
    await scene.stored(bucket, there.key)
    assert await scene.objects.delete_all_versions(bucket, there.key) == 2
    assert await scene.versions(bucket, there.key) == []


async def _find_versions(scene: Scene, bucket: str) -> None:
    assert await scene.objects.delete_all_versions(bucket, scene.key()) == 0


async def _promote(scene: Scene, bucket: str) -> None:
    source = await scene.stored(scene.settings.incoming_bucket)
    made = await scene.objects.promote(source, bucket, source.key, content_type="image/png")
    assert await scene.versions(bucket, source.key) == [made.version_id]


async def _abort(scene: Scene, bucket: str) -> None:
    """A copy in parts that fails: what it began has to go, or is paid for."""
    source = await scene.stored(scene.settings.incoming_bucket, body=b"x" * 3 * MIB)
    try:
        await scene.objects.promote(replace(source, etag="0" * 32), bucket, source.key, content_type="image/png")
    except VersionGone:
        begun = (await scene.admin.s3.list_multipart_uploads(Bucket=bucket)).get("Uploads", [])
        for left in begun:
            await scene.admin.s3.abort_multipart_upload(Bucket=bucket, Key=left["Key"], UploadId=left["UploadId"])
        if begun:
            raise DeniedError from None


_QUEUES: dict[str, Need] = {"sqs:GetQueueUrl": _send, "sqs:SendMessage": _send}
_DELETES: dict[str, Need] = {"s3:DeleteObject": _delete_all, "s3:DeleteObjectVersion": _delete}

NEEDS: Mapping[Pod, Mapping[str, Mapping[str, Need]]] = {
    "service": {
        "SignUploads": {"s3:PutObject": _upload},
        "LendAccepted": {"s3:GetObjectVersion": _lend},
        "ReadRecords": {"dynamodb:BatchGetItem": _batch_get, "dynamodb:GetItem": _get},
        "RecordsOfAnOwner": {"dynamodb:Query": _list},
        "TellOfWithdrawals": _QUEUES,
    },
    "workers": {
        "InspectIncoming": {"s3:GetObjectVersion": _read, **_DELETES},
        "FindVersionsInIncoming": {"s3:ListBucketVersions": _find_versions},
        "InspectAgain": {"s3:GetObjectVersion": _read},
        "StoreSettled": {"s3:PutObject": _promote, "s3:AbortMultipartUpload": _abort, **_DELETES},
        "FindVersionsOfSettled": {"s3:ListBucketVersions": _find_versions},
        "Records": {"dynamodb:GetItem": _get, "dynamodb:UpdateItem": _claim},
        "TakeMessages": {
            "sqs:GetQueueUrl": _receive,
            "sqs:ReceiveMessage": _receive,
            "sqs:DeleteMessage*": _acknowledge,
            "sqs:ChangeMessageVisibility*": _extend,
        },
        "SendAgainWhatWaits": {"sqs:SendMessage": _send},
        "TellVerdicts": _QUEUES,
        "QueueDeliveries": {"sqs:SendMessage": _send},
        "TellTopics": {"sns:Publish": _publish},
        "TellBuses": {"events:PutEvents": _put_event},
    },
}
"""By pod, statement and action."""

ON_AWS_ONLY = {
    ("InspectIncoming", "s3:GetObject"),
    ("InspectAgain", "s3:GetObject"),
    ("ReadQuarantine", "s3:GetObject"),
    ("TellGoneFromQuarantine", "s3:ListBucket"),
    ("TellGoneFromAccepted", "s3:ListBucket"),
    ("TellGoneFromForbidden", "s3:ListBucket"),
    # Each of them is held to keys or attributes, which ministack does not look at: see tests/ops/iam.
    ("ChargeSessionsAndQuotas", "dynamodb:UpdateItem"),
    ("MarkWithdrawals", "dynamodb:UpdateItem"),
}
"""What ministack does not ask for where AWS's pages say that AWS does: see `ops.iam.policies`."""


async def denied(need: Need, scene: Scene, place: str) -> bool:
    """Whether a permission is missing for it."""
    try:
        await need(scene, place)
    except DeniedError:
        return True
    except AirlockError as error:
        # SNS has a word of its own for it.
        if "AccessDenied" in str(error) or "AuthorizationError" in str(error):
            return True
        raise
    return False


def actions(statement: Mapping[str, Any]) -> list[str]:
    """The actions of a statement, which a text stands for where there is one alone."""
    return _list_of(statement["Action"])


def resources(statement: Mapping[str, Any]) -> list[str]:
    return _list_of(statement["Resource"])


def _list_of(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
