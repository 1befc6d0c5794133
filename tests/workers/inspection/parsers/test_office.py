import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workers.inspection.parsers.compound_samples import (
    atom,
    compound,
    container,
    excel,
    linked_book,
    powerpoint,
    record,
    sheet,
    word,
)
from tests.workers.inspection.parsers.office_samples import (
    OLE,
    chart,
    field,
    open_document,
    open_xml,
    relations,
    zipped,
)
from tests.workers.inspection.parsers.recorder import codes, findings, nothing_left
from workers.inspection.parsers import office
from workers.inspection.parsers.documents.references import is_network_share, is_remote

DOCX, XLSX, PPTX = open_xml(), open_xml(main="xl/workbook.xml"), open_xml(main="ppt/presentation.xml")
ODT = open_document()
DOC, XLS, PPT = word(template="C:\\Users\\a\\Normal.dot"), excel(sheet(0)), powerpoint(atom(0x0FD7))
VBA = "application/vnd.ms-office.vbaProject"
DDE_LINK = b'<l xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><ddeLink ddeService="cmd"/></l>'
EXTERNAL_LINK = "application/vnd.openxmlformats-officedocument.spreadsheetml.externalLink+xml"


@pytest.mark.parametrize(
    "content",
    [
        DOCX,
        XLSX,
        PPTX,
        ODT,
        DOC,
        XLS,
        PPT,
        open_xml(("hyperlink", "https://example.org/", True), ("image", "https://example.org/a.png", True)),
        open_xml(("attachedTemplate", "file:///C:\\Users\\a\\Normal.dotm", True), ("image", "media/a.png", False)),
        open_xml(body=field("PAGE ") + field(" HYPERLINK ", "DDE.html") + b"<w:t>DDEAUTO cmd</w:t>"),
        open_xml(("externalLinkPath", "Book2.xlsx", True), main="xl/workbook.xml"),
        chart(XLSX),
        chart(chart(XLSX, "ppt/embeddings/Sheet2.xlsx")),
        open_document('<text:a xlink:href="https://example.org">x</text:a><draw:image xlink:href="http://e.org/a"/>'),
        open_document('<draw:object xlink:href="./Object 1"/><script:event-listener xlink:href=""/>'),
        open_document(Basic__Standard__script_lb_xml=b"<x/>", Basic__script_lc_xml=b"<x/>".replace(b"x", b"y")).replace(
            b"script.l", b"script-l"
        ),
        open_document(meta_xml=b'<!DOCTYPE m SYSTEM "office.dtd"><m/>'),
        word(ObjectPool__=b""),
        excel(linked_book("\x01C:\\a\x03b.xls"), record(0x01AE, b"\x01\0\x01\x04")),
        powerpoint(atom(0x0400, bytes(12))),
        compound({"Package": b"an installer's"}),
    ],
    ids=lambda content: str(len(content)),
)
def test_a_good_file_has_no_finding(content: bytes) -> None:
    assert findings(office, content) == []


@pytest.mark.parametrize(
    "content",
    [
        open_xml(parts={"word/vbaProject.bin": OLE}),
        open_xml(types={"word/a.bin": VBA}, parts={"word/a.bin": OLE}),
        open_xml(("http://schemas.microsoft.com/office/2006/relationships/vbaProject", "a.bin", False)),
        open_xml(main="xl/workbook.xml", parts={"xl/macrosheets/sheet1.xml": b"<x/>"}),
        open_xml(
            main="xl/workbook.xml",
            types={"xl/a.xml": "application/vnd.ms-excel.macrosheet+xml"},
            parts={"xl/a.xml": b"<x/>"},
        ),
        chart(open_xml(main="xl/workbook.xml", parts={"xl/vbaProject.bin": OLE})),
        open_document(Basic__Standard__Module1_xml=b"<x/>"),
        open_document(Scripts__python__a_py=b"import os"),
        open_document('<script:event-listener xlink:href="vnd.sun.star.script:a.b?location=share"/>'),
        open_document('<text:script script:language="JavaScript">1</text:script>'),
        open_document('<draw:a presentation:action="execute" xlink:href="file:///bin/sh"/>'),
        word(Macros__VBA__dir=b"x"),
        excel(_VBA_PROJECT_CUR__VBA__dir=b"x"),
        excel(sheet(0), sheet(1)),
        powerpoint(container(0x07D0, container(0x03FF, atom(0x0400, b"\1\0\0\0\1\0\0\0\2\0\0\0")))),
        compound({"VisioDocument": b"x", "VBA/dir": b"x"}),
    ],
    ids=lambda content: str(len(content)),
)
def test_macros_are_found(content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(office, content)] == [("macros", "rejected")]


