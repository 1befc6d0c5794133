"""What each permission of the operator is for: what a command does through `aws/`, and what fails without it."""

import secrets
import time
from collections.abc import Mapping

from airlock.errors import Unavailable
from aws.maintenance.backfill_runs import BackfillRuns
from aws.maintenance.bulk_sender import BulkSender
from aws.maintenance.listing import Listing, OpenUpload
from aws.maintenance.table_scan import TableItem, TableScan
from tests.enforcement import needs
from tests.enforcement.needs import DeniedError, Need, Scene


async def _open_uploads(scene: Scene, bucket: str) -> None:
    await Listing(scene.clients.s3).open_uploads(bucket, "")


async def _abort(scene: Scene, bucket: str) -> None:
    begun = await scene.admin.s3.create_multipart_upload(Bucket=bucket, Key=scene.key())
    try:
        await Listing(scene.clients.s3).abort(bucket, OpenUpload(begun["Key"], begun["UploadId"], time.time()))
    finally:
        await Listing(scene.admin.s3).abort(bucket, OpenUpload(begun["Key"], begun["UploadId"], time.time()))


async def _look(scene: Scene, bucket: str) -> None:
    there = await scene.stored(bucket)
    try:
        assert await Listing(scene.clients.s3).has_object(bucket, there.key)
    except Unavailable as refused:
        # An answer to HEAD has no more than a status.
        raise DeniedError from refused


async def _bring_in(scene: Scene, bucket: str) -> None:
    source, key = await scene.stored(bucket), scene.key()
    made = await scene.objects.promote(source, bucket, key, content_type="image/png")
    assert await scene.versions(bucket, key) == [made.version_id]


async def _begin(scene: Scene, _: str) -> None:
    await BackfillRuns(scene.clients.dynamodb, scene.settings.table).start(secrets.token_hex(4), 1, [])


async def _scan(scene: Scene, _: str) -> None:
    await TableScan(scene.clients.dynamodb, scene.settings.table).items()


async def _forget(scene: Scene, _: str) -> None:
    item = {"id": {"S": f"usage#{secrets.token_hex(8)}"}, "expires_at": {"N": "1"}}
    await scene.admin.dynamodb.put_item(TableName=scene.settings.table, Item=item)
    scan = TableScan(scene.clients.dynamodb, scene.settings.table)
    assert await scan.delete_expired(TableItem(item["id"]["S"], None, 1))


async def _count(scene: Scene, queue: str) -> None:
    await BulkSender(scene.clients.sqs, queue).waiting()


async def _send_many(scene: Scene, queue: str) -> None:
    await BulkSender(scene.clients.sqs, queue).send(["{}", "{}"])


_common = needs.NEEDS["workers"].__getitem__
_taking = _common("TakeMessages")
_deletes: Mapping[str, Need] = {
    name: need for name, need in _common("StoreSettled").items() if name.startswith("s3:Delete")
}

NEEDS: Mapping[str, Mapping[str, Need]] = {
    "ListIncoming": _common("FindVersionsInIncoming"),
    "TellGoneFromForbidden": {"s3:ListBucketMultipartUploads": _open_uploads},
    "DescribeIncoming": {**_common("InspectAgain"), "s3:AbortMultipartUpload": _abort},
    "BringIn": {"s3:GetObject": _look, "s3:PutObject": _bring_in},
    "ListSettled": {**_common("FindVersionsOfSettled"), "s3:ListBucketMultipartUploads": _open_uploads},
    "RemoveLeftovers": {**_deletes, "s3:AbortMultipartUpload": _abort},
    "Records": {
        **needs.NEEDS["service"]["ReadRecords"],
        "dynamodb:Scan": _scan,
        "dynamodb:DeleteItem": _forget,
        "dynamodb:UpdateItem": _begin,
    },
    "AnnounceAgain": {
        "sqs:GetQueueAttributes": _count,
        "sqs:GetQueueUrl": _count,
        "sqs:SendMessage*": _send_many,
    },
    "ReadQuarantine": _common("InspectAgain"),
    "CheckReleased": _common("InspectAgain"),
    "Release": {"s3:PutObject": _common("StoreSettled")["s3:PutObject"]},
    "TakeDeadLetters": {**_taking, "sqs:GetQueueAttributes": _count},
    "TellVerdicts": _common("TellVerdicts"),
    "TellTopics": _common("TellTopics"),
    "TellBuses": _common("TellBuses"),
}
"""By statement and action."""
