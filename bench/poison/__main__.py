"""What messages that cannot be settled cost the others: `python -m bench.poison`.

The real worker with four checks gets good objects of 10 KiB, and in turn the same number with one poison message for
nine of them, of each kind in bench/poison/kinds.py, shuffled. The clock stops when the last good object has its
verdict: some poison fails again and again for minutes. Both in one place, round after round, now the one and now the
other first.
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
from typing import Any, Literal

from aws.clients import connect
from bench import report
from bench.pipeline import samples
from bench.pipeline.__main__ import until_healthy
from bench.pipeline.place import Place, credentials, settings_in
from bench.poison import kinds
from bench.process import running
from ops.dev import emulator
from ops.provision.command import provision

VERDICTS = "airlock-verdicts"
RUNS = {"good": "good objects alone", "poison": "and 10 % poison"}
WAITING: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
PATIENCE = 300.0


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
            # What still fails would be in the way of the next run.
            async with _place() as place:
                poison = chosen if name == "poison" else []
                rates[name].append(await _rate(place, options.objects, poison, random.Random(number)))
    _report(rates)


@asynccontextmanager
async def _place() -> AsyncIterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        async with emulator.running() as running_emulator:
            settings = settings_in(running_emulator, Path(folder))
            kinds.add_profiles(settings.profiles)
            with credentials(running_emulator):
                async with connect(settings) as clients:
                    async for _ in provision(settings):
                        pass
                    await clients.sqs.delete_queue(QueueUrl=(await _url(clients, kinds.AWAY)))
                    yield Place(settings, clients, settings.profiles, running_emulator)


async def _rate(place: Place, count: int, poison: list[str], source: random.Random) -> float:
    """Good objects a second."""
    await place.put(samples.small(count), "default")
    good = await place.take_messages(count)
    bad = [await kinds.KINDS[poison[n % len(poison)]](place) for n in range(count // 9)] if poison else []
    warm, timed = good[: count // 8], [*good[count // 8 :], *bad]
    source.shuffle(timed)
    async with _worker(place):
        # The first objects pay for connections, the model and compiled rules: they are not counted.
        await place.send_messages(warm)
        await _until_told(place, len(warm))
        begin = time.monotonic()
        await place.send_messages(timed)
        await _until_told(place, count)
        return (count - len(warm)) / (time.monotonic() - begin)


async def _until_told(place: Place, wanted: int) -> None:
    """Wait until there are so many verdict events."""
    url = await place.queue_url(VERDICTS)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = await place.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[WAITING])
        if int(answer["Attributes"][WAITING]) >= wanted:
            return
        await asyncio.sleep(0.05)
    raise RuntimeError(f"not all good objects had a verdict after {PATIENCE:.0f} s")


@asynccontextmanager
async def _worker(place: Place) -> AsyncIterator[None]:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        told = {"AIRLOCK_HEALTH_PORT": str(port), "AIRLOCK_PARSER_MEMORY": "128"}
        with running(["-m", "workers"], place.environment() | told, log=Path(folder) / "log"):
            await asyncio.to_thread(until_healthy, port)
            yield


async def _url(clients: Any, name: str) -> str:
    url: str = (await clients.sqs.get_queue_url(QueueName=name))["QueueUrl"]
    return url


def _report(rates: dict[str, list[float]]) -> None:
    middle = {name: statistics.median(taken) for name, taken in rates.items()}
    rows = [(RUNS[n], f"{middle[n]:.1f}", f"{min(rates[n]):.1f} to {max(rates[n]):.1f}") for n in RUNS]
    ratio = statistics.median(bad / good for good, bad in zip(rates["good"], rates["poison"], strict=True))
    bound = report.Bound("good objects a second, with 10 % poison of without", ratio, least=0.85)
    report.show("Poison messages beside good ones", ("run", "good objects/s", "min to max"), rows, [bound])
    drawn = report.draw("poison", "Good objects a second", "1/s", [(RUNS[name], middle[name]) for name in RUNS])
    print(f"  drawn: {drawn}")


if __name__ == "__main__":
    main()
