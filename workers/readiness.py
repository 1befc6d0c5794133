"""Whether a worker is able to work: its engines, and every place that it reads from and settles into."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from airlock.profiles import Profiles
from aws import probes
from aws.buses import Buses
from aws.clients import Clients
from aws.dependencies import Ask, Dependencies
from aws.dynamodb.records import Records
from aws.settings import AwsSettings
from workers.health import Report
from workers.inspection.inspector import Inspector
from workers.intake.consumer import Consumer
from workers.intake.skews import Skews

# A probe of Kubernetes waits one second by default.
PROBE_SECONDS = 0.5

Unconfined = Callable[[], Sequence[str]]
"""Gives the layers that the confinement of children lacks here."""


def dependencies(settings: AwsSettings, profiles: Profiles, clients: Clients, inspector: Inspector) -> Dependencies:
    """What has to answer before a message is received. `clients` has the services of the profiles' targets."""
    asks: dict[str, Ask] = {
        "engines": inspector.ready,
        "table": probes.table(Records(clients.dynamodb, settings.table), settings.table, "AIRLOCK_TABLE"),
        "incoming bucket": probes.bucket(clients.s3, settings.incoming_bucket, "AIRLOCK_INCOMING_BUCKET"),
        "accepted bucket": probes.bucket(clients.s3, settings.accepted_bucket, "AIRLOCK_ACCEPTED_BUCKET"),
        "quarantine bucket": probes.bucket(
            clients.s3, settings.quarantine_bucket, "AIRLOCK_QUARANTINE_BUCKET", permitted=False
        ),
    }
    for name, variable in _queues(settings, profiles):
        asks[f"queue {name}"] = probes.queue(clients.sqs, name, variable)
    return Dependencies(asks)


def targets(settings: AwsSettings, profiles: Profiles, clients: Clients) -> Dependencies:
    """The queues, topics and buses that profiles notify. Uploads of one that does not answer wait; others do not."""
    buses = Buses(clients, settings.region)
    asks = {f"queue {name}": probes.queue(clients.sqs, name, "notify") for name in profiles.notified("sqs")}
    asks |= {f"topic {name}": probes.topic(buses, name) for name in profiles.notified("sns")}
    asks |= {f"bus {name}": probes.bus(buses, name) for name in profiles.notified("eventbridge")}
    return Dependencies(asks)


def _queues(settings: AwsSettings, profiles: Profiles) -> Iterator[tuple[str, str]]:
    yield settings.queue, "AIRLOCK_QUEUE"
    yield settings.dead_letter_queue, "AIRLOCK_DEAD_LETTER_QUEUE"
    if profiles.notified("webhook"):
        yield settings.delivery_queue, "AIRLOCK_DELIVERY_QUEUE"
        yield settings.undelivered_queue, "AIRLOCK_UNDELIVERED_QUEUE"


class Readiness:
    """What /readyz answers."""

    def __init__(
        self, needed: Dependencies, notified: Dependencies, consumer: Consumer, skews: Skews, unconfined: Unconfined
    ) -> None:
        self._needed = needed
        self._notified = notified
        self._consumer = consumer
        self._skews = skews
        self._unconfined = unconfined

    async def report(self) -> Report:
        """As of now, or as of the last time that everything was asked where an answer takes long."""
        needed, notified = await asyncio.gather(
            self._needed.problems(PROBE_SECONDS), self._notified.problems(PROBE_SECONDS)
        )
        unavailable = [str(problem) for problem in needed]
        if not self._needed.asked:
            unavailable.append("the worker has just begun, and asks what it needs")
        if not self._consumer.alive:
            unavailable.append("sqs: the queue gives no messages")
        return Report(unavailable, [*map(str, notified), *self._skews.recent()], self._unconfined())
