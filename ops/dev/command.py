"""`airlock dev`: runs the emulator, clamd, the worker and the service on this machine."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import click

from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.dev import emulator, scanner
from ops.dev.child import ChildProcess
from ops.dev.environment import DRAIN_SECONDS, Deployment
from ops.dev.loopback import free_port, is_free
from ops.dev.programs import program, say, until_one_ends, until_serving
from ops.dev.users import AccessKey
from ops.dev.workspace import workspace
from ops.iam.policies import Pod
from ops.provision.command import provision
from ops.settings import Settings

PORT = 8080
START_SECONDS = 60.0


@click.command("dev")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="The port; 0: any free one.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep objects, records and keys in this folder. Without it, all are deleted at the end.",
)
@asynchronous
async def command(port: int, state: Path | None) -> None:
    """Run all of Airlock on this machine until Ctrl-C.

    It starts an emulator of S3, SQS and DynamoDB that verifies signatures, the service with its demo page, a worker,
    and clamd where it is installed. When all are ready, the service's address is printed on standard output;
    everything else goes to standard error. Other settings, such as AIRLOCK_PROFILES, AIRLOCK_CLAMD and
    AIRLOCK_YARA_RULES, are read from the environment.
    """
    if port and not is_free(port):
        raise click.UsageError(f"port {port} is in use; choose another one, or any free one with --port 0")
    running = asyncio.create_task(_run(port, state))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        under_nohup = number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN
        if not under_nohup:
            asyncio.get_running_loop().add_signal_handler(number, _end, running)
    with contextlib.suppress(asyncio.CancelledError):
        await running
    say("everything has ended")


def _end(running: asyncio.Task[None]) -> None:
    if not running.cancelling():  # a second Ctrl-C must not interrupt the ending of the children
        running.cancel()


async def _run(port: int, state: Path | None) -> None:
    """Start each program after those that it needs. At the end the contexts stop them in reverse order."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(workspace(state))
        emulated = await stack.enter_async_context(emulator.running(state=folder / "emulator" if state else None))
        clamd = await stack.enter_async_context(scanner.chosen(os.environ.get("AIRLOCK_CLAMD"), folder / "clamd"))
        deployment = Deployment(folder, emulated, clamd.address, port or free_port(), free_port())
        deployment.set_environment()
        await _provision()
        keys = await emulated.users(settings_or_usage_error(Settings))
        worker = await stack.enter_async_context(_pod("worker", "workers", keys))
        service = await stack.enter_async_context(_pod("service", "service", keys))
        children = [emulated.child, worker, service, *filter(None, [clamd.child])]
        await until_serving(deployment.ready_urls, children, START_SECONDS)
        _welcome(deployment, clamd)
        await until_one_ends(children)


async def _provision() -> None:
    changed = [change.setting.resource async for change in provision(settings_or_usage_error(Settings))]
    if changed:
        say(f"created or repaired {', '.join(dict.fromkeys(changed))}")


def _pod(
    name: str, package: Pod, keys: Mapping[Pod, AccessKey]
) -> contextlib.AbstractAsyncContextManager[ChildProcess]:
    environment = {**os.environ, **keys[package].environment()}
    return program(name, [sys.executable, "-m", package], environment, grace=DRAIN_SECONDS + 5)


def _welcome(deployment: Deployment, clamd: scanner.Scanner) -> None:
    say(f"scanning with {clamd.sentence}")
    say(f"S3, SQS and DynamoDB at {deployment.emulator.endpoint}; keys and settings in {deployment.folder}/environment")
    say(f"open {deployment.address} in a browser; Ctrl-C ends everything")
    print(deployment.address, flush=True)
