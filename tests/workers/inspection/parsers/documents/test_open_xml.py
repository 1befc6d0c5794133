import pytest

from tests.workers.inspection.parsers.compound_samples import compound, excel, native, project, sheet, word
from tests.workers.inspection.parsers.office_samples import (
    DOCX,
    OLE,
    PPTX,
    VSDX,
    XLSX,
    chart,
    field,
    found,
    members,
    objections,
    open_xml,
    relations,
)

SHEET = open_xml(main="xl/workbook.xml")
_SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_VBA = "application/vnd.ms-office.vbaProject"
MACRO_PROJECT = compound(project(b'Attribute VB_Name = "M"\r\nSub AutoOpen()\r\nShell 1\r\nEnd Sub\r\n'))
EMPTY_PROJECT = compound(project(b'Attribute VB_Name = "M"\r\nOption Explicit\r\n\' nothing\r\n'))


def _sheet(body: str, name: str = "xl/worksheets/sheet1.xml") -> bytes:
    return open_xml(main="xl/workbook.xml", parts={name: f'<x xmlns="{_SPREADSHEET}">{body}</x>'.encode()})


def _slide(body: str, *wanted: tuple[str, str, bool]) -> bytes:
    return open_xml(*wanted, main="ppt/presentation.xml", body=body.encode())


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (open_xml(("hyperlink", "https://example.org/", True), ("hyperlink", "mailto:a@example.org", True)), DOCX),
        (open_xml(("hyperlink", "#top", True), ("hyperlink", "www.example.com", True)), DOCX),
        (open_xml(("attachedTemplate", "file:///C:\\Users\\a.dotm", True), ("image", "media/a.png", False)), DOCX),
        (open_xml(body=field("PAGE ") + field(" HYPERLINK ", "DDE.html") + b"<w:t>DDEAUTO cmd</w:t>"), DOCX),
        (open_xml(("externalLinkPath", "Book2.xlsx", True), main="xl/workbook.xml"), XLSX),
        (open_xml(("externalLinkPath", "file:///\\\\server\\share\\a.xlsx", True), main="xl/workbook.xml"), XLSX),
        (open_xml(("externalLinkPath", "https://example.sharepoint.com/a.xlsx", True), main="xl/workbook.xml"), XLSX),
        (open_xml(("video", "https://www.youtube.com/embed/a", True), main="ppt/presentation.xml"), PPTX),
        (open_xml(parts={"word/vbaProject.bin": EMPTY_PROJECT}), DOCX),
        (open_xml(parts={"word/printerSettings1.bin": b"\1"}, types={"word/printerSettings1.bin": "x/printerSettings"}),
         DOCX),
        (open_xml(parts={"word/drawing.vml": b"<a><br></a>"}), DOCX),
        (open_xml(parts={"word/media/a.png": b"\x89PNG\r\n\x1a\n", "word/media/b.mp4": b"\0\0\0\x18ftypmp42"}), DOCX),
        (_sheet("<f>SUM(A1:A3)</f><f>'a|b'!A1&amp;\"cmd|x\"</f><f>Table1[a|b]</f><f>HYPERLINK(\"#A1\")</f>"), XLSX),
        (_sheet('<connection id="1" name="a"/>', "xl/connections.xml"), XLSX),
        (_sheet('<pivotCacheDefinition refreshOnLoad="1"><cacheSource type="a"/></pivotCacheDefinition>'), XLSX),
        (_slide('<a:hlinkClick r:id="" action="ppaction://hlinksldjump"/><a:hlinkClick r:id="r0"/>',
                ("hyperlink", "https://example.org", True)), PPTX),
        (chart(SHEET), PPTX),
    ],
    ids=lambda value: str(len(value)),
)  # fmt: skip
def test_what_documents_have_is_no_objection(content: bytes, media_type: str) -> None:
    assert objections(content, media_type) == []


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("ms-msdt:/id PCWDiagnostic", "unsafe_link"),
        ("search-ms:query=a&amp;crumb=location:\\\\evil", "unsafe_link"),
        ("javascript:alert(1)", "unsafe_link"),
        ("ms-word:ofe|u|https://example.org/a", "unsafe_link"),
        ("java&#9;script:alert(1)", "unsafe_link"),
        ("file:///\\\\evil\\a", "unsafe_link"),
        ("file://evil/a.docx", "unsafe_link"),
        ("\\\\evil\\a", "unsafe_link"),
        ("%5c%5cevil%5ca", "unsafe_link"),
        ("file:///C:/Windows/System32/calc.exe", "unsafe_link"),
        ("setup.bat", "unsafe_link"),
        ("file:///C:/a.docx", "external_link"),
        ("other.docx", "external_link"),
    ],
)
def test_links_are_judged_by_scheme_and_place(target: str, expected: str) -> None:
    assert found(open_xml(("hyperlink", target, True)), DOCX) == [expected]


