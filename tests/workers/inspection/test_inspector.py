import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from airlock.errors import Unavailable
from airlock.profile import Profile
from airlock.verdict import Engine, Finding, Outcome
from tests.workers.inspection.subjects import subject
from workers.inspection.checks.checksum import ChecksumCheck
from workers.inspection.checks.port import CONTENT, HEAD, BaseCheck, BaseScan, Report, Subject
from workers.inspection.checks.size import SizeCheck
from workers.inspection.inspector import Inspector, check_names


class StubCheck(BaseCheck, BaseScan):
    """A check that gives `report`, or raises it, and records its calls."""

    def __init__(self, report: Report | Exception, *, hold: asyncio.Event | None = None) -> None:
        self.report = report
        self.hold = hold
        self.fed = b""
        self.events: list[str] = []

    name = "stub"

    def begin(self, subject: Subject) -> "StubCheck":
        return self

    async def feed(self, chunk: bytes) -> None:
        self.fed += chunk
        if self.hold:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.events.append("cancelled")
                raise

    async def finish(self) -> Report:
        if isinstance(self.report, Exception):
            raise self.report
        return self.report

    async def close(self) -> None:
        self.events.append("closed")


def _finding(code: str, outcome: Outcome = Outcome.REJECTED) -> Finding:
    return Finding(code=code, check="stub", outcome=outcome, message=code)


def _subject(size: int, *checks: str) -> Subject:
    profile = Profile(
        name="p", content_types=("*/*",), unexamined=("*/*",), max_bytes=100, checks=("size", "checksum", *checks)
    )
    return Subject(subject().intent, profile, size, "etag")


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def _own() -> dict[str, Any]:
    return {"size": SizeCheck(), "checksum": ChecksumCheck(), CONTENT: StubCheck(Report())}


def _inspector(**checks: Any) -> Inspector:
    return Inspector({**_own(), **checks}, lambda: 1_700_000_000.0)


async def test_a_verdict_has_its_evidence() -> None:
    engine = Engine(name="e", version="1")
    first = StubCheck(Report((_finding("a"), _finding("a")), engine, media_type="text/plain"))
    second = StubCheck(Report((_finding("a"), _finding("b", Outcome.INFECTED)), engine, missing=("other",)))
    verdict = await _inspector(x=first, y=second).inspect(_subject(6, "x", "y"), _chunks(b"abc", b"def"))
    assert first.fed == second.fed == b"abcdef"
    assert verdict.outcome is Outcome.INFECTED
    assert [finding.code for finding in verdict.findings] == ["a", "b"]
    assert verdict.engines == (engine,)
    assert verdict.missing == ("other",)
    assert verdict.checks == ("size", "checksum", "x", "y")
    assert (verdict.bytes, verdict.sha256) == (6, hashlib.sha256(b"abcdef").hexdigest())
    assert (verdict.media_type, verdict.inspected_at.timestamp()) == ("text/plain", 1_700_000_000.0)
    assert first.events == second.events == ["closed"]


async def test_an_empty_object_is_checked_too() -> None:
    stub = StubCheck(Report())
    verdict = await _inspector(x=stub).inspect(_subject(0, "x"), _chunks())
    assert [finding.code for finding in verdict.findings] == ["too_small"]
    assert stub.events == ["closed"]


@pytest.mark.parametrize("size", [2, 4])
async def test_fewer_or_more_bytes_than_the_size_are_no_verdict(size: int) -> None:
    with pytest.raises(Unavailable, match="it sent 3 bytes"):
        await _inspector().inspect(_subject(size), _chunks(b"abc"))


async def test_a_check_that_is_unavailable_ends_the_others() -> None:
    class UnavailableCheck(StubCheck):
        async def feed(self, chunk: bytes) -> None:
            raise Unavailable("x", "down")

    held, unavailable = StubCheck(Report(), hold=asyncio.Event()), UnavailableCheck(Report())
    with pytest.raises(Unavailable, match="x: down"):
        await _inspector(held=held, unavailable=unavailable).inspect(
            _subject(3, "held", "unavailable"), _chunks(b"abc")
        )
    assert held.events == ["cancelled", "closed"]
    assert unavailable.events == ["closed"]


async def test_no_more_is_read_than_the_slowest_scan_has_taken() -> None:
    hold = asyncio.Event()
    read: list[bytes] = []

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (bytes(HEAD), b"b"):
            read.append(chunk)
            yield chunk

    slow, quick = StubCheck(Report(), hold=hold), StubCheck(Report())
    inspecting = asyncio.create_task(_inspector(s=slow, q=quick).inspect(_subject(HEAD + 1, "s", "q"), chunks()))
    for _ in range(50):  # turns of the loop, in which it could have read on
        await asyncio.sleep(0)
    assert quick.fed == bytes(HEAD)
    assert read == [bytes(HEAD)]
    hold.set()
    assert (await inspecting).bytes == HEAD + 1


async def test_ready_is_when_every_engine_is() -> None:
    class UnavailableCheck(StubCheck):
        async def ready(self) -> None:
            raise Unavailable("x", "down")

    await _inspector(x=StubCheck(Report())).ready()
    with pytest.raises(Unavailable):
        await _inspector(x=UnavailableCheck(Report())).ready()


async def test_closing_ends_every_check() -> None:
    stub = StubCheck(Report())
    await _inspector(x=stub).close()
    assert stub.events == ["closed"]


@pytest.mark.parametrize(("stop_early", "taken"), [(False, 4), (True, 2)])
async def test_the_reading_ends_with_a_fatal_finding_where_the_profile_allows(stop_early: bool, taken: int) -> None:
    came: list[bytes] = []

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(4):
            came.append(b"x" * HEAD)
            yield came[-1]

    large = _subject(4 * HEAD)
    limited = large.profile.model_copy(update={"stop_early": stop_early, "max_bytes": HEAD + 1})
    inspector = Inspector(_own(), lambda: 0.0)
    verdict = await inspector.inspect(Subject(large.intent, limited, 4 * HEAD, "etag"), chunks())
    assert "too_large" in [finding.code for finding in verdict.findings]
    assert verdict.outcome is Outcome.REJECTED
    assert len(came) == taken
    assert verdict.bytes == taken * HEAD
    assert (verdict.sha256 is None) == stop_early


def test_the_examiners_run_as_one_check_which_every_profile_has() -> None:
    assert check_names(("size", "checksum")) == ["size", "checksum", CONTENT]
    assert check_names(("size", "media_type", "yara", "image", "text")) == ["size", "yara", CONTENT]
