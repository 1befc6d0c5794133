import pytest

from airlock.verdict import Outcome
from tests.workers.inspection.subjects import codes, scan
from workers.inspection.checks.size import SizeCheck


@pytest.mark.parametrize(
    ("size", "declared", "expected"),
    [
        (0, None, ["too_small"]),
        (1, None, []),
        (100, None, []),
        (101, None, ["too_large"]),
        (50, 50, []),
        (50, 51, ["size_mismatch"]),
        (0, 5, ["too_small", "size_mismatch"]),
        (101, 100, ["too_large", "size_mismatch"]),
    ],
)
async def test_the_bytes_that_came_are_held_against_limits_and_declaration(
    size: int, declared: int | None, expected: list[str]
) -> None:
    report = await scan(SizeCheck(), b"x" * size, chunk=7, size=declared, max_bytes=100)
    assert codes(report) == expected
    assert all(finding.outcome is Outcome.REJECTED for finding in report.findings)
