"""The real program, `python -m workers`, as a child of a test."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.deployment import ROOT, unmeasured
from tests.workers.fault_proxy import Broken, Fault, FaultProxy
from tests.workers.harness import WorkerHarness


class Program:
    """One running worker, and the lines that it logged so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())
        self._changed = asyncio.Event()

    async def logged(self, message: str) -> dict[str, Any]:
        """The first line with that message, once it is there."""
        async with asyncio.timeout(60):
            while True:
                for line in self.lines:
                    if line["message"] == message:
                        return line
                self._changed.clear()
                await self._changed.wait()

    async def ended(self) -> int:
        """The exit code."""
        async with asyncio.timeout(60):
            code = await self.process.wait()
            await self._reading
        return code

    def terminate(self) -> None:
        self.process.terminate()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))
            self._changed.set()


def running(harness: WorkerHarness, **changes: str) -> AbstractAsyncContextManager[Program]:
    """`python -m workers` in the deployment of a harness; what still runs at the end is killed.

    Its lines do not count for the coverage, so that it starts in half the time.
    """
    return _running({**unmeasured(), **harness.environment(**changes)})


def measured(harness: WorkerHarness, **changes: str) -> AbstractAsyncContextManager[Program]:
    """As `running`; its lines count for the coverage."""
    return _running({**os.environ, **harness.environment(**changes)})


@contextlib.asynccontextmanager
async def _running(environment: dict[str, str]) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workers"),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    program = Program(process)
    try:
        yield program
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await program.ended()


@contextlib.asynccontextmanager
async def killed(harness: WorkerHarness, proxy: FaultProxy) -> AsyncIterator[Fault]:
    """A worker behind the proxy, and the fault that ends it as kill -9 does; leaving waits until it has.

    What it had in hand comes again after two seconds.
    """
    async with running(harness, AIRLOCK_ENDPOINT_URL=proxy.endpoint, AIRLOCK_VISIBILITY="2") as victim:
        dead = asyncio.Event()

        async def kill() -> None:
            victim.process.kill()
            await victim.process.wait()
            dead.set()
            raise Broken

        yield kill
        async with asyncio.timeout(60):
            await dead.wait()
