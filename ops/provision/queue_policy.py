"""The queue's policy statement that lets S3 send notifications. Statements of others stay."""

import json
from typing import Any

from ops.provision.clients import ProvisioningClients, unless
from ops.provision.setting import ConflictError, Setting
from ops.settings import Settings

NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
STATEMENT = "airlock-incoming"
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
MAX_STATEMENTS = 20

Policy = dict[str, Any]


def setting(clients: ProvisioningClients, wanted: Settings) -> Setting:
    """S3 may send notifications of our incoming bucket, and of no other."""
    sqs, name, ours = clients.sqs, wanted.queue, _statement(clients, wanted)

    async def stored() -> tuple[str, Policy]:
        url = (await sqs.get_queue_url(QueueName=name))["QueueUrl"]
        answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        return url, _policy(answer.get("Attributes", {}).get("Policy"))

    async def read() -> Any:
        found = await unless(NO_QUEUE, stored())
        return _made(name, found[1]["Statement"]) if found else None

    async def write() -> None:
        url, policy = await stored()
        others = [each for each in policy["Statement"] if each.get("Sid") != STATEMENT]
        merged = {**policy, "Statement": [*others, ours]}
        await sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(merged)})

    return Setting(f"queue {name}", "policy", ours, read, write)


def _statement(clients: ProvisioningClients, wanted: Settings) -> Policy:
    return {
        "Sid": STATEMENT,
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": clients.arn("sqs", wanted.queue),
        "Condition": {
            "ArnEquals": {"aws:SourceArn": clients.arn("s3", wanted.incoming_bucket)},
            "StringEquals": {"aws:SourceAccount": clients.account},
        },
    }


def _made(queue: str, statements: list[Policy]) -> Any:
    """Our statement among all of the queue; raises ConflictError where there is no room for it."""
    made = [each for each in statements if each.get("Sid") == STATEMENT]
    if not made and len(statements) >= MAX_STATEMENTS:
        raise ConflictError(
            f"queue {queue} has a policy of {len(statements)} statements of others, and SQS allows "
            f"{MAX_STATEMENTS}: remove one"
        )
    return made[0] if len(made) == 1 else made or None


def _policy(text: str | None) -> Policy:
    """A policy whose statements are a list: one statement may stand without."""
    policy = json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}
    statements = policy["Statement"]
    return {**policy, "Statement": statements if isinstance(statements, list) else [statements]}
