"""A message as the internet sends it (RFC 5322 and MIME): its parts are examined as texts, or handed out.

| part | is |
| --- | --- |
| plain text and HTML that a mail program shows | examined here |
| what has a file name, is declared an attachment or is no text; a message | a member, decoded |
| signatures that stand beside what they sign | passed over, up to 256 KiB |
| what is encrypted, stands elsewhere, or is a piece of a larger message | a finding |
"""

import io
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from airlock.content.file_names import extension
from airlock.content.formats import FORMATS, format_of
from workers.inspection.identification.sample import Sample
from workers.inspection.parsers.archives.hidden import formats_in
from workers.inspection.parsers.mails.bodies import decode_text, examine_html
from workers.inspection.parsers.mails.entity import (
    Entity,
    boundary,
    charset,
    decode_transfer,
    file_names,
    parse_entity,
    uuencoded,
)
from workers.inspection.parsers.port import LimitExceeded, Output

PARTS = "Some programs divide the message into other parts than others do."
_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})
_HTML = frozenset({"text/html"})
_PLAIN = frozenset({"text/plain", "text/enriched", "text/richtext", "text/rfc822-headers", "message/delivery-status",
                    "text/x-amp-html", "text/watch-html", "message/disposition-notification", "message/feedback-report",
                    "message/global-delivery-status", "message/global-headers"})  # fmt: skip
