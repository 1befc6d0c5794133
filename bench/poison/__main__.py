"""How much poison messages slow down good ones: `python -m bench.poison`.

A poison message cannot be settled. The real worker with four checks gets good objects of 10 KiB, and in turn the same
number with one poison message for nine of them, of each kind in bench/poison/kinds.py, in random order. The time is
that to the verdict of the last good object: some poison messages are retried for minutes. Which of the two runs is
first changes with each round.
"""

import argparse
import asyncio
import random
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from bench import report
from bench.pipeline import samples
from bench.pipeline.__main__ import until_healthy
from bench.pipeline.deployment import BenchDeployment, deployed
from bench.poison import kinds
from bench.process import running

VERDICTS = "airlock-verdicts"
RUNS = {"good": "good objects alone", "poison": "and 10 % poison"}
WAITING: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
TIMEOUT_SECONDS = 300.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--objects", type=int, default=360, help="good objects in each run")
    parser.add_argument("--only", choices=sorted(kinds.KINDS), help="one kind of poison alone")
    asyncio.run(_bench(parser.parse_args()))


async def _bench(options: argparse.Namespace) -> None:
    rates: dict[str, list[float]] = {name: [] for name in RUNS}
    chosen = [options.only] if options.only else sorted(kinds.KINDS)
    for number in range(options.rounds):
        for name in sorted(RUNS, reverse=bool(number % 2)):
            # Messages that are still retried would slow down the next run.
            async with _deployed() as deployment:
                poison = chosen if name == "poison" else []
                rates[name].append(await _rate(deployment, options.objects, poison, random.Random(number)))
    _report(rates)


@asynccontextmanager
async def _deployed() -> AsyncIterator[BenchDeployment]:
    async with deployed(kinds.add_profiles) as deployment:
        await deployment.clients.sqs.delete_queue(QueueUrl=await deployment.queue_url(kinds.MISSING_QUEUE))
        yield deployment


async def _rate(deployment: BenchDeployment, count: int, poison: list[str], source: random.Random) -> float:
    """Good objects a second."""
    await deployment.put(samples.small(count), "default")
    good = await deployment.take_messages(count)
    bad = [await kinds.KINDS[poison[n % len(poison)]](deployment) for n in range(count // 9)] if poison else []
    warm, timed = good[: count // 8], [*good[count // 8 :], *bad]
    source.shuffle(timed)
    async with _worker(deployment):
        # The first objects are not counted: they open connections, load the model and compile rules.
        await deployment.send_messages(warm)
        await _until_published(deployment, len(warm))
        begin = time.monotonic()
        await deployment.send_messages(timed)
        await _until_published(deployment, count)
        return (count - len(warm)) / (time.monotonic() - begin)


async def _until_published(deployment: BenchDeployment, wanted: int) -> None:
    """Wait until so many verdict events are published."""
    url = await deployment.queue_url(VERDICTS)
    end = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < end:
        answer = await deployment.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[WAITING])
        if int(answer["Attributes"][WAITING]) >= wanted:
            return
        await asyncio.sleep(0.05)
    raise RuntimeError(f"not all good objects had a verdict after {TIMEOUT_SECONDS:.0f} s")


@asynccontextmanager
async def _worker(deployment: BenchDeployment) -> AsyncIterator[None]:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        own = {"AIRLOCK_HEALTH_PORT": str(port), "AIRLOCK_PARSER_MEMORY": "128"}
        with running(["-m", "workers"], deployment.environment() | own, log=Path(folder) / "log"):
            await asyncio.to_thread(until_healthy, port)
            yield


def _report(rates: dict[str, list[float]]) -> None:
    middle = {name: statistics.median(measured) for name, measured in rates.items()}
    rows = [(RUNS[n], f"{middle[n]:.1f}", f"{min(rates[n]):.1f} to {max(rates[n]):.1f}") for n in RUNS]
    ratio = statistics.median(bad / good for good, bad in zip(rates["good"], rates["poison"], strict=True))
    bound = report.Bound("good objects a second, with 10 % poison of without", ratio, least=0.85)
    report.show("Poison messages beside good ones", ("run", "good objects/s", "min to max"), rows, [bound])
    drawn = report.draw("poison", "Good objects a second", "1/s", [(RUNS[name], middle[name]) for name in RUNS])
    print(f"  drawn: {drawn}")


if __name__ == "__main__":
    main()
