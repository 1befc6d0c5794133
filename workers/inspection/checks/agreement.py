"""Whether what an object was declared as and what its bytes are go together. Pure.

They go together when they are equal, synonyms aside, and in these cases:

- a text has no signature, and the model tells plain text, CSV, Markdown and source code apart by likelihood. Any text
  may therefore be declared as one of `PLAIN`, except as what runs when it is merely opened by a browser, a web server
  or the Windows shell (`ACTIVE`);
- for the same reason a text that is not active may be declared as HTML, JavaScript or XML, of which a short or an
  unusual one looks like any text: a profile that takes those takes worse;
- every document format that is a zip inside may be declared as a zip;
- an OLE container whose directory is out of sight may be declared as any of the office formats that are kept in one;
- an encrypted document, which is kept in such a container, may be declared as any of those that are otherwise a zip;
- every format that is XML inside may be declared as XML;
- `application/octet-stream` declares nothing, so nothing contradicts it.
"""

from airlock.media_types import EXTENSIONS, OCTET_STREAM, ZIP, canonical
from workers.inspection.checks.signatures import ENCRYPTED, OLE

PLAIN = frozenset(
    {EXTENSIONS[name] for name in ("txt", "csv", "tsv", "md", "json", "jsonl", "yaml")} | {"application/toml"}
)

ACTIVE = frozenset(
    {
        "application/hta",
        "application/internet-shortcut",
        "application/x-mimearchive",
        "application/x-mswinurl",
        "application/x-powershell",
        "application/xml",  # an XSLT stylesheet that it names runs scripts
        "image/svg+xml",
        "text/html",
        "text/javascript",
        "text/vbscript",
        "text/x-asp",
        "text/x-ms-regedit",
        "text/x-msdos-batch",
        "text/x-php",
        "text/x-shellscript",
    }
)

XML = "application/xml"
_MARKED_UP = frozenset({EXTENSIONS["html"], EXTENSIONS["js"], XML})
_ZIPPED = ("application/vnd.openxmlformats-", "application/vnd.oasis.opendocument.", "application/vnd.ms-")
_IN_OLE = frozenset(EXTENSIONS[name] for name in ("doc", "xls", "ppt"))


def agreed_type(declared: str, detected: str, *, text: bool) -> str | None:
    """The type under which the object is kept, or None where the two contradict each other.

    `detected` is the type that the bytes show, `text` says that they are some kind of text.
    """
    declared, detected = canonical(declared), canonical(detected)
    if declared in (detected, OCTET_STREAM):
        return declared
    if declared in PLAIN | _MARKED_UP and text and detected not in ACTIVE:
        return declared
    if declared == ZIP and _is_zipped(detected):
        return detected
    if (detected == OLE and declared in _IN_OLE) or (detected == ENCRYPTED and _is_zipped(declared)):
        return declared
    if declared == XML and detected.endswith("+xml"):
        return declared
    return None


def _is_zipped(kind: str) -> bool:
    return kind.startswith(_ZIPPED) and kind not in _IN_OLE
