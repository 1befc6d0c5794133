"""What an address, a stylesheet or CSS does: run a script, load something from elsewhere, or nothing. Pure."""

import base64
import html
import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from workers.inspection.parsers.markups.css import css_addresses
from workers.inspection.parsers.markups.findings import excerpt

SCRIPT, EXTERNAL, FOREIGN = "script", "external_reference", "foreign_object"

# Browsers ignore these in an address, and control characters and spaces around it (https://url.spec.whatwg.org).
_DROPPED = re.compile(r"[\t\n\r]")
_AROUND = "".join(map(chr, range(33)))
_ABSOLUTE = re.compile(r"([a-z][a-z0-9+.-]*):|[\\/]{2,}[^\\/?#]")
_RUNS = frozenset({"javascript", "vbscript", "livescript"})
# XML turns a line end or a tab in an attribute into a space, and HTML keeps it as what browsers ignore. A page that is
# served as the other one is read so.
_BROKEN_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*(?: +[a-z0-9+.-]+)+) *:")
_LOADS = frozenset({"http", "https", "ftp", "file"})
# Schemes that only name something, or that contain all of it.
_FETCHES_NOTHING = frozenset({"about", "cid", "data", "mailto", "mid", "sms", "tag", "tel", "urn"})
# What a link may be clicked to open.
_CLICKED = frozenset(
    {
        "http",
        "https",
        "ftp",
        "news",
        "geo",
        "xmpp",
        "sip",
        "sips",
        "webcal",
        "facetime",
        "facetime-audio",
        "whatsapp",
        "maps",
        *_FETCHES_NOTHING,
    }
)
_PAGES = re.compile(r"text/html|(text|application)/xml|.*\+xml|.*(java|ecma|j)script.*|text/xsl")
# What a browser shows or plays itself, and runs nothing of. Pictures but SVG.
_SHOWN = re.compile(
    r"|image/(?!svg).*|(audio|video|font)/.*|application/(x-)?font-.*|text/(plain|css|csv|vtt|calendar|vcard)"
    r"|application/(geo\+)?json"
)
SVG = "image/svg+xml"
# The pseudo-attributes of an instruction (https://www.w3.org/TR/xml-stylesheet/).
_PSEUDO_ATTRIBUTE = re.compile(r"(?:^|\s)([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


class Data(NamedTuple):
    """A `data:` address (https://fetch.spec.whatwg.org/#data-urls): the type in lower case, and the bytes."""

    media_type: str
    content: bytes


def effect_of(address: str, *, as_image: bool = False) -> str | None:
    """What loading `address` does: SCRIPT, EXTERNAL, FOREIGN or None. Loaded `as_image`, an SVG runs no scripts."""
    whole, address = address, _normalised(address)
    absolute = _ABSOLUTE.match(address)
    if not absolute:
        return None
    scheme = absolute[1]
    if scheme in _RUNS:
        return SCRIPT
    if scheme == "data":
        return _effect_of_data(whole, as_image=as_image)
    return None if scheme in _FETCHES_NOTHING else EXTERNAL


def leads_to_a_program(address: str) -> bool:
    """Whether a click on `address` starts something other than a browser, a mail program or a telephone.

    A page that is opened from a disk takes two backslashes for a network share.
    """
    normalised = _normalised(address)
    absolute = _ABSOLUTE.match(normalised)
    if not absolute:
        return False
    if absolute[1] == "data":
        return effect_of(address) == FOREIGN
    return absolute[1] not in _CLICKED | _RUNS if absolute[1] else normalised.startswith("\\")


def data_of(address: str) -> Data | None:
    """What a `data:` address contains; None for any other."""
    address = _DROPPED.sub("", address).strip(_AROUND)
    if address[:5].lower() != "data:":
        return None
    head, _, body = address[5:].partition(",")
    content = unquote_to_bytes(body)
    if re.search(r";\s*base64\s*$", head, re.IGNORECASE):
        try:
            content = base64.b64decode(content + b"=" * (-len(content) % 4))
        except ValueError:
            content = b""  # no browser reads it either
    return Data(head.partition(";")[0].strip(_AROUND).lower(), content)


def _normalised(address: str) -> str:
    """An address as the URL parser of browsers takes it, in lower case."""
    plain = _DROPPED.sub("", address).strip(_AROUND).lower()
    broken = _BROKEN_SCHEME.match(plain)
    scheme = broken[1].replace(" ", "") if broken else ""
    return scheme + plain[broken.end() - 1 :] if broken and scheme in _RUNS | _LOADS else plain


def _effect_of_data(address: str, *, as_image: bool) -> str | None:
    kind = _DROPPED.sub("", address).strip(_AROUND).lower()[5:].partition(",")[0].partition(";")[0].strip(_AROUND)
    if kind == "text/css":
        return _style(address)
    if kind == SVG:
        return None if as_image else SCRIPT
    if _PAGES.fullmatch(kind):
        return SCRIPT
    return None if as_image or _SHOWN.fullmatch(kind) else FOREIGN


def _style(address: str) -> str | None:
    """What a stylesheet does that is the address itself. One within another is not followed: it counts as external."""
    data = data_of(address)
    for inner in css_addresses(data.content.decode("utf-8", "replace")) if data else ():
        effect = EXTERNAL if _normalised(inner).startswith("data:text/css") else effect_of(inner, as_image=True)
        if effect:
            return effect
    return None


def stylesheet(instruction: str) -> tuple[str, str] | None:
    """The code and description for the data of an `xml-stylesheet` instruction, if it is a finding.

    A stylesheet inside the document may be XSLT, which can make any element.
    """
    given = [(found[1], html.unescape(found[2] or found[3] or "")) for found in _PSEUDO_ATTRIBUTE.finditer(instruction)]
    addresses = [value.strip(_AROUND) for name, value in given if name == "href"]
    for address in addresses or [""]:
        if not address.startswith(("#", "data:")) or effect_of(address):
            return EXTERNAL, f"a stylesheet ({excerpt(address)})"
    types = [value.strip().lower() for name, value in given if name == "type"]
    return None if types and set(types) == {"text/css"} else (SCRIPT, "a stylesheet that transforms the document")