@pytest.mark.parametrize(
    "content",
    [
        open_xml(parts={"word/vbaProject.bin": MACRO_PROJECT}),
        open_xml(parts={"word/vbaProject.bin": OLE}),
        open_xml(types={"word/a.bin": _VBA}, parts={"word/a.bin": MACRO_PROJECT}),
        open_xml(
            ("http://schemas.microsoft.com/office/2006/relationships/vbaProject", "a.bin", False),
            parts={"word/a.bin": MACRO_PROJECT},
        ),
        open_xml(parts={"xl/macrosheets/sheet1.xml": b"<x/>"}),
        open_xml(types={"xl/a.xml": "application/vnd.ms-excel.macrosheet+xml"}, parts={"xl/a.xml": b"<x/>"}),
        open_xml(("xlMacrosheet", "a.xml", False)),
        _sheet('<definedName name="_xlnm.Auto_Open">A1</definedName>'),
    ],
    ids=lambda content: str(len(content)),
)
def test_macros_are_found(content: bytes) -> None:
    assert found(content, DOCX) == ["macros"]


@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        (("attachedTemplate", "https://example.org/a.dotm", True), "remote_template"),
        (("attachedTemplate", "\\\\example.org\\a.dotm", True), "remote_template"),
        (("frame", "http://example.org/a", True), "remote_template"),
        (("subDocument", "file://example.org/a.docx", True), "remote_template"),
        (("aFChunk", "http://example.org/a.html", True), "remote_template"),
        (("oleObject", "http://example.org/a.html!", True), "remote_template"),
        (("oleObject", "mhtml:http://example.org/a!x-usc:http://example.org/a", True), "remote_template"),
        (("somethingNew", "https://example.org/", True), "remote_template"),
        (("externalLinkPath", "ms-officecmd:{&quot;a&quot;:1}", True), "remote_template"),
        (("image", "https://example.org/a.png", True), "external_reference"),
        (("image", "file:////example.org/a.png", True), "external_reference"),
        (("video", "\\\\example.org\\a.mp4", True), "external_reference"),
        (("mailMergeSource", "\\\\example.org\\a.mdb", True), "external_data"),
        (("http://schemas.microsoft.com/2011/webextensiontaskpanes", "a.xml", False), "web_extension"),
        (("control", "activeX/activeX1.xml", False), "embedded_object"),
        (("attachedTemplate", "http://example.org/a.dotm", False), "remote_template"),
        (("attachedTemplate", "\\\\example.org\\a.dotm", False), "remote_template"),
    ],
)  # fmt: skip
def test_relationships_are_allowed_by_kind(relation: tuple[str, str, bool], expected: str) -> None:
    assert found(open_xml(relation), DOCX) == [expected]


@pytest.mark.parametrize(
    "body",
    [
        field("DDEAUTO c:\\windows\\system32\\cmd.exe"),
        field(" D", "DE", " cmd"),
        field("&#x200b;DDE cmd"),
        b'<w:fldSimple w:instr=" dde cmd"/>',
        field('INCLUDETEXT "\\\\\\\\evil\\\\a.docx"'),
        field('INCLUDEPICTURE "http://example.org/a.png" \\d'),
        field("IMPORT \\\\\\\\evil\\\\a.png"),
        field('LINK Excel.Sheet.8 "\\\\\\\\evil\\\\a.xls" "A1" \\a'),
        field('DATABASE \\d "a.mdb"'),
        field("RD http://example.org/a.docx"),
        field("D<w:x/>DEAUTO cmd"),
        field("D<!-- x -->DE cmd"),
    ],
)
def test_fields_that_fetch_or_start_are_found(body: bytes) -> None:
    assert found(open_xml(body=body), DOCX) == ["active_field"]
    assert found(open_xml(parts={"elsewhere/a.xml": b'<w:p xmlns:w="a">' + body + b"</w:p>"}), DOCX) == ["active_field"]


