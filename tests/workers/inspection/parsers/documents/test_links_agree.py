"""The same link amounts to the same in each format that people click links in."""

from collections.abc import Callable, Mapping

import pytest

from tests.workers.inspection.parsers.compound_samples import atom, container, excel, powerpoint, sheet
from tests.workers.inspection.parsers.documents.test_excel import link
from tests.workers.inspection.parsers.moniker_samples import url
from tests.workers.inspection.parsers.office_samples import (
    DOCX,
    ODT,
    PPT,
    PPTX,
    RTF,
    XLS,
    XLSX,
    found,
    open_document,
    open_xml,
)
from tests.workers.inspection.parsers.pdf_samples import paged
from tests.workers.inspection.parsers.recorder import codes
from workers.inspection.parsers import pdf

LINKS: Mapping[str, list[str]] = {
    "https://example.org/a.docx": [],
    "mailto:a@example.org?subject=b": [],
    "tel:+4930123456": [],
    "sms:+4930123456": [],
    "facetime:a@example.org": [],
    "whatsapp://send?text=a": [],
    "geo:52.5,13.4": [],
    "file:///C:/Users/a/b.docx": ["external_link"],
    "file://server/share/a.docx": ["unsafe_link"],
    "file:////server/share/a.docx": ["unsafe_link"],
    "file:///C:/Windows/System32/cmd.exe": ["unsafe_link"],
    "ms-msdt:/id": ["unsafe_link"],
    "search-ms:query=a": ["unsafe_link"],
    "zoommtg://example.org/join": ["unsafe_link"],
    "skype:a?call": ["unsafe_link"],
}


def _hyperlinked(main: str) -> Callable[[str], bytes]:
    return lambda address: open_xml(("hyperlink", address, True), main=main)


def _rich_text(address: str) -> bytes:
    return b'{\\rtf1{\\field{\\*\\fldinst HYPERLINK "' + address.encode() + b'"}{\\fldrslt a}}}'


def _presentation(address: str) -> bytes:
    return powerpoint(container(0x0FD7, b"\x10\0" + atom(0x0FBA, address.encode("utf-16-le"))[2:]))


MADE: Mapping[str, tuple[str, Callable[[str], bytes]]] = {
    "docx": (DOCX, _hyperlinked("word/document.xml")),
    "xlsx": (XLSX, _hyperlinked("xl/workbook.xml")),
    "pptx": (PPTX, _hyperlinked("ppt/presentation.xml")),
    "odt": (ODT, lambda address: open_document(f'<text:a xlink:href="{address}">a</text:a>')),
    "rtf": (RTF, _rich_text),
    "xls": (XLS, lambda address: excel(sheet(0), link(url(address)))),
    "ppt": (PPT, _presentation),
}


@pytest.mark.parametrize("address", LINKS)
@pytest.mark.parametrize("kind", MADE)
def test_a_link_amounts_to_the_same_in_each_format(kind: str, address: str) -> None:
    media_type, make = MADE[kind]
    assert found(make(address), media_type) == LINKS[address]


@pytest.mark.parametrize("address", LINKS)
def test_a_pdf_agrees_but_for_addresses_of_local_files(address: str) -> None:
    """Its readers hand `file:` to the system, whatever it is, where Word and Excel open documents themselves."""
    content = paged(b"<</S/URI/URI(" + address.encode() + b")>>", page=b"/Annots[<</Subtype/Link/A 4 0 R>>]")
    assert codes(pdf, content, "application/pdf") == (
        ["unsafe_link"] if address.startswith("file:") else LINKS[address]
    )
