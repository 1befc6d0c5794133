"""What `airlock reconcile` costs over many keys, and how its memory grows: `python -m bench.reconcile`.

Incoming holds 100,000 and then 1,000,000 keys, of which three in 97 need a repair; accepted and the table hold a
tenth as many. The places are made up page by page (bench/reconcile/simulated.py), so that what is measured is the
command's own work and memory and no server's. Each size is run in two processes of its own: one tells its rate and the
peak of its resident set (VmHWM), the other the peak of what Python allocated (tracemalloc).
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
import tracemalloc
from dataclasses import asdict, dataclass

from bench.process import peak_mib
from bench.reconcile.simulated import Simulated, context, damaged
from ops.reconcile.run import scan_all

SIZES = (100_000, 1_000_000)
MIB = 1024**2


@dataclass(frozen=True)
class Sample:
    """One run: versions and items looked at, those repaired, seconds, seconds of CPU time, and peaks in MiB."""

    looked: int
    repaired: int
    seconds: float
    cpu: float
    resident: float
    allocated: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=int, metavar="KEYS", help="one run in this process, told as JSON")
    parser.add_argument("--trace", action="store_true", help="with --run: count what Python allocates")
    options = parser.parse_args()
    if options.run is not None:
        print(json.dumps(asdict(asyncio.run(_run(options.run, trace=options.trace)))))
        return
    _report({size: (_child(size), _child(size, "--trace")) for size in SIZES})


async def _run(count: int, *, trace: bool) -> Sample:
    if trace:
        tracemalloc.start()
    simulated = Simulated(count)
    run = context(simulated)
    begin, cpu = time.monotonic(), time.process_time()
    await scan_all(run)
    took, spent = time.monotonic() - begin, time.process_time() - cpu
    if run.summary.repairs != damaged(count) or simulated.sent != run.summary.repairs:
        raise RuntimeError(f"{run.summary.repairs} of {count} keys were repaired")
    looked = sum(run.summary.scanned.values())
    allocated = tracemalloc.get_traced_memory()[1] / MIB if trace else 0.0
    return Sample(looked, run.summary.repairs, took, spent, peak_mib(os.getpid()), allocated)


def _child(size: int, *options: str) -> Sample:
    command = [sys.executable, "-m", "bench.reconcile", "--run", str(size), *options]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return Sample(**told)


def _report(taken: dict[int, tuple[Sample, Sample]]) -> None:
    # It brings matplotlib with it, whose memory is not the command's.
    from bench import report

    rows = [
        (
            f"{size:,}",
            f"{fast.looked:,}",
            f"{fast.repaired:,}",
            f"{fast.looked / fast.seconds:,.0f}",
            f"{fast.cpu / fast.looked * 1e6:.1f}",
            f"{fast.resident:.1f}",
            f"{traced.allocated:.2f}",
        )
        for size, (fast, traced) in taken.items()
    ]
    (small, small_traced), (large, large_traced) = (taken[size] for size in SIZES)
    growth = {
        "VmHWM": large.resident / small.resident,
        "tracemalloc": large_traced.allocated / small_traced.allocated,
    }
    bounds = [report.Bound(f"{what}, 1,000,000 keys of 100,000", value, most=1.05) for what, value in growth.items()]
    bounds.append(report.Bound("CPU time for each, the same", _each(large) / _each(small), most=1.25))
    columns = (
        "keys in incoming",
        "looked at",
        "repaired",
        "looked at/s",
        "CPU µs each",
        "VmHWM MiB",
        "tracemalloc MiB",
    )
    report.show("airlock reconcile over simulated places", columns, rows, bounds)
    bars = [
        (f"{what}, {size:,} keys", value)
        for what, place in (("VmHWM", 0), ("tracemalloc", 1))
        for size, samples in taken.items()
        for value in [samples[0].resident if place == 0 else samples[1].allocated]
    ]
    print(f"  drawn: {report.draw('reconcile', 'Peak memory of a run', 'MiB', bars)}")


def _each(sample: Sample) -> float:
    return sample.cpu / sample.looked


if __name__ == "__main__":
    main()
