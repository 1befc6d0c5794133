"""`airlock dev`: all of Airlock on this machine: emulator, scanner, worker and service."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import click

from aws.settings import read_profiles
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.dev import emulator, scanner
from ops.dev.child import Child
from ops.dev.emulator import Emulator
from ops.dev.loopback import HOST, free_port, is_free
from ops.dev.programs import program, say, until_one_ends, until_serving
from ops.dev.users import AccessKey
from ops.dev.workspace import secret, workspace, write_environment
from ops.iam.policies import Pod
from ops.provision.command import provision
from ops.settings import Settings

PORT = 8080
SHIPPED = Path(__file__).parents[2] / "airlock.toml"
START_SECONDS = 60.0
DRAIN_SECONDS = 5


@click.command("dev")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 takes a free one.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep objects, records and keys in this folder; without it nothing outlives the run.",
)
@asynchronous
async def command(port: int, state: Path | None) -> None:
    """Run all of Airlock on this machine until Ctrl-C.

    An emulator of S3, SQS and DynamoDB that verifies signatures, the service with its demo page, a worker, and a
    clamd where one is installed. Once all of it serves, its address is printed on standard output, one line; all
    else goes to standard error. AIRLOCK_PROFILES, AIRLOCK_CLAMD, AIRLOCK_YARA_RULES and the like are heeded.
    """
    if port and not is_free(port):
        raise click.UsageError(f"port {port} is taken; another one: --port 8081, or any free one: --port 0")
    running = asyncio.create_task(_run(port, state))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        under_nohup = number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN
        if not under_nohup:
            asyncio.get_running_loop().add_signal_handler(number, _end, running)
    with contextlib.suppress(asyncio.CancelledError):
        await running
    say("everything has ended")


def _end(running: asyncio.Task[None]) -> None:
    if not running.cancelling():  # a second Ctrl-C must not cut short the ending of the children
        running.cancel()


async def _run(port: int, state: Path | None) -> None:
    """Start one thing after the other, each needing those before; the contexts end them in reverse order."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(workspace(state))
        kept = folder / "emulator" if state else None
        stand_in = await stack.enter_async_context(emulator.running(state=kept))
        clamd = await stack.enter_async_context(scanner.chosen(os.environ.get("AIRLOCK_CLAMD"), folder / "clamd"))
        address, health = f"http://{HOST}:{port or free_port()}", f"http://{HOST}:{free_port()}"
        _set_environment(folder, stand_in, clamd, address, health)
        await _provision()
        users = await stand_in.users(settings_or_usage_error(Settings))
        worker = await stack.enter_async_context(_pod("worker", "workers", users))
        service = await stack.enter_async_context(_pod("service", "service", users))
        children = [stand_in.child, worker, service, *filter(None, [clamd.child])]
        await until_serving([f"{address}/readyz", f"{health}/readyz"], children, START_SECONDS)
        say(f"scanning with {clamd.sentence}")
        say(f"S3, SQS and DynamoDB at {stand_in.endpoint}; keys and settings in {folder}/environment")
        say(f"open {address} in a browser; Ctrl-C ends everything")
        print(address, flush=True)
        await until_one_ends(children)


async def _provision() -> None:
    made = [change.setting.resource async for change in provision(settings_or_usage_error(Settings))]
    if made:
        say(f"made or repaired {', '.join(dict.fromkeys(made))}")


def _pod(name: str, package: Pod, users: Mapping[Pod, AccessKey]) -> contextlib.AbstractAsyncContextManager[Child]:
    environment = {**os.environ, **users[package].environment()}
    return program(name, [sys.executable, "-m", package], environment, grace=DRAIN_SECONDS + 5)


def _set_environment(folder: Path, stand_in: Emulator, clamd: scanner.Scanner, address: str, health: str) -> None:
    """Replace what the environment says about AWS and about the deployment, for us and for our children."""
    variables = {
        **stand_in.keys.environment(),
        # Somebody's own profile could bring another endpoint, or credentials that are preferred to these.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AIRLOCK_REGION": stand_in.region,
        "AIRLOCK_ENDPOINT_URL": stand_in.endpoint,
        "AIRLOCK_ADDRESSING": "path",
        "AIRLOCK_INCOMING_BUCKET": "airlock-incoming",
        "AIRLOCK_ACCEPTED_BUCKET": "airlock-accepted",
        "AIRLOCK_QUARANTINE_BUCKET": "airlock-quarantine",
        "AIRLOCK_SECRETS": secret(folder),
        "AIRLOCK_PROFILES": str(_profiles(folder, scanned=clamd.address is not None)),
        "AIRLOCK_CORS_ORIGINS": ",".join((address, address.replace(HOST, "localhost"))),
        "AIRLOCK_MODE": "dev",
        "AIRLOCK_HOST": HOST,
        "AIRLOCK_PORT": address.rpartition(":")[2],
        "AIRLOCK_DEMO_PAGE": "true",
        "AIRLOCK_HEALTH_HOST": HOST,
        "AIRLOCK_HEALTH_PORT": health.rpartition(":")[2],
        "AIRLOCK_DRAIN_SECONDS": str(DRAIN_SECONDS),
        **({"AIRLOCK_CLAMD": clamd.address} if clamd.address else {}),
    }
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(variables)
    write_environment(folder, variables)


def _profiles(folder: Path, *, scanned: bool) -> Path:
    """The profiles file to use: AIRLOCK_PROFILES, that of this folder, or ours; without clamd where there is none."""
    here = Path("airlock.toml")
    asked = os.environ.get("AIRLOCK_PROFILES") or (here if here.exists() else SHIPPED)
    chosen = Path(asked).resolve()
    if scanned:
        return chosen
    profiles = read_profiles(chosen)
    without = folder / "profiles.json"
    without.write_text(profiles.without_check("clamd").to_json())
    return without
