"""Calendars and cards: iCalendar (RFC 5545), vCard (RFC 6350, and 2.1 and 3.0 before it).

The lines are few and simple, and a library would build a model of them that hides what it drops: so they are unfolded
and read here. Attachments and pictures that are inside are members.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

from workers.inspection.parsers.port import Output

BEGIN = {"text/calendar": "BEGIN:VCALENDAR", "text/vcard": "BEGIN:VCARD"}
_SCHEMES = frozenset(
    {
        "http",
        "https",
        "mailto",
        "tel",
        "sms",
        "geo",
        "urn",
        "cid",
        "xmpp",
        "sip",
        "sips",
        "ftp",
        "webcal",
        "webcals",
        "skype",
    }
)
_FOLDED = re.compile(r"\r?\n[ \t]")
_URI = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_DATA = re.compile(r"data:[^,;]*(?:;[^,;]*)*;base64,", re.IGNORECASE)
_ADDRESSES = frozenset(
    {"URL", "ATTACH", "SOURCE", "CONFERENCE", "IMAGE", "PHOTO", "LOGO", "SOUND", "KEY", "FBURL", "CALURI"}
)


class Property(NamedTuple):
    """One line: its name and parameters in capitals, and its value."""

    name: str
    parameters: str
    value: str


def examine_card(text: str, media_type: str, output: Output) -> None:
    """Report what acts in a calendar or in cards, and hand out what is attached."""
    if not text.lstrip("\ufeff \t\r\n").upper().startswith(BEGIN[media_type]):
        output.finding("malformed", f"The text does not begin with {BEGIN[media_type]}.")
        return
    for number, each in enumerate(_properties(text)):
        if each.name == "ACTION" and each.value.strip().upper() == "PROCEDURE":
            output.finding("active_action", "An alarm of the calendar starts a program.")
        elif each.name in _ADDRESSES:
            _examine_value(each, number, output)


def _properties(text: str) -> Iterator[Property]:
    for line in _FOLDED.sub("", text).splitlines():
        head, colon, value = line.partition(":")
        if colon:
            name, _, parameters = head.upper().partition(";")
            yield Property(name.rpartition(".")[2], parameters, value)


def _examine_value(each: Property, number: int, output: Output) -> None:
    encoded = _DATA.match(each.value)
    if encoded or re.search(r"(?:ENCODING=(?:B|BASE64)\b|;BASE64\b|^BASE64\b)", each.parameters):
        content = _decoded(each.value[encoded.end() :] if encoded else each.value)
        if content is None:
            output.finding("malformed", f"The attachment in {each.name} is not valid base64.")
            return
        with output.member(_name(each, number)) as write:
            write(content)
        return
    scheme = _URI.match(re.sub(r"[\x00-\x20]", "", each.value))
    if scheme and scheme[1].lower() not in _SCHEMES:
        output.finding("unsafe_link", f"A link of the scheme {scheme[1].lower()[:20]} is in {each.name}.")


def _decoded(value: str) -> bytes | None:
    try:
        return base64.b64decode(re.sub(r"\s", "", value), validate=True)
    except (binascii.Error, ValueError):
        return None


def _name(each: Property, number: int) -> str:
    named = re.search(r"(?:FILENAME|X-FILENAME|X-APPLE-FILENAME)=\"?([^\";]{1,200})", each.parameters)
    return named[1].lower() if named else f"{each.name.lower()} {number}"
