"""What an address, a stylesheet or CSS does: run a script, load something from elsewhere, or nothing. Pure."""

import re
from collections.abc import Iterator

from workers.inspection.parsers.markups.findings import excerpt

SCRIPT, EXTERNAL = "script", "external_reference"

# Browsers ignore these in an address, and control characters and spaces around it (https://url.spec.whatwg.org).
_DROPPED = re.compile(r"[\t\n\r]")
_AROUND = "".join(map(chr, range(33)))
_ABSOLUTE = re.compile(r"([a-z][a-z0-9+.-]*):|[\\/]{2}")
_RUNS = frozenset({"javascript", "vbscript", "livescript"})
# Schemes that only name something, or that contain all of it.
_FETCHES_NOTHING = frozenset({"about", "cid", "data", "mailto", "mid", "sms", "tag", "tel", "urn"})
_DATA_TYPE = re.compile(r"data:([^,;]*)")
_DOCUMENTS = re.compile(
    r"text/html|text/xml|application/xml|.*/xhtml\+xml|.*(java|ecma|j)script.*|text/xsl|.*/xslt\+xml"
)
_HREF = re.compile(r"href\s*=\s*[\"']([^\"']*)")

_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\r\f]?|([^\n\r\f0-9a-fA-F]))")
_CSS_NAMESPACE = re.compile(r"@namespace\b[^;]*;?", re.IGNORECASE)
_CSS_ADDRESS = re.compile(
    r"""(?:@import\s*(?:url\(\s*)?|\burl\(\s*|\bsrc\(\s*|\bimage-set\(\s*)["']?([^"'()\s;]*)""", re.IGNORECASE
)


def effect_of(address: str, *, as_image: bool = False) -> str | None:
    """What loading `address` does: SCRIPT, EXTERNAL or None. Loaded `as_image`, an SVG does not run its scripts."""
    address = _DROPPED.sub("", address.strip(_AROUND)[:256]).lower()
    absolute = _ABSOLUTE.match(address)
    if not absolute:
        return None
    scheme = absolute[1]
    if scheme in _RUNS:
        return SCRIPT
    if scheme == "data":
        return _data(address, as_image=as_image)
    return None if scheme in _FETCHES_NOTHING else EXTERNAL


def _data(address: str, *, as_image: bool) -> str | None:
    kind = _DATA_TYPE.match(address)
    if not kind:
        return None
    if _DOCUMENTS.fullmatch(kind[1].strip()):
        return SCRIPT
    return SCRIPT if kind[1].strip() == "image/svg+xml" and not as_image else None


def stylesheet(instruction: str) -> tuple[str, str] | None:
    """The code and description for the data of an `xml-stylesheet` instruction, if it is a finding.

    A stylesheet inside the document may be XSLT, which can make any element.
    """
    href = _HREF.search(instruction)
    address = href[1] if href else ""
    if not address.startswith(("#", "data:")):
        return EXTERNAL, f"a stylesheet ({excerpt(address)})"
    return None if "css" in instruction else (SCRIPT, "a stylesheet that transforms the document")


def css_addresses(css: str) -> Iterator[str]:
    """Each address that a piece of CSS loads."""
    if "\\" in css:
        css = _CSS_ESCAPE.sub(_unescaped, css)
    css = _CSS_NAMESPACE.sub(" ", _CSS_COMMENT.sub(" ", css))
    for found in _CSS_ADDRESS.finditer(css):
        yield found[1]


def _unescaped(escape: re.Match[str]) -> str:
    if escape[2]:
        return escape[2]
    number = int(escape[1], 16)
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"
