"""Runs the programs of `airlock dev`: prints their logs, waits until all serve, and notices when one ends."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import aiohttp
import click
import orjson

from airlock.errors import AirlockError
from ops.command_line.terminal import printable
from ops.dev.child import ChildProcess

POLL_SECONDS = 0.05
HIDDEN_FIELDS = {"timestamp", "time", "logger"}
COLOURS = {"service": "cyan", "worker": "yellow"}


class ProgramError(AirlockError):
    """A program did not start to serve, or has ended, so that the others cannot work."""


@asynccontextmanager
async def program(
    name: str, command: Sequence[str], environment: Mapping[str, str], *, grace: float
) -> AsyncIterator[ChildProcess]:
    """Run `command`, and print each line of its output on standard error, after its name.

    At the end it has `grace` seconds to stop.
    """
    child = await ChildProcess.start(name, command, env=environment, output=asyncio.subprocess.PIPE)
    reading = asyncio.create_task(_print_lines(child))
    try:
        yield child
    finally:
        await child.stop(grace)
        await reading


async def _print_lines(child: ChildProcess) -> None:
    assert child.process.stdout is not None  # noqa: S101  # it was started with a pipe
    while chunk := await _line(child.process.stdout):
        say(readable(chunk.decode(errors="replace").rstrip()), of=child.name)


def readable(line: str) -> str:
    """A line of JSON log as `message key=value …`, and any other line as it is."""
    try:
        entry = orjson.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict) or "message" not in entry:
        return line
    level, message, trace = entry.pop("level", "INFO"), entry.pop("message"), entry.pop("exc_info", None)
    fields = [f"{name}={value}" for name, value in entry.items() if name not in HIDDEN_FIELDS and value is not None]
    head = " ".join((message, *fields) if level == "INFO" else (level, message, *fields))
    return printable(f"{head}\n{trace}" if trace else head)


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The next line, or the first part of one that is too long; empty at the end."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as ending:
        return ending.partial
    except asyncio.LimitOverrunError as long:
        return await reader.readexactly(long.consumed)


def say(line: str, *, of: str = "dev") -> None:
    """Print a line on standard error, after the name of the program."""
    click.echo(f"{click.style(f'{of:>7}', fg=COLOURS.get(of, 'green'))} │ {line}", err=True)


async def until_serving(urls: Sequence[str], children: Sequence[ChildProcess], seconds: float) -> None:
    """Return when all `urls` respond with 200. Raises ProgramError when a child ends before, or after `seconds`."""
    missing = list(urls)
    try:
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            while missing:
                _check_running(children)
                missing = [url for url in missing if not await _serves(session, url)]
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise ProgramError(f"not ready after {seconds:.0f} s: {', '.join(missing)}") from None


async def until_one_ends(children: Sequence[ChildProcess]) -> None:
    """Wait until any child ends, which none should, and raise ProgramError."""
    endings = [asyncio.create_task(child.process.wait()) for child in children]
    try:
        await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for ending in endings:
            ending.cancel()
    _check_running(children)


def _check_running(children: Sequence[ChildProcess]) -> None:
    for child in children:
        if not child.running:
            raise ProgramError(f"the {child.name} ended: {child.ending}")


async def _serves(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False
