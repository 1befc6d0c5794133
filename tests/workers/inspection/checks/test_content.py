"""The examination of content, run by the inspector, with the hostile examiner of tests/workers/inspection/sandbox."""

import importlib
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from airlock.content.formats import EXAMINERS
from airlock.errors import Unavailable
from airlock.limits import LIMITS
from airlock.profile import Profile
from airlock.verdict import ExaminedReading, Outcome, Verdict
from tests.workers.harness import EICAR
from tests.workers.inspection.sandbox.hostile import packed
from tests.workers.inspection.sandbox.test_sandbox import HOSTILE, servers
from tests.workers.inspection.subjects import subject
from workers.inspection.checks.checksum import ChecksumCheck
from workers.inspection.checks.content import MAX_FINDINGS, ContentCheck
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Subject
from workers.inspection.checks.size import SizeCheck
from workers.inspection.inspector import Inspector
from workers.inspection.sandbox.pool import Sandbox
from workers.inspection.yara.check import YaraCheck
from workers.inspection.yara.rule_set import compile_rules

HEAVY = ("PIL", "av", "charset_normalizer", "libarchive", "lxml", "olefile", "pi_heif", "pikepdf", "py7zr", "tinycss2")


class RecordingCheck(BaseCheck):
    """A check that writes down what it was given."""

    name = "seen"

    def __init__(self) -> None:
        self.seen: list[tuple[tuple[str, ...], bytes]] = []

    def begin(self, subject: Subject) -> "RecordingScan":
        return RecordingScan(subject, self.seen)


class RecordingScan(BaseScan):
    def __init__(self, subject: Subject, seen: list[tuple[tuple[str, ...], bytes]]) -> None:
        self._subject = subject
        self._seen = seen
        self._body = b""

    async def feed(self, chunk: bytes) -> None:
        self._body += chunk

    async def finish(self) -> Report:
        assert self._subject.size == len(self._body)
        assert self._body.startswith(self._subject.head)
        self._seen.append((self._subject.path, self._body))
        return Report()


class HostileInspector:
    """An inspector with the hostile parser, and what its checks saw."""

    def __init__(self, spool_folder: Path) -> None:
        self.seen = RecordingCheck()
        self.sandbox = Sandbox([HOSTILE], memory=512 * 1024**2)
        checks = (
            *(SizeCheck(), ChecksumCheck(), self.seen, YaraCheck(compile_rules())),
            ContentCheck({"text": HOSTILE}, self.sandbox),
        )
        self.inspector = Inspector({check.name: check for check in checks}, lambda: 0.0, spool_folder)

    async def inspect(self, text: str, **limits: int) -> Verdict:
        body = text.encode()
        profile = Profile(
            name="p",
            content_types=("text/plain",),
            member_types=("text/*", "application/zip"),
            max_bytes=10_000_000,
            checks=("size", "checksum", "seen", "yara", "text"),
            limits=limits,
        )
        about = Subject(subject().intent, profile, len(body), "etag")
        return await self.inspector.inspect(about, _chunks(body))


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


@pytest_asyncio.fixture
async def hostile_inspector(tmp_path: Path) -> AsyncIterator[HostileInspector]:
    made = HostileInspector(tmp_path)
    before = _descriptors()
    yield made
    await made.inspector.close()
    assert servers() == []
    assert _descriptors() <= before
    assert list(tmp_path.iterdir()) == []


def _descriptors() -> set[str]:
    """What is open of copies and sockets."""
    links = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return {str(link) for link in links if "memfd" in link.name or "deleted" in link.name}


def _findings(verdict: Verdict) -> list[tuple[str, str, str]]:
    return [(finding.check, finding.code, finding.message) for finding in verdict.findings]


async def test_what_was_examined_and_by_whom_is_evidence(hostile_inspector: HostileInspector) -> None:
    verdict = await hostile_inspector.inspect(packed(**{"a.txt": "A", "b.csv": "1,2", "c.txt": ""}))
    assert verdict.outcome is Outcome.ACCEPTED
    assert verdict.readings == (ExaminedReading(media_type="text/plain", examined_by=("text",)),)
    assert verdict.members == {"text/plain": 2, "text/csv": 1}


