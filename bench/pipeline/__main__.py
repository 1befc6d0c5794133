"""What one object costs the worker, and how much memory a large one takes: `python -m bench.pipeline`.

Speed: objects of 10 KiB (PNG, JPEG, PDF and ZIP; one in eight a CSV) whose notifications wait in the queue, for the
real worker with four checks (size, checksum, media type, YARA-X) and for the floor (bench/pipeline/floor.py) in turn,
each on one core, with the emulator on another. Memory: one worker process for one object of 100 MiB, another for 1 GiB.
"""

import argparse
import asyncio
import os
import socket
import statistics
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import report
from bench.pipeline import samples
from bench.pipeline.deployment import BenchDeployment, deployed
from bench.process import children, cpu_seconds, peak_mib, running, wait_for

MIB = 1024**2
PROGRAMS = {"floor": "floor: the same calls, nothing inspected", "worker": "worker: size, checksum, type, YARA-X"}


@dataclass(frozen=True)
class Sample:
    """One run: objects a second, and CPU time in milliseconds an object."""

    rate: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=400)
    parser.add_argument("--no-memory", action="store_true", help="without the large objects")
    asyncio.run(_bench(parser.parse_args()))


async def _bench(options: argparse.Namespace) -> None:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    samples_of: dict[str, list[Sample]] = {name: [] for name in PROGRAMS}
    for _ in range(options.rounds):
        async with deployed() as deployment:
            for name in PROGRAMS:
                samples_of[name].append(await _speed(deployment, name, min(cores), options.objects))
    _report_speed(samples_of)
    if not options.no_memory:
        _report_memory({size: await _memory(size, min(cores)) for size in (100 * MIB, 1024 * MIB)})


async def _speed(deployment: BenchDeployment, name: str, core: int, count: int) -> Sample:
    before = await deployment.count_accepted()
    await deployment.put(samples.small(count), "default")
    bodies = await deployment.take_messages(count)
    async with _program(deployment, name, core) as pid:
        # The first objects are not counted: they open connections, load the model and compile rules.
        warm = bodies[: count // 8]
        await deployment.send_messages(warm)
        await deployment.until_settled(60)
        cpu, begin = cpu_seconds(pid), time.monotonic()
        await deployment.send_messages(bodies[len(warm) :])
        await deployment.until_settled(120)
        took, spent = time.monotonic() - begin, cpu_seconds(pid) - cpu
    accepted = await deployment.count_accepted() - before
    if accepted != count:
        raise RuntimeError(f"{name} promoted {accepted} objects of {count}")
    return Sample((count - len(warm)) / took, spent / (count - len(warm)) * 1000)


async def _memory(size: int, core: int) -> tuple[float, float]:
    async with deployed() as deployment:
        await deployment.put_large(size)
        bodies = await deployment.take_messages(1)
        async with _program(deployment, "worker", core) as pid:
            begin = time.monotonic()
            await deployment.send_messages(bodies)
            await deployment.until_settled(300)
            took = time.monotonic() - begin
            peak = sum(peak_mib(each) for each in (pid, *children(pid)))
        if await deployment.count_accepted() != 1:
            raise RuntimeError(f"the object of {size} bytes was not accepted")
        return peak, took


@asynccontextmanager
async def _program(deployment: BenchDeployment, name: str, core: int) -> AsyncIterator[int]:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        ready = Path(folder) / "ready"
        environment = deployment.environment() | {
            "BENCH_READY": str(ready),
            "BENCH_VERDICTS": await deployment.queue_url("airlock-verdicts"),
            "AIRLOCK_HEALTH_PORT": str(port),
        }
        module = "workers" if name == "worker" else "bench.pipeline.floor"
        with running(["-m", module], environment, core=core, log=Path(folder) / "log") as child:
            if name == "floor":
                wait_for(ready, child)
            else:
                await asyncio.to_thread(until_healthy, port)
            yield child.pid


def until_healthy(port: int) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (urllib.error.HTTPError, OSError):
            time.sleep(0.05)
    raise RuntimeError("the worker did not become ready")


def _report_speed(samples_of: dict[str, list[Sample]]) -> None:
    rate = {name: statistics.median(sample.rate for sample in runs) for name, runs in samples_of.items()}
    cpu = {name: statistics.median(sample.cpu for sample in runs) for name, runs in samples_of.items()}
    spread = {name: sorted(sample.cpu for sample in runs) for name, runs in samples_of.items()}
    rows = [
        (PROGRAMS[name], f"{rate[name]:.0f}", f"{cpu[name]:.2f}", f"{spread[name][0]:.2f} to {spread[name][-1]:.2f}")
        for name in PROGRAMS
    ]
    pairs = list(zip(samples_of["floor"], samples_of["worker"], strict=True))
    cost = statistics.median(floor.cpu / worker.cpu for floor, worker in pairs)
    speed = statistics.median(worker.rate / floor.rate for floor, worker in pairs)
    bounds = [
        report.Bound("CPU time an object, floor of worker", cost, least=0.2),
        report.Bound("objects a second, worker of floor", speed, least=0.2),
    ]
    columns = ("program, on one core", "objects/s", "CPU ms an object", "min to max")
    report.show("Objects of 10 KiB through the worker", columns, rows, bounds)
    drawn = report.draw("pipeline", "CPU time an object of 10 KiB", "ms", [(PROGRAMS[n], cpu[n]) for n in PROGRAMS])
    print(f"  drawn: {drawn}")


def _report_memory(measured: dict[int, tuple[float, float]]) -> None:
    rows = [(f"{size // MIB} MiB", f"{peak:.0f}", f"{took:.1f}") for size, (peak, took) in measured.items()]
    peaks = [peak for peak, _ in measured.values()]
    bounds = [
        report.Bound("peak memory at 1 GiB, MiB", peaks[-1], most=256),
        report.Bound("growth from 100 MiB to 1 GiB, MiB", peaks[-1] - peaks[0], most=32),
    ]
    report.show("One large object: the worker's peak memory", ("object", "peak MiB", "seconds"), rows, bounds)
    drawn = report.draw("memory", "The worker's peak memory", "MiB", [(row[0], float(row[1])) for row in rows])
    print(f"  drawn: {drawn}")


if __name__ == "__main__":
    main()
