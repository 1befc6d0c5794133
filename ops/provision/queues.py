"""The queue of notifications and its dead letters, the verdict and delivery queues, and the bucket's notification."""

import json
from typing import Any

from airlock.profiles import Profiles
from ops.provision.clients import ProvisioningClients, unless
from ops.provision.setting import Setting
from ops.settings import FOURTEEN_DAYS, Settings

NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
NO_BUCKET = {"NoSuchBucket", "404"}
NOTIFICATION = "airlock-incoming"
# Far above the attempts of one day, so that restarts of workers do not end a delivery early.
DELIVERY_RECEIVES = 100
RETENTION = str(FOURTEEN_DAYS * 24 * 3600)


def settings(clients: ProvisioningClients, wanted: Settings, profiles: Profiles) -> list[Setting]:
    """The queues, each after those that it refers to, and the notification last."""
    redrive = {
        "deadLetterTargetArn": clients.arn("sqs", wanted.dead_letter_queue),
        "maxReceiveCount": wanted.max_receives,
    }
    attributes = {
        "MessageRetentionPeriod": RETENTION,
        "ReceiveMessageWaitTimeSeconds": "20",
        "RedrivePolicy": redrive,
        "Policy": _only_from(clients, wanted),
    }
    dead, queue = wanted.dead_letter_queue, wanted.queue
    return [
        _existence(clients, dead),
        _attributes(clients.sqs, dead, {"MessageRetentionPeriod": RETENTION}),
        _existence(clients, queue),
        _attributes(clients.sqs, queue, attributes),
        # Their readers own these: they are created where missing, and never changed.
        *(_existence(clients, name) for name in profiles.notified("sqs")),
        *(_deliveries(clients, wanted) if profiles.notified("webhook") else ()),
        _notification(clients, wanted),
    ]


def _deliveries(clients: ProvisioningClients, wanted: Settings) -> list[Setting]:
    """The queue of deliveries to webhooks and its dead letters. Workers bury what failed for a day; SQS moves a message
    only where workers end while they deliver it.
    """
    undelivered, deliveries = wanted.undelivered_queue, wanted.delivery_queue
    redrive = {"deadLetterTargetArn": clients.arn("sqs", undelivered), "maxReceiveCount": DELIVERY_RECEIVES}
    attributes = {"MessageRetentionPeriod": RETENTION, "RedrivePolicy": redrive}
    return [
        _existence(clients, undelivered),
        _attributes(clients.sqs, undelivered, {"MessageRetentionPeriod": RETENTION}),
        _existence(clients, deliveries),
        _attributes(clients.sqs, deliveries, attributes),
    ]


def _only_from(clients: ProvisioningClients, wanted: Settings) -> dict[str, Any]:
    """A queue policy: S3 may send notifications of our incoming bucket, and of no other."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "airlock-incoming",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": clients.arn("sqs", wanted.queue),
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": clients.arn("s3", wanted.incoming_bucket)},
                    "StringEquals": {"aws:SourceAccount": clients.account},
                },
            }
        ],
    }


def _existence(clients: ProvisioningClients, name: str) -> Setting:
    async def read() -> Any:
        found = await unless(NO_QUEUE, clients.sqs.get_queue_url(QueueName=name))
        return found and clients.arn("sqs", name)

    async def write() -> None:
        await clients.sqs.create_queue(QueueName=name)

    return Setting(f"queue {name}", "arn", clients.arn("sqs", name), read, write)


def _attributes(sqs: Any, name: str, wanted: dict[str, Any]) -> Setting:
    async def read() -> Any:
        queue = await unless(NO_QUEUE, sqs.get_queue_url(QueueName=name))
        if queue is None:
            return None
        answer = await sqs.get_queue_attributes(QueueUrl=queue["QueueUrl"], AttributeNames=sorted(wanted))
        stored = answer.get("Attributes", {})
        return {key: _parsed(key, stored[key]) for key in wanted if key in stored}

    async def write() -> None:
        queue = await sqs.get_queue_url(QueueName=name)
        attributes = {key: json.dumps(val) if isinstance(val, dict) else val for key, val in wanted.items()}
        await sqs.set_queue_attributes(QueueUrl=queue["QueueUrl"], Attributes=attributes)

    return Setting(f"queue {name}", "attributes", wanted, read, write)


def _parsed(key: str, value: str) -> Any:
    if key not in ("Policy", "RedrivePolicy"):
        return value
    parsed = json.loads(value)
    if "maxReceiveCount" in parsed:  # AWS returns a string where one was sent
        parsed["maxReceiveCount"] = int(parsed["maxReceiveCount"])
    return parsed


def _notification(clients: ProvisioningClients, wanted: Settings) -> Setting:
    s3, bucket = clients.s3, wanted.incoming_bucket
    ours = {
        "QueueArn": clients.arn("sqs", wanted.queue),
        "Events": ["s3:ObjectCreated:*"],
        "Prefix": f"{wanted.incoming_prefix}/",
    }

    async def stored() -> dict[str, Any]:
        answer = await unless(NO_BUCKET, s3.get_bucket_notification_configuration(Bucket=bucket))
        return {key: value for key, value in (answer or {}).items() if key != "ResponseMetadata"}

    async def read() -> Any:
        queues = (await stored()).get("QueueConfigurations", [])
        return next((_read_back(each) for each in queues if each.get("Id") == NOTIFICATION), None)

    async def write() -> None:
        now = await stored()
        others = [one for one in now.get("QueueConfigurations", []) if one.get("Id") != NOTIFICATION]
        await s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={**now, "QueueConfigurations": [*others, _configuration(ours)]},
        )

    return Setting(f"bucket {bucket}", "notification", ours, read, write)


def _read_back(configuration: dict[str, Any]) -> dict[str, Any]:
    rules = configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return {
        "QueueArn": configuration["QueueArn"],
        "Events": configuration["Events"],
        **{rule["Name"].capitalize(): rule["Value"] for rule in rules},
    }


def _configuration(ours: dict[str, Any]) -> dict[str, Any]:
    return {
        "Id": NOTIFICATION,
        "QueueArn": ours["QueueArn"],
        "Events": ours["Events"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": ours["Prefix"]}]}},
    }
