"""`python -m tests.chaos`: a long run, by CHAOS_SEED, CHAOS_UPLOADS and CHAOS_WORKERS. Its report is kept."""

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.run import Run
from tests.deployment import ROOT, ministack

UPLOADS = 10_000
WORKERS = 3
TIMEOUT_SECONDS = 2700.0
REPORTS = ROOT / "build" / "chaos"


async def main() -> int:
    """Returns the exit code: 0 when there was no problem."""
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    uploads = int(os.environ.get("CHAOS_UPLOADS") or UPLOADS)
    workers = int(os.environ.get("CHAOS_WORKERS") or WORKERS)
    faults = float(os.environ.get("CHAOS_FAULTS") or 1.0)
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    print(f"seed {seed}; the workers' logs are in {folder} and stay there if there is a problem", flush=True)
    began = time.monotonic()

    def show(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True)

    async with ministack() as stack:
        os.environ.update(stack.access_key.environment())
        report = await Run(stack, folder, seed, uploads, workers, TIMEOUT_SECONDS, faults, show)()
    REPORTS.mkdir(parents=True, exist_ok=True)
    kept = REPORTS / f"{seed}.txt"
    kept.write_text(str(report))
    print(f"\n{report}\nkept in {kept}")
    if report.problems:
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
