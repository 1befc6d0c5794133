"""`python -m workers`: makes every part once, and closes them in the opposite order."""

import asyncio
import functools
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop
from pydantic import ValidationError
from pythonjsonlogger.orjson import OrjsonFormatter

from airlock.errors import AirlockError, Unavailable
from airlock.profiles import Profiles
from aws import variables
from aws.clients import CONNECTIONS, Clients, connect
from aws.dependencies import Dependencies
from aws.settings import problems, read_profiles
from aws.sqs.queue import Queue
from workers import health, readiness
from workers.assembly import assemble, services
from workers.deliveries import signing_secrets
from workers.deliveries.assembly import delivery_consumer
from workers.inspection import catalogue
from workers.inspection.checks.port import Check
from workers.inspection.inspector import Inspector
from workers.inspection.room import Room
from workers.intake.consumer import Consumer, Limits
from workers.intake.executor import Executor
from workers.intake.gate import Gate
from workers.readiness import Readiness
from workers.settings import Settings

log = logging.getLogger("workers")

USAGE = 2


def main() -> int:
    """Run until SIGTERM or SIGINT.

    Returns the exit code: 0, 1 without credentials or confinement, 2 for wrong settings.
    """
    unknown = variables.unknown(os.environ)
    try:
        settings = Settings()
    except ValidationError as error:
        return _refuse([*problems(error), *unknown])
    try:
        profiles = read_profiles(settings.profiles)
        checks = catalogue.build(profiles, settings, time.time)
        secrets = signing_secrets.load(profiles, settings.webhook_secrets)
    except (AirlockError, OSError, UnicodeDecodeError) as error:
        return _refuse([*str(error).splitlines(), *unknown])
    _log_as_json()
    for line in unknown:
        log.warning("%s", line)
    try:
        uvloop.run(_until_signalled(settings, profiles, checks, secrets))
    except Unavailable as error:
        log.error("cannot start: %s", error)  # noqa: TRY400 # the message is complete without a traceback
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
    # They log a line for each credential lookup and each request.
    for name in ("aiobotocore", "botocore", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)


async def _until_signalled(
    settings: Settings, profiles: Profiles, checks: Mapping[str, Check], secrets: Mapping[str, Sequence[str]]
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await work(settings, profiles, checks, secrets, stop)


async def work(
    settings: Settings,
    profiles: Profiles,
    checks: Mapping[str, Check],
    secrets: Mapping[str, Sequence[str]],
    stop: asyncio.Event,
) -> None:
    """Consume until `stop` is set, then drain. `secrets` has the signing secrets of each webhook that is notified.

    Raises Unavailable when there are no credentials, or no confinement for what reads hostile bytes.
    """
    async with AsyncExitStack() as stack:
        # An object holds its connection until it is read, and the work on it needs others meanwhile: with too few, all
        # objects would wait for each other.
        pool = max(CONNECTIONS, 4 * settings.concurrency)
        clients = await stack.enter_async_context(connect(settings, services=services(profiles), connections=pool))
        room = Room.of(settings)
        for name in room.too_small_for(profiles):
            log.warning("the profile %s takes objects that fail here: AIRLOCK_SPOOL_SIZE has no room for them", name)
        inspector = Inspector(checks, time.time, settings.spool_folder, room)
        stack.push_async_callback(inspector.close)
        await _confine(checks)
        needed = readiness.dependencies(settings, profiles, clients, inspector)
        stack.push_async_callback(needed.close)
        notified = readiness.targets(settings, profiles, clients)
        stack.push_async_callback(notified.close)
        notified.start()
        executor, consumer = await stack.enter_async_context(
            _object_consumer(settings, profiles, inspector, clients, needed)
        )
        consumers = [consumer]
        if profiles.notified("webhook"):
            delivering = delivery_consumer(settings, profiles, secrets, clients, time.time)
            consumers.append(await stack.enter_async_context(delivering))
        if settings.health_port:
            unconfined = functools.partial(catalogue.unconfined, checks)
            ready = Readiness(needed, notified, consumer, executor.skews, unconfined).report
            await stack.enter_async_context(health.serving(settings.health_host, settings.health_port, ready))
        log.info("working", extra={"queue": settings.queue, "checks": sorted(checks)})
        await asyncio.gather(*(each.run(stop) for each in consumers))
    log.info("ended")


@asynccontextmanager
async def _object_consumer(
    settings: Settings, profiles: Profiles, inspector: Inspector, clients: Clients, needed: Dependencies
) -> AsyncIterator[tuple[Executor, Consumer]]:
    limits = Limits(settings.concurrency, settings.visibility, settings.poll_seconds, settings.drain_seconds)
    async with Queue.open(settings, clients) as queue:
        assembly = assemble(settings, profiles, clients, queue, time.time)
        executor = assembly.executor(inspector, settings.max_attempts)
        yield executor, Consumer(queue, executor.execute, settings.dead_letter_queue, limits, Gate(needed.ask))


async def _confine(checks: Mapping[str, Check]) -> None:
    """Say what the confinement of children lacks; raises Unavailable where it lacks what AIRLOCK_SANDBOX requires."""
    await catalogue.confine(checks)
    if missing := catalogue.unconfined(checks):
        log.warning("children are not confined by %s: see docs/security.md", ", ".join(missing))


if __name__ == "__main__":
    sys.exit(main())