@pytest.mark.parametrize(
    "content",
    [
        open_xml(("attachedTemplate", "https://example.org/a.dotm", True)),
        open_xml(("attachedTemplate", "\\\\example.org\\a.dotm", True)),
        open_xml(("frame", "http://example.org/a", True)),
        open_xml(("subDocument", "file://example.org/a.docx", True)),
        open_xml(("oleObject", "mhtml:http://example.org/a!x-usc:http://example.org/a", True)),
        open_xml(("image", "file:////example.org/a.png", True)),
        open_xml(("externalLinkPath", "https://example.org/a.xlsx", True), main="xl/workbook.xml"),
        open_xml(body=field("DDEAUTO c:\\windows\\system32\\cmd.exe")),
        open_xml(body=field(" D", "DE", " cmd")),
        open_xml(body=b'<w:fldSimple w:instr=" dde cmd"/>'),
        open_xml(
            main="xl/workbook.xml",
            types={"xl/externalLinks/a.xml": EXTERNAL_LINK},
            parts={"xl/externalLinks/a.xml": DDE_LINK},
        ),
        open_document('<text:section-source xlink:href="https://example.org/a.odt"/>'),
        open_document('<draw:floating-frame xlink:href="https://example.org/"/>'),
        open_document('<draw:image xlink:href="file:////example.org/a.png"/>'),
        open_document('<office:dde-source office:dde-application="soffice"/>'),
        open_document('<table:table-cell table:formula="of:=DDE(&quot;cmd&quot;;&quot;a&quot;)"/>'),
        word(template="http://example.org/a.dot"),
        word(b"\x13 DDEAUTO cmd \x15"),
        word("\x13DDEAUTO cmd\x15".encode("utf-16-le")),
        excel(linked_book("\x01\x05http://example.org/a.xls")),
        excel(linked_book("cmd\x03/c calc")),
    ],
    ids=lambda content: str(len(content)),
)
def test_what_is_fetched_from_elsewhere_is_found(content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(office, content)] == [("remote_template", "rejected")]


@pytest.mark.parametrize(
    "content",
    [
        open_xml(("oleObject", "embeddings/oleObject1.bin", False), parts={"word/embeddings/oleObject1.bin": OLE}),
        open_xml(("package", "embeddings/a.xlsx", False), parts={"word/embeddings/a.xlsx": XLSX}),
        open_xml(parts={"word/embeddings/a.xlsx": XLSX}),
        open_xml(parts={"word/media/image1.png": OLE}),
        open_xml(("control", "activeX/activeX1.xml", False), parts={"word/activeX/activeX1.xml": b"<x/>"}),
        open_xml(("aFChunk", "a.rtf", False), parts={"word/a.rtf": b"{\\rtf1}"}),
        chart(OLE),
        chart(XLSX, kind="application/xml"),
        open_document("<draw:object-ole/>"),
        open_document(Object_1=OLE),
        word(ObjectPool___1__Contents=b"x"),
        excel(MBD0123ABCD__Workbook=b"x"),
        powerpoint(container(0x0409, container(0x0FCC))),
        compound({"WordDocument": bytes(2000), "\x01Ole10Native": b"x"}),
    ],
    ids=lambda content: str(len(content)),
)
def test_embedded_objects_are_found(content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(office, content)] == [("embedded_object", "rejected")]


