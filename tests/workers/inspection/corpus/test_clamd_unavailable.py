"""A clamd that dies in mid-stream: no verdict without it, and the right one once it is back."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from airlock.errors import Unavailable
from airlock.lifecycle import State
from airlock.verdict import Outcome
from tests.workers.harness import EICAR, WorkerHarness
from tests.workers.inspection.clamd import daemon
from tests.workers.inspection.corpus.sample_inspector import Sample, SampleInspector, sample_inspector
from workers.inspection.checks.port import BaseCheck, BaseScan, Check, Report, Scan, Subject

PIECE = bytes(64 * 1024)
_ONLY = ("size", "checksum", "clamd")


class DyingClamdCheck(BaseCheck):
    """The check `clamd`, whose daemon is killed once it has taken the first chunk of the first object."""

    name = "clamd"

    def __init__(self, real: Check, daemon: contextlib.AsyncExitStack) -> None:
        self._true = real
        self._daemon = daemon

    def begin(self, subject: Subject) -> "DyingClamdScan":
        return DyingClamdScan(self._true.begin(subject), self._daemon)


class DyingClamdScan(BaseScan):
    def __init__(self, real: Scan, daemon: contextlib.AsyncExitStack) -> None:
        self._true = real
        self._daemon = daemon

    async def feed(self, chunk: bytes) -> None:
        await self._true.feed(chunk)
        await self._daemon.aclose()

    async def finish(self) -> Report:
        return await self._true.finish()

    async def close(self) -> None:
        await self._true.close()


@pytest.mark.slow
async def test_killed_in_mid_stream_it_is_unavailable_and_restarted_it_finds(spool: Path) -> None:
    port = daemon.free_port()
    address = f"tcp://127.0.0.1:{port}"
    async with sample_inspector(spool, address) as inspector:
        with pytest.raises(Unavailable, match="clamd"):
            await _inspect_while_it_dies(inspector, port)
        with pytest.raises(Unavailable, match="clamd"):
            await inspector.inspector.ready()
        async with daemon.running(port):
            await inspector.inspector.ready()
            verdict = await inspector.inspect(Sample("a.bin", "application/octet-stream", EICAR), checks=_ONLY)
    assert verdict.outcome is Outcome.INFECTED


async def _inspect_while_it_dies(inspector: SampleInspector, port: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(daemon.running(port))

        async def chunks() -> AsyncIterator[bytes]:
            yield PIECE
            await stack.aclose()
            yield PIECE

        about = Sample("a.bin", "application/octet-stream", b"")
        await inspector.inspect_stream(about, chunks(), 2 * len(PIECE), checks=_ONLY)


async def test_an_object_whose_clamd_died_is_inspected_again_by_the_next_one(harness: WorkerHarness) -> None:
    port = daemon.free_port()
    address = f"tcp://127.0.0.1:{port}"
    settings = harness.settings.model_copy(update={"clamd": address})
    async with contextlib.AsyncExitStack() as first:
        await first.enter_async_context(daemon.running(port))
        checks = dict(harness.checks(settings))
        checks["clamd"] = DyingClamdCheck(checks["clamd"], first)
        async with harness.working(checks, clamd=address):
            sent = await harness.put(PIECE * 8 + EICAR, profile="scanned")
            await harness.recorded(sent.upload, lambda record: record.state is State.RECEIVED and record.attempts == 1)
            async with daemon.running(port):
                record = await harness.settled(sent)
                await harness.idle()
    assert record.state is State.INFECTED
    assert record.attempts >= 2
    assert await harness.accepted() == {}
