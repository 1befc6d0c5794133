"""What an address, a stylesheet or CSS does: run a script, load something from elsewhere, or nothing. Pure."""

import base64
import html
import re
from urllib.parse import unquote_to_bytes

from workers.inspection.parsers.markups.css import css_addresses
from workers.inspection.parsers.markups.findings import excerpt

SCRIPT, EXTERNAL = "script", "external_reference"

# Browsers ignore these in an address, and control characters and spaces around it (https://url.spec.whatwg.org).
_DROPPED = re.compile(r"[\t\n\r]")
_AROUND = "".join(map(chr, range(33)))
_ABSOLUTE = re.compile(r"([a-z][a-z0-9+.-]*):|[\\/]{2}")
_RUNS = frozenset({"javascript", "vbscript", "livescript"})
# Schemes that only name something, or that contain all of it.
_FETCHES_NOTHING = frozenset({"about", "cid", "data", "mailto", "mid", "sms", "tag", "tel", "urn"})
# What a link may be clicked to open.
_CLICKED = frozenset({"http", "https", "ftp", "news", "geo", "xmpp", "sip", "sips", "webcal", *_FETCHES_NOTHING})
_DATA_TYPE = re.compile(r"data:([^,;]*)")
_DOCUMENTS = re.compile(
    r"text/html|text/xml|application/xml|.*/xhtml\+xml|.*(java|ecma|j)script.*|text/xsl|.*/xslt\+xml"
)
# The pseudo-attributes of an instruction (https://www.w3.org/TR/xml-stylesheet/).
_PSEUDO_ATTRIBUTE = re.compile(r"(?:^|\s)([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def effect_of(address: str, *, as_image: bool = False) -> str | None:
    """What loading `address` does: SCRIPT, EXTERNAL or None. Loaded `as_image`, an SVG does not run its scripts."""
    whole, address = address, _normalised(address)
    absolute = _ABSOLUTE.match(address)
    if not absolute:
        return None
    scheme = absolute[1]
    if scheme in _RUNS:
        return SCRIPT
    if scheme == "data":
        return _data(whole, as_image=as_image)
    return None if scheme in _FETCHES_NOTHING else EXTERNAL


def leads_to_a_program(address: str) -> bool:
    """Whether a click on `address` starts something other than a browser, a mail program or a telephone."""
    absolute = _ABSOLUTE.match(_normalised(address))
    return bool(absolute and absolute[1] and absolute[1] not in _CLICKED and absolute[1] not in _RUNS)


def _normalised(address: str) -> str:
    """The beginning of an address as the URL parser of browsers takes it: first drop, then cut."""
    return _DROPPED.sub("", address).strip(_AROUND)[:256].lower()


def _data(address: str, *, as_image: bool) -> str | None:
    kind = _DATA_TYPE.match(_normalised(address))
    if not kind:
        return None
    media_type = kind[1].strip()
    if media_type == "text/css":
        return _style(address)
    if _DOCUMENTS.fullmatch(media_type):
        return SCRIPT
    return SCRIPT if media_type == "image/svg+xml" and not as_image else None


def _style(address: str) -> str | None:
    """What a stylesheet does that is the address itself. One within another is not followed: it counts as external."""
    head, _, body = _DROPPED.sub("", address).partition(",")
    content = unquote_to_bytes(body)
    if head.lower().rstrip().endswith("base64"):
        try:
            content = base64.b64decode(content + b"=" * (-len(content) % 4))
        except ValueError:
            return EXTERNAL
    for inner in css_addresses(content.decode("utf-8", "replace")):
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
