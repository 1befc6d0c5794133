"""By its beginning: whether a text is markup, of which kind, and how its letters are written."""

import codecs
import re
from enum import Enum

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What expat would tell too: XML in UTF-16 without a mark.
_UNMARKED = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_DECLARED = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)", re.DOTALL)
_CHARSET = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9._-]+)", re.IGNORECASE)
# Of those that browsers know (https://encoding.spec.whatwg.org); others would show another text here than there.
_KNOWN = re.compile(
    r"utf-8|ascii|tis-620|iso8859-\d+|cp(125\d|866|874|932|936|949|950)|koi8-[ru]|mac-(roman|cyrillic)"
    r"|gbk|gb18030|gb2312|big5|shift_jis|euc_(jp|kr)|iso2022_jp"
)

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
    """How a text is looked at."""

    XML = "must be well-formed: an XML declaration, a document type or an SVG begins it"
    HTML = "is read leniently, whatever it is"
    FRAGMENT = "begins with an element of HTML, as Markdown may: what it loads is its own business, what it runs is not"
    ELEMENT = "begins with an element of no known kind: XML when it is well-formed, else just a text"


def markup_language(head: bytes) -> MarkupLanguage | None:
    """What an object that begins so is looked at as; None for what is not markup. White space may come first."""
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
    return MarkupLanguage.HTML if rest.startswith("<!--") else None  # a comment that does not end in sight


def byte_order_mark(text: bytes) -> bytes:
    """The byte order mark that begins it, if there is one."""
    return next((byte_order_mark for byte_order_mark, _ in _MARKS if text.startswith(byte_order_mark)), b"")


def encoding(text: bytes, *, xml: bool) -> str | None:
    """Python's name of how `text` is written; None for a way that browsers do not know."""
    if found := _encoding_of(text):
        return found
    declared = (_DECLARED.match(text.lstrip()) if xml else None) or _CHARSET.search(text[:4096])
    if not declared:
        return "utf-8"
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name
    except LookupError:
        return None
    if name.startswith("utf-16"):
        return "utf-8"  # it was read so far without being that
    return name if _KNOWN.fullmatch(name) else None


def _encoding_of(text: bytes) -> str | None:
    """By its first bytes alone."""
    for byte_order_mark, name in (*_MARKS, *_UNMARKED):
        if text.startswith(byte_order_mark):
            return name
    return None