async def test_bytes_that_no_check_examines_are_never_accepted(hostile_inspector: HostileInspector) -> None:
    verdict = await hostile_inspector.inspect("\0\1\2")
    assert (verdict.outcome, [finding.code for finding in verdict.findings]) == (Outcome.UNSCANNABLE, ["not_examined"])
    assert verdict.readings == (ExaminedReading(media_type="application/octet-stream"),)


async def test_a_member_that_no_check_examines_is_named(hostile_inspector: HostileInspector) -> None:
    verdict = await hostile_inspector.inspect(packed(**{"a.bin": "\0\1\2", "b.exe": "text"}))
    assert verdict.outcome is Outcome.REJECTED
    assert [(code, message.partition(":")[0]) for _, code, message in _findings(verdict)] == [
        ("member_not_allowed", "In a.bin"),
        ("not_examined", "In a.bin"),
        ("member_not_allowed", "In b.exe"),
    ]


async def test_an_examiner_s_findings_are_the_check_s(hostile_inspector: HostileInspector) -> None:
    verdict = await hostile_inspector.inspect("!many 2")
    assert verdict.outcome is Outcome.REJECTED
    assert _findings(verdict) == [("text", "script", "0"), ("text", "script", "1")]


@pytest.mark.slow
@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_an_examiner_reads_a_copy_in_memory_or_on_disk(hostile_inspector: HostileInspector, size: int) -> None:
    verdict = await hostile_inspector.inspect("!twice " + "x" * size)
    assert _findings(verdict) == [("text", "script", "the same")]


async def test_an_examiner_cannot_flood_the_verdict(hostile_inspector: HostileInspector) -> None:
    verdict = await hostile_inspector.inspect("!many 5000")
    assert len(verdict.findings) < MAX_FINDINGS


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "code"), [("!wait", "timed_out"), ("!abort", "limits_exceeded")])
async def test_what_could_not_be_parsed_is_unscannable(
    hostile_inspector: HostileInspector, verb: str, code: str
) -> None:
    verdict = await hostile_inspector.inspect(verb, parse_seconds=1)
    assert verdict.outcome is Outcome.UNSCANNABLE
    assert [finding.code for finding in verdict.findings] == [code]
    assert (await hostile_inspector.inspect("plain")).outcome is Outcome.ACCEPTED


async def test_members_are_inspected_by_the_same_checks_at_any_depth(hostile_inspector: HostileInspector) -> None:
    text = packed(**{"a.txt": "A", "b.zip": packed(**{"c.zip": packed(eicar=EICAR.decode()), "d": "!many 1"}), "e": ""})
    verdict = await hostile_inspector.inspect(text)
    assert verdict.outcome is Outcome.INFECTED
    assert _findings(verdict)[-1] == ("text", "script", "In b.zip/d: 0")
    where = {message.partition(": ")[0] for _, code, message in _findings(verdict) if code == "yara_match"}
    assert "In b.zip/c.zip/eicar" in where
    paths = [path for path, _ in hostile_inspector.seen.seen]
    assert sorted(paths) == sorted(
        [(), ("a.txt",), ("b.zip",), ("b.zip", "c.zip"), ("b.zip", "c.zip", "eicar"), ("b.zip", "d"), ("e",)]
    )
    assert dict(hostile_inspector.seen.seen)["a.txt",] == b"A"
    assert verdict.bytes == len(text)


async def test_a_member_is_not_compared_with_the_declaration(hostile_inspector: HostileInspector) -> None:
    body = packed(a="x" * 2000)
    about = subject(len(body), size=len(body), sha256="0" * 64)
    profile = about.profile.model_copy(update={"checks": ("size", "checksum", "text")})
    about = Subject(about.intent, profile, len(body), "etag")
    verdict = await hostile_inspector.inspector.inspect(about, _chunks(body.encode()))
    assert [finding.code for finding in verdict.findings] == ["checksum_mismatch"]


