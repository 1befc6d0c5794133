from pathlib import Path
from typing import Any

import pytest

from airlock.profiles import Profiles
from tests.workers.inspection.parsers.compound_samples import compound, excel, native, sheet
from tests.workers.inspection.parsers.office_samples import ODT, OLE, found, members, objections, open_document
from tests.workers.inspection.parsers.recorder import examined
from workers.inspection.parsers import office

BASIC = '<script:module xmlns:script="s">{}</script:module>'


@pytest.mark.parametrize(
    "content",
    [
        open_document('<text:a xlink:href="https://example.org">x</text:a><draw:image xlink:href="Pictures/a.png"/>'),
        open_document('<draw:object xlink:href="./Object 1"/><script:event-listener xlink:href=""/>'),
        open_document('<draw:image xlink:href="#x"/><text:a xlink:href="../a.odt">x</text:a>'),
        open_document('<table:table-source xlink:href="https://example.org/a.ods"/>'),
        open_document('<meta:template xlink:href="/home/a/b.ott"/>'),
        open_document(meta_xml=b'<!DOCTYPE m SYSTEM "office.dtd"><m/>'),
        open_document(Basic__Standard__Module1_xml=BASIC.format("REM x\nSub Main\n\nEnd Sub\n").encode()),
        open_document(Object_1=excel(sheet(0))),
        open_document('<table:table-cell table:formula="of:=SUM([.A1:.A3];{1;2|3;4})"/>'),
    ],
    ids=lambda content: str(len(content)),
)
def test_what_programs_write_is_no_objection(content: bytes) -> None:
    assert objections(content, ODT) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (open_document(Basic__Standard__Module1_xml=BASIC.format("Sub Main\nShell(1)\nEnd Sub").encode()), "macros"),
        (open_document(Scripts__python__a_py=b"import os"), "macros"),
        (open_document('<script:event-listener xlink:href="vnd.sun.star.script:a.b?location=share"/>'), "macros"),
        (open_document('<text:a xlink:href="vnd.sun.star.script:a.b"/>'), "macros"),
        (open_document('<text:a xlink:href="macro:///a.b"/>'), "macros"),
        (open_document('<text:script script:language="JavaScript">1</text:script>'), "macros"),
        (open_document('<draw:a presentation:action="execute" xlink:href="file:///bin/sh"/>'), "active_action"),
        (open_document('<text:a xlink:href="ms-msdt:a"/>'), "unsafe_link"),
        (open_document('<text:a xlink:href="file://evil/a"/>'), "unsafe_link"),
        (open_document('<text:section-source xlink:href="https://example.org/a.odt"/>'), "remote_template"),
        (open_document('<draw:floating-frame xlink:href="https://example.org/"/>'), "remote_template"),
        (open_document('<draw:object xlink:href="https://example.org/a.odt"/>'), "remote_template"),
        (open_document('<draw:image xlink:href="http://example.org/a.png"/>'), "external_reference"),
        (open_document('<draw:image xlink:href="file:////example.org/a.png"/>'), "external_reference"),
        (open_document('<table:cell-range-source xlink:href="https://example.org/a.ods"/>'), "external_data"),
        (open_document('<office:dde-source office:dde-application="soffice"/>'), "active_formula"),
        (open_document('<table:table-cell table:formula="of:=DDE(&quot;cmd&quot;;&quot;a&quot;)"/>'), "active_formula"),
        (open_document('<table:table-cell table:formula="of:=COM.MICROSOFT.WEBSERVICE([.A1])"/>'), "active_formula"),
        (open_document(Object__content_xml=b"<a><dde-link/></a>"), "active_formula"),
        (open_document("<table:table-cell table:formula=\"msoxl:=cmd|'/c calc'!A1\"/>"), "active_formula"),
        (open_document('<text:a xlink:href=".uno:OpenUrl?URL=x"/>'), "macros"),
        (open_document('<x:instance xmlns:x="http://www.w3.org/2002/xforms" src="http://example.org/a"/>'),
         "remote_template"),
        (open_document('<x:submission xmlns:x="http://www.w3.org/2002/xforms" action="file://b/a"/>'), "unsafe_link"),
        (open_document(meta_xml=b'<!DOCTYPE m SYSTEM "http://example.org/m.dtd"><m/>'), "external_reference"),
        (open_document("<draw:applet/>"), "embedded_object"),
        (open_document(Object_1=OLE), "malformed"),
        (open_document(Object_1=compound({"\x01Ole10Native": native(b"a.exe", b"MZ")})), "embedded_object"),
    ],
    ids=lambda value: str(value)[-60:],
)  # fmt: skip
def test_what_acts_or_fetches_is_found(content: bytes, expected: str) -> None:
    assert expected in found(content, ODT)


def test_other_files_are_members() -> None:
    assert members(open_document(media__a_exe=b"MZ"), ODT) == [("media/a.exe", b"MZ")]


@pytest.mark.parametrize(("within", "found_codes"), [("", []), ("<manifest:encryption-data/>", ["encrypted"])])
def test_an_old_manifest_leaves_its_namespace_to_a_document_type(within: str, found_codes: list[str]) -> None:
    doctype = '<!DOCTYPE manifest:manifest PUBLIC "-//OpenOffice.org//DTD Manifest 1.0//EN" "Manifest.dtd">'
    entry = f'<manifest:file-entry manifest:full-path="content.xml">{within}</manifest:file-entry>'
    manifest = f"{doctype}<manifest:manifest>{entry}</manifest:manifest>".encode()
    more: dict[str, Any] = {"META-INF__manifest_xml": manifest}
    assert objections(open_document(**more), ODT) == found_codes


@pytest.mark.parametrize("name", ["default", "documents", "archives"])
def test_a_chart_of_libreoffice_may_be_inside(name: str) -> None:
    chart = "application/vnd.oasis.opendocument.chart"
    shipped = Profiles.load((Path(__file__).parents[5] / "airlock.toml").read_text("utf-8"))
    assert shipped.get(name).takes_member(chart)
    assert examined(office, open_document(mimetype=chart.encode()), chart).findings == []
