"""Each verdict of the whole inspection, exactly: a good file of every format, and a bad one for every code."""

from pathlib import Path

import pytest

from airlock.content.finding_codes import FINDING_CODES
from airlock.verdict import Outcome
from tests.workers.inspection.corpus.bad import CASES, BadSample
from tests.workers.inspection.corpus.documents import open_xml
from tests.workers.inspection.corpus.good import GOOD
from tests.workers.inspection.corpus.sample_inspector import Sample, SampleInspector, codes

module_loop = pytest.mark.asyncio(loop_scope="module")

# What takes gigabytes, a hang or a failure of ours has a test elsewhere.
ELSEWHERE = {"above_engine_limit", "gave_up", "media_type_corrected", "content_type_not_allowed", "timed_out"}
PARSERS = Path(__file__).parents[1] / "parsers"


@module_loop
@pytest.mark.parametrize("sample", GOOD.values(), ids=GOOD)
async def test_a_good_file_is_accepted(inspector: SampleInspector, sample: Sample) -> None:
    verdict = await inspector.inspect(sample, content_types=(sample.content_type,), size=len(sample.body))
    assert (verdict.outcome, verdict.findings) == (Outcome.ACCEPTED, ())
    assert verdict.media_type == sample.content_type
    assert {"clamav", "yara-x"} <= {engine.name for engine in verdict.engines}


@module_loop
async def test_two_extra_bytes_after_a_thumbnail_are_no_finding(
    inspector: SampleInspector,
) -> None:
    body = open_xml("xl", {"docProps/thumbnail.jpeg": GOOD["jpg"].body + b"\xec\xff"})
    verdict = await inspector.inspect(Sample("a.xlsx", GOOD["xlsx"].content_type, body))
    assert (verdict.outcome, verdict.findings) == (Outcome.ACCEPTED, ())


@module_loop
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.filename}-{'-'.join(sorted(case.codes))}")
async def test_a_bad_file_has_exactly_its_findings(inspector: SampleInspector, case: BadSample) -> None:
    verdict = await inspector.inspect(case.sample(), **case.changes)
    assert (verdict.outcome, codes(verdict)) == (case.outcome, set(case.codes))
    assert all(finding.message for finding in verdict.findings)


def test_every_code_is_provoked_by_a_test() -> None:
    """By a file of this corpus, or by one of an examiner's own tests."""
    provoked = {name.partition(":")[2] for case in CASES for name in case.codes}
    tests = "".join(file.read_text("utf-8") for file in PARSERS.rglob("test_*.py"))
    provoked |= {code for code in FINDING_CODES if f'"{code}"' in tests}
    assert set(FINDING_CODES) - ELSEWHERE <= provoked