def _locked(content: bytes) -> bytes:
    """The same zip with the mark of encrypted entries, in both of its headers."""
    local = content.replace(b"PK\x03\x04\x14\0\0\0", b"PK\x03\x04\x14\0\1\0")
    return local.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0")


@pytest.mark.parametrize(
    "content",
    [
        compound({"EncryptionInfo": b"\4\0\4\0", "EncryptedPackage": bytes(5000)}),
        word(flags=0x0300),
        excel(record(0x002F, bytes(54))),
        powerpoint(token=0xF3D1C4DF),
        open_document(manifest="<m:encryption-data/>"),
        _locked(DOCX),
        _locked(ODT),
    ],
    ids=lambda content: str(len(content)),
)
def test_what_needs_a_password_is_unscannable(content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(office, content)] == [("encrypted", "unscannable")]


def _with_bad_checksum() -> bytes:
    content = bytearray(open_xml(parts={"word/media/a.bin": b"a" * 100}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 16] ^= 1
    return bytes(content)


def _claiming(size: int) -> bytes:
    """A Word document whose directory claims so many bytes for the text."""
    content = bytearray(DOC)
    at = content.index("WordDocument".encode("utf-16-le"))
    content[at + 120 : at + 124] = size.to_bytes(4, "little")
    return bytes(content)


def _packed_otherwise() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        DOCX[:-40],
        DOC[:700],
        open_xml(body=b"<w:p>"),
        open_xml(parts={"word/_rels/a.xml.rels": b"<a"}),
        zipped({"[Content_Types].xml": b"<!DOCTYPE Types><Types/>"}),
        zipped({"[Content_Types].xml": b'<!DOCTYPE T [<!ENTITY a "b">]><T/>'}),
        open_document(meta_xml='<!DOCTYPE m [<!ENTITY a "b">]><m>&a;</m>'.encode("utf-16")),
        _with_bad_checksum(),
        _packed_otherwise(),
        _claiming(1 << 30),
        zipped({"[Content_Types].xml": b"<x/>", "word/a.xml": b"<x/>", "WORD/A.xml": b"<x/>"}),
        zipped({"[Content_Types].xml": b"<x/>", "word/a.xml": b"<x/>", "word\\a.xml": b"<x/>"}),
        chart(b"PK\x03\x04 and no directory"),
    ],
    ids=lambda content: str(len(content)),
)
def test_what_breaks_its_format_is_malformed(content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(office, content)] == [("malformed", "rejected")]


def test_every_code_is_reported_and_each_once() -> None:
    content = open_xml(
        ("attachedTemplate", "https://example.org/a.dotm", True),
        ("frame", "https://example.org/b", True),
        ("oleObject", "embeddings/a.bin", False),
        parts={"word/vbaProject.bin": OLE, "word/embeddings/a.bin": OLE},
        body=field("DDE cmd"),
    )
    assert codes(office, content) == ["embedded_object", "macros", "remote_template"]


def test_a_finding_in_the_workbook_of_a_chart_names_the_workbook() -> None:
    (found,) = findings(office, chart(open_xml(main="xl/workbook.xml", parts={"xl/vbaProject.bin": OLE})))
    assert found.message == "In ppt/embeddings/Sheet1.xlsx: The document contains macros."


def test_charts_within_charts_end_at_a_depth() -> None:
    content = XLSX
    for _ in range(5):
        content = chart(content)
    assert codes(office, content) == ["limits_exceeded"]


def test_a_bomb_is_unscannable_before_it_is_unpacked() -> None:
    bomb = open_xml(parts={"word/media/a.bin": bytes(20 << 20)})
    assert codes(office, bomb, {"office_bytes": 10 << 20}) == ["limits_exceeded"]
    assert codes(office, bomb) == []