def test_a_field_that_is_spelled_by_another_is_found() -> None:
    quoted = field("QUOTE 68 68 69 65 85 84 79")
    begin, end = b'<w:fldChar w:fldCharType="begin"/>', b'<w:fldChar w:fldCharType="end"/>'
    spelled = begin + quoted + b"<w:instrText> cmd</w:instrText>" + end
    assert found(open_xml(body=spelled), DOCX) == ["active_field"]
    computed = begin + field("REF a") + b"<w:instrText> cmd</w:instrText>" + end
    assert found(open_xml(body=computed), DOCX) == ["active_field"]
    harmless = begin + b"<w:instrText>= </w:instrText>" + field("PAGE") + b"<w:instrText> + 1</w:instrText>" + end
    assert found(open_xml(body=harmless), DOCX) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (_sheet("<f>cmd|'/c calc'!A0</f>"), "active_formula"),
        (_sheet("<f>_xlfn.WEBSERVICE(A1)</f>"), "active_formula"),
        (_sheet('<f>1+RTD("a",,"b")</f>'), "active_formula"),
        (_sheet("<definedName name='a'>_xlfn.IMAGE(A1)</definedName>"), "active_formula"),
        (_sheet('<ddeLink ddeService="cmd"/>', "xl/externalLinks/a.xml"), "active_formula"),
        (_sheet("<f>cmd<a/>|'/c calc'!A0</f>"), "active_formula"),
        (_sheet('<webPublishItem destinationFile="\\\\evil\\a.htm"/>'), "external_data"),
        (_sheet('<formControlPr fmlaMacro="\\\\evil\\a.xls!b"/>'), "active_action"),
        (_sheet("<ClientData><FmlaMacro>[1]!b</FmlaMacro></ClientData>"), "active_action"),
        (_sheet('<webextension id="a"/>'), "web_extension"),
        (_sheet('<f>HYPERLINK("ms-"&amp;"msdt:a","x")</f>'), "unsafe_link"),
        (_sheet('<connection refreshOnLoad="1"/>', "xl/connections.xml"), "external_data"),
        (_sheet('<connection interval="5"/>', "elsewhere/c.xml"), "external_data"),
        (_sheet('<queryTable refreshOnLoad="true"/>', "xl/queryTables/a.xml"), "external_data"),
        (_sheet('<pivotCacheDefinition refreshOnLoad="1"><cacheSource type="external"/></pivotCacheDefinition>'),
         "external_data"),
    ],
    ids=lambda value: str(len(value)),
)  # fmt: skip
def test_formulas_and_queries_that_fetch_are_found(content: bytes, expected: str) -> None:
    assert expected in found(content, XLSX)


def test_a_pivot_table_that_refreshes_from_another_workbook_is_found() -> None:
    pivot = (
        f'<pivotCacheDefinition xmlns="{_SPREADSHEET}" xmlns:r="r" refreshOnLoad="1">'
        '<cacheSource type="worksheet"><worksheetSource r:id="r0"/></cacheSource></pivotCacheDefinition>'
    ).encode()
    for target, expected in (("\\\\evil\\a.xlsx", ["external_data"]), ("a.xlsx", [])):
        parts = {"xl/p.xml": pivot, "xl/_rels/p.xml.rels": relations(("externalLinkPath", target, True))}
        assert objections(open_xml(main="xl/workbook.xml", parts=parts), XLSX) == expected


def test_a_drawing_is_examined_by_its_name_and_a_program_is_no_setting() -> None:
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
    assert found(open_xml(parts={"word/media/a.svg": drawing}), DOCX) == ["script"]
    setting = {"word/printerSettings1.bin": b"MZ" + bytes(100)}
    assert members(open_xml(types={"word/printerSettings1.bin": "x/printerSettings"}, parts=setting), DOCX) == [
        ("word/printerSettings1.bin", b"MZ" + bytes(100))
    ]


@pytest.mark.parametrize(
    "body",
    [
        '<a:hlinkMouseOver action="ppaction://program"/>',
        '<a:hlinkClick action="PPACTION://macro?name=a"/>',
        '<a:hlinkHover r:id="r0"/>',
        '<a:cmd type="verb" cmd="0"/>',
        '<a:sp macro="\\\\evil\\a.xls!b"/>',
    ],
)
def test_actions_that_start_a_program_are_found(body: str) -> None:
    assert objections(_slide(body, ("hyperlink", "https://example.org", True)), PPTX) == ["active_action"]


