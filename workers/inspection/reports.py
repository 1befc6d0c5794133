"""Reports of checks on their way into a verdict. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from airlock.verdict import Finding, decide
from workers.inspection.checks.port import Report

# A verdict has to fit into a record (400 KB in DynamoDB) and an event (256 KiB in SQS).
MOST_FINDINGS = 50
LONGEST_PATH = 300


def in_member(report: Report, path: Sequence[str]) -> Report:
    """The report, each of whose findings says in which member of an archive it was made."""
    where = "/".join(path)
    if len(where) > LONGEST_PATH:
        where = "…" + where[-LONGEST_PATH:]
    found = (each.model_copy(update={"message": f"in {where}: {each.message}"}) for each in report.findings)
    return replace(report, findings=tuple(found), media_type=None, sha256=None)


def merged_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each once, in order; of very many, the gravest and how many more of what there are."""
    each = list(dict.fromkeys(findings))
    if len(each) <= MOST_FINDINGS:
        return tuple(each)
    gravest = decide(each)
    order = sorted(each, key=lambda finding: finding.outcome is not gravest)
    kept, rest = order[: MOST_FINDINGS - 1], order[MOST_FINDINGS - 1 :]
    codes = ", ".join(f"{count} × {code}" for code, count in Counter(finding.code for finding in rest).most_common(10))
    more = Finding(code="more_findings", check="worker", outcome=decide(rest), message=f"and {len(rest)} more: {codes}")
    return (*kept, more)
