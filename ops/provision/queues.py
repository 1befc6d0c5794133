"""The queue of notifications, the queues of verdicts and deliveries, and the dead letters of each."""

import json
from typing import Any

from airlock.profiles import Profiles
from ops.provision import queue_policy
from ops.provision.clients import ProvisioningClients, unless
from ops.provision.queue_policy import NO_QUEUE
from ops.provision.setting import ConflictError, Setting
from ops.settings import FOURTEEN_DAYS, Settings

# Far above the attempts of one day, so that restarts of workers do not end a delivery early.
DELIVERY_RECEIVES = 100
RETENTION, REDRIVE, ALLOWED, KEY = "MessageRetentionPeriod", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"
LONGEST_RETENTION = str(FOURTEEN_DAYS * 24 * 3600)
# Its own policy does not let S3 use it, and cannot be changed:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
AWS_KEY = "alias/aws/sqs"


def settings(clients: ProvisioningClients, wanted: Settings, profiles: Profiles) -> list[Setting]:
    """The queues, each after those that it refers to."""
    return [
        *_with_dead_letters(clients, wanted.queue, wanted.dead_letter_queue, wanted.max_receives),
        _readable_key(clients.sqs, wanted.queue),
        queue_policy.setting(clients, wanted),
        # Their readers own these: they are created where missing, and never changed.
        *(_existence(clients, name) for name in profiles.notified("sqs")),
        # Workers bury what failed for a day; SQS moves a message only where workers end while they deliver it.
        *(
            _with_dead_letters(clients, wanted.delivery_queue, wanted.undelivered_queue, DELIVERY_RECEIVES)
            if profiles.notified("webhook")
            else ()
        ),
    ]


def _with_dead_letters(clients: ProvisioningClients, name: str, dead: str, receives: int) -> list[Setting]:
    """A queue from which SQS moves a message to `dead` after so many `receives`."""
    return [
        _existence(clients, dead),
        _retention(clients.sqs, dead),
        _existence(clients, name),
        _retention(clients.sqs, name),
        _redrive(clients, name, dead, receives),
    ]


def _existence(clients: ProvisioningClients, name: str) -> Setting:
    async def read() -> Any:
        found = await unless(NO_QUEUE, clients.sqs.get_queue_url(QueueName=name))
        return found and clients.arn("sqs", name)

    async def write() -> None:
        await clients.sqs.create_queue(QueueName=name)

    return Setting(f"queue {name}", "arn", clients.arn("sqs", name), read, write)


def _retention(sqs: Any, name: str) -> Setting:
    async def read() -> Any:
        return (await _stored(sqs, name)).get(RETENTION)

    async def write() -> None:
        await _write(sqs, name, RETENTION, LONGEST_RETENTION)

    return Setting(f"queue {name}", "retention in seconds", LONGEST_RETENTION, read, write)


def _redrive(clients: ProvisioningClients, name: str, dead: str, receives: int) -> Setting:
    sqs, target, source = clients.sqs, clients.arn("sqs", dead), clients.arn("sqs", name)
    wanted = {"deadLetterTargetArn": target, "maxReceiveCount": receives}

    async def read() -> Any:
        allowed = json.loads((await _stored(sqs, dead)).get(ALLOWED, "{}"))
        if allowed.get("redrivePermission", "allowAll") != "allowAll" and source not in allowed.get(
            "sourceQueueArns", ()
        ):
            raise ConflictError(
                f"queue {dead} takes no dead letters of queue {name}: allow {source} in its redrive allow policy"
            )
        found = json.loads((await _stored(sqs, name)).get(REDRIVE, "{}"))
        if found and found["deadLetterTargetArn"] != target:
            raise ConflictError(
                f"queue {name} moves its dead letters to {found['deadLetterTargetArn']}, and not to queue {dead}: "
                "remove its redrive policy, or name that queue in the settings"
            )
        # AWS returns a string where one was sent.
        return {**found, "maxReceiveCount": int(found["maxReceiveCount"])} if found else None

    async def write() -> None:
        await _write(sqs, name, REDRIVE, json.dumps(wanted))

    return Setting(f"queue {name}", "redrive", wanted, read, write)


def _readable_key(sqs: Any, name: str) -> Setting:
    """S3 must be able to use the key that encrypts the queue. There is nothing to write."""

    async def read() -> Any:
        key = (await _stored(sqs, name)).get(KEY, "")
        if key.endswith(AWS_KEY):
            raise ConflictError(
                f"queue {name} is encrypted with {AWS_KEY}, which S3 cannot use: take SSE-SQS, or a key of your own "
                "whose policy allows s3.amazonaws.com kms:GenerateDataKey and kms:Decrypt"
            )

    async def write() -> None: ...

    return Setting(f"queue {name}", "key", None, read, write)


async def _stored(sqs: Any, name: str) -> dict[str, str]:
    """The attributes of a queue; none where it does not exist."""
    queue = await unless(NO_QUEUE, sqs.get_queue_url(QueueName=name))
    if queue is None:
        return {}
    names = [RETENTION, REDRIVE, ALLOWED, KEY]
    attributes: dict[str, str] = (await sqs.get_queue_attributes(QueueUrl=queue["QueueUrl"], AttributeNames=names)).get(
        "Attributes", {}
    )
    return attributes


async def _write(sqs: Any, name: str, attribute: str, value: str) -> None:
    queue = await sqs.get_queue_url(QueueName=name)
    await sqs.set_queue_attributes(QueueUrl=queue["QueueUrl"], Attributes={attribute: value})
