"""Child processes under measurement: pinned to one core, their CPU time and peak memory read from /proc."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def running(
    arguments: Sequence[str], environment: Mapping[str, str], *, core: int | None = None, log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program (`-m name …`) as a child, on `core` alone where one is given; ended by SIGTERM."""
    output = subprocess.DEVNULL if log is None else log.open("wb")
    command = [sys.executable, *arguments]
    child = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
    try:
        if core is not None:
            os.sched_setaffinity(child.pid, {core})
        yield child
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if not isinstance(output, int):
            output.close()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its running children so far, in seconds (10 ms steps).

    Threads count, and the children of these that have ended.
    """
    return sum(_own_cpu_seconds(each) for each in (pid, *children(pid)))


def _own_cpu_seconds(pid: int) -> float:
    values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in values[11:15]) / _TICKS


def peak_mib(pid: int) -> float:
    """The largest resident set of a process so far (VmHWM), in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel reports no VmHWM")


def children(pid: int) -> list[int]:
    """The processes that a process started and that still run."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def wait_for(ready: Path, child: subprocess.Popen[bytes], seconds: float = 30) -> str:
    """The text of a file that the child writes once it serves."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if child.poll() is not None:
            raise RuntimeError(f"the child ended with status {child.returncode}")
        if ready.exists() and (text := ready.read_text()):
            return text
        time.sleep(0.02)
    raise RuntimeError(f"nothing was written to {ready}")
