"""Runs the `airlock` command as a user does: with its output in pipes, or on a terminal."""

import asyncio
import contextlib
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests import log_search
from tests.ops import fork_server

COMMAND = (sys.executable, "-m", "ops")
WITHOUT_PAUSES = """
from airlock.backoff import Backoff
from ops.cli import main
from ops.command_line import throttle
throttle.BACKOFF = Backoff(first=0.01, longest=0.01)
main()
"""


class Ran(NamedTuple):
    code: int | None
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The JSON documents on standard output, which must hold nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]


async def airlock(*arguments: str | Path, **environment: str) -> Ran:
    """Run the command to its end, with these variables beside ours."""
    ended = await asyncio.to_thread(fork_server.run, [*map(str, arguments)], {**os.environ, **environment})
    log_search.printed(ended.err)
    return Ran(ended.code, ended.out.decode(), ended.err.decode())


async def airlock_without_pauses(*arguments: str | Path, **environment: str) -> Ran:
    """As `airlock`, without the pauses between attempts: for a dependency that stays unavailable."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WITHOUT_PAUSES),
        *map(str, arguments),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Ran(process.returncode, out.decode(), err.decode())


async def airlock_on_terminal(*arguments: str | Path, **environment: str) -> tuple[int | None, str]:
    """As `airlock`, on a terminal: the exit code, and everything that was printed there, with its control sequences."""
    ours, theirs = pty.openpty()
    variables = {**os.environ, "TERM": "xterm", "COLUMNS": "200", **environment}
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *map(str, arguments), env=variables, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    printed = asyncio.create_task(asyncio.to_thread(_read_all, ours))
    code = await process.wait()
    return code, await printed


def _read_all(terminal: int) -> str:
    read = bytearray()
    with contextlib.suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as opened:
        while chunk := opened.read(4096):
            read += chunk
    return read.decode()


@dataclass
class Dev:
    """A running `airlock dev`."""

    process: asyncio.subprocess.Process
    address: str
    state: Path
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """Its settings and keys, from the file that it writes for a shell."""
        lines = (self.state / "environment").read_text().splitlines()
        return {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return await self.process.wait()


@asynccontextmanager
async def dev(state: Path, *arguments: str, **environment: str) -> AsyncIterator[Dev]:
    """`airlock dev --state STATE` on a free port, once it has printed its address. It is stopped at the end."""
    state.mkdir(parents=True, exist_ok=True)
    log = state / "dev.log"
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *("dev", "--port", "0", "--state", str(state), *arguments),
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    try:
        address = (await process.stdout.readline()).decode().strip()
        assert address.startswith("http://127.0.0.1:"), log.read_text()
        yield Dev(process, address, state, log)
    finally:
        if process.returncode is None:
            process.terminate()
            assert await process.wait() == 0
    assert await process.stdout.read() == b"", "more than one line on standard output"
