"""Child programs whose output a developer reads, and the two things one waits for: that all serve, that one ends."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import aiohttp
import click
import orjson

from airlock.errors import AirlockError
from ops.command_line.terminal import printable
from ops.dev.child import Child

POLL_SECONDS = 0.05
UNSHOWN = {"timestamp", "time", "logger"}
COLOURS = {"service": "cyan", "worker": "yellow"}


class ProgramError(AirlockError):
    """A program that all the others need did not start, or is gone."""


@asynccontextmanager
async def program(
    name: str, command: Sequence[str], environment: Mapping[str, str], *, grace: float
) -> AsyncIterator[Child]:
    """`command`, running, each line of its output on our standard error behind its name.

    On the way out it has `grace` seconds to end by itself.
    """
    child = await Child.start(name, command, env=environment, output=asyncio.subprocess.PIPE)
    reading = asyncio.create_task(_relay(child))
    try:
        yield child
    finally:
        await child.stop(grace)
        await reading


async def _relay(child: Child) -> None:
    assert child.process.stdout is not None  # noqa: S101  # it was started with a pipe
    while chunk := await _line(child.process.stdout):
        say(readable(chunk.decode(errors="replace").rstrip()), of=child.name)


def readable(line: str) -> str:
    """A line of JSON log as `message key=value …`, and any other line as it is."""
    try:
        told = orjson.loads(line)
    except ValueError:
        return line
    if not isinstance(told, dict) or "message" not in told:
        return line
    level, message, trace = told.pop("level", "INFO"), told.pop("message"), told.pop("exc_info", None)
    facts = [f"{name}={value}" for name, value in told.items() if name not in UNSHOWN and value is not None]
    head = " ".join((message, *facts) if level == "INFO" else (level, message, *facts))
    return printable(f"{head}\n{trace}" if trace else head)


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The next line, or what there is of one that is too long; empty at the end."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as ending:
        return ending.partial
    except asyncio.LimitOverrunError as long:
        return await reader.readexactly(long.consumed)


def say(line: str, *, of: str = "dev") -> None:
    """Print a line on standard error, behind the name of the program that says it."""
    click.echo(f"{click.style(f'{of:>7}', fg=COLOURS.get(of, 'green'))} │ {line}", err=True)


async def until_serving(urls: Sequence[str], children: Sequence[Child], seconds: float) -> None:
    """Return once all `urls` answer 200. Raises ProgramError when a child ends first, or when time is up."""
    missing = list(urls)
    try:
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            while missing:
                _none_ended(children)
                missing = [url for url in missing if not await _serves(session, url)]
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise ProgramError(f"still not serving after {seconds:.0f} s: {', '.join(missing)}") from None


async def until_one_ends(children: Sequence[Child]) -> None:
    """Wait for the first child to end, which none should. Raises ProgramError."""
    endings = [asyncio.create_task(child.process.wait()) for child in children]
    try:
        await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for ending in endings:
            ending.cancel()
    _none_ended(children)


def _none_ended(children: Sequence[Child]) -> None:
    for child in children:
        if not child.running:
            raise ProgramError(f"the {child.name} ended: {child.ending}")


async def _serves(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False
