"""The instructions of Word's fields: what Word writes itself, and how an attacker spells what acts."""

import pytest

from tests.workers.inspection.parsers.recorder import Recorder
from workers.inspection.parsers.documents import field_codes
from workers.inspection.parsers.documents.field_codes import Fields
from workers.inspection.parsers.port import LimitExceeded

BEGIN, SEPARATE, END = "{", "|", "}"


def found(fields: str) -> list[str]:
    """The codes of a text with fields in braces, whose results stand behind a bar."""
    output = Recorder()
    reader = Fields(output)
    for mark in fields:
        if mark == BEGIN:
            reader.begin()
        elif mark == SEPARATE:
            reader.separate()
        elif mark == END:
            reader.end()
        elif reader.in_instruction:
            reader.text(mark)
    reader.close()
    return sorted({finding.code for finding in output.findings})


@pytest.mark.parametrize(
    "fields",
    [
        "{PAGE|1} of { NUMPAGES \\* MERGEFORMAT |3}",
        '{TOC \\o "1-3" \\h \\z \\u|{ HYPERLINK \\l "_Toc1" |One{ PAGEREF _Toc1 \\h |1}}}',
        '{ HYPERLINK "https://example.org/a?b=c" \\o "Tip" \\t "_blank" |here}',
        '{ HYPERLINK "mailto:a@example.org" }',
        "{ HYPERLINK https://example.org/ }",
        '{ HYPERLINK "{ MERGEFIELD Link |https://example.org/}" }',
        '{ IF { MERGEFIELD Sum } > 5 "DDEAUTO" "none" }',
        "{ QUOTE 68 68 69 }",
        '{ QUOTE "a \\"b\\"" }',
        '{ DATE \\@ "d. MMMM yyyy" }{ = 1 + 2 \\# 0.00 }{}{ | }',
        "{ FORMTEXT }{ MACROBUTTON NoMacro [Click here] }{ EMBED Excel.Sheet.8 }{ SEQ Figure }",
        '{ INCLUDEPICTURE "logo.png" \\* MERGEFORMAT \\d }',
        '{ HYPERLINK \\o "Note: a tip" \\l "a:b" "https://example.org/" \\* MERGEFORMAT }',
        '{ INCLUDEPICTURE \\c PNG "C:{MERGEFIELD a}.png" \\* MERGEFORMAT }',
        '{ ADDIN ZOTERO_ITEM CSL_CITATION {"id":1} }',
        "DDEAUTO cmd",
        "}|",
    ],
)
def test_what_word_writes_is_no_finding(fields: str) -> None:
    assert [code for code in found(fields) if code != "irregular"] == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('{DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k calc"}', "active_field"),
        ("{ DDE Excel a.xls R1C1 }", "active_field"),
        ('{ "DDE" cmd }', "active_field"),
        ("{ dDeAuTo cmd }", "active_field"),
        ("{ D\x01D\u200bE cmd }", "active_field"),
        ("{ DDE cmd", "active_field"),
        ("{ PAGE | { DDE cmd } }", "active_field"),
        ("{ {QUOTE 68 68 69 65 85 84 79} c:\\\\cmd.exe }", "active_field"),
        ("{ {QUOTE 0x44 0x44 0x45} cmd }", "active_field"),
        ('{ {QUOTE "DD" E} cmd }', "active_field"),
        ("{ {QUOTE “DD”}E cmd }", "active_field"),
        ("{ {QUOTE {QUOTE 68} 68 69} cmd }", "active_field"),
        ("{ D{QUOTE 68 0 55296}E cmd }", "active_field"),
        ("{ {REF a} cmd }", "active_field"),
        ('{ {IF 1 = 1 "DDE"} cmd }', "active_field"),
        ("{ {QUOTE {SET a}} cmd }", "active_field"),
        ('{ INCLUDETEXT "https://example.org/a.docx" }', "active_field"),
        ("{ INCLUDETEXT a.docx }", "active_field"),
        ('{ INCLUDEPICTURE "https://example.org/a.png" \\d }', "active_field"),
        ('{ INCLUDEPICTURE "\\\\\\\\example.org\\\\a.png" }', "active_field"),
        ("{ INCLUDEPICTURE \\\\example.org\\a.png }", "active_field"),
        ("{ INCLUDEPICTURE {MERGEFIELD a} }", "active_field"),
        ('{ IMPORT "http://example.org/a.wmf" \\* MERGEFORMAT }', "active_field"),
        ('{ LINK Excel.Sheet.8 "https://example.org/a.xls" R1C1 \\a \\f 0 \\p }', "active_field"),
        ('{ LINK Word.Document.8 "\\\\\\\\example.org\\\\a.doc" "" \\a }', "active_field"),
        ('{ RD "\\\\\\\\example.org\\\\a.doc" }', "active_field"),
        ('{ DATABASE \\d "C:\\\\a.mdb" \\c "DSN=a" }', "active_field"),
        ('{ INCLUDEPICTURE  \\d "http://example.org/a" }', "active_field"),
        ('{ INCLUDEPICTURE\\d"http://example.org/a" }', "active_field"),
        ("{ INCLUDEPICTURE \\dhttp://example.org/a }", "active_field"),
        ('{ INCLUDEPICTURE \\c \\d "http://example.org/a" }', "active_field"),
        ('{ INCLUDEPICTURE \\* "http://example.org/a" }', "active_field"),
        ('{ INCLUDEPICTURE "h{REF a}" }', "active_field"),
        ('{ INCLUDEPICTURE "file:///{REF a}" }', "active_field"),
        ('{ INCLUDETEXT \\c "a" "http://example.org/a" }', "active_field"),
        ('{ LINK \\a Excel.Sheet.8 \\f "https://example.org/a.xls" }', "active_field"),
        ('{ IMPORT \\d "http://example.org/a" }', "active_field"),
        ('{ RD \\f "http://example.org/a" }', "active_field"),
        ('{ HYPERLINK \\n "ms-msdt:a" }', "unsafe_link"),
        ('{ HYPERLINK \\h \\m "ms-msdt:a" }', "unsafe_link"),
        ('{ HYPERLINK \\l "top" \\o "tip" \\t "_blank" "ms-msdt:a" }', "unsafe_link"),
        ('{ HYPERLINK \\o "a \\" \\o " "ms-msdt:a" }', "unsafe_link"),
        ("{ CONTROL Forms.CommandButton.1 \\s }", "embedded_object"),
        ("{ HTMLCONTROL Forms.HTML:Text.1 }", "embedded_object"),
        ('{ HYPERLINK "ms-msdt:/id a" }', "unsafe_link"),
        ('{ HYPERLINK "\\\\\\\\example.org\\\\share\\\\a.doc" }', "unsafe_link"),
        ('{ HYPERLINK {QUOTE "search-ms:a"} }', "unsafe_link"),
        ('{ LIENHYPERTEXTE "search-ms:a" }', "unsafe_link"),
        ('{ HYPERLINK "..\\\\b.doc" \\l "top" }', "external_link"),
        ('{ LINK Excel.Sheet.8 "C:\\\\a\\\\b.xls" R1C1 \\a }', "external_link"),
        ("{ Kapitel1 }", "irregular"),
    ],
)  # fmt: skip
def test_what_acts_or_leads_elsewhere_is_found(fields: str, expected: str) -> None:
    assert expected in found(fields)


def test_text_of_an_instruction_outside_every_field_is_judged() -> None:
    output = Recorder()
    for text in (" ", "DDE cmd"):
        Fields(output).text(text)
    assert [finding.code for finding in output.findings] == ["active_field"]


def test_fields_that_are_too_deep_or_too_long_are_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LimitExceeded, match="200 deep"):
        found("{" * 201)
    monkeypatch.setattr(field_codes, "_LONGEST", 20)
    with pytest.raises(LimitExceeded, match="more than 20"):
        found("{ PAGE" + " " * 20)
    monkeypatch.setattr(field_codes, "_LONGEST", 1000)
    monkeypatch.setattr(field_codes, "_MOST_ARGUMENTS", 20)
    with pytest.raises(LimitExceeded, match="arguments"):
        found("{ RD" + " a" * 21 + "}")