def test_buttons_that_run_macros_are_found() -> None:
    ui = "http://schemas.microsoft.com/office/2009/07/customui"
    kind = "http://schemas.microsoft.com/office/2007/relationships/ui/extensibility"
    for attribute, expected in (('onLoad="a"', ["active_action"]), ('id="a"', [])):
        part = f'<customUI xmlns="{ui}" {attribute}/>'.encode()
        assert found(open_xml((kind, "../customUI/a.xml", False), parts={"customUI/a.xml": part}), DOCX) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'<v:imagedata src="\\\\evil\\a.png"/>', ["external_reference"]),
        (b'<v:rect href="ms-msdt:a"/>', ["unsafe_link"]),
        (b'<o:OLEObject ProgID="Equation.3"/>', ["embedded_object"]),
        (b'<v:rect href="https://example.org"/>', []),
    ],
)
def test_old_drawings_are_examined(body: bytes, expected: list[str]) -> None:
    assert found(open_xml(body=body), DOCX) == expected


def test_a_binary_workbook_behind_a_chart_is_a_member_and_its_parts_are_not() -> None:
    kind, name = "application/vnd.ms-excel.sheet.binary.macroenabled.12", "ppt/embeddings/Sheet1.xlsb"
    for used, expected in (("package", ([], [(name, SHEET)])), ("worksheet", (["malformed"], []))):
        content = open_xml(
            (used, "embeddings/Sheet1.xlsb", False),
            main="ppt/presentation.xml",
            types={name: kind},
            parts={name: SHEET},
        )
        assert (found(content, PPTX), members(content, PPTX)) == expected


def test_embedded_documents_are_members() -> None:
    assert members(chart(SHEET), PPTX) == [("ppt/embeddings/Sheet1.xlsx", SHEET)]
    content = open_xml(("aFChunk", "a.htm", False), parts={"word/a.htm": b"<html>", "word/b.exe": b"MZ"})
    assert (found(content, DOCX), members(content, DOCX)) == ([], [("word/a.htm", b"<html>"), ("word/b.exe", b"MZ")])


@pytest.mark.parametrize(
    ("part", "expected", "handed_out"),
    [
        (compound({"\x01Ole10Native": native(b"a.exe", b"MZ")}), ["embedded_object"], [("a.exe", b"MZ")]),
        (compound({"Equation Native": b"\x1c\0"}), ["embedded_object"], []),
        (compound({"Odd": b"x"}), ["embedded_object"], []),
        (compound({"Package": b"PK\3\4"}), [], [("embedded object", b"PK\3\4".ljust(4096, b"\0"))]),
        (excel(sheet(0)), [], []),
        (excel(sheet(1)), ["macros"], []),
        (word("\x13DDE cmd\x15"), ["active_field"], []),
        (compound({"EncryptedPackage": b"x"}), ["encrypted"], []),
    ],
    ids=lambda value: str(len(value)),
)
def test_objects_are_judged_by_what_is_in_them(
    part: bytes, expected: list[str], handed_out: list[tuple[str, bytes]]
) -> None:
    for name in ("word/embeddings/oleObject1.bin", "word/media/image1.png"):
        content = open_xml(("oleObject", name.partition("/")[2], False), parts={name: part})
        assert (found(content, DOCX), members(content, DOCX)) == (expected, handed_out)


def test_shapes_of_visio_that_start_something_are_found() -> None:
    space = "http://schemas.microsoft.com/office/visio/2012/main"
    for cell, expected in (
        ('N="EventDblClick" F="RUNMACRO(&quot;a&quot;)"', ["active_action"]),
        ('N="EventDblClick" F="RUNADDON(&quot;C:\\a.exe&quot;)"', ["active_action"]),
        ('N="EventDblClick" F="RUNADDON(&quot;Org Chart&quot;)"', []),
        ('N="Address" V="ms-msdt:a"', ["unsafe_link"]),
        ('N="Address" V="https://example.org"', []),
    ):
        page = f'<PageContents xmlns="{space}"><Cell {cell}/></PageContents>'.encode()
        assert found(open_xml(parts={"visio/pages/page1.xml": page}), VSDX) == expected


def test_where_relative_links_begin_is_judged_as_a_link() -> None:
    for base, expected in (("\\\\evil\\share\\", ["unsafe_link"]), ("https://example.org/", [])):
        part = f"<Properties><HyperlinkBase>{base}</HyperlinkBase></Properties>".encode()
        assert found(open_xml(parts={"docProps/app.xml": part}), DOCX) == expected


def test_a_part_that_is_named_by_no_relationship_is_examined() -> None:
    assert found(open_xml(parts={"x/_rels/y.xml.rels": relations(("hyperlink", "ms-msdt:a", True))}), DOCX) == [
        "unsafe_link"
    ]
