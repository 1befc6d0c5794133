"""`python -m workers`: everything is made here, once, and ended in the opposite order."""

import asyncio
import functools
import logging
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import uvloop
from pydantic import ValidationError
from pythonjsonlogger.orjson import OrjsonFormatter

from airlock.errors import AirlockError, Unavailable
from airlock.profiles import Profiles
from aws.buses import Buses
from aws.dynamodb.records import Records
from aws.dynamodb.usage import Counters
from aws.s3.objects import Objects
from aws.session import CONNECTIONS, Clients, connect
from aws.settings import problems, read_profiles
from aws.sqs.queue import Queue
from workers import health
from workers.deliveries import signing_secrets
from workers.deliveries.assembly import delivery_consumer
from workers.inspection.checks import catalogue
from workers.inspection.checks.port import Check
from workers.inspection.inspector import Inspector
from workers.intake.admission import Admission
from workers.intake.consumer import Consumer, Limits
from workers.intake.executor import Executor
from workers.intake.gate import Gate
from workers.journey import Journey
from workers.rescan import Rescan
from workers.settings import Settings
from workers.settlement.copies import Buckets
from workers.settlement.publishing import Publisher, services
from workers.settlement.revision import Revision
from workers.settlement.settlement import Settlement
from workers.settlement.withdrawal import Withdrawal

log = logging.getLogger("workers")

USAGE = 2


def main() -> int:
    """Run until SIGTERM or SIGINT; the exit code: 0, 1 when something needed is away at the start, 2 for settings."""
    try:
        settings = Settings()
    except ValidationError as error:
        return _refuse(problems(error))
    try:
        profiles = read_profiles(settings.profiles)
        checks = catalogue.build(profiles, settings, time.time)
        signing = signing_secrets.load(profiles, settings.webhook_secrets)
    except (AirlockError, OSError, UnicodeDecodeError) as error:
        return _refuse(str(error).splitlines())
    _log_as_json()
    try:
        uvloop.run(_until_signalled(settings, profiles, checks, signing))
    except Unavailable as error:
        log.error("cannot start: %s", error)  # noqa: TRY400 # the sentence says it all
        return 1
    return 0


def _refuse(lines: list[str]) -> int:
    for line in lines:
        print(line, file=sys.stderr)
    return USAGE


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stdout)
    names = {"levelname": "level", "asctime": "time", "name": "logger"}
    handler.setFormatter(OrjsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=names))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # A line for each credential lookup and each request would hide ours.
    for name in ("aiobotocore", "botocore", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)


async def _until_signalled(
    settings: Settings, profiles: Profiles, checks: Mapping[str, Check], signing: Mapping[str, Sequence[str]]
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await work(settings, profiles, checks, signing, stop)


async def work(
    settings: Settings,
    profiles: Profiles,
    checks: Mapping[str, Check],
    signing: Mapping[str, Sequence[str]],
    stop: asyncio.Event,
) -> None:
    """Consume until `stop` is set, then drain; `signing` holds the secrets of each webhook that is notified.

    Raises Unavailable when there are no credentials.
    """
    async with AsyncExitStack() as stack:
        # An object keeps its connection until it is read, and others are needed meanwhile: were there too few, all
        # would wait for one another.
        pool = max(CONNECTIONS, 4 * settings.concurrency)
        clients = await stack.enter_async_context(connect(settings, services=services(profiles), connections=pool))
        queue = await stack.enter_async_context(Queue.open(settings, clients))
        inspector = Inspector(checks, time.time, settings.spool_folder)
        stack.push_async_callback(inspector.close)
        executor = Executor(*_work(settings, profiles, inspector, clients, queue), settings.max_attempts)
        limits = Limits(settings.concurrency, settings.visibility, settings.poll_seconds, settings.drain_seconds)
        gate = Gate(inspector.ready)
        consumer = Consumer(queue, executor.execute, settings.dead_letter_queue, limits, gate)
        if settings.health_port:
            serving = health.serving(settings.health_host, settings.health_port, _readiness(consumer, inspector))
            await stack.enter_async_context(serving)
        consumers = [consumer]
        if profiles.notified("webhook"):
            consumers.append(
                await stack.enter_async_context(delivery_consumer(settings, profiles, signing, clients, time.time))
            )
        log.info("working", extra={"queue": settings.queue, "checks": sorted(checks)})
        await asyncio.gather(*(each.run(stop) for each in consumers))
    log.info("ended")


def _readiness(consumer: Consumer, inspector: Inspector) -> health.Ready:
    async def ready() -> None:
        await inspector.ready()
        if not consumer.alive:
            raise Unavailable("sqs", "the queue does not answer")

    return ready


def _work(
    settings: Settings, profiles: Profiles, inspector: Inspector, clients: Clients, queue: Queue
) -> tuple[Journey, Rescan]:
    """What the worker does with what comes, and with what came."""
    objects, records = Objects(clients.s3), Records(clients.dynamodb, settings.table)
    secrets = [secret.get_secret_value().encode() for secret in settings.secrets]
    admission = Admission(settings.incoming_bucket, settings.incoming_prefix, profiles, secrets)
    buckets = Buckets(settings.accepted_bucket, settings.quarantine_bucket)
    publisher = Publisher(queue, Buses(clients, settings.region), settings.delivery_queue, time.time)
    count_accepted = functools.partial(
        Counters(clients.dynamodb, settings.table).count_accepted, quotas=profiles.quotas
    )
    settlement = Settlement(objects, records, publisher, count_accepted, buckets, time.time)
    withdrawal = Withdrawal(objects, records, buckets, admission)
    revision = Revision(objects, records, publisher, count_accepted, buckets, time.time)
    journey = Journey(objects, records, inspector, settlement, withdrawal, admission, time.time)
    return journey, Rescan(objects, records, inspector, revision, admission)


if __name__ == "__main__":
    sys.exit(main())
