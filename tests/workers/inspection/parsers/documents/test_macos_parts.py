"""Documents that were zipped by macOS have a file of its own beside each part."""

from collections.abc import Callable

import pytest

from tests.workers.inspection.parsers.office_samples import DOCX, EPUB, ODT, found, open_xml, zipped
from tests.workers.inspection.parsers.test_archive_macos import FORK, GOOD, PAGE, apple_double

CONTAINER = b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles/></container>'
BESIDE = "__MACOSX/a/._b.xml"


def _book(more: dict[str, bytes], href: str = "a.css") -> bytes:
    listing = f'<package><manifest><item id="a" href="{href}" media-type="text/css"/></manifest></package>'
    parts = {"mimetype": EPUB.encode(), "META-INF/container.xml": CONTAINER, "a/a.opf": listing.encode()}
    return zipped({**parts, **more})


def _word(more: dict[str, bytes]) -> bytes:
    return open_xml(types={BESIDE: "application/xml"}, parts=more)


def _text(more: dict[str, bytes]) -> bytes:
    return zipped({"mimetype": ODT.encode(), "content.xml": b"<a/>", "META-INF/manifest.xml": b"<a/>", **more})


Made = Callable[[dict[str, bytes]], bytes]
DOCUMENTS = pytest.mark.parametrize(
    ("made", "media_type"), [(_book, EPUB), (_word, DOCX), (_text, ODT)], ids=("epub", "docx", "odt")
)


@DOCUMENTS
def test_the_files_of_macos_are_no_objection(made: Made, media_type: str) -> None:
    for name in (BESIDE, "a/._c.xml", "__MACOSX/_rels/._.rels", "__MACOSX/._a.opf", "__MACOSX/._a.xhtml"):
        assert found(made({name: GOOD}), media_type) == []


@DOCUMENTS
def test_what_is_hidden_in_them_is_found(made: Made, media_type: str) -> None:
    assert found(made({BESIDE: apple_double((FORK, bytes(50) + PAGE))}), media_type) == ["hidden_entry"]
    assert found(made({BESIDE: GOOD + b"x"}), media_type) == ["malformed"]


def test_one_that_the_document_uses_is_no_file_of_macos() -> None:
    for target in (f"/{BESIDE}", "../__macosx/a/._b.xml", "../__MACOSX/a/%2E_b.xml"):
        used = open_xml(("attachedToolbars", target, False), parts={BESIDE: GOOD})
        assert found(used, DOCX) == ["malformed"]
    assert found(_book({BESIDE: GOOD}, href="../__MACOSX/a/._b.xml"), EPUB) == ["malformed"]
    assert found(_book({"__MACOSX/a/._b.js": b"alert(1)"}), EPUB) == ["script"]
