"""Runs the `airlock` command as somebody in a terminal does."""

import asyncio
import json
import os
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


class Ran(NamedTuple):
    code: int | None
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The JSON documents on standard output, which must hold nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]


async def airlock(*arguments: str | Path, **environment: str) -> Ran:
    """Run it to its end, with these variables besides ours."""
    ended = await asyncio.to_thread(fork_server.run, [*map(str, arguments)], {**os.environ, **environment})
    log_search.printed(ended.err)
    return Ran(ended.code, ended.out.decode(), ended.err.decode())


@dataclass
class Dev:
    """A running `airlock dev`."""

    process: asyncio.subprocess.Process
    address: str
    state: Path
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """Its settings and keys, as it leaves them for a shell."""
        lines = (self.state / "environment").read_text().splitlines()
        return {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return await self.process.wait()


@asynccontextmanager
async def dev(state: Path, *arguments: str, **environment: str) -> AsyncIterator[Dev]:
    """`airlock dev --state STATE` on a free port, once it has said its address; ended at the end."""
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
