"""Office documents of the zipped families, as small as their rules allow, and what examines them."""

import io
import zipfile
from collections.abc import Mapping

from airlock.content.finding_codes import FINDING_CODES
from tests.workers.inspection.parsers.recorder import codes, examined
from workers.inspection.parsers import office

DOCX, XLSX, PPTX, VSDX = (
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.ms-visio.drawing",
)
ODT, RTF, EPUB = "application/vnd.oasis.opendocument.text", "application/rtf", "application/epub+zip"
DOC, XLS, PPT, OTHER = (
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/x-ole-storage",
)
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SPACES_OF_PARTS = {
    "w": _WORD,
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
}
_MAIN = {
    "word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    "ppt/presentation.xml": "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
}
_EXTERNAL = ' TargetMode="External"'
CHART = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)

Relation = tuple[str, str, bool]
"""The kind's last word, the target, whether it is external."""


def zipped(parts: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def relations(*wanted: Relation) -> bytes:
    rows = (
        f'<Relationship Id="r{n}" Type="{kind if ":" in kind else _KINDS + kind}" Target="{target}"'
        f"{_EXTERNAL * external}/>"
        for n, (kind, target, external) in enumerate(wanted)
    )
    return f'<Relationships xmlns="{_RELATIONS}">{"".join(rows)}</Relationships>'.encode()


def _root(body: bytes) -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in _SPACES_OF_PARTS.items())
    return f"<w:document {spaces}>".encode() + body + b"</w:document>"


def open_xml(
    *wanted: Relation,
    main: str = "word/document.xml",
    types: Mapping[str, str] | None = None,
    parts: Mapping[str, bytes] | None = None,
    body: bytes = b"<w:p/>",
) -> bytes:
    """A document with these relationships of its main part, further content types by part, and further parts."""
    overrides = {main: _MAIN[main], **(types or {})}
    listed = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in overrides.items())
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    folder, _, file = main.partition("/")
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{_TYPES}">{default}{listed}</Types>'.encode(),
            "_rels/.rels": relations(("officeDocument", main, False)),
            main: _root(body),
            f"{folder}/_rels/{file}.rels": relations(*wanted),
            **(parts or {}),
        }
    )


def field(*pieces: str) -> bytes:
    """A field whose instruction is spread over these runs."""
    begin, end = b'<w:r><w:fldChar w:fldCharType="begin"/></w:r>', b'<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    return begin + b"".join(f"<w:r><w:instrText>{piece}</w:instrText></w:r>".encode() for piece in pieces) + end


def chart(workbook: bytes, name: str = "ppt/embeddings/Sheet1.xlsx", kind: str = CHART) -> bytes:
    """A presentation with a chart that has this workbook behind it."""
    return open_xml(
        ("chart", "charts/chart1.xml", False),
        main="ppt/presentation.xml",
        types={"ppt/charts/chart1.xml": kind},
        parts={
            "ppt/charts/chart1.xml": b"<c/>",
            "ppt/charts/_rels/chart1.xml.rels": relations(("package", f"../{name.partition('/')[2]}", False)),
            name: workbook,
        },
    )


_SPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
    for prefix in ("office", "text", "draw", "script", "table", "meta", "presentation")
)
_XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
_MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"


def open_document(body: str = "<text:p>Dear all</text:p>", manifest: str = "", **more: bytes) -> bytes:
    """A text with this content; further parts by name, two underscores for a slash and one for a dot."""
    root = f"<office:document-content {_SPACES} {_XLINK}>{body}</office:document-content>"
    entry = f'<m:file-entry m:full-path="content.xml" m:media-type="text/xml">{manifest}</m:file-entry>'
    return zipped(
        {
            "mimetype": b"application/vnd.oasis.opendocument.text",
            "content.xml": root.encode(),
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{_MANIFEST}">{entry}</m:manifest>'.encode(),
            **{name.replace("__", "/").replace("_", "."): content for name, content in more.items()},
        }
    )


def found(content: bytes, media_type: str) -> list[str]:
    """The codes of all findings, notes too."""
    return codes(office, content, media_type)


def objections(content: bytes, media_type: str) -> list[str]:
    """The codes of the findings that are more than a note by default."""
    return [code for code in found(content, media_type) if FINDING_CODES[code].default != "note"]


def members(content: bytes, media_type: str) -> list[tuple[str, bytes]]:
    return examined(office, content, media_type).members