@pytest.mark.parametrize("count", [200, 20_000])
def test_too_many_parts_are_unscannable(count: int) -> None:
    many = open_xml(parts={f"word/{number:0>30}.txt": b"" for number in range(count)})
    assert codes(office, many, {"office_entries": 100}) == ["limits_exceeded"]


def test_too_many_streams_are_unscannable() -> None:
    assert codes(office, compound({f"a{number}": b"" for number in range(50)}), {"office_entries": 20}) == [
        "limits_exceeded"
    ]


def test_deep_nesting_has_no_finding() -> None:
    assert codes(office, open_xml(body=b"<a>" * 100_000 + b"</a>" * 100_000)) == []


def test_an_attribute_that_is_too_long_is_unscannable() -> None:
    assert codes(office, open_xml(body=b'<a b="%s"/>' % bytes(11 << 20).replace(b"\0", b"c"))) == ["limits_exceeded"]


def test_folders_that_lead_back_to_the_root_are_malformed() -> None:
    content = bytearray(word(Macros__a=b"x"))
    at = content.index("Macros".encode("utf-16-le"))
    content[at + 76 : at + 80] = bytes(4)
    assert codes(office, bytes(content)) == ["malformed"]


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 and no directory",
        zipped({"a.txt": b"hello"}),
        _locked(zipped({"a.txt": b"hello"})),
        b"%PDF-1.7",
        b"",
    ],
)
def test_other_formats_have_no_finding(content: bytes) -> None:
    assert findings(office, content) == []


def test_recognises_containers_only() -> None:
    assert office.recognises(DOCX)
    assert office.recognises(DOC)
    assert not office.recognises(b"PK and more")


@pytest.mark.parametrize(
    ("reference", "elsewhere", "share"),
    [
        ("https://example.org/a", True, False),
        ("HTTP%3A//example.org/a", True, False),
        (" ht\ntp://example.org/a", True, False),
        ("ms-word:ofe|u|https://example.org/a", True, False),
        ("\\\\example.org\\a", True, True),
        ("//example.org/a", True, True),
        ("file://example.org/a", True, True),
        ("file:////example.org/a", True, True),
        ("file:\\\\\\\\example.org\\a", True, True),
        ("file:///C:/a", False, False),
        ("file:////C:/a", False, False),
        ("file://localhost/a", False, False),
        ("file:///home/a", False, False),
        ("C:\\a", False, False),
        ("../a.dotm", False, False),
        ("#a", False, False),
        ("", False, False),
    ],
)
def test_where_a_reference_leads(reference: str, elsewhere: bool, share: bool) -> None:
    assert (is_remote(reference), is_network_share(reference)) == (elsewhere, share)


MUTABLE = [
    open_xml(("image", "a.png", False), parts={"word/vbaProject.bin": OLE}, body=field("DDE cmd")),
    chart(XLSX),
    open_document("<draw:object-ole/>", meta_xml=b"<m/>"),
    zipped({"[Content_Types].xml": b"<T/>", "_rels/.rels": relations()}),
    word(template="http://example.org/a.dot", Macros__VBA__dir=b"x"),
    excel(sheet(1), linked_book("cmd\x03/c calc")),
    powerpoint(container(0x0409, container(0x0FCC))),
]


@pytest.mark.without_coverage
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MUTABLE), st.data())
def test_no_mutation_raises_or_leaves_a_file(content: bytes, data: st.DataObject) -> None:
    mutated = bytearray(content)
    # Where the structures are: at the front, at the back, and wherever.
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.one_of(st.integers(0, 1600), st.integers(-400, -1), st.integers(0, len(mutated))))
        at = min(at % len(mutated) if mutated else 0, len(mutated))
        mutated[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    with nothing_left():
        findings(office, bytes(mutated))


def test_the_samples_are_what_they_are_taken_for() -> None:
    """The mark of encryption is where `zipfile` looks for it."""
    with zipfile.ZipFile(io.BytesIO(_locked(DOCX))) as archive:
        assert all(entry.flag_bits & 1 for entry in archive.infolist())
