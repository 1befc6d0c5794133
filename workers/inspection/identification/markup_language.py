"""The markup language and the character encoding of a text, by its first bytes. Pure."""

import codecs
import re
from enum import Enum

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# XML in UTF-16 without a byte order mark, which expat detects in the same way.
_UNMARKED = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_DECLARED = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)", re.DOTALL)
_CHARSET = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9._-]+)", re.IGNORECASE)
# The encodings that browsers know (https://encoding.spec.whatwg.org): in any other, browsers would read another text.
_KNOWN = re.compile(
    r"utf-8|ascii|tis-620|iso8859-\d+|cp(125\d|866|874|932|936|949|950)|koi8-[ru]|mac-(roman|cyrillic)"
    r"|gbk|gb18030|gb2312|big5|shift_jis|euc_(jp|kr)|iso2022_jp"
)

# ISO-2022-JP, for which Chromium takes a page that does not declare its encoding: between these escapes are no tags.
_ESCAPE = re.compile(rb"\x1b[$(][@BJI]")
_ESCAPED = re.compile(rb"\x1b\$[@B].*?(?=\x1b\([BJI]|\Z)", re.DOTALL)

_SKIPPED = re.compile(r"(?:\s+|<!--.*?-->|<\?(?!xml[\s-])[^>]*\?>)+", re.DOTALL)
_DOCUMENT = re.compile(
    r"<(?:!doctype\s+html|(?:html|head|body|title|meta|link|base|script|style|iframe|frameset|template))(?=[\s/>]|$)",
    re.IGNORECASE,
)
_XML = re.compile(r"<(?:\?xml[\s-]|!DOCTYPE\s|(?:[\w.-]+:)?svg(?=[\s/>]|$))", re.IGNORECASE)
_NAMES = (
    "a|abbr|address|applet|article|aside|audio|b|big|blockquote|br|button|canvas|center|code|dd|details|dialog|div|dl|dt"
    "|em|embed|fieldset|figure|font|footer|form|h[1-6]|header|hr|i|img|input|kbd|li|main|map|marquee|math|nav|object|ol"
    "|p|picture|pre|s|section|select|small|span|strong|sub|summary|sup|svg|table|tbody|td|textarea|th|tr|tt|u|ul|video"
)
_FRAGMENT = re.compile(rf"<(?:{_NAMES})(?=[\s/>]|$)", re.IGNORECASE)
_ELEMENT = re.compile(r"<[A-Za-z_][\w.:-]*(?:\s+[\w.:-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*/?(?:>|$)")


class MarkupLanguage(Enum):
    """By which rules a text is read, and what is reported."""

    XML = "begins with an XML declaration, a document type or an SVG element: it must be well-formed"
    HTML = "begins as an HTML document: it is read leniently"
    FRAGMENT = "begins with an element of HTML, as Markdown may: what it runs is reported, and not what it loads"
    ELEMENT = "begins with any other element: it is XML if it is well-formed, and plain text otherwise"


def markup_language(head: bytes) -> MarkupLanguage | None:
    """The language of an object that begins with `head`, after any white space; None for what is not markup."""
    text = head.decode(_encoding_of(head) or "latin-1", "replace").lstrip("\ufeff")
    begin = _SKIPPED.match(text)
    rest = text[begin.end() :] if begin else text
    if _DOCUMENT.match(rest):
        return MarkupLanguage.HTML
    if _XML.match(rest):
        return MarkupLanguage.XML
    if _FRAGMENT.match(rest):
        return MarkupLanguage.FRAGMENT
    if _ELEMENT.match(rest):
        return MarkupLanguage.ELEMENT
    return MarkupLanguage.HTML if rest.startswith("<!--") else None  # a comment that is longer than `head`


def byte_order_mark(text: bytes) -> bytes:
    """The byte order mark at the start of `text`, or nothing."""
    return next((mark for mark, _ in _MARKS if text.startswith(mark)), b"")


def encoding(text: bytes, *, xml: bool) -> str | None:
    """Python's name of the encoding of `text`; None for an encoding that browsers do not know."""
    if found := _encoding_of(text):
        return found
    declared = _DECLARED.match(text.lstrip()) if xml else _CHARSET.search(text[:4096])
    if not declared:
        return "utf-8"
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name
    except LookupError:
        return None
    if name.startswith("utf-16"):
        return "utf-8"  # the declaration was read as ASCII, so the text is not UTF-16
    return name if _KNOWN.fullmatch(name) else None


def with_escapes(text: bytes) -> list[str]:
    """Both ways to read a page with escapes of ISO-2022-JP, only its ASCII; nothing where it has none."""
    if not _ESCAPE.search(text):
        return []
    return [text.decode("latin-1"), _ESCAPE.sub(b"", _ESCAPED.sub(b"?", text)).decode("latin-1")]


def _encoding_of(text: bytes) -> str | None:
    """The encoding that the first bytes show, without a declaration."""
    for start, name in (*_MARKS, *_UNMARKED):
        if text.startswith(start):
            return name
    return None
