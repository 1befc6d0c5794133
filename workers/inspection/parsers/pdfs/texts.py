"""Text strings of a PDF: ISO 32000-2, 7.9.2.2. Their encoding is told by their first bytes."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),  # not allowed, but readers take it
)
# A change of language within UTF-16 (7.9.2.2.1), and characters that show nothing.
_LANGUAGE = re.compile("\x1b[a-zA-Z]{2,8}\x1b")
_INVISIBLE = re.compile("[\0\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def text_of(content: bytes) -> str:
    """The characters of a text string or a text stream, as they are."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    if content[:1] == b"\0" and not content[::2].strip(b"\0"):
        return content.decode("utf-16-be", "replace")
    return content.decode("pdfdoc_pikepdf", "replace")


def name_of(value: object) -> str:
    """The name that `value` is, without its slash and with "#" escapes for what is not ASCII; "" where it is none."""
    import pikepdf

    return value.unparse(resolved=True)[1:].decode("ascii", "replace") if isinstance(value, pikepdf.Name) else ""


def visible(text: str) -> str:
    """`text` without what no reader shows: for addresses and names of files."""
    return _INVISIBLE.sub("", _LANGUAGE.sub("", text))
