"""Texts and addresses in a PDF, as readers take them (ISO 32000-2, 7.9.2.2 and 12.6.4.8)."""

import codecs
import re

# A link of these opens a browser, a mail program or a telephone, which ask or show where it leads.
SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "ftp", "ftps", "geo", "news", "doi", "urn"})

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_DRIVE = re.compile(r"[a-z]:[\\/]", re.IGNORECASE)
_DROPPED = re.compile("[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
_MARKS = (
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF8, "utf-8"),
)


def text_of(raw: bytes) -> str:
    """The text of a string: by its byte order mark, else byte by byte."""
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(name, "replace")
    return raw.decode("latin-1")


def is_safe_address(raw: bytes) -> bool:
    """Whether a link leads to an address of an allowed scheme, or to one that is relative to the document's own."""
    address = _DROPPED.sub("", text_of(raw)).replace("\0", "")
    if address.startswith(("\\\\", "//", "\\/", "/\\")):
        return False
    if found := _SCHEME.match(address):
        return found[1].lower() in SCHEMES or _is_port(address, found.end())
    return True


def leads_away(raw: bytes) -> bool:
    """Whether the name of a file leads to a share, another machine, a drive or the root, and not beside the document."""
    path = _DROPPED.sub("", text_of(raw))
    return bool(path.startswith(("\\", "//", "/")) or _SCHEME.match(path) or _DRIVE.match(path))


def _is_port(address: str, end: int) -> bool:
    """`host:8080/path` without a scheme."""
    return "." in address[: end - 1] and address[end : end + 1].isdigit()
