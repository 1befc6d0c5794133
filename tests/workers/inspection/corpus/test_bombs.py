"""Small files that grow: none is accepted, each has its answer, and neither the worker nor its children grow too."""

import asyncio
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from airlock.verdict import Outcome
from tests.workers.inspection.checks.samples import zipped
from tests.workers.inspection.corpus import archives
from tests.workers.inspection.corpus.documents import pdf_of
from tests.workers.inspection.corpus.images import huge_png
from tests.workers.inspection.corpus.sample_inspector import GiB, Sample, SampleInspector, codes
from tests.workers.inspection.sandbox.test_sandbox import children
from workers.inspection.sandbox.children import MEMORY
from workers.inspection.yara import process as yara

pytestmark = pytest.mark.asyncio(loop_scope="module")

MiB = 1024 * 1024


def _laughs() -> bytes:
    names = [f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9)]
    return f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY l0 "ha">{"".join(names)}]><svg xmlns="http://www.w3.org/2000/svg"><text>&l9;</text></svg>'.encode()


def _million_objects() -> bytes:
    return pdf_of(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>", *["null"] * 1_000_000])


def _zeros_in_zip() -> bytes:
    return zipped({"zeros.gz": archives.zeros(4 * GiB)}, stored=True)


BOMBS: dict[str, tuple[str, str, Callable[[], bytes], Outcome, set[str]]] = {
    "zips in zips": (
        *("a.zip", "application/zip", lambda: archives.nested(5, 16, _zeros_in_zip())),
        *(Outcome.UNSCANNABLE, {"archive:limits_exceeded", "clamd:limits_exceeded"}),
    ),
    "10 GiB of zeros": (
        *("a.gz", "application/gzip", lambda: archives.zeros(10 * GiB)),
        *(Outcome.UNSCANNABLE, {"archive:limits_exceeded", "clamd:limits_exceeded"}),
    ),
    "100,000 entries": (
        *("a.zip", "application/zip", lambda: archives.many_entries(100_000)),
        *(Outcome.UNSCANNABLE, {"archive:limits_exceeded", "clamd:limits_exceeded"}),
    ),
    "overlapping entries": (
        *("a.zip", "application/zip", lambda: archives.overlapping_zip(250)),
        *(Outcome.INFECTED, {"archive:overlapping_entries", "clamd:clamd_match"}),
    ),
    "60,000 × 60,000 pixels": (
        *("a.png", "image/png", lambda: huge_png(60_000)),
        *(Outcome.UNSCANNABLE, {"image:limits_exceeded"}),
    ),
    "a billion laughs": (
        *("a.svg", "image/svg+xml", _laughs),
        *(Outcome.REJECTED, {"markup:entity_expansion"}),
    ),
    "a million objects": (
        *("a.pdf", "application/pdf", _million_objects),
        *(Outcome.UNSCANNABLE, {"pdf:limits_exceeded", "clamd:limits_exceeded"}),
    ),
}


@pytest.mark.long
@pytest.mark.parametrize(("filename", "kind", "make", "outcome", "expected"), BOMBS.values(), ids=BOMBS)
async def test_a_bomb_is_answered_and_takes_no_memory(
    inspector: SampleInspector,
    filename: str,
    kind: str,
    make: Callable[[], bytes],
    outcome: Outcome,
    expected: set[str],
) -> None:
    sample = Sample(filename, kind, make())
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on: proc(5)
    before = _peak("self")
    async with asyncio.timeout(60):
        verdict = await inspector.inspect(sample)
    assert (verdict.outcome, codes(verdict)) == (outcome, expected)
    assert _peak("self") - before < 128 * MiB
    for child in children():
        assert resource.prlimit(child, resource.RLIMIT_AS)[1] in (MEMORY, yara.MEMORY)
        assert _peak(str(child)) < 512 * MiB
    assert list(inspector.spool.iterdir()) == []


def _peak(process: str) -> int:
    """The most memory that it had at once, in bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
