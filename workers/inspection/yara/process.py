"""The scanning process (`child`), as the worker uses it.

YARA-X holds the interpreter's lock while it scans (in 1.23, another thread waited for all of a one-second scan), so a
long scan in a thread would stop heartbeats and everything else. A process does not. And where hostile bytes crash the
engine, the process ends and not the worker.
"""

import asyncio
import contextlib
import io
import json
import os
import sys

import yara_x

from airlock.errors import Unavailable
from airlock.verdict import Outcome
from workers.inspection.yara.child import LENGTH
from workers.inspection.yara.rule_set import Match

# On top of the engine's own limit, which it tests only between two steps of a scan.
GRACE = 5.0
END_SECONDS = 2.0


class YaraProcess:
    """One process, started by the first scan, and again by the first scan after it ended. `seconds` limits a scan."""

    def __init__(self, rules: yara_x.Rules, seconds: int) -> None:
        self._rules = rules
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None

    async def scan(self, window: bytes) -> list[Match] | None:
        """The rules that match `window`, or None after a timeout. Raises Unavailable("yara") when the process ended."""
        async with self._turn:
            try:
                child = self._child or await self._start()
                async with asyncio.timeout(self._seconds + GRACE):
                    answer = await _exchange(child, window)
            except TimeoutError:
                await self._end()
                return None
            except (OSError, asyncio.IncompleteReadError) as error:
                await self._end()
                raise Unavailable("yara", "the scanning process ended") from error
            except BaseException:
                # The rest of this answer would be read as the answer to the next window.
                await self._end()
                raise
        found: list[tuple[str, str]] | None = json.loads(answer)
        return None if found is None else [Match(rule, Outcome(outcome)) for rule, outcome in found]

    async def close(self) -> None:
        """End the process, if there is one."""
        async with self._turn:
            await self._end()

    async def _start(self) -> asyncio.subprocess.Process:
        rules = io.BytesIO()
        self._rules.serialize_into(rules)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "workers.inspection.yara.child", str(self._seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # It reads hostile bytes, so it inherits none of our keys.
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,  # a Ctrl-C in the terminal is the worker's to handle
        )
        self._child = child
        await _send(child, rules.getvalue())
        return child

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await child.wait()


async def _exchange(child: asyncio.subprocess.Process, window: bytes) -> bytes:
    await _send(child, window)
    output = child.stdout
    assert output is not None  # noqa: S101 # it was asked for
    (length,) = LENGTH.unpack(await output.readexactly(LENGTH.size))
    return await output.readexactly(length)


async def _send(child: asyncio.subprocess.Process, message: bytes) -> None:
    source = child.stdin
    assert source is not None  # noqa: S101 # it was asked for
    source.write(LENGTH.pack(len(message)))
    source.write(message)
    await source.drain()