@pytest.mark.parametrize(
    ("text", "limits", "message"),
    [
        (packed(a=packed(b=packed(c=""))), {"archive_depth": 2}, "In a/b: Archives are nested more than 2 deep"),
        ("!count 4", {"archive_entries": 3}, "The archives have more than 3 members (archive_entries)."),
        (packed(a="!count 3"), {"archive_entries": 3}, "In a: The archives have more than 3 members"),
        ("!bomb", {"archive_bytes": 10_000_000}, "The archives unpack to more than 10000000 bytes (archive_bytes)."),
        (packed(a="!bomb"), {"archive_bytes": 10_000_000}, "In a: The archives unpack to more than"),
    ],
)
async def test_limits_hold_for_an_object_with_all_its_members(
    hostile_inspector: HostileInspector, text: str, limits: dict[str, int], message: str
) -> None:
    verdict = await hostile_inspector.inspect(text, **limits)
    assert verdict.outcome is Outcome.UNSCANNABLE
    assert _findings(verdict)[0][1] == "limits_exceeded"
    assert _findings(verdict)[0][2].startswith(message)


@pytest.mark.slow
async def test_the_time_of_all_parsers_together_is_limited(hostile_inspector: HostileInspector) -> None:
    waits = {str(number): f"!wait {number}" for number in range(20)}
    verdict = await hostile_inspector.inspect(packed(**waits), inspect_seconds=2)
    assert {finding.code for finding in verdict.findings} == {"timed_out"}
    assert any("used up" in finding.message for finding in verdict.findings)


@pytest.mark.parametrize("garbage", ["0441", "05"])
async def test_bytes_without_a_member_count_as_a_crash(hostile_inspector: HostileInspector, garbage: str) -> None:
    verdict = await hostile_inspector.inspect(f"!garbage {garbage}")
    assert _findings(verdict) == [("text", "limits_exceeded", "The examination crashed.")]


async def test_many_objects_with_nested_members_are_inspected_at_once(hostile_inspector: HostileInspector) -> None:
    import asyncio

    text = packed(a=packed(b=packed(c="x")))
    verdicts = await asyncio.gather(*(hostile_inspector.inspect(text) for _ in range(8)))
    assert {verdict.outcome for verdict in verdicts} == {Outcome.ACCEPTED}


@pytest.mark.slow
async def test_a_full_disk_is_no_verdict_and_leaves_no_file(hostile_inspector: HostileInspector) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    try:
        with pytest.raises(Unavailable, match="spool"):
            await hostile_inspector.inspect("!twice " + "x" * 3_000_000)
        with pytest.raises(Unavailable, match="spool"):
            await hostile_inspector.inspect("!bomb")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("missing", ["copy", "members"])
async def test_without_a_copy_or_an_inspector_of_members_the_object_is_unscannable(
    hostile_inspector: HostileInspector, missing: str
) -> None:
    from workers.inspection.spool import Spool

    check = ContentCheck({"text": HOSTILE}, hostile_inspector.sandbox)
    with Spool() as copy:
        await copy.write(packed(a="x").encode())
        profile, intent = subject(checks=("size", "checksum", "text")).profile, subject().intent
        about = Subject(intent, profile, copy.size, "etag", b"!", copy if missing == "members" else None)
        report = await check.begin(about).finish()
    assert [(finding.code, finding.outcome) for finding in report.findings] == [
        ("limits_exceeded", Outcome.UNSCANNABLE)
    ]


@pytest.mark.parametrize("name", EXAMINERS)
def test_an_examiner_s_limits_are_those_that_a_profile_can_set(name: str) -> None:
    for limit, own in _examiner(name).DEFAULTS.items():
        assert 1 <= own <= LIMITS[limit].largest, limit


@pytest.mark.parametrize("name", EXAMINERS)
def test_the_worker_loads_no_library_of_a_format(name: str) -> None:
    _examiner(name)
    program = f"import sys, workers.inspection.parsers.{name}; print([each for each in {HEAVY} if each in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"


def _examiner(name: str) -> Any:
    return importlib.import_module(f"workers.inspection.parsers.{name}")
