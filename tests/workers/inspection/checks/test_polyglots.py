"""What is two formats at once is named, and what merely holds another format, or resembles one, is not."""

import os
import struct
import tarfile
import zipfile
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airlock.media_types import EXTENSIONS
from tests.workers.inspection.checks.samples import HTML, PDF, SIGNED, TEXTS, WAV, WEBP, ole, zipped
from workers.inspection.checks.polyglots import may_hold_second_format, second_format
from workers.inspection.checks.signatures import SampledBytes

GIF, PNG, JPEG = (SIGNED[kind] + os.urandom(300) for kind in ("image/gif", "image/png", "image/jpeg"))
ARCHIVE = zipped({"a.txt": b"hello", "b.txt": b"world" * 50})
DOS = b"MZ" + bytes(58) + (128).to_bytes(4, "little") + bytes(64) + b"PE\0\0" + bytes(40)
FULL_PDF = PDF.replace(b"trailer", b"xref\n0 1\ntrailer").replace(b"%%EOF", b"startxref\n60\n%%EOF")


def _named(kind: str, body: bytes, *, text: bool = False) -> str | None:
    found = second_format(kind, SampledBytes(body[:4096], body[4096:][-65557:], len(body)), text=text)
    return found and found.media_type


TWO = {
    "a PDF and a ZIP": ("application/pdf", PDF + ARCHIVE, "application/zip"),
    "a long PDF and a ZIP": ("application/pdf", PDF + bytes(300_000) + ARCHIVE, "application/zip"),
    "a ZIP within a PDF": ("application/pdf", PDF + ARCHIVE + b"\nendstream\nendobj\n%%EOF\n", "application/zip"),
    "a GIF and a JAR": ("image/gif", GIF + zipped({"META-INF/MANIFEST.MF": b"x"}), "application/zip"),
    "a ZIP with a large directory": (
        *("image/png", PNG + zipped({f"{number}.txt": b"" for number in range(2000)})),
        "application/zip",
    ),
    "a GIF with a script behind it": ("image/gif", GIF + b"<script>alert(1)</script>", "text/html"),
    "a long GIF with a script behind it": ("image/gif", GIF + bytes(99_999) + b"<SCRIPT\n>x</SCRIPT>", "text/html"),
    "a JPEG with PHP": ("image/jpeg", JPEG + b"<?PHP system('id');", "text/x-php"),
    "a PNG with a page": ("image/png", PNG + b"<html><body>", "text/html"),
    "a WebP with a page": ("image/webp", WEBP + b"<!doctype  HTML>", "text/html"),
    "a GIF that is a comment": ("image/gif", b"GIF89a/*" + bytes(200) + b"*/=1;alert(1)//", "text/javascript"),
    "a JPEG that is a comment": ("image/jpeg", b"\xff\xd8\xff\xe0/*JFIF" + bytes(200) + b"*/=1", "text/javascript"),
    "a sound and a ZIP": ("audio/wav", WAV + ARCHIVE, "application/zip"),
    "a PNG and a PDF": ("image/png", PNG[:100] + PDF, "application/pdf"),
    "a PDF that begins at byte 1023": ("image/gif", GIF[:6] + bytes(1017) + PDF, "application/pdf"),
    "a GIF and a program": ("image/gif", GIF + DOS, "application/x-dosexec"),
    "a PNG and a program": ("image/png", PNG + b"\x7fELF\x02\x01\x01\0" + bytes(50), "application/x-executable-elf"),
    "a JPEG and a RAR": ("image/jpeg", JPEG + b"Rar!\x1a\x07\x01\0" + bytes(50), "application/vnd.rar"),
    "a PNG and a 7z": ("image/png", PNG + SIGNED["application/x-7z-compressed"], "application/x-7z-compressed"),
    "a ZIP and a PDF": ("application/zip", zipped({"a": b"x" * 90}) + b"\n" + PDF, "application/pdf"),
    "an RTF and a PDF": ("application/rtf", b"{\\rtf1 }" + PDF, "application/pdf"),
}
TWO_OF_TEXT = {
    "a page and a PDF": ("text/html", HTML + b"\n" + FULL_PDF, "application/pdf"),
    "a page and a ZIP": ("text/html", HTML + ARCHIVE, "application/zip"),
    "a shell script and a ZIP": ("text/x-shellscript", TEXTS["text/plain"] + ARCHIVE, "application/zip"),
}


@pytest.mark.parametrize("what", TWO)
def test_two_formats_at_once_are_named(what: str) -> None:
    kind, body, other = TWO[what]
    assert _named(kind, body) == other


@pytest.mark.parametrize("what", TWO_OF_TEXT)
def test_a_text_with_a_second_format_is_named(what: str) -> None:
    kind, body, other = TWO_OF_TEXT[what]
    assert _named(kind, body, text=True) == other


