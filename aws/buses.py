"""Publishes verdict events to SNS topics and EventBridge buses."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airlock.errors import Outage
from aws.clients import Clients
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_events.type_defs import PutEventsRequestEntryTypeDef
    from types_aiobotocore_sns.type_defs import MessageAttributeValueTypeDef

SOURCE = "airlock"


class Buses:
    """Topics and buses in our own account. Methods raise Unavailable("sns") or Unavailable("eventbridge")."""

    def __init__(self, clients: Clients, region: str) -> None:
        self._clients = clients
        self._region = region
        self._topic_prefix: str | None = None

    async def publish_to_topic(self, name: str, message: str, attributes: Mapping[str, str]) -> None:
        """Publish to the topic of that name, with string attributes by which subscriptions can filter."""
        typed: dict[str, MessageAttributeValueTypeDef] = {
            key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()
        }
        with translate("sns"):
            arn = f"{await self._prefix()}{name}"
            await self._clients.sns.publish(TopicArn=arn, Message=message, MessageAttributes=typed)

    async def put_event(self, bus: str, detail_type: str, detail: str) -> None:
        """Put one event on the bus of that name; `detail` is JSON."""
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": bus,
            "Source": SOURCE,
            "DetailType": detail_type,
            "Detail": detail,
        }
        with translate("eventbridge"):
            answer = await self._clients.events.put_events(Entries=[entry])
        # It answers 200 also for an event that it refused.
        # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
        if answer["FailedEntryCount"]:
            code = answer["Entries"][0].get("ErrorCode", "an error without a code")
            raise Outage("eventbridge", f"PutEvents: {code}")

    async def ask_topic(self, name: str) -> None:
        """Ask for the topic of that name."""
        with translate("sns"):
            await self._clients.sns.get_topic_attributes(TopicArn=f"{await self._prefix()}{name}")

    async def ask_bus(self, name: str) -> None:
        """Ask for the event bus of that name."""
        with translate("eventbridge"):
            await self._clients.events.describe_event_bus(Name=name)

    async def _prefix(self) -> str:
        """The beginning of the ARN of a topic in our account."""
        if self._topic_prefix is None:
            caller = await self._clients.sts.get_caller_identity()
            partition = caller["Arn"].split(":")[1]
            self._topic_prefix = f"arn:{partition}:sns:{self._region}:{caller['Account']}:"
        return self._topic_prefix
