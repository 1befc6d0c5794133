"""Every reading of the bytes is found, wherever it begins, and nothing is taken for a format that no program reads."""

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock.content.format import OCTET_STREAM, OLE, ZIP
from airlock.content.formats import FORMATS
from airlock.content.media_types import EXTENSIONS
from tests.workers.inspection.checks.samples import PDF, open_document, tarred, zipped
from tests.workers.inspection.corpus.images import picture
from tests.workers.inspection.parsers.compound_samples import compound
from workers.inspection.identification.identify import identify, leading_data
from workers.inspection.readings import Reading

NOISE = random.Random(1).randbytes(300_000)
CONTENT = "application/vnd.openxmlformats-officedocument.{}.main+xml"
SEVEN_ZIP = b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(bytes(20))) + bytes(20)
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(40)


def readings(body: bytes, *claims: str) -> list[str]:
    return [each.media_type for each in found(body, *claims)]


def found(body: bytes, *claims: str) -> list[Reading]:
    return identify(io.BytesIO(body), len(body), claims)


def open_xml(content_type: str, folder: str = "word") -> bytes:
    override = f'<Types><Override PartName="/{folder}/main.xml" ContentType="{content_type}"/></Types>'
    return zipped({"[Content_Types].xml": override.encode(), f"{folder}/main.xml": b"<d/>"})


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


DOCX = open_xml(CONTENT.format("wordprocessingml.document"))

