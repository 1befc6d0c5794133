"""How the reports of checks are prepared for a verdict. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from airlock.verdict import Finding, decide
from workers.inspection.checks.port import Report

# A verdict has to fit into a record (400 KB in DynamoDB) and an event (256 KiB in SQS).
MAX_FINDINGS = 50
MAX_PATH = 300
MAX_MEMBER_TYPES = 30


def in_member(report: Report, path: Sequence[str]) -> Report:
    """The report on a member; each finding names the member by its path, whose end is kept where it is long."""
    where = "/".join(path)
    if len(where) > MAX_PATH:
        where = "…" + where[-MAX_PATH:]
    named = (each.model_copy(update={"message": f"In {where}: {each.message}"}) for each in report.findings)
    return replace(report, findings=tuple(named), sha256=None)


def member_types(reports: Iterable[Report]) -> dict[str, int]:
    """How many members there are of each media type; of more than MAX_MEMBER_TYPES types the most frequent ones."""
    counted = Counter(report.media_type for report in reports if report.media_type)
    return dict(counted.most_common(MAX_MEMBER_TYPES))


def merged_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings without duplicates, in their order.

    Of more than MAX_FINDINGS those with the gravest outcome come first, and the last one counts the findings left out.
    """
    distinct = list(dict.fromkeys(findings))
    if len(distinct) <= MAX_FINDINGS:
        return tuple(distinct)
    gravest = decide(distinct)
    order = sorted(distinct, key=lambda finding: finding.outcome is not gravest)
    kept, rest = order[: MAX_FINDINGS - 1], order[MAX_FINDINGS - 1 :]
    codes = ", ".join(f"{count} × {code}" for code, count in Counter(finding.code for finding in rest).most_common(10))
    message = f"There are {len(rest)} more findings: {codes}."
    return (*kept, Finding(code="more_findings", check="worker", outcome=decide(rest), message=message))
