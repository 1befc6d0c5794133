"""The incoming bucket's notification of new objects. Notifications of others stay."""

from typing import Any

from ops.provision.clients import NO_BUCKET, ProvisioningClients, unless
from ops.provision.setting import ConflictError, Setting
from ops.settings import Settings

NOTIFICATION = "airlock-incoming"
QUEUES = "QueueConfigurations"
DESTINATIONS = {
    QUEUES: "QueueArn",
    "TopicConfigurations": "TopicArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}
CREATED = "s3:ObjectCreated:"

Configuration = dict[str, Any]


def setting(clients: ProvisioningClients, wanted: Settings) -> Setting:
    """The notification to our queue, of keys below our prefix; the queue and its policy must be there."""
    s3, bucket = clients.s3, wanted.incoming_bucket
    ours = {
        "QueueArn": clients.arn("sqs", wanted.queue),
        "Events": [f"{CREATED}*"],
        "Prefix": f"{wanted.incoming_prefix}/",
    }

    async def stored() -> dict[str, Any]:
        answer = await unless(NO_BUCKET, s3.get_bucket_notification_configuration(Bucket=bucket))
        return {key: value for key, value in (answer or {}).items() if key != "ResponseMetadata"}

    async def read() -> Any:
        now = await stored()
        made, others = _parted(now, ours)
        for destination, other in _destinations(others):
            _compare(bucket, ours, destination, other)
        found = _read_back(made[0]) if made else None
        if found and all(found.get(key) != ours[key] for key in ("QueueArn", "Prefix")):
            raise _of_another_deployment(bucket, found)
        return found

    async def write() -> None:
        _, others = _parted(await stored(), ours)
        queues = [*others.get(QUEUES, []), _written(ours)]
        # S3 would ask the destinations of others too, and send them a test event. One that is gone would refuse ours.
        await s3.put_bucket_notification_configuration(
            Bucket=bucket,
            SkipDestinationValidation=bool(_destinations(others)),
            NotificationConfiguration={**others, QUEUES: queues},
        )

    return Setting(f"bucket {bucket}", "notification", ours, read, write)


def _of_another_deployment(bucket: str, found: Configuration) -> ConflictError:
    return ConflictError(
        f"bucket {bucket} has the notification {NOTIFICATION} of another deployment ({found.get('Prefix')} to "
        f"{found['QueueArn']}): choose another bucket, or remove that notification"
    )


def _parted(stored: dict[str, Any], ours: Configuration) -> tuple[list[Configuration], dict[str, Any]]:
    """Ours, by id or because it says the same under another id; and the whole configuration without it."""
    queues = stored.get(QUEUES, [])
    same = [each for each in queues if _read_back(each) == ours]
    made = same or [each for each in queues if each.get("Id") == NOTIFICATION]
    rest = [each for each in queues if each not in made]
    others = {key: value for key, value in stored.items() if key != QUEUES}
    return made, {**others, QUEUES: rest} if rest else others


def _destinations(others: dict[str, Any]) -> list[tuple[str, Configuration]]:
    return [(each[arn], _read_back(each, arn)) for kind, arn in DESTINATIONS.items() for each in others.get(kind, [])]


def _compare(bucket: str, ours: Configuration, destination: str, other: Configuration) -> None:
    """Raises ConflictError where S3 would refuse both together: it has one destination for each object and event.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
    """
    prefix = other.get("Prefix", "")
    below = prefix.startswith(ours["Prefix"]) or ours["Prefix"].startswith(prefix)
    if below and any(event.startswith(CREATED) for event in other["Events"]):
        raise ConflictError(
            f"bucket {bucket} notifies {destination} of new objects below {prefix or 'every prefix'}, and S3 notifies "
            f"one destination only: narrow that notification so that it leaves out {ours['Prefix']}, or choose "
            "another AIRLOCK_INCOMING_PREFIX"
        )


def _read_back(configuration: Configuration, arn: str = "QueueArn") -> Configuration:
    rules = configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return {
        arn: configuration[arn],
        "Events": configuration["Events"],
        **{rule["Name"].capitalize(): rule["Value"] for rule in rules},
    }


def _written(ours: Configuration) -> Configuration:
    return {
        "Id": NOTIFICATION,
        "QueueArn": ours["QueueArn"],
        "Events": ours["Events"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": ours["Prefix"]}]}},
    }
