"""Formulas as texts (xlsx, ods, tables in texts and pages): where their links lead."""

import pytest

from tests.workers.inspection.parsers.recorder import Recorder
from workers.inspection.parsers.documents.formulas import formula


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('HYPERLINK("https://example.org/a.exe","Note: x")', []),
        ('HYPERLINK("https://example.org/"&A1,"Nr:"&B1)', []),
        ('HYPERLINK("htt"&"ps://example.org/")', []),
        ('HYPERLINK(A1,"Nr:1")&HYPERLINK(B1)', []),
        ('IF(A1="Nr:1","none",HYPERLINK("https://example.org/"))', []),
        ('HYPERLINK(CONCATENATE("https://example.org/",A1),"a")', []),
        ('HYPERLINK("#Sheet2!A1")', []),
        ('HYPERLINK("..\\b.xlsx")', ["external_link"]),
        ('HYPERLINK("\\\\example.org\\b.xlsx","b")', ["unsafe_link"]),
        ('HYPERLINK("ms-"&"msdt:/id a")', ["unsafe_link"]),
        ('HYPERLINK(IF(TRUE,"ms-msdt:/id a",""),"b")', ["unsafe_link"]),
        ('HYPERLINK(T("\\\\")&"example.org\\a")', ["unsafe_link"]),
        ('hyperlink ( A1 & "search-ms:query=a" )', ["unsafe_link"]),
    ],
)
def test_where_the_link_of_a_formula_leads(text: str, expected: list[str]) -> None:
    output = Recorder()
    formula(text, output)
    assert [finding.code for finding in output.findings] == expected
