"""Office documents of the two zipped families, as small as their rules allow."""

import io
import zipfile
from collections.abc import Mapping

_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
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
            main: f'<w:document xmlns:w="{_WORD}">'.encode() + body + b"</w:document>",
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
