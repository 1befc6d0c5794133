"""The processes beside the emulator: the fault injector, the workers and clamd; and what ends or restarts them."""

import asyncio
import contextlib
import json
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Literal, Self

from ops.dev.child import ChildProcess
from tests.deployment import ROOT, unmeasured
from tests.workers.harness import WorkerHarness
from tests.workers.inspection.clamd import daemon
from tests.workers.inspection.clamd.daemon import free_port

Disturbance = Literal["SIGKILL of a worker", "SIGTERM of a worker", "restart of clamd"]
DISTURBANCES: tuple[Disturbance, ...] = ("SIGKILL of a worker", "restart of clamd", "SIGTERM of a worker")
# The drain time is 5 s; a busy machine takes much longer to end a process.
GRACE_SECONDS = 60.0
POLL_SECONDS = 0.1


@contextlib.asynccontextmanager
async def injector(upstream: str, seed: int, times: float, counts: dict[str, Any]) -> AsyncIterator[str]:
    """The address of a running injector. What it injected is in `counts` afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.injector", upstream, str(seed), str(times)),
        cwd=ROOT,
        env=unmeasured(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        yield json.loads(await process.stdout.readline())["endpoint"]
    finally:
        process.terminate()
        counts.update(json.loads(await process.stdout.readline()))
        await process.wait()


class RestartableClamd:
    """A clamd that can be restarted, always at the same address."""

    def __init__(self) -> None:
        self._port = free_port()
        self._running = contextlib.AsyncExitStack()
        self.address = f"tcp://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self._running.enter_async_context(daemon.running(self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    async def restart(self, pause: float) -> None:
        """Kill it, and start it again after `pause` seconds."""
        await self._running.aclose()
        await asyncio.sleep(pause)
        await self._running.enter_async_context(daemon.running(self._port))


class Fleet:
    """`size` workers in a deployment. Each logs to a file in `folder`; `problems` lists what must not happen."""

    def __init__(
        self,
        harness: WorkerHarness,
        endpoint: str,
        folder: Path,
        size: int,
        clamd: RestartableClamd,
        rng: random.Random,
    ) -> None:
        self._environment = {**unmeasured(), **harness.environment(AIRLOCK_ENDPOINT_URL=endpoint)}
        self._folder = folder
        self._size = size
        self._clamd = clamd
        self._rng = rng
        self._workers: list[ChildProcess] = []
        self._ending: list[ChildProcess] = []
        self._started = 0
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []

    @property
    def logs(self) -> list[Path]:
        return sorted(self._folder.glob("worker-*.log"))

    async def __aenter__(self) -> Self:
        for _ in range(self._size):
            self._workers.append(await self._start())
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            await worker.stop(GRACE_SECONDS)

    async def watch(self) -> None:
        """Returns when a worker has ended by itself, which is a problem."""
        while not (fallen := [w for w in self._workers if not w.running and w not in self._ending]):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        for worker in fallen:
            last = (self._folder / f"{worker.name}.log").read_text(errors="replace")[-1000:]
            self.problems.append(f"{worker.name} ended by itself: {worker.ending}\n{last}")

    async def disturb(self, points: list[int], progress: Callable[[], int]) -> None:
        """Cause one disturbance whenever `progress` reaches the next of `points`, each of the three in turn."""
        for number, point in enumerate(points):
            while progress() < point:  # noqa: ASYNC110 # there is no event to wait for
                await asyncio.sleep(POLL_SECONDS)
            await self._do(DISTURBANCES[number % len(DISTURBANCES)])

    async def _do(self, what: Disturbance) -> None:
        if what == "restart of clamd":
            await self._clamd.restart(self._rng.uniform(0.1, 2.0))
        else:
            await self._replace(self._rng.randrange(self._size), what)
        self.done[what] += 1

    async def _replace(self, number: int, what: Disturbance) -> None:
        worker = self._workers[number]
        self._ending.append(worker)
        if what == "SIGKILL of a worker":
            worker.process.kill()
            await worker.process.wait()
        else:
            await worker.stop(GRACE_SECONDS)
            if worker.process.returncode != 0 and self._handles_signals(worker):
                self.problems.append(f"{worker.name} ended with {worker.ending} after SIGTERM")
        await asyncio.sleep(self._rng.uniform(0, 1.0))
        self._workers[number] = await self._start()

    def _handles_signals(self, worker: ChildProcess) -> bool:
        """Whether it has started; before that SIGTERM ends it as it ends any program."""
        return '"working"' in (self._folder / f"{worker.name}.log").read_text(errors="replace")

    async def _start(self) -> ChildProcess:
        self._started += 1
        name = f"worker-{self._started:03}"
        with (self._folder / f"{name}.log").open("wb") as log:
            # ROOT has the sources, whatever the current directory is.
            command = [sys.executable, "-m", "workers"]
            return await ChildProcess.start(
                name, command, env={**self._environment, "PYTHONPATH": str(ROOT)}, output=log
            )


def read_logs(logs: list[Path]) -> tuple[Counter[str], list[str]]:
    """How often each message was logged, and the lines that report an unexpected error."""
    messages: Counter[str] = Counter()
    faults: list[str] = []
    for log in logs:
        # A process that was killed may not have finished its last line.
        for line in log.read_text(errors="replace").split("\n")[:-1]:
            try:
                entry = json.loads(line)
            except ValueError:  # a traceback
                faults.append(f"{log.name}: {line}")
                continue
            messages[entry["message"].partition(":")[0]] += 1
            if entry["level"] in ("ERROR", "CRITICAL"):
                faults.append(f"{log.name}: {line[:2000]}")
    return messages, faults
