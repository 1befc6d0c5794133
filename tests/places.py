"""Buckets, queues and table as the tests need them, until `ops.provision` makes them."""

import json
from typing import Any

from aiobotocore.session import get_session

from aws.settings import AwsSettings
from ops.emulator import REGION


ONLY_S3 = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
        }
    ],
}


async def create(s: AwsSettings) -> None:
    """Create everything that `s` names."""
    session = get_session()
    at: Any = {"region_name": s.region, "endpoint_url": s.endpoint_url}
    async with (
        session.create_client("s3", **at) as s3,
        session.create_client("sqs", **at) as sqs,
        session.create_client("dynamodb", **at) as dynamodb,
    ):
        dead = await _queue(sqs, s.dead_letter_queue, {})
        redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 10})
        queue = await _queue(
            sqs,
            s.queue,
            {"RedrivePolicy": redrive, "VisibilityTimeout": "60", "Policy": json.dumps(ONLY_S3)},
        )
        for bucket in (s.incoming_bucket, s.accepted_bucket, s.quarantine_bucket):
            await s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            await s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        await s3.put_bucket_notification_configuration(
            Bucket=s.incoming_bucket,
            NotificationConfiguration={
                "QueueConfigurations": [
                    {
                        "QueueArn": queue,
                        "Events": ["s3:ObjectCreated:*"],
                        "Filter": {
                            "Key": {"FilterRules": [{"Name": "prefix", "Value": f"{s.incoming_prefix}/"}]}
                        },
                    }
                ]
            },
        )
        await dynamodb.create_table(
            TableName=s.table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "owner", "AttributeType": "S"},
                {"AttributeName": "created", "AttributeType": "N"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "owner-index",
                    "KeySchema": [
                        {"AttributeName": "owner", "KeyType": "HASH"},
                        {"AttributeName": "created", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )


async def _queue(sqs: Any, name: str, attributes: dict[str, str]) -> str:
    url = (await sqs.create_queue(QueueName=name, Attributes=attributes))["QueueUrl"]
    wanted = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(wanted["Attributes"]["QueueArn"])