BEGIN = {
    "image/png": picture("PNG"),
    "image/jpeg": picture("JPEG"),
    "image/gif": picture("GIF"),
    "image/webp": picture("WEBP"),
    "image/tiff": picture("TIFF"),
    "image/bmp": picture("BMP"),
    "image/heic": box(b"ftyp", b"heic\0\0\0\0mif1heic"),
    "image/avif": box(b"ftyp", b"avif\0\0\0\0mif1"),
    "image/heif": box(b"ftyp", b"mif1\0\0\0\0miaf"),
    "video/mp4": box(b"ftyp", b"isom\0\0\0\0mp42"),
    "audio/mp4": box(b"ftyp", b"M4A \0\0\0\0"),
    "video/quicktime": box(b"ftyp", b"qt  \0\0\0\0"),
    "video/3gpp": box(b"ftyp", b"3gp4\0\0\0\0"),
    "video/webm": b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + bytes(20),
    "video/matroska": b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska" + bytes(20),
    "audio/ogg": b"OggS" + bytes(24) + b"OpusHead" + bytes(20),
    "video/ogg": b"OggS" + bytes(24) + b"\x80theora" + bytes(20),
    "audio/wav": b"RIFF\x64\0\0\0WAVEfmt " + bytes(88),
    "video/x-msvideo": b"RIFF\x64\0\0\0AVI LIST" + bytes(88),
    "audio/flac": b"fLaC\0\0\0\x22" + bytes(60),
    "audio/mpeg": b"ID3\4\0\0\0\0\0\0\xff\xfb\x90\x64" + bytes(400),
    "audio/aiff": b"FORM\0\0\0\x64AIFFCOMM" + bytes(88),
    "audio/amr": b"#!AMR\n" + bytes(40),
    "audio/midi": b"MThd\0\0\0\6\0\1\0\1\0\x60" + bytes(30),
    "application/pdf": PDF,
    "application/rtf": b"{\\rtf1\\ansi hello}",
    "application/gzip": gzip.compress(b"content"),
    "application/x-bzip2": bz2.compress(b"content"),
    "application/x-xz": lzma.compress(b"content"),
    "application/zstd": b"\x28\xb5\x2f\xfd\x04\x58" + bytes(20),
    "application/x-7z-compressed": SEVEN_ZIP,
    "application/x-tar": tarred(),
    "application/vnd.rar": b"Rar!\x1a\x07\1\0" + bytes(40),
    "application/x-iso9660-image": bytes(0x8000) + b"\1CD001\1" + bytes(3000),
    "application/vnd.ms-cab-compressed": b"MSCF" + bytes(40),
    "application/x-lha": b"\x20\0-lh5-" + bytes(40),
    ZIP: zipped({"a.txt": b"hello"}),
    "application/java-archive": zipped(
        {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n", "A.class": b"\xca\xfe\xba\xbe"}
    ),
    "application/vnd.android.package-archive": zipped({"AndroidManifest.xml": b"\3\0", "classes.dex": b"dex"}),
    "application/epub+zip": open_document("application/epub+zip"),
    EXTENSIONS["docx"]: DOCX,
    EXTENSIONS["xlsx"]: open_xml(CONTENT.format("spreadsheetml.sheet"), "xl"),
    EXTENSIONS["pptx"]: open_xml(CONTENT.format("presentationml.presentation"), "anywhere"),
    EXTENSIONS["ppsx"]: open_xml(CONTENT.format("presentationml.slideshow"), "ppt"),
    EXTENSIONS["docm"]: open_xml("application/vnd.ms-word.document.macroEnabled.main+xml"),
    EXTENSIONS["xlsb"]: open_xml("application/vnd.ms-excel.sheet.binary.macroEnabled.main", "xl"),
    EXTENSIONS["odt"]: open_document(EXTENSIONS["odt"]),
    EXTENSIONS["ods"]: open_document(EXTENSIONS["ods"]),
    EXTENSIONS["doc"]: compound({"WordDocument": b"x"}),
    EXTENSIONS["xls"]: compound({"Workbook": b"x"}),
    EXTENSIONS["ppt"]: compound({"PowerPoint Document": b"x"}),
    "application/vnd.ms-outlook": compound({"__properties_version1.0": b"x"}),
    OLE: compound({"Contents": b"x"}),
    "application/x-dosexec": PE,
    "application/x-executable": b"\x7fELF\2\1\1\0" + bytes(60),
    "application/java-vm": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(60),
    "application/x-ms-shortcut": b"L\0\0\0\1\x14\2\0" + bytes(60),
    "application/onenote": b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d" + bytes(60),
    "image/vnd.microsoft.icon": b"\0\0\1\0\1\0" + bytes(60),
    "font/woff2": b"wOF2\0\1\0\0" + bytes(60),
    "text/plain": b"Dear all, we met.\n",
    "text/html": b"<!DOCTYPE html><html><body>x</body></html>",
    "application/xml": b'<?xml version="1.0"?><a/>',
    "image/svg+xml": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "application/xhtml+xml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
}


@pytest.mark.parametrize("media_type", BEGIN)
def test_each_format_has_one_reading(media_type: str) -> None:
    assert readings(BEGIN[media_type]) == [media_type]
    assert media_type in FORMATS


PREFIXES = {
    "junk": b"\1\2\3\4",
    "a newline": b"\n",
    "PK": b"PK\7\x08",
    "spaces": b" " * 300,
    "a text": b"hello\r\n",
    "a stub": PE,
    "HTML": b"<html><body>x</body></html>",
    "zeros": bytes(1000),
}


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
@pytest.mark.parametrize("media_type", [ZIP, EXTENSIONS["docx"], EXTENSIONS["odt"], "application/java-archive"])
def test_a_zip_is_found_behind_any_prefix(prefix: bytes, media_type: str) -> None:
    (reading,) = [each for each in found(prefix + BEGIN[media_type]) if each.media_type == media_type]
    assert reading.start == len(prefix)


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_a_pdf_is_found_behind_any_prefix_that_readers_skip(prefix: bytes) -> None:
    (reading,) = [each for each in found(prefix + PDF) if each.media_type == "application/pdf"]
    assert reading.start == len(prefix)
    assert "application/pdf" not in readings(bytes(2000) + PDF)


def test_a_stub_and_the_zip_behind_it_are_two_readings() -> None:
    assert readings(PE + BEGIN[ZIP]) == ["application/x-dosexec", ZIP]


def test_a_zip_is_one_by_its_first_entry_where_no_end_is_there() -> None:
    assert readings(BEGIN[ZIP][:-22]) == [ZIP]


@pytest.mark.parametrize("behind", [b"\n", b"\x1a", bytes(100), b"comment" * 100])
def test_what_stands_behind_a_zip_does_not_hide_it(behind: bytes) -> None:
    (reading,) = found(BEGIN[ZIP] + behind)
    assert (reading.media_type, reading.end) == (ZIP, len(BEGIN[ZIP]))


def test_what_a_zip_is_comes_from_its_directory_and_not_from_bytes_inside() -> None:
    inside = zipped(
        {"a.docx": DOCX, "src/META-INF/MANIFEST.MF": b"x", "sub/mimetype": b"application/epub+zip"}, stored=True
    )
    assert readings(inside) == [ZIP]


def test_a_zip_with_a_manifest_and_no_code_is_a_zip() -> None:
    files = {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n", "messages_de.properties": b"yes=ja\n"}
    assert readings(zipped(files)) == [ZIP]
    assert readings(zipped({**files, "lib/A.class": b"\xca\xfe"})) == ["application/java-archive"]


def test_a_zip_of_two_formats_has_both() -> None:
    both = zipped({"mimetype": EXTENSIONS["odt"].encode(), "[Content_Types].xml": b""}, stored=True)
    assert readings(both) == [EXTENSIONS["odt"]]
    override = f'<Override ContentType="{CONTENT.format("wordprocessingml.document")}"/>'.encode()
    both = zipped({"mimetype": EXTENSIONS["odt"].encode(), "[Content_Types].xml": override}, stored=True)
    assert readings(both) == [EXTENSIONS["docx"], EXTENSIONS["odt"]]


@pytest.mark.parametrize("end", [b"", b"\0" * 600])
def test_an_archive_whose_first_member_is_a_stored_pdf_is_no_pdf(end: bytes) -> None:
    assert readings(zipped({"a.pdf": PDF + end}, stored=True)) == [ZIP]
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        info = tarfile.TarInfo("a.pdf")
        info.size = len(PDF)
        archive.addfile(info, io.BytesIO(PDF))
    assert readings(target.getvalue()) == ["application/x-tar"]


SECOND = {
    ZIP: BEGIN[ZIP],
    "application/x-7z-compressed": SEVEN_ZIP,
    "application/x-tar": BEGIN["application/x-tar"],
    "application/vnd.rar": BEGIN["application/vnd.rar"],
    "application/x-xz": BEGIN["application/x-xz"],
    "application/gzip": gzip.compress(NOISE[:5000]),
    "application/x-dosexec": PE,
    "application/x-executable": BEGIN["application/x-executable"],
    "application/pdf": PDF,
    "application/x-bzip2": bz2.compress(b"content"),
    "application/x-cpio": b"070701" + b"0" * 104 + b"TRAILER!!!",
    "application/x-archive": b"!<arch>\na.txt/          0           0     0     644     4         `\nabcd",
    OLE: compound({"Contents": b"x"}),
    "text/html": b"<script>alert(1)</script>",
    "text/x-php": b"<?php system($_GET[0]);?>",
    "application/vnd.ms-cab-compressed": b"MSCF" + bytes(4) + struct.pack("<I", 60) + bytes(12) + b"\3\1" + bytes(40),
}


@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize(
    "first",
    ["image/png", "image/jpeg", "image/gif", "image/vnd.microsoft.icon", "font/woff2", "video/mp4", "audio/wav"],
)
@pytest.mark.parametrize("place", ["behind", "in the middle", "far behind"])
def test_a_second_format_is_found_in_all_of_a_picture_a_sound_or_a_video(first: str, second: str, place: str) -> None:
    picture = BEGIN[first]
    before = {"behind": picture, "in the middle": picture[: len(picture) // 2], "far behind": picture + NOISE}[place]
    after = {"behind": b"", "in the middle": picture[len(picture) // 2 :] + NOISE, "far behind": NOISE}[place]
    assert readings(before + SECOND[second] + after) == [first, second]


@pytest.mark.parametrize(
    ("mark", "second"),
    [
        (b"<svg onload=alert(1)>", "text/html"),
        (b'<img src="x"onerror = alert(1)>', "text/html"),
        (b"<BODY/ONLOAD=alert(1)>", "text/html"),
        (b"<hta:application id=a>", "text/html"),
        (b'<!--#exec cmd="id" -->', "text/html"),
        (b"<? system($_GET[0]); ?>", "text/x-php"),
        (b"a __HALT_COMPILER(); ?>\r\n", "text/x-php"),
        (b'<%=Runtime.getRuntime().exec("id")%>', "text/x-asp"),
        (b'<%!String a = request.getParameter("a");%>', "text/x-asp"),
        (b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><rdf:li xml:lang="x-default">on = off</rdf:li>', None),
        (b"a <b> on load = 1, <c>description = 2", None),
        (b"100% <%5 of it> (a).", None),
    ],
)
def test_code_of_browsers_and_servers_is_found_in_a_picture(mark: bytes, second: str | None) -> None:
    picture = BEGIN["image/png"]
    assert readings(picture + NOISE[:3000] + mark + NOISE[:3000]) == ["image/png", *([second] if second else [])]


def test_what_scanners_keep_in_a_tiff_is_no_second_format() -> None:
    assert readings(BEGIN["image/tiff"] + compound({"Contents": b"x"})) == ["image/tiff"]


def test_a_second_format_across_two_windows_is_found() -> None:
    body = (BEGIN["image/png"] + NOISE * 4)[: 1024 * 1024 - 100] + BEGIN["application/x-tar"] + NOISE
    assert readings(body) == ["image/png", "application/x-tar"]


def test_the_video_behind_a_photo_is_a_reading_with_its_place() -> None:
    video = BEGIN["video/mp4"] + box(b"mdat", bytes(100))
    assert found(BEGIN["image/jpeg"] + video)[1] == Reading("video/mp4", len(BEGIN["image/jpeg"]))


def test_noise_has_no_second_format() -> None:
    assert readings(BEGIN["image/jpeg"] + NOISE * 10) == ["image/jpeg"]


@pytest.mark.parametrize(
    ("body", "claims", "expected"),
    [
        (b"a;b\n1;2\n", ["text/csv"], ["text/csv"]),
        (b"a;b\n1;2\n", ["text/plain", "text/csv"], ["text/plain", "text/csv"]),
        (b"a;b\n1;2\n", ["application/vnd.ms-excel", "text/csv"], ["text/csv"]),
        (b'{"a": 1}', ["application/json"], ["application/json"]),
        (b"class A {}", ["text/x-java-source"], ["text/x-java-source"]),
        (b"echo hi", ["text/x-msdos-batch"], ["text/x-msdos-batch"]),
        (b"hello", ["image/png"], ["text/plain"]),
        (b"a;b", ["application/vnd.ms-excel"], ["text/plain", "text/tab-separated-values"]),
        (b"a;b", ["text/plain", "application/vnd.ms-excel"], ["text/plain", "text/tab-separated-values"]),
        (b"<table><tr>", ["application/vnd.ms-excel"], ["text/html"]),
        (b"<?xml version='1.0'?><w:wordDocument/>", ["application/msword"], ["application/xml"]),
        (b"<w:wordDocument xmlns:w='a'/>", ["application/msword"], ["application/xml"]),
        (
            b"MIME-Version: 1.0\r\nContent-Type: multipart/related",
            ["application/msword"],
            ["application/x-mimearchive"],
        ),
        (b"x\ny\ncontent-type : multipart/mixed", ["application/vnd.ms-excel"], ["application/x-mimearchive"]),
        (b"MIME-Version: 1.0\r\n", ["text/plain"], ["text/plain"]),
        (b"BEGIN:VCALENDAR", ["text/plain", "text/calendar"], ["text/plain", "text/calendar"]),
        (b"BEGIN:VCARD", ["text/csv", "text/vcard"], ["text/csv", "text/vcard"]),
        (b"hello", ["text/html"], ["text/html"]),
        (b"<html>", ["text/plain"], ["text/html"]),
        (b"\xef\xbb\xbf  <!-- x --><html>", ["text/csv"], ["text/html"]),
        (b"<p>Some <b>text</b>", ["text/plain"], ["text/html"]),
        (b"<p align=center>", ["text/markdown"], ["text/markdown"]),
        (b"<script>x</script>", ["text/markdown"], ["text/html"]),
        (b"<template><p>", ["text/x-typescript"], ["text/x-typescript"]),
        (b"<foo> said bar", ["text/plain"], ["text/plain"]),
        (b"<foo/>", ["application/xml"], ["application/xml"]),
        (b'<?xml version="1.0"?><svg/>', ["text/plain"], ["image/svg+xml"]),
        (b'<?xml version="1.0"?><a/>', ["text/html"], ["application/xml", "text/html"]),
        (" \ufeff<svg xmlns=''/>".encode("utf-16"), ["text/plain"], ["text/plain"]),
        ("<svg xmlns=''/>".encode("utf-16"), ["text/plain"], ["image/svg+xml"]),
        (b"From: a\nTo: b\n\nHi", ["message/rfc822"], ["message/rfc822"]),
        (b" \n{\\rtf1 x}", ["text/plain"], ["application/rtf"]),
        (b"The header is %PDF-1.7, and 1 0 R is a reference.", ["text/plain"], ["text/plain"]),
        (b"", [], ["text/plain"]),
        (b"", ["text/csv"], ["text/csv"]),
        (b"", ["image/png"], ["text/plain"]),
        (b"\xff\xfeh\0i\0", ["text/plain"], ["text/plain"]),
        (b"FWS is a word", ["text/plain"], ["text/plain"]),
        (b"GIF89a and fLaC are marks of formats", ["text/plain"], ["text/plain"]),
        (b"fLaC begins a FLAC file", ["text/markdown"], ["text/markdown"]),
        (b"GIF89aabcd!  , and a picture where it must stand", ["text/plain"], ["image/gif"]),
        ("שם,סכום\r\nכהן,1200.50\r\n".encode("utf-16-le"), ["text/csv"], ["text/csv"]),
        ("2024-01-31;12.50;99,10;сумма\n".encode("utf-16-be"), ["text/csv"], ["text/csv"]),
        ("όνομα\t1\t2\t3,5\t44,10\r\n".encode("utf-16-le"), ["text/csv"], ["text/csv"]),
        (struct.pack("<40H", *range(0x20, 0x2F8, 18)[:40]), [], [OCTET_STREAM]),
        (struct.pack("<9H", 44, 12, 99, 0x5D0, 31, 0x5D1, 7, 0x5D2, 80), [], [OCTET_STREAM]),
        (b"MZ is where it begins, and this is a text that is long enough for a header.", [], ["text/plain"]),
        (b"BM is the beginning of a text", [], ["text/plain"]),
    ],
)
def test_a_text_has_the_readings_that_it_claims_and_those_of_a_browser(
    body: bytes, claims: list[str], expected: list[str]
) -> None:
    assert readings(body, *claims) == expected


@pytest.mark.parametrize("claims", [[], ["text/plain"], ["image/png"]])
def test_bytes_of_no_known_format_are_an_octet_stream(claims: list[str]) -> None:
    assert readings(b"\1\2\3\0" + NOISE, *claims) == [OCTET_STREAM]


@given(st.binary(max_size=600))
def test_any_bytes_have_a_reading(body: bytes) -> None:
    assert readings(body)


@given(st.sampled_from(sorted(BEGIN)), st.integers(0, 400), st.binary(max_size=40))
def test_broken_files_have_readings_too(media_type: str, at: int, junk: bytes) -> None:
    body = BEGIN[media_type]
    assert readings(body[:at] + junk + body[at + len(junk) :])


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        (b"", None),
        (b"\xef\xbb\xbf", "irregular"),
        (b" \r\n\0", "irregular"),
        (b"x", "leading_data"),
        (b"\1" * 90, "leading_data"),
    ],
)
def test_what_stands_before_the_beginning_is_told(prefix: bytes, code: str | None) -> None:
    for body in (PDF, BEGIN[ZIP]):
        told = leading_data(io.BytesIO(prefix + body), found(prefix + body))
        assert (told.code if told else None) == code


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        (b"\x1b%-12345X@PJL SET RESOLUTION=600\r\n@PJL ENTER LANGUAGE=PDF\r\n", "irregular"),
        (b"@PJL\n", "irregular"),
        (b"%%DEBUT_INSTRUCTION: DEBUT\r\n%%SK_DATE: 16/06/2026\r\n%%SK_ANNEXE: \r\n", "irregular"),
        (b"%%A: <script>\n", "leading_data"),
        (b"@PJL COMMENT <script>\r\n", "leading_data"),
        (b"MZ@PJL\r\n", "leading_data"),
        (b"@PJL\r\nMZ\r\n", "leading_data"),
    ],
)
def test_commands_for_a_printer_before_a_pdf_are_a_note(prefix: bytes, code: str) -> None:
    told = leading_data(io.BytesIO(prefix + PDF), found(prefix + PDF))
    assert told is not None
    assert told.code == code


def test_a_zip_that_an_ole_container_holds_is_no_reading_and_one_behind_it_is() -> None:
    held = compound({"WordDocument": b"x", "Package": BEGIN[ZIP].ljust(4096, b"\0")})
    assert readings(held) == [EXTENSIONS["doc"]]
    assert readings(BEGIN[EXTENSIONS["doc"]] + BEGIN[ZIP]) == [EXTENSIONS["doc"], ZIP]


def test_a_presentation_that_embeds_workbooks_is_one() -> None:
    override = f'<Override ContentType="{CONTENT.format("presentationml.presentation")}"/>'
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    types = f'<Types><Default Extension="xlsx" ContentType="{sheet}"/>{override}</Types>'
    assert readings(zipped({"[Content_Types].xml": types.encode()})) == [EXTENSIONS["pptx"]]


def test_an_archive_whose_last_member_is_a_stored_zip_has_one_reading() -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        info = tarfile.TarInfo("a.zip")
        info.size = len(BEGIN[ZIP])
        archive.addfile(info, io.BytesIO(BEGIN[ZIP]))
    assert readings(target.getvalue()) == ["application/x-tar"]
    assert readings(gzip.compress(BEGIN[ZIP], 0)) == ["application/gzip"]
    assert readings(b"\x5a\x2a\x4d\x18\4\0\0\0skip" + BEGIN["application/zstd"]) == ["application/zstd"]


def test_only_a_declaration_claims_what_a_text_has_to_be() -> None:
    assert found(b"{}", "application/json")[0].claimed
    assert found(b"{}", "application/json", "text/plain")[0].claimed
    assert not found(b"{}", OCTET_STREAM, "application/json")[0].claimed
    assert not found(b"{}", "text/x-unheard", "application/json")[0].claimed
    assert readings(b"<template>", OCTET_STREAM, "text/x-typescript") == ["text/x-typescript"]
    assert readings(b"a,b", OCTET_STREAM) == ["text/plain"]


def test_a_rich_text_may_hold_raw_bytes() -> None:
    assert readings(b"{\\rtf1{\\pict\\bin4 \0\1\2\3}}", "application/rtf") == ["application/rtf"]
    assert readings(b"\xef\xbb\xbf{\\rtf1 \x80\x81}") == ["application/rtf"]


def test_tables_of_a_jpeg_are_no_php() -> None:
    tables = b"88:::989:;><;:;<<<?=<;<=>>==>>>>>=>>>>>?>>>?>>"
    assert readings(BEGIN["image/jpeg"] + tables) == ["image/jpeg"]
    assert readings(BEGIN["image/jpeg"] + b"<?= `id` ?>") == ["image/jpeg", "text/x-php"]


@pytest.mark.parametrize("beginning", [b"%PDF-1.4 ", b"GIF89a", b"{\\rtf1 ", b"\xff\xd8\xff\xe0"])
def test_a_tar_or_a_disk_image_that_begins_as_something_else_has_both_readings(beginning: bytes) -> None:
    header = bytearray(BEGIN["application/x-tar"])
    header[: len(beginning)] = beginning
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    assert "application/x-tar" in readings(bytes(header))
    image = bytearray(BEGIN["application/x-iso9660-image"])
    image[: len(beginning)] = beginning
    assert "application/x-iso9660-image" in readings(bytes(image))
