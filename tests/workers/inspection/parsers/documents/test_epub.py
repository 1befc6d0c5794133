import pytest

from tests.workers.inspection.parsers.office_samples import EPUB, found, members, objections, zipped

CONTAINER = b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles/></container>'
PAGE = (
    '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">'
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>a</title><link rel="stylesheet" href="../a.css"/></head>'
    "<body>{}</body></html>"
)


def _book(body: str = "<p>a</p>", **more: bytes) -> bytes:
    named = {name.replace("__", "/").replace("_", "."): content for name, content in more.items()}
    items = '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
    return zipped(
        {
            "mimetype": EPUB.encode(),
            "META-INF/container.xml": CONTAINER,
            "OEBPS/a.opf": f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest></package>'.encode(),
            "OEBPS/a.ncx": b'<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "a.dtd"><ncx/>',
            "OEBPS/a.xhtml": PAGE.format(body).encode(),
            "OEBPS/a.css": b"@import 'b.css'; @namespace 'http://www.w3.org/1999/xhtml'; a{background:url(a.png)}",
            "OEBPS/a.png": b"\x89PNG\r\n\x1a\n",
            **named,
        }
    )


def _encrypted(algorithm: str) -> bytes:
    method = f'<EncryptionMethod xmlns="http://www.w3.org/2001/04/xmlenc#" Algorithm="{algorithm}"/>'
    return f'<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">{method}</encryption>'.encode()


@pytest.mark.parametrize(
    "content",
    [
        _book(),
        _book('<p><a href="https://example.org/">a</a><img src="a.png" alt="a"/></p>'),
        _book(OEBPS__b_css=b'a[href^="http://"]{content:"//"} b{background:url(data:image/png;base64,iVBORw0KGgo=)}'),
        zipped({"mimetype": EPUB.encode(), "META-INF/container.xml": CONTAINER,
                "META-INF/encryption.xml": _encrypted("http://www.idpf.org/2008/embedding"), "a.ttf": b"hidden"}),
    ],
    ids=lambda content: str(len(content)),
)  # fmt: skip
def test_a_book_is_no_objection(content: bytes) -> None:
    assert objections(content, EPUB) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (_book("<script>alert(1)</script>"), "script"),
        (_book('<p onclick="a()">a</p>'), "event_handler"),
        (_book('<img src="https://example.org/a.png" alt="a"/>'), "external_reference"),
        (_book(OEBPS__a_js=b"alert(1)"), "script"),
        (_book(OEBPS__b_css=b"a{background:url(https://example.org/a.png)}"), "external_reference"),
        (_book(OEBPS__b_css=b"@im\\70ort '//example.org/a.css';"), "external_reference"),
        (_book(OEBPS__b_css=b"a{behavior:url(a.htc)}"), "script"),
        (_book(OEBPS__b_css=b"a{background:url('data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\">"
                            b"<script>1</script></svg>')}"), "script"),
        (_book(OEBPS__b_svg=b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'), "script"),
        (_book(OEBPS__b_xml=PAGE.format("<script>1</script>").encode()), "script"),
        (_book(OEBPS__b_ncx=b'<!DOCTYPE ncx SYSTEM "http://example.org/ncx.dtd"><ncx/>'), "external_reference"),
        (_book(OEBPS__b_opf=b'<package><manifest><item href="https://example.org/a.mp3"/></manifest></package>'),
         "external_reference"),
        (zipped({"mimetype": EPUB.encode(), "META-INF/encryption.xml": _encrypted("http://ns.adobe.com/adept")}),
         "encrypted"),
    ],
    ids=lambda value: str(value)[-40:],
)  # fmt: skip
def test_what_acts_or_fetches_is_found(content: bytes, expected: str) -> None:
    assert expected in found(content, EPUB)


def test_other_files_are_members() -> None:
    assert members(_book(OEBPS__a_exe=b"MZ"), EPUB) == [("OEBPS/a.exe", b"MZ")]
