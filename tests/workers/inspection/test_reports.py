import pytest

from airlock.verdict import Finding, Outcome
from workers.inspection.checks.port import Report
from workers.inspection.reports import MAX_FINDINGS, MAX_MEMBER_TYPES, in_member, member_types, merged_findings


def _finding(code: str, outcome: Outcome = Outcome.REJECTED, message: str = "m") -> Finding:
    return Finding(code=code, check="c", outcome=outcome, message=message)


def test_findings_are_kept_once_and_in_order() -> None:
    a, b = _finding("a"), _finding("b")
    assert merged_findings([b, a, b]) == (b, a)


def test_of_very_many_the_gravest_are_kept_and_the_rest_is_counted() -> None:
    many = [_finding("script", message=str(number)) for number in range(1000)]
    virus = _finding("clamd_match", Outcome.INFECTED)
    kept = merged_findings([*many, _finding("encrypted", Outcome.UNSCANNABLE), virus])
    assert len(kept) == MAX_FINDINGS
    assert kept[0] == virus
    assert kept[-1].code == "more_findings"
    assert kept[-1].outcome is Outcome.REJECTED
    assert kept[-1].message == f"There are {1002 - MAX_FINDINGS + 1} more findings: 952 × script, 1 × encrypted."


@pytest.mark.parametrize(("path", "where"), [(("a.zip", "b.txt"), "a.zip/b.txt"), (("x" * 500,), "…" + "x" * 300)])
def test_a_finding_in_a_member_names_the_member(path: tuple[str, ...], where: str) -> None:
    report = in_member(Report((_finding("a"),), sha256="0", media_type="text/plain"), path)
    assert [finding.message for finding in report.findings] == [f"In {where}: m"]
    assert (report.sha256, report.media_type) == (None, "text/plain")


def test_members_are_counted_by_their_types_and_of_very_many_types_the_frequent_ones_stay() -> None:
    reports = [Report(media_type="text/plain"), Report(), Report(media_type="text/plain"), Report(media_type="a/b")]
    assert member_types(reports) == {"text/plain": 2, "a/b": 1}
    assert len(member_types(Report(media_type=f"a/{number}") for number in range(1000))) == MAX_MEMBER_TYPES
