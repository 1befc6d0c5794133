"""Whether the declared media type of an object agrees with the type that its bytes show. Pure.

They agree when they are equal or synonyms, and in these cases:

- a text has no signature, and the model can only guess whether it is plain text, CSV, Markdown or source code. So any
  text may be declared as one of `PLAIN`, unless it runs when a browser, a web server or the Windows shell opens it
  (`ACTIVE`);
- for the same reason a text that is not active may be declared as HTML, JavaScript or XML: a short HTML file looks like
  any text, and a profile that takes HTML takes worse than plain text;
- a document format that is a zip inside may be declared as a zip;
- an OLE container whose directory was not read may be declared as any office format that is kept in one;
- an encrypted Office Open XML document, which is kept in an OLE container, may be declared as any format that is
  otherwise a zip;
- a format that is XML inside may be declared as XML;
- `application/octet-stream` declares nothing, so it agrees with every type.
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
        "application/xml",  # it can name an XSLT stylesheet, which runs scripts
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
    """The type under which the object is kept, or None where the two types contradict each other.

    `detected` is the type that the bytes show; `text` says that the bytes are text of some kind.
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


def _is_zipped(media_type: str) -> bool:
    return media_type.startswith(_ZIPPED) and media_type not in _IN_OLE
