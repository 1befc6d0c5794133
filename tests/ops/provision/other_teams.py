"""An account whose buckets, queue and table other teams use too, and what of theirs is in it."""

import json
from typing import Any

from ops.provision.clients import ProvisioningClients
from ops.settings import Settings

THEIR_CORS: list[dict[str, Any]] = [
    {"ID": "theirs", "AllowedOrigins": ["https://their.example"], "AllowedMethods": ["GET", "PUT"]},
    {"AllowedOrigins": ["https://old.example"], "AllowedMethods": ["POST"], "AllowedHeaders": ["x-theirs"]},
]
THEIR_LIFECYCLE: list[dict[str, Any]] = [
    {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "their/"}, "Expiration": {"Days": 3}},
    {
        "ID": "tiering",
        "Status": "Enabled",
        "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "team", "Value": "data"}]}},
        "Transitions": [{"Days": 40, "StorageClass": "GLACIER"}],
    },
]
THEIR_STATEMENT = {
    "Sid": "TheirProducer",
    "Effect": "Allow",
    "Principal": {"Service": "sns.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": "*",
}
THEIR_KMS = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "theirs"}}
THEIR_INDEX = {
    "IndexName": "their-index",
    "KeySchema": [{"AttributeName": "theirs", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}
CAPACITY = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 3}


async def settle_in(wanted: Settings, clients: ProvisioningClients) -> None:
    """Create the buckets, the queue and the table with the things of other teams, and nothing of ours."""
    for bucket in buckets(wanted):
        await _bucket(bucket, clients)
    await _notifications(wanted, clients)
    await _queue(wanted, clients)
    await _table(wanted, clients)


def buckets(wanted: Settings) -> tuple[str, str, str]:
    return wanted.incoming_bucket, wanted.accepted_bucket, wanted.quarantine_bucket


async def _bucket(bucket: str, clients: ProvisioningClients) -> None:
    s3 = clients.s3
    await s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": clients.region})
    await s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": THEIR_CORS})
    await s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": THEIR_LIFECYCLE})
    await s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [THEIR_KMS]})
    await s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "data"}]})
    statement = {
        "Sid": "TheirReader",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{clients.account}:root"},
        "Action": "s3:GetObject",
        "Resource": f"{clients.arn('s3', bucket)}/their/*",
    }
    await s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


async def _notifications(wanted: Settings, clients: ProvisioningClients) -> None:
    their_queue = f"their-{wanted.queue}"
    await clients.sqs.create_queue(QueueName=their_queue)
    their_prefix = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "their/"}]}}
    await clients.s3.put_bucket_notification_configuration(
        Bucket=wanted.incoming_bucket,
        SkipDestinationValidation=True,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": "their-queue",
                    "QueueArn": clients.arn("sqs", their_queue),
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": their_prefix,
                }
            ],
            "TopicConfigurations": [
                {"Id": "their-topic", "TopicArn": clients.arn("sns", "theirs"), "Events": ["s3:ObjectRemoved:*"]}
            ],
            "LambdaFunctionConfigurations": [
                {
                    "Id": "their-function",
                    "LambdaFunctionArn": clients.arn("lambda", "function:theirs"),
                    "Events": ["s3:ObjectTagging:*"],
                }
            ],
            "EventBridgeConfiguration": {},
        },
    )


async def _queue(wanted: Settings, clients: ProvisioningClients) -> None:
    made = await clients.sqs.create_queue(QueueName=wanted.queue, tags={"team": "data"})
    policy = {"Version": "2008-10-17", "Id": "theirs", "Statement": [THEIR_STATEMENT]}
    attributes = {"Policy": json.dumps(policy), "VisibilityTimeout": "77", "MaximumMessageSize": "65536"}
    await clients.sqs.set_queue_attributes(QueueUrl=made["QueueUrl"], Attributes=attributes)


async def _table(wanted: Settings, clients: ProvisioningClients) -> None:
    await clients.dynamodb.create_table(
        TableName=wanted.table,
        BillingMode="PROVISIONED",
        ProvisionedThroughput=CAPACITY,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "theirs")],
        GlobalSecondaryIndexes=[{**THEIR_INDEX, "ProvisionedThroughput": CAPACITY}],
        Tags=[{"Key": "team", "Value": "data"}],
    )


async def everything(wanted: Settings, clients: ProvisioningClients) -> dict[str, Any]:
    """All that is stored of the buckets, the queue and the table, by resource and setting."""
    found: dict[str, Any] = {}
    for bucket in buckets(wanted):
        for what, value in (await _of_bucket(bucket, clients.s3)).items():
            found[f"{bucket} {what}"] = value
    url = (await clients.sqs.get_queue_url(QueueName=wanted.queue))["QueueUrl"]
    stored = (await clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]))["Attributes"]
    found["queue"] = {key: json.loads(value) if key == "Policy" else value for key, value in stored.items()}
    found["queue tags"] = (await clients.sqs.list_queue_tags(QueueUrl=url))["Tags"]
    found["table"] = table = (await clients.dynamodb.describe_table(TableName=wanted.table))["Table"]
    found["table tags"] = (await clients.dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"]))["Tags"]
    return found


async def _of_bucket(bucket: str, s3: Any) -> dict[str, Any]:
    notifications = await s3.get_bucket_notification_configuration(Bucket=bucket)
    return {
        "cors": (await s3.get_bucket_cors(Bucket=bucket))["CORSRules"],
        "lifecycle": (await s3.get_bucket_lifecycle_configuration(Bucket=bucket))["Rules"],
        "encryption": (await s3.get_bucket_encryption(Bucket=bucket))["ServerSideEncryptionConfiguration"],
        "tags": (await s3.get_bucket_tagging(Bucket=bucket))["TagSet"],
        "policy": json.loads((await s3.get_bucket_policy(Bucket=bucket))["Policy"]),
        "versioning": (await s3.get_bucket_versioning(Bucket=bucket)).get("Status"),
        "notifications": {key: value for key, value in notifications.items() if key != "ResponseMetadata"},
    }


async def be_in_the_way(wanted: Settings, clients: ProvisioningClients) -> None:
    """Give the other teams what `airlock provision` cannot merge with."""
    s3, sqs = clients.s3, clients.sqs
    everybody = {"Sid": "Everybody", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    public = {**everybody, "Resource": f"{clients.arn('s3', wanted.accepted_bucket)}/public/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [public]})
    await s3.delete_public_access_block(Bucket=wanted.accepted_bucket)
    await s3.put_bucket_policy(Bucket=wanted.accepted_bucket, Policy=policy)
    await s3.put_object(Bucket=wanted.quarantine_bucket, Key="their/report.pdf", Body=b"%PDF")
    topic = {"Id": "their-topic", "TopicArn": clients.arn("sns", "theirs"), "Events": ["s3:ObjectCreated:Put"]}
    await s3.put_bucket_notification_configuration(
        Bucket=wanted.incoming_bucket,
        SkipDestinationValidation=True,
        NotificationConfiguration={"TopicConfigurations": [topic]},
    )
    url = (await sqs.get_queue_url(QueueName=wanted.queue))["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": clients.arn("sqs", f"their-{wanted.queue}"), "maxReceiveCount": 3})
    await sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"RedrivePolicy": redrive, "KmsMasterKeyId": "alias/aws/sqs"}
    )
    await clients.dynamodb.update_time_to_live(
        TableName=wanted.table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "theirs"}
    )