_CMS = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_SIGNATURE_NAMES = frozenset({"", "asc", "sig", "pgp", "p7s"})
_SIGNATURE_BYTES = 256 * 1024
_PGP_BEGIN, _PGP_END = b"-----BEGIN PGP MESSAGE-----", b"-----END PGP MESSAGE-----"
# A body keeps a name where mail programs show it as the text of the message all the same.
_SHOWN_WITHIN = frozenset({"", "multipart/alternative", "multipart/related"})
_SHOWN_NAMES = frozenset({"", "txt", "htm", "html"})
_KNOWN_EXTENSIONS = frozenset(each for one in FORMATS.values() for each in one.extensions)
# A mailbox (RFC 4155): each message begins with such a line, and with a header behind it.
_MAILBOX = re.compile(rb"From [^\r\n]*\d{2}:\d{2}[^\r\n]*\r?\n")
_NEXT_MESSAGE = re.compile(rb"\n\r?\nFrom [^\r\n]*\d{2}:\d{2}[^\r\n]*\r?\n[\w-]+:")
_DIVIDES = re.compile(rb"^--|^content-", re.MULTILINE | re.IGNORECASE)
_OTHER_ENCODINGS = re.compile(rb"^=ybegin [^\r\n]*name=|^\(This file must be converted with BinHex", re.MULTILINE)
# The content types of CMS that are encrypted: envelopedData, encryptedData, authEnvelopedData (RFC 5652, RFC 5083).
_ENCRYPTED_CMS = (b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06",
                  b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17")  # fmt: skip


def examine_mime(raw: bytes, limits: Mapping[str, int], output: Output) -> None:
    """Examine one message, or an entity that stands for one. Raises LimitExceeded."""
    if _MAILBOX.match(raw) and _NEXT_MESSAGE.search(raw):
        output.finding("unsupported", "It is a mailbox with several messages, of which one was examined.")
    _Message(limits, output).examine(parse_entity(raw))


def report_cms(content: bytes, output: Output) -> None:
    """Report a message that is wrapped by S/MIME: nobody can look into the one, and nothing here into the other."""
    if any(each in content[:64] for each in _ENCRYPTED_CMS):
        output.finding("encrypted", "The message is encrypted (S/MIME).")
    else:
        output.finding("unsupported", "The message is wrapped in its signature (S/MIME), and was not examined.")


def is_encrypted_attachment(name: str, content: bytes) -> bool:
    """Whether it is a whole PGP message, or what Microsoft's rights management makes of a message."""
    text = content[:256].lstrip(), content[-256:].rstrip()
    return name.lower() == "message.rpmsg" or (text[0].startswith(_PGP_BEGIN) and text[1].endswith(_PGP_END))


class _Delimiter(NamedTuple):
    """A line that ends a part; the next begins behind it, except where it `closes` them all."""

    start: int
    end: int
    closes: bool


class _Message:
    def __init__(self, limits: Mapping[str, int], output: Output) -> None:
        self._limits = limits
        self._output = output
        self._parts = 0
        self._edges: set[bytes] = set()
        self._nearly: set[bytes] = set()  # lines that begin as a delimiter does, and go on

    def examine(self, entity: Entity) -> None:
        self._part(entity, "text/plain", "", ())
        if self._nearly - self._edges - {each + b"--" for each in self._edges}:
            self._output.finding("ambiguous_name", PARTS)

    def _part(self, entity: Entity, default: str, within: str, edges: tuple[bytes, ...]) -> None:
        """`within` is the type of the multipart around it, `edges` are the boundaries of all around it."""
        self._parts += 1
        if self._parts > self._limits["mail_parts"]:
            raise LimitExceeded(f"The message has more than {self._limits['mail_parts']} parts (mail_parts).")
        if entity.ambiguity:
            self._output.finding("ambiguous_name", entity.ambiguity)
        kind = entity.media_type or default
        if kind.startswith("multipart/"):
            self._multipart(entity, kind, edges)
        elif kind == "message/external-body":
            self._output.finding("external_reference", "A part of the message is loaded from elsewhere.")
        elif kind == "message/partial":
            self._output.finding("unsupported", "It is a piece of a larger message, and was not examined.")
        elif kind in _HTML | _PLAIN and self._is_shown(entity, within):
            self._text(entity, kind)
        else:
            self._file(entity, kind)

    def _multipart(self, entity: Entity, kind: str, edges: tuple[bytes, ...]) -> None:
        if len(edges) >= self._limits["mail_depth"]:
            raise LimitExceeded(f"Parts are nested more than {self._limits['mail_depth']} deep (mail_depth).")
        edge = boundary(entity)
        if edge is None:
            self._undivided(entity.body, "The message does not say where its parts end, or says it twice.")
            return
        if edge in edges or entity.transfer_encoding == "base64" or b"\r--" + edge in entity.body:
            self._output.finding("ambiguous_name", PARTS)
        self._edges.add(edge)
        for part in self._divided(entity.body, edge):
            default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
            self._part(parse_entity(part), default, kind, (*edges, edge))

    def _divided(self, body: bytes, edge: bytes) -> Iterator[bytes]:
        """The parts between the delimiter lines (RFC 2046, section 5.1.1); the last needs no end."""
        lines = self._delimiters(body, edge)
        if not lines and body.strip():
            self._undivided(body, "The parts of the message are not where it says.")
        if lines:
            self._plain(body[: lines[0].start])  # what programs show that know no parts
        if any(one.closes and not other.closes for one, other in pairwise(lines)):
            self._output.finding("ambiguous_name", PARTS)
        ends = [*(each.start for each in lines[1:]), len(body)]
        for each, end in zip(lines, ends, strict=False):
            if not each.closes:
                yield _without_newline(body[each.end : end])

    def _delimiters(self, body: bytes, edge: bytes) -> list[_Delimiter]:
        lines = []
        last = len(body.rstrip())
        for found in re.finditer(rb"^--" + re.escape(edge) + rb"([^\n]*)(?:\n|\Z)", body, re.MULTILINE):
            rest = found[1].rstrip(b" \t\r")
            if rest in (b"", b"--"):
                lines.append(_Delimiter(found.start(), found.end(), bool(rest)))
            elif found.end() < last:
                self._nearly.add(edge + rest)
            if len(lines) > self._limits["mail_parts"]:
                break  # `_part` ends at the limit
        return lines

    def _undivided(self, body: bytes, problem: str) -> None:
        """What some program could divide is malformed; what no program can is a text that all show."""
        if _DIVIDES.search(body):
            self._output.finding("malformed", problem)
        else:
            self._plain(body)

    def _is_shown(self, entity: Entity, within: str) -> bool:
        names = file_names(entity)
        if entity.disposition == "attachment" and within:
            return False
        return not names or (within in _SHOWN_WITHIN and {extension(each) for each in names} <= _SHOWN_NAMES)

    def _text(self, entity: Entity, kind: str) -> None:
        content, is_certain = decode_transfer(entity)
        if kind in _HTML:
            # Mailing lists put their footers behind texts in base64.
            if not is_certain and entity.transfer_encoding != "base64":
                self._output.finding("ambiguous_name", "Programs decode a text of the message differently.")
            examine_html(decode_text(content, charset(entity)), self._limits, self._output)
        elif is_encrypted_attachment("", content):
            self._output.finding("encrypted", "The message is encrypted (PGP).")
        elif b"\0" in content and is_certain and not charset(entity).startswith(("utf-16", "utf-32", "utf16", "utf32")):
            self._file(entity, kind)
        else:
            self._plain(content)

    def _plain(self, content: bytes) -> None:
        for name, inner in uuencoded(content):
            self._hand_out(name.replace("\\", "/").rpartition("/")[2], inner)
        if _OTHER_ENCODINGS.search(content):
            self._output.finding("unsupported", "The text contains a file in an encoding that is not decoded here.")

    def _file(self, entity: Entity, kind: str) -> None:
        content, is_certain = decode_transfer(entity)
        names = file_names(entity)
        endings = {extension(each) for each in names} - {""}
        if _is_inert(kind, endings, content):
            return
        if not is_certain:
            self._output.finding("ambiguous_name", "Programs decode an attachment to different contents.")
        if len(endings) > 1:
            self._output.finding("ambiguous_name", "An attachment has several names, and programs choose differently.")
        if kind in _CMS:
            report_cms(content, self._output)
        else:
            self._hand_out(self._named(names, kind), content)

    def _named(self, names: list[str], kind: str) -> str:
        name = next((each for each in names if extension(each)), names[0] if names else f"part {self._parts}")
        if kind in _MESSAGES:
            return name if extension(name) in _KNOWN_EXTENSIONS else f"{name}.eml"
        if names:
            return name
        endings = {"text/calendar": ("ics",), "application/ms-tnef": ("dat",)}.get(kind) or format_of(kind).extensions
        name = {"text/calendar": "invite", "application/ms-tnef": "winmail"}.get(kind, name)
        return f"{name}.{endings[0]}" if endings else name

    def _hand_out(self, name: str, content: bytes) -> None:
        if is_encrypted_attachment(name, content):
            self._output.finding("encrypted", "An attachment is encrypted.")
        elif content:
            with self._output.member(name) as write:
                write(content)


def _without_newline(part: bytes) -> bytes:
    """The newline before a delimiter belongs to it."""
    return part.removesuffix(b"\n").removesuffix(b"\r")


def _is_inert(kind: str, endings: set[str], content: bytes) -> bool:
    """Whether it is a signature, or the line that says that what follows is encrypted."""
    if kind == "application/pgp-encrypted":
        return content.strip().lower() in (b"", b"version: 1")
    if kind not in _SIGNATURES or not endings <= _SIGNATURE_NAMES or len(content) > _SIGNATURE_BYTES:
        return False
    if formats_in(Sample(io.BytesIO(content), len(content))):
        return False
    begin = b"-----BEGIN PGP SIGNATURE-----" if kind == "application/pgp-signature" else b"\x30"
    return not content.strip() or content.lstrip().startswith(begin)