def _tar_of(name: str, body: bytes) -> bytes:
    target = BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(body)
        archive.addfile(entry, BytesIO(body))
    return target.getvalue()


def _end_record(**changes: int) -> bytes:
    fields = {"disk": 0, "first": 0, "here": 1, "entries": 1, "length": 46, "offset": 0, "comment": 0, **changes}
    return bytes(46) + struct.pack("<4s4H2LH", b"PK\x05\x06", *fields.values())


ONE = {
    "a stored PDF in a ZIP": ("application/zip", zipped({"a.pdf": PDF}, stored=True)),
    "a stored PDF behind a text in a ZIP": ("application/zip", zipped({"a.txt": b"x" * 50, "a.pdf": PDF}, stored=True)),
    "a short ZIP": ("application/zip", b"PK\x03\x04"),
    "a PDF in a tar": ("application/x-tar", _tar_of("a.pdf", PDF)),
    "a ZIP in a tar": ("application/x-tar", _tar_of("a.zip", ARCHIVE)),
    "a ZIP in an OLE container": (EXTENSIONS["doc"], ole("WordDocument") + ARCHIVE),
    "a program that unpacks itself": ("application/x-dosexec", DOS + ARCHIVE),
    "a document": (EXTENSIONS["docx"], SIGNED[EXTENSIONS["docx"]]),
    "nothing known, with a ZIP": ("application/octet-stream", bytes(50) + ARCHIVE),
    "a ZIP's mark without a directory": ("image/png", PNG + _end_record()),
    "a ZIP's mark with two counts": ("image/png", PNG + b"PK\x01\x02" + _end_record(here=2)[4:]),
    "a ZIP's mark with no entries": ("image/png", PNG + zipped({})),
    "a ZIP's mark on another disk": ("image/png", PNG + b"PK\x01\x02" + _end_record(disk=1, first=1)[4:]),
    "a ZIP's mark with a large offset": ("image/png", PNG + b"PK\x01\x02" + _end_record(offset=10**6)[4:]),
    "a ZIP's mark with a long comment": ("image/png", PNG + b"PK\x01\x02" + _end_record(comment=9)[4:]),
    "a ZIP's mark with a short directory": ("image/png", PNG + _end_record(length=20)),
    "a large ZIP's mark alone": ("image/png", PNG + _end_record(here=65535, entries=65535)),
    "a ZIP's mark at the very end": ("image/png", PNG + b"PK\x05\x06\0\0"),
    "a picture with metadata": ("image/jpeg", JPEG + b'<?xpacket begin=""?><x:xmpmeta><rdf:RDF><html2/></rdf:RDF>'),
    "two letters of a program": ("image/gif", GIF + b"MZ" + bytes(100)),
    "a GIF 10799 pixels wide": ("image/gif", b"GIF89a/*" + bytes(200)),
    "a PDF's header far behind": ("image/png", PNG[:8] + bytes(1100) + PDF),
}


@pytest.mark.parametrize("what", ONE)
def test_a_container_of_another_format_is_no_polyglot(what: str) -> None:
    kind, body = ONE[what]
    assert _named(kind, body) is None


def test_a_text_about_another_format_is_a_text() -> None:
    about = b"A file begins with %PDF-1.4 and ends with %%EOF.\nZIP has PK\x05\x06, and PHP is <?php ?>, in <html>.\n"
    assert _named("text/plain", about, text=True) is None
    assert _named("text/x-python", b'x = b"""\n%PDF-1.4\n1 0 obj\n"""\n', text=True) is None


@pytest.mark.parametrize("kind", SIGNED)
def test_a_good_file_has_no_second_format(kind: str) -> None:
    assert _named(kind, SIGNED[kind]) is None


@pytest.mark.without_coverage
def test_a_large_zip_is_known_by_its_locator() -> None:
    with zipfile.ZipFile(BytesIO(), "w") as archive:
        for number in range(65536):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
        target = archive.fp
    assert isinstance(target, BytesIO)
    assert _named("image/gif", GIF + target.getvalue()) == "application/zip"


def test_the_finding_says_where_the_second_format_begins() -> None:
    found = second_format("image/png", SampledBytes(PNG[:100] + PDF, b"", 100 + len(PDF)), text=False)
    assert found is not None
    assert found.where == "a PDF begins at byte 100"


def test_random_bytes_hold_no_second_format() -> None:
    assert not may_hold_second_format(SampledBytes(os.urandom(4096), os.urandom(65557), 10**6))


@settings(deadline=None)
@given(st.sampled_from(sorted(SIGNED)), st.binary(max_size=300), st.booleans(), st.integers(0, 10**10))
def test_any_bytes_can_be_tested(kind: str, more: bytes, text: bool, size: int) -> None:
    sampled = SampledBytes(SIGNED[kind][:60] + more, more + b"PK\x05\x06" + more + b"MZ" + more, size)
    assert second_format(kind, sampled, text=text) is None or kind
