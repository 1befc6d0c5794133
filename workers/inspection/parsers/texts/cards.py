"""Calendars and cards: iCalendar (RFC 5545), vCard (RFC 6350, and 2.1 and 3.0 before it).

The lines are few and simple, and a library would build a model of them that hides what it drops: so they are unfolded
and read here. Attachments and pictures that are inside are members; HTML, which calendars show, is handed to `page`.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from workers.inspection.parsers.port import Output
from workers.inspection.parsers.texts.keys import is_key

BEGIN = {"text/calendar": "BEGIN:VCALENDAR", "text/vcard": "BEGIN:VCARD"}
_SCHEMES = frozenset(
    {
        "http", "https", "mailto", "tel", "sms", "geo", "urn", "cid", "mid", "message", "data", "xmpp", "sip", "sips",
        "ftp", "ftps", "webcal", "webcals", "skype", "facetime", "facetime-audio", "callto", "msteams", "zoommtg",
        "zoomus", "im", "uid", "uuid", "tag", "news", "ldap", "ldaps",
    }
)  # fmt: skip
_BEGINS = re.compile(r"[\ufeff\s]*BEGIN[ \t]*:[ \t]*[\w-]+", re.IGNORECASE)
_FOLDED = re.compile(r"(?:\r\n|\n|\r)[ \t]")
# The name, the parameters (a value in quotes may have colons) and the value.
_PROPERTY = re.compile(r"(?:[\w-]+\.)?([\w-]+)[ \t]*((?:;(?:[^\":;]|\"[^\"]*\")*)*):(.*)", re.DOTALL)
_URI = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+):\d{1,5}(?:/|$)", re.IGNORECASE)
_SHARE = re.compile(r"[\\/]{2}")
_DATA = re.compile(r"data:[^,;]*(?:;[^,;]*)*?(;base64)?,", re.IGNORECASE)
_BASE64 = re.compile(r"ENCODING=\"?(?:B|BASE64)\b|;BASE64\b", re.IGNORECASE)
_QUOTED_PRINTABLE = re.compile(r"\bQUOTED-PRINTABLE\b", re.IGNORECASE)
_HTML = re.compile(r"FMTTYPE=\"?text/html", re.IGNORECASE)
_FILE_NAME = re.compile(r"(?:X-APPLE-|X-)?(?:FILENAME|LABEL)=\"?([^\";:]{1,200})", re.IGNORECASE)
_ALTERNATIVE = re.compile(r"(?:ALTREP|DIR)=\"?([^\";]+)", re.IGNORECASE)
# Of any other property that holds an address: what starts a program or reaches a share.
_ACTING = re.compile(
    r"(?:file:[/\\]|(?:javascript|vbscript|search|smb|ms-[\w-]+|[\w-]+-ms):|\\{2}[\w.])", re.IGNORECASE
)
_FREE_TEXTS = frozenset(
    {"DESCRIPTION", "COMMENT", "NOTE", "SUMMARY", "FN", "N", "ADR", "LABEL", "ORG", "TITLE", "ROLE"}
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ADDRESSES = frozenset(
    {"URL", "ATTACH", "SOURCE", "CONFERENCE", "IMAGE", "PHOTO", "LOGO", "SOUND", "KEY", "FBURL", "CALURI", "CALADRURI",
     "TZURL", "STRUCTURED-DATA", "STYLED-DESCRIPTION", "LINK", "DIRECTORY", "AGENT", "ORG-DIRECTORY"}
)  # fmt: skip


class Property(NamedTuple):
    """One line: its name in capitals, its parameters and its value."""

    name: str
    parameters: str
    value: str


def examine_card(text: str, media_type: str, output: Output, page: Callable[[str], None]) -> None:
    """Report what acts in a calendar or in cards, and hand out what is attached. `page` examines a page of HTML."""
    if not _BEGINS.match(text):
        output.finding("malformed", f"The text does not begin with {BEGIN[media_type]}, nor with a component.")
        return
    for number, each in enumerate(_properties(text)):
        if each.name == "ACTION" and each.value.strip().upper() == "PROCEDURE":
            output.finding("active_action", "An alarm of the calendar starts a program.")
        if _HTML.search(each.parameters) and not _BASE64.search(each.parameters):
            page(_ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], each.value))
        elif each.name in _ADDRESSES:
            _examine_value(each, number, output)
        else:
            _examine_other(each, output)
        for alternative in _ALTERNATIVE.findall(each.parameters):
            _examine_address(alternative, each.name, output)


def _properties(text: str) -> Iterator[Property]:
    lines = iter(_FOLDED.sub("", text).splitlines())
    for line in lines:
        if found := _PROPERTY.match(line.strip()):
            value = found[3]
            if _QUOTED_PRINTABLE.search(found[2]):
                while value.endswith("=") and (more := next(lines, None)) is not None:
                    value = value[:-1] + more.strip()
                value = quopri.decodestring(value.encode("utf-8", "replace")).decode("utf-8", "replace")
            yield Property(found[1].upper(), found[2], value)


def _examine_other(each: Property, output: Output) -> None:
    if each.name == "PALARM":
        output.finding("active_action", "An alarm of the calendar starts a program.")
    value = each.value.split(";", 3)[-1] if each.name == "AALARM" else each.value
    if each.name not in _FREE_TEXTS and _ACTING.match(value.strip()):
        output.finding("unsafe_link", f"A link that starts a program or leads to a share is in {each.name[:40]}.")


def _examine_value(each: Property, number: int, output: Output) -> None:
    encoded = _DATA.match(each.value.lstrip())
    if encoded or _BASE64.search(each.parameters):
        value = each.value.lstrip()[encoded.end() :] if encoded else each.value
        content = unquote_to_bytes(value) if encoded and not encoded[1] else _decoded(value)
        if content is None:
            output.finding("malformed", f"The attachment in {each.name} is not valid base64.")
        elif content and not (each.name == "KEY" and is_key(content)):
            with output.member(_name(each, number)) as write:
                write(content)
    else:
        _examine_address(each.value, each.name, output)


def _examine_address(address: str, name: str, output: Output) -> None:
    address = re.sub(r"[\x00-\x20]", "", re.sub(r"\\([:,;])", r"\1", address))
    scheme = _URI.match(address)
    if _SHARE.match(address) and not (name == "URL" and address.startswith("//")):  # there it is an address of the web
        output.finding("unsafe_link", f"A link to a network share is in {name}.")
    elif scheme and scheme[1].lower() not in _SCHEMES and not _HOST_AND_PORT.match(address):
        output.finding("unsafe_link", f"A link of the scheme {scheme[1].lower()[:20]} is in {name}.")
    elif not scheme and "\\" in address.partition("?")[0]:
        output.finding("unsafe_link", f"A link to a file is in {name}.")


def _decoded(value: str) -> bytes | None:
    """What the value is in base64. Programs do without the padding at its end, so it may be left out."""
    value = re.sub(r"\s", "", value).rstrip("=")
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _name(each: Property, number: int) -> str:
    named = _FILE_NAME.search(each.parameters)
    return named[1] if named else f"{each.name.lower()} {number}"
