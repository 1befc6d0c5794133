"""A child process that ends when we end."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Self

PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class ChildProcess:
    """A running program and its name in messages.

    It has a session of its own: a Ctrl-C in the terminal reaches only us, and we end our children in the right order.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.process = process

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        output: int | IO[bytes],
        parent_death_signal: signal.Signals = signal.SIGKILL,
    ) -> Self:
        """Start `command` with exactly the environment `env`. Its standard output and error both go to `output`.

        On Linux the kernel sends it `parent_death_signal` when we are killed.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid(), parent_death_signal),
        )
        return cls(name, process)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.returncode is None

    @property
    def ending(self) -> str:
        """How it ended: `exit 1`, or the name of the signal."""
        code = self.process.returncode
        if code is None:
            return "still running"
        return f"exit {code}" if code >= 0 else signal.Signals(-code).name

    async def stop(self, grace: float) -> None:
        """Send SIGTERM, and SIGKILL after `grace` seconds. Returns when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            if self.running:
                self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), grace)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


def _die_with_parent(parent: int, sent: signal.Signals) -> Callable[[], None] | None:
    if _libc is None:
        return None
    libc = _libc

    def ask_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(sent), 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before the call
            os._exit(1)

    return ask_kernel
