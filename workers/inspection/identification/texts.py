"""The readings of a text: what its name or declaration claims, and what a browser would take it for.

A text has no signature. Whether it is CSV or a program's source is told by its name and declaration alone, so it has
the readings that are claimed. HTML and XML are found as browsers find them (https://mimesniff.spec.whatwg.org, 7.1),
and also behind what browsers tolerate before them.
"""

import re
from collections.abc import Sequence

from airlock.content.format import OCTET_STREAM, PLAIN
from airlock.content.formats import SCRIPTS, format_of
from workers.inspection.identification.markup_language import MarkupLanguage, byte_order_mark, markup_language
from workers.inspection.identification.sample import HEAD, Sample
from workers.inspection.readings import Reading

RTF = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\\rt")
_ROOT = re.compile(r"<(?!\?|!)(?:([\w.-]+):)?([\w.-]+)")
_WORKBOOK, _DOCUMENT = "application/vnd.ms-excel", "application/msword"
_OFFICE = frozenset({_WORKBOOK, _DOCUMENT})
# A page with its pictures (RFC 2557), in which office programs open documents, wherever the headers stand.
_WEB_ARCHIVE = re.compile(
    rb"^(?:MIME-Version[ \t]*:|Content-Type[ \t]*:[ \t]*multipart/)", re.IGNORECASE | re.MULTILINE
)
_TSV = "text/tab-separated-values"
_TABLES = frozenset({"text/csv", _TSV})
# What programs open by its name, whatever it was declared as, and act on.
_OPENED_BY_NAME = frozenset({*_TABLES, "text/calendar", "text/vcard"})
# Texts that browsers look into for HTML, and names under which office programs open HTML and XML.
_SNIFFED = frozenset({PLAIN, *_TABLES, "application/json", "application/jsonl", "application/yaml", *_OFFICE})


def text_readings(sample: Sample, given: Sequence[str]) -> list[Reading]:
    """The readings of a text of which these types are claimed, by its declaration first and then by its name.

    `application/octet-stream` declares nothing, as for members, so that the name alone claims something.
    """
    claims = [each for each in given if each != OCTET_STREAM]
    if RTF.match(sample.head):
        return [Reading("application/rtf", len(sample.head) - len(sample.head.lstrip(b"\xef\xbb\xbf \t\r\n")))]
    if _OFFICE.intersection(claims) and _WEB_ARCHIVE.search(sample.head):
        return [Reading("application/x-mimearchive")]
    marked_up = [each for each in claims if format_of(each).family == "markup"]
    if sniffed := _sniffed(sample, claims):
        others = [each for each in marked_up if each != sniffed and "html" in each]
        return [Reading(each) for each in (sniffed, *others)]
    if marked_up:
        return [Reading(marked_up[0], claimed=True)]
    return _claimed(claims, declared=list(given[:1]) == claims[:1])


def _claimed(claims: Sequence[str], *, declared: bool) -> list[Reading]:
    own = [each for each in claims if format_of(each).family == "text" or each in SCRIPTS or each == "message/rfc822"]
    first = own[0] if own else PLAIN
    opened = [each for each in own[1:] if each in _OPENED_BY_NAME and not {first, each} <= _TABLES]
    if _WORKBOOK in claims and _TABLES.isdisjoint(own):
        opened.append(_TSV)  # as which spreadsheet programs open a text of that name
    return [Reading(first, claimed=declared and claims[:1] == [first]), *(Reading(each) for each in opened)]


def _sniffed(sample: Sample, claims: Sequence[str]) -> str | None:
    language = markup_language(_first_block(sample))
    if language is None or (
        language is MarkupLanguage.ELEMENT and not (_claims_markup(claims) or _OFFICE.intersection(claims))
    ):
        return None
    if claims and not _claims_markup(claims):
        if not _SNIFFED.intersection(claims) and language is not MarkupLanguage.HTML:
            return None
        if set(claims) <= _not_sniffed(claims):
            return None
    if language in (MarkupLanguage.HTML, MarkupLanguage.FRAGMENT):
        return "text/html"
    return _xml_type(sample, claims)


def _claims_markup(claims: Sequence[str]) -> bool:
    return any(format_of(each).family == "markup" for each in claims)


def _not_sniffed(claims: Sequence[str]) -> set[str]:
    """The claims to be source code, which begins with tags in many languages."""
    return {
        each
        for each in claims
        if (format_of(each).family == "text" and each not in _SNIFFED and each != "text/markdown")
    }


def _xml_type(sample: Sample, claims: Sequence[str]) -> str:
    """SVG, XHTML or another XML, by the name of the root."""
    text = sample.head.removeprefix(byte_order_mark(sample.head)).replace(b"\0", b"").decode("latin-1")
    without = re.sub(r"<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>\[]*(\[.*?\]\s*)?>", "", text, flags=re.DOTALL)
    root = _ROOT.search(without)
    name = root[2].lower() if root else ""
    if name == "svg" or "image/svg+xml" in claims:
        return "image/svg+xml"
    if name == "html" or "application/xhtml+xml" in claims:
        return "application/xhtml+xml"
    return "application/xml"


def _first_block(sample: Sample) -> bytes:
    """The first block that is not all white space, of which any amount may come first; a byte order mark is kept."""
    mark = byte_order_mark(sample.head)
    position, block = 0, sample.head
    while block and not block.removeprefix(mark).strip(b"\t\n\f\r \0"):
        position += HEAD
        block = sample.at(position, HEAD)
    return block if position == 0 else mark + block
