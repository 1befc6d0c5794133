"""`python -m service`: the composition root. Standard output has only logs, as JSON lines.

Exit codes: 0 after SIGTERM or SIGINT, 1 when a dependency or the address is unavailable, 2 when a setting is wrong.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from contextlib import AbstractAsyncContextManager

import uvloop
from pydantic import ValidationError

from airlock.errors import Unavailable
from aws import probes, variables
from aws.clients import Clients, connect
from aws.dependencies import Dependencies
from aws.dynamodb.records import Records
from aws.dynamodb.upload_sessions import UploadSessions
from aws.dynamodb.usage_counters import UsageCounters
from aws.s3.objects import Objects
from aws.settings import problems
from aws.sqs.queue import Queue
from service import logs
from service.app import make_app
from service.identity.callers import Callers
from service.identity.oidc.tokens import OidcVerifier
from service.identity.tokens import StaticTokens
from service.logs import BatchedWriter
from service.ports import Ports
from service.server import serving
from service.settings import Settings, load_profiles, load_tokens

log = logging.getLogger("service")


def main() -> int:
    """Run the service until a signal stops it; returns the exit code."""
    unknown = variables.unknown(os.environ)
    try:
        settings = Settings()
    except ValidationError as error:
        print("the service cannot start:", *problems(error), *unknown, sep="\n  ", file=sys.stderr)
        return 2
    logs.configure()
    for line in unknown:
        log.warning("%s", line)
    try:
        uvloop.run(_serve(settings))
    except (OSError, Unavailable) as error:
        log.critical("the service cannot start: %s", error)
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stop = _stop_signals()
    async with connect(settings) as clients, Queue.open(settings, clients) as queue, _oidc(settings) as oidc:
        ports = Ports(
            credentials=clients.credentials,
            records=Records(clients.dynamodb, settings.table),
            sessions=UploadSessions(clients.dynamodb, settings.table),
            objects=Objects(clients.s3, public_s3=clients.public_s3),
            queue=queue,
            counters=UsageCounters(clients.dynamodb, settings.table),
            dependencies=_dependencies(settings, clients),
            now=time.time,
            sleep=asyncio.sleep,
            random=os.urandom,
            s3_url=clients.s3_url,
        )
        callers = Callers(load_tokens(settings.tokens) if settings.tokens else StaticTokens({}), oidc)
        app = make_app(settings, load_profiles(settings.profiles), callers, ports)
        async with serving(app, BatchedWriter(sys.stdout.buffer).write) as url:
            # Objects built until here live as long as the process: the garbage collector need not scan them again.
            gc.collect()
            gc.freeze()
            log.info("listening", extra={"url": url, "mode": settings.mode})
            await stop.wait()
            log.info("stopping")
    log.info("stopped")


def _dependencies(settings: Settings, clients: Clients) -> Dependencies:
    """What some calls need, beside credentials. The service itself never asks S3."""
    return Dependencies(
        {
            "table": probes.table(Records(clients.dynamodb, settings.table), settings.table, "AIRLOCK_TABLE"),
            "queue": probes.queue(clients.sqs, settings.queue, "AIRLOCK_QUEUE"),
        }
    )


def _oidc(settings: Settings) -> AbstractAsyncContextManager[OidcVerifier | None]:
    if settings.oidc is None:
        return contextlib.nullcontext()
    return OidcVerifier.open(settings.oidc, now=time.time, sleep=asyncio.sleep, random=os.urandom)


def _stop_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


if __name__ == "__main__":
    sys.exit(main())
