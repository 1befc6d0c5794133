"""What half-open connections cost the others: `python -m bench.clients`.

One service in production mode. A normal client asks for one policy after another, each on a new connection: alone, then
beside connections of five kinds that send nothing, half a line, half a header, a byte of a header each second, or half
of a body with a token that is valid, and then alone again. It states how long a policy took, how many were refused, and
the service's memory.
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import uvloop

from bench import policy_service, report
from bench.policy_service import TOKEN
from bench.process import running
from ops.dev.loopback import free_port

HOST = "127.0.0.1"
BODY = orjson.dumps({"filename": "holiday picture.png", "size": 123456})
HEAD = f"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
WHOLE = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
DRIPPING = "a byte of a header each second"
HALVES = {
    "nothing": b"",
    "half a line": b"POST /v1/upl",
    "half a header": HEAD,
    DRIPPING: HEAD + b"X: ",
    "half a body": HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY[:5],
}


@dataclass
class Sample:
    """Normal requests of one phase, and the service's memory at its end."""

    name: str
    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    mib: float = 0.0
    held: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half-open", type=int, default=2000, help="connections that are held open")
    parser.add_argument("--seconds", type=float, default=10, help="of each phase")
    options = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, running(["-m", "service"], _service(Path(folder), port)) as child:
        # After the service has started, which has the usual limit and raises it by itself.
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        samples = uvloop.run(_phases(port, child.pid, options.half_open, options.seconds))
    _report(samples, options.half_open)


def _service(folder: Path, port: int) -> Mapping[str, str]:
    # Nobody answers at the endpoint, and no policy asks.
    return {**policy_service.environment(folder, port), "AIRLOCK_ENDPOINT_URL": "http://localhost:9"}


async def _phases(port: int, pid: int, half_open: int, seconds: float) -> list[Sample]:
    await _until_it_answers(port)
    await _ask_for(Sample("warm-up"), port, pid, 3)
    before = await _ask_for(Sample("before"), port, pid, seconds)
    holding = [asyncio.create_task(_hold(port, kind)) for _ in range(half_open // len(HALVES)) for kind in HALVES]
    await asyncio.sleep(1)
    during = await _ask_for(Sample("during"), port, pid, seconds)
    for each in holding:
        each.cancel()
    await asyncio.gather(*holding, return_exceptions=True)
    after = await _ask_for(Sample("after"), port, pid, seconds)
    return [before, during, after]


async def _ask_for(sample: Sample, port: int, pid: int, seconds: float) -> Sample:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        answer = await _policy(port)
        sample.seconds.append(time.perf_counter() - start)
        sample.failed += not answer.startswith(b"HTTP/1.1 201")
    sample.mib = _resident_mib(pid)
    sample.held = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return sample


async def _policy(port: int) -> bytes:
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(WHOLE)
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
    except OSError:
        return b""
    return answer


async def _hold(port: int, kind: str) -> None:
    """Hold a connection of this kind for as long as the service lets it, and open the next a second later."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(HALVES[kind])
                dripping = asyncio.create_task(_drip(writer)) if kind == DRIPPING else None
                await reader.read()
                if dripping is not None:
                    dripping.cancel()
            finally:
                writer.transport.abort()
        await asyncio.sleep(1)


async def _drip(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"x")
        await asyncio.sleep(1)


async def _until_it_answers(port: int) -> None:
    for _ in range(300):
        if (await _policy(port)).startswith(b"HTTP/1.1 201"):
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"nothing answers on port {port}")


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _report(samples: list[Sample], half_open: int) -> None:
    rows = [
        (
            sample.name,
            f"{len(sample.seconds):,}",
            str(sample.failed),
            f"{statistics.median(sample.seconds) * 1000:.2f}",
            f"{statistics.quantiles(sample.seconds, n=100)[98] * 1000:.2f}",
            f"{max(sample.seconds) * 1000:.1f}",
            f"{sample.mib:.1f}",
            f"{sample.held:,}",
        )
        for sample in samples
    ]
    before, during, after = samples
    bounds = [
        report.Bound("normal requests that failed beside half-open ones", during.failed, most=0),
        report.Bound("median time of a policy, during of before", _ratio(during, before), most=2),
        report.Bound(
            "memory, KiB for each half-open connection", (during.mib - before.mib) * 1024 / half_open, most=32
        ),
        report.Bound("memory, after of before", after.mib / before.mib, most=1.5),
    ]
    columns = ("phase", "policies", "failed", "median ms", "p99 ms", "max ms", "MiB", "open files")
    report.show(f"A policy beside {half_open:,} half-open connections", columns, rows, bounds)


def _ratio(one: Sample, other: Sample) -> float:
    return statistics.median(one.seconds) / statistics.median(other.seconds)


if __name__ == "__main__":
    main()
