"""Elements of Open XML that act, and the same as Office writes them in documents that do nothing."""

import pytest

from tests.workers.inspection.parsers.office_samples import DOCX, XLSX, found, open_xml

REFRESHES = '<w:pivotCacheDefinition refreshOnLoad="1"/>'


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ('<w:volType type="realTimeData"/>', ["active_formula"]),
        ('<w:volType type="olapFunctions"/>', []),
        ('<w:connection id="1" interval="5"/>', ["external_data"]),
        ('<w:connection id="1" interval="0"/>', ["external_link"]),
        ('<w:queryTable name="a" refreshOnLoad="1"/>', ["external_data"]),
        ('<w:queryTable name="a"/>', []),
        (f'{REFRESHES}<w:cacheSource type="external"/>', ["external_data"]),
        (f'{REFRESHES}<w:cacheSource type="worksheet"/>', []),
        ('<w:DataBinding FileBinding="true" FileBindingName="\\\\example.org\\a.odc"/>', ["external_data"]),
        ('<w:DataBinding FileBinding="true" FileBindingName="a.odc"/>', []),
        ('<a:hlinkHover action="ppaction://ole?verb=0"/>', ["active_action"]),
        ('<a:hlinkClick action="ppaction://ole?verb=0"/>', []),
        ('<w:cmd type="verb" cmd="0"/>', ["active_action"]),
        ('<w:cmd type="call" cmd="playFrom(0)"/>', []),
        ('<w:oleObj progId="Equation.3"/>', ["embedded_object"]),
        ('<w:oleObj progId="Equation.DSMT4"/>', []),
        ('<w:sp macro="[1]!Go"/>', ["active_action"]),
        ('<w:sp macro=""/>', []),
        ('<w:webVideoPr embeddedHtml="&lt;iframe onload=a>"/>', ["script"]),
        ('<w:webVideoPr embeddedHtml="&lt;iframe src=&quot;https://example.org/&quot;>"/>', []),
        ('<w:DataRecordSet RefreshInterval="5"/>', ["external_data"]),
        ('<w:DataRecordSet RefreshInterval="0"/>', []),
        ('<w:frame src="https://example.org/a.htm"/>', ["remote_template"]),
        ("<w:HyperlinkBase>\\\\example.org\\a</w:HyperlinkBase>", ["unsafe_link"]),
        ('<w:definedName name="_xlnm.Auto_Open">A1</w:definedName>', ["macros"]),
        ('<w:Cell N="Address" V="ms-msdt:a"/>', []),
    ],
)
def test_what_an_element_does(element: str, expected: list[str]) -> None:
    assert found(open_xml(body=element.encode()), DOCX) == expected


@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        ("oleObject", "file:///C:/a/b.xlsx!Sheet1!A1", ["external_link"]),
        ("oleObject", "file:///C:/a/b.exe", ["unsafe_link"]),
        ("oleObject", "file://example.org/b.xlsx", ["remote_template"]),
        ("package", "https://example.org/b.xlsx", ["remote_template"]),
        ("xlMacrosheet", "macrosheets/a.xml", ["macros"]),
    ],
)
def test_what_a_relationship_leads_to(kind: str, target: str, expected: list[str]) -> None:
    assert found(open_xml((kind, target, True), main="xl/workbook.xml"), XLSX) == expected
