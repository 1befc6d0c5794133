"""The table of codes and docs/checks.md say the same."""

import re
from pathlib import Path

from airlock.content.finding_codes import FINDING_CODES
from airlock.content.formats import EXAMINERS

PAGE = (Path(__file__).parents[3] / "docs" / "checks.md").read_text("utf-8")
CHECKS = {"size", "checksum", "media_type", "yara", "clamd", "worker", *EXAMINERS}


def test_the_page_has_the_row_of_each_code() -> None:
    rows = []
    for each in FINDING_CODES.values():
        default = f"{each.default}, always" if each.fixed else each.default
        rows.append(f"| `{each.code}` | {each.checks} | {default} | {each.meaning} | {each.why} |")
    assert "\n".join(rows) in PAGE


def test_a_code_names_checks_that_there_are() -> None:
    for each in FINDING_CODES.values():
        assert set(each.checks.split(", ")) <= CHECKS, each.code


def test_each_code_of_the_product_is_in_the_table() -> None:
    root = Path(__file__).parents[3] / "workers" / "inspection"
    literal = re.compile(r'(?:\.finding\(|ExaminerFinding\(|Objection\(|code=)\s*"([a-z_]+)"')
    used = {code for file in root.rglob("*.py") for code in literal.findall(file.read_text("utf-8"))}
    assert used
    assert used <= set(FINDING_CODES)
