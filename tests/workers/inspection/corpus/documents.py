"""PDFs and office documents, written out part by part."""

import io
from collections.abc import Mapping

import pikepdf

from airlock.content.media_types import EXTENSIONS
from tests.workers.inspection.checks.samples import zipped

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = {
    "word": ("document", "wordprocessingml.document"),
    "xl": ("workbook", "spreadsheetml.sheet"),
    "ppt": ("presentation", "presentationml.presentation"),
}


def pdf(text: str = "") -> bytes:
    """A PDF of one empty page; `text` is what its catalog has besides."""
    return pdf_of(
        [
            f"<< /Type /Catalog /Pages 2 0 R {text} >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] >>",
        ]
    )


def pdf_of(objects: list[str]) -> bytes:
    """A PDF with these objects, from number 1; the first is its catalog."""
    body, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content.encode("latin-1"))
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
    body += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, start)
    return bytes(body)


def pdf_with_password() -> bytes:
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as opened:
        opened.save(target, encryption=pikepdf.Encryption(owner="o", user="u"))
    return target.getvalue()


def pdf_with_attachment() -> bytes:
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as opened:
        opened.attachments["a.txt"] = b"hello"
        opened.save(target)
    return target.getvalue()


def open_xml(folder: str, more: Mapping[str, bytes] = {}, relations: str = "") -> bytes:
    """A DOCX, XLSX or PPTX (`word`, `xl`, `ppt`): `more` parts, and `relations` (XML) of its main part."""
    main, kind = _MAIN[folder]
    part = f"{folder}/{main}.xml"
    types = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="bin" ContentType="application/octet-stream"/>'
        f'<Override PartName="/{part}" ContentType="application/vnd.openxmlformats-officedocument.{kind}.main+xml"/>'
        "</Types>"
    )
    return zipped(
        {
            "[Content_Types].xml": types.encode(),
            "_rels/.rels": _relations(f'<Relationship Id="r" Type="{_OFFICE}/officeDocument" Target="{part}"/>'),
            part: f'<d xmlns="http://schemas.openxmlformats.org/{kind.split(".")[0]}/2006/main"><t>Hello</t></d>'.encode(),
            **({f"{folder}/_rels/{main}.xml.rels": _relations(relations)} if relations else {}),
            **more,
        }
    )


def _relations(inner: str) -> bytes:
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'.encode()


def relation(kind: str, target: str, *, external: bool = False) -> str:
    mode = ' TargetMode="External"' if external else ""
    return f'<Relationship Id="x" Type="{_OFFICE}/{kind}" Target="{target}"{mode}/>'


def open_document() -> bytes:
    kind = EXTENSIONS["odt"]
    office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    listing = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    entry = f'<m:file-entry m:full-path="/" m:media-type="{kind}"/>'
    content = f'<o:document-content xmlns:o="{office}"><o:body><o:text/></o:body></o:document-content>'
    manifest = f'<m:manifest xmlns:m="{listing}">{entry}</m:manifest>'
    names = {"mimetype": kind.encode(), "content.xml": content.encode(), "META-INF/manifest.xml": manifest.encode()}
    return zipped(names, stored=True)


def compound(streams: Mapping[str, bytes]) -> bytes:
    """An OLE2 container with these streams, each padded to 4 KiB ([MS-CFB], version 3)."""
    free, end, fat_mark = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    names = sorted(streams, key=lambda name: (len(name), name.upper()))
    bodies = [streams[name].ljust(-(-max(4096, len(streams[name])) // 512) * 512, b"\0") for name in names]
    entries = [_entry("Root Entry", 5, end, 0, 1 if names else free, free)]
    folder = -(-(len(names) + 1) // 4)
    table, at = [fat_mark, *range(2, folder + 1), end], 1 + folder
    for number, (name, body) in enumerate(zip(names, bodies, strict=True), 1):
        sectors = len(body) // 512
        table += [*range(at + 1, at + sectors), end]
        entries.append(_entry(name, 2, at, len(body), free, number + 1 if number < len(names) else free))
        at += sectors
    directory = b"".join(entries).ljust(folder * 512, b"\0")
    numbers = [*table, *[free] * (128 - len(table))]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + _le16(0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += _le32(0, 1, 1, 0, 4096, end, 0, end, 0, 0, *[free] * 108)
    return header + _le32(*numbers) + directory + b"".join(bodies)


def _entry(name: str, kind: int, start: int, size: int, child: int, right: int) -> bytes:
    text = name.encode("utf-16-le")
    head = text.ljust(64, b"\0") + _le16(len(text) + 2) + bytes([kind, 1])
    return head + _le32(0xFFFFFFFF, right, child) + bytes(36) + _le32(start, size, 0)


def _le16(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "little") for value in values)


def _le32(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "little") for value in values)


def word(flags: int = 0) -> bytes:
    """A DOC of Word 97, as far as its beginning goes ([MS-DOC] 2.5.1)."""
    fib = _le16(0xA5EC, 0xC1, 0, 0x409, 0, flags) + bytes(1000)
    return compound({"WordDocument": fib, "1Table": b"", "0Table": b""})
