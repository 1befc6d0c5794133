"""Small valid files of many types, made by the standard library or byte by byte."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Mapping

from airlock.content.media_types import EXTENSIONS


def zipped(names: Mapping[str, bytes], *, stored: bool = False) -> bytes:
    """A zip of these files, in this order."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            # Of a fixed time: the same names and contents are the same bytes.
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = archive.compression
            entry.external_attr = (0o40775 << 16 | 0x10) if name.endswith("/") else 0o600 << 16
            archive.writestr(entry, content)
    return target.getvalue()


def office(folder: str, **more: bytes) -> bytes:
    parts = {"[Content_Types].xml": b"<Types/>", "_rels/.rels": b"<R/>", f"{folder}/document.xml": b"<d/>"}
    return zipped({**parts, **{f"{folder}/{name}.bin": content for name, content in more.items()}})


def open_document(kind: str) -> bytes:
    return zipped({"mimetype": kind.encode(), "content.xml": b"<c/>"}, stored=True)


def tarred() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO(b""))
    return target.getvalue()


def ole(stream: str = "") -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + stream.encode("utf-16-le") + bytes(1000)


def compound(stream: str, *, directory: int) -> bytes:
    """An OLE container whose directory is its sector `directory`, of 512 bytes."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(22) + b"\x09\0" + bytes(16) + directory.to_bytes(4, "little")
    names = ("Root Entry", stream)
    entries = b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in names)
    return header.ljust(512 * (directory + 1), b"\0") + entries.ljust(512, b"\0") + bytes(200_000)


PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
BMP = (
    b"BM" + (58).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little") + bytes(40)
)
WEBP = b"RIFF" + (100).to_bytes(4, "little") + b"WEBPVP8 " + bytes(88)
WAV = b"RIFF" + (100).to_bytes(4, "little") + b"WAVEfmt " + bytes(88)

# By signature alone.
SIGNED: Mapping[str, bytes] = {
    "image/png": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(64),
    "image/gif": b"GIF89a" + bytes(64),
    "image/webp": WEBP,
    "image/tiff": b"II*\0" + bytes(64),
    "image/bmp": BMP,
    "audio/wav": WAV,
    "application/pdf": PDF,
    "application/rtf": b"{\\rtf1\\ansi hello}",
    "application/gzip": gzip.compress(b"content"),
    "application/x-bzip2": bz2.compress(b"content"),
    "application/x-xz": lzma.compress(b"content"),
    "application/zstd": b"\x28\xb5\x2f\xfd\x04\x58" + bytes(20),
    "application/x-7z-compressed": b"7z\xbc\xaf\x27\x1c\0\x04" + bytes(40),
    "application/x-tar": tarred(),
    "application/zip": zipped({"a.txt": b"hello"}),
    "application/java-archive": zipped(
        {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n", "A.class": b"\xca\xfe\xba\xbe"}
    ),
    "application/vnd.android.package-archive": zipped({"AndroidManifest.xml": b"\x03\0"}),
    "application/epub+zip": open_document("application/epub+zip"),
    EXTENSIONS["docx"]: office("word"),
    EXTENSIONS["xlsx"]: office("xl"),
    EXTENSIONS["pptx"]: office("ppt"),
    "application/vnd.ms-word.document.macroenabled.12": office("word", vbaProject=b"x"),
    EXTENSIONS["odt"]: open_document(EXTENSIONS["odt"]),
    EXTENSIONS["ods"]: open_document(EXTENSIONS["ods"]),
    EXTENSIONS["doc"]: ole("WordDocument"),
    EXTENSIONS["xls"]: ole("Workbook"),
    EXTENSIONS["ppt"]: ole("PowerPoint Document"),
    "application/x-ole-storage": ole(),
}

HTML = b"<!DOCTYPE html><html><head><title>x</title></head><body><p>hi</p><script>alert(1)</script></body></html>"
TEXTS: Mapping[str, bytes] = {
    "text/plain": b"Dear all,\n\nplease find the minutes below. We met on Monday.\n\nKind regards\n" * 4,
    "text/csv": b"name,age,city\nanna,34,Bonn\nbert,41,Ulm\n" * 5,
    "text/markdown": b"# Title\n\nSome *text* here, and a [link](http://x.example).\n\n- one\n- two\n" * 3,
    "application/json": b'{"a": 1, "b": [1, 2, 3], "c": {"d": null}}',
}
ACTIVE: Mapping[str, bytes] = {
    "text/html": HTML,
    "image/svg+xml": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "text/x-php": b"<?php system($_GET['c']); ?>\n" * 3,
    "text/x-shellscript": b"#!/bin/sh\nset -e\nrm -rf /tmp/x\necho done\n" * 3,
    "text/x-msdos-batch": b"@echo off\r\nset x=1\r\ndel /f /q c:\\x\r\n",
    "application/x-powershell": b"param($x)\nGet-Process | Where-Object {$_.CPU -gt 1} | Stop-Process\n",
    "text/vbscript": b'Sub AutoOpen()\nDim x As String\nx = Shell("cmd.exe /c calc", 1)\nEnd Sub\n' * 2,
    "application/xml": b'<?xml version="1.0"?><a><b>1</b></a>\n',
}
