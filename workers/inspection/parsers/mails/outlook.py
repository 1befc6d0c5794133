"""A message of Outlook ([MS-OXMSG]): an OLE container with streams for properties and storages for attachments.

Properties are named by their tag ([MS-OXPROPS]) in hexadecimal: the identifier and the type (001F is Unicode, 001E is a
code page's text, 0102 is binary, 000D is an object).
"""

import struct
from collections.abc import Mapping

from airlock.content.file_names import extension
from airlock.content.formats import format_of
from workers.inspection.parsers.documents.ole.container import Storage
from workers.inspection.parsers.documents.ole.objects import examine_object
from workers.inspection.parsers.documents.package import MalformedDocument
from workers.inspection.parsers.documents.references import Place, place_of
from workers.inspection.parsers.documents.rtf.tokens import Token, tokens
from workers.inspection.parsers.mails.bodies import decode_text, examine_html, examine_rich_text
from workers.inspection.parsers.mails.internet import examine_mime, is_encrypted_attachment, report_cms
from workers.inspection.parsers.port import LimitExceeded, Output

_PROPERTIES = "__properties_version1.0"
_STREAM = "__substg1.0_"
_ATTACHMENT = "__attach_version1.0_"
_BY_REFERENCE = frozenset({2, 3, 4})
_EMBEDDED, _OLE, _WEB = 5, 6, 7
_REFERENCES = ("370d", "3708")
_NAMES = ("3707", "3704", "3001")
_HTML, _RTF = "10130102", "10090102"
_CODE_PAGES = {65001: "utf-8", 65000: "utf-7", 1200: "utf-16-le", 20127: "ascii", 28591: "latin-1"}
# Named properties of PSETID_Common: the sound of a reminder, which Outlook plays from where it says when the message
# arrives (CVE-2023-23397); the script and the storage of a form that the message brings with it.
_REMINDER_SOUND, _FORM_SCRIPT, _FORM = 0x851F, 0x8541, 0x850F
_ESCAPED = {"\\\\": "\\", "\\{": "{", "\\}": "}", "\\~": "\xa0"}
_BREAKS = frozenset({"par", "line", "tab"})
_PLACES = frozenset({Place.SHARE, Place.HANDLER, Place.PROGRAM})


class OutlookMessage:
    """Examines a message and those that it embeds. `document` examines an embedded document's storage."""

    def __init__(self, limits: Mapping[str, int], output: Output) -> None:
        self._limits = limits
        self._output = output
        self._attachments = 0
        self._names: dict[int, int] = {}

    def examine(self, root: Storage) -> None:
        """Raises LimitExceeded, MalformedDocument, and what `container.COMPOUND_ERRORS` lists."""
        if _PROPERTIES not in root.streams:
            raise MalformedDocument("The message has no properties.")
        self._names = _named_properties(root)
        self._message(root, 1)

    def _message(self, storage: Storage, depth: int) -> None:
        if depth > self._limits["mail_depth"]:
            raise LimitExceeded(f"Messages are nested more than {self._limits['mail_depth']} deep (mail_depth).")
        kind = _text(storage, "001a").lower()
        self._named(storage)
        self._bodies(storage, depth)
        for name, below in storage.storages.items():
            if name.startswith(_ATTACHMENT):
                self._attachment(below, kind, depth)

    def _named(self, storage: Storage) -> None:
        for tag, local in self._names.items():
            text, prefix = _text(storage, f"{tag:04x}"), f"{_STREAM}{tag:04x}"
            if local == _REMINDER_SOUND and place_of(text) in (Place.SHARE, Place.WEB, Place.HANDLER):
                self._output.finding("external_reference", "Its reminder plays a sound from elsewhere.")
            if local in (_FORM_SCRIPT, _FORM) and any(
                each.startswith(prefix) for each in {*storage.streams, *storage.storages}
            ):
                self._output.finding("script", "The message brings a form of its own, which may have scripts.")

    def _bodies(self, storage: Storage, depth: int) -> None:
        page = _integers(storage, 32 if depth == 1 else 24).get(0x3FDE, 0)
        charset = _CODE_PAGES.get(page, f"cp{page}" if page else "")
        for html in (_text(storage, "1013"), decode_text(_binary(storage, _HTML), charset)):
            if html.strip("\0 \r\n"):
                examine_html(html, self._limits, self._output)
        compressed = _binary(storage, _RTF)
        if compressed:
            rich = _decompressed(compressed)
            examine_rich_text(rich, self._limits, self._output)
            if b"\\fromhtml" in rich[:1024]:
                examine_html(_html_within(rich, charset), self._limits, self._output)

    def _attachment(self, storage: Storage, kind: str, depth: int) -> None:
        self._attachments += 1
        if self._attachments > self._limits["mail_parts"]:
            raise LimitExceeded(f"The message has more than {self._limits['mail_parts']} attachments (mail_parts).")
        inner = storage.storages.get(f"{_STREAM}3701000d")
        content = _binary(storage, "37010102")
        if inner is not None and _PROPERTIES in inner.streams:
            self._message(inner, depth + 1)
        elif inner is not None:
            examine_object(inner, self._output, self._document)
        if content:
            self._file(storage, content, kind)
        elif inner is None:
            self._reference(storage)

    def _document(self, _storage: Storage) -> None:
        self._output.finding("embedded_object", "The message embeds an object that a program of its own opens.")

    def _file(self, storage: Storage, content: bytes, kind: str) -> None:
        name = self._name(storage)
        if kind.startswith("ipm.note.smime.multipartsigned"):
            examine_mime(content, self._limits, self._output)
        elif kind.startswith("ipm.note.smime") or extension(name) == "p7m":
            report_cms(content, self._output)
        elif is_encrypted_attachment(name, content):
            self._output.finding("encrypted", "An attachment is encrypted.")
        else:
            with self._output.member(name) as write:
                write(content)

    def _name(self, storage: Storage) -> str:
        name = next((each for tag in _NAMES if (each := _text(storage, tag))), "")
        if name:
            return name.replace("\\", "/").rpartition("/")[2]
        endings = format_of(_text(storage, "370e").lower()).extensions
        return f"attachment {self._attachments}" + (f".{endings[0]}" if endings else "")

    def _reference(self, storage: Storage) -> None:
        """An attachment that stands elsewhere: on a share, or on the web, as those of OneDrive do."""
        method = _integers(storage, 8).get(0x3705, 0)
        place = max(place_of(_text(storage, tag)) for tag in _REFERENCES)
        if method in _BY_REFERENCE and place in {*_PLACES, Place.WEB}:
            self._output.finding("external_reference", "An attachment is loaded from elsewhere.")
        elif place in _PLACES:
            self._output.finding("unsafe_link", "An attachment leads to a network share or starts a program.")


def _binary(storage: Storage, tag: str) -> bytes:
    return storage.read(_STREAM + tag) if storage.has(_STREAM + tag) else b""


def _text(storage: Storage, identifier: str) -> str:
    wide = _binary(storage, f"{identifier}001f")
    text = wide.decode("utf-16-le", "replace") if wide else _binary(storage, f"{identifier}001e").decode("latin-1")
    return text.partition("\0")[0]


def _integers(storage: Storage, header: int) -> dict[int, int]:
    """The fixed properties of type PT_LONG by identifier, which begin behind a header of `header` bytes."""
    stream = storage.read(_PROPERTIES) if storage.has(_PROPERTIES) else b""
    found: dict[int, int] = {}
    for at in range(header, len(stream) - 15, 16):
        kind, identifier, _, value = struct.unpack_from("<HHII", stream, at)
        if kind == 3:
            found.setdefault(identifier, value)
    return found


def _named_properties(root: Storage) -> dict[int, int]:
    """The local identifiers of numbered properties by the identifier of their streams ([MS-OXMSG], 2.2.3)."""
    names = root.storages.get("__nameid_version1.0")
    entries = _binary(names, "00030102") if names else b""
    found: dict[int, int] = {}
    for at in range(0, len(entries) - 7, 8):
        local, kind, index = struct.unpack_from("<IHH", entries, at)
        if not kind & 1 and local in (_REMINDER_SOUND, _FORM_SCRIPT, _FORM):
            found[0x8000 + index] = local
    return found


def _decompressed(compressed: bytes) -> bytes:
    from compressed_rtf import decompress  # type: ignore[import-untyped]  # it has no types

    try:
        rich: bytes = decompress(compressed)
    except Exception as error:  # it raises Exception itself for whatever is wrong with the bytes
        raise MalformedDocument("The text of the message cannot be decompressed.") from error
    return rich


def _html_within(rich: bytes, charset: str) -> str:
    """The HTML that a rich text was made of: text, and tags in groups `htmltag` ([MS-OXRTFEX])."""
    text: list[str] = []
    hidden, skipped, instead = [False], 0, 1
    for token in tokens(rich, 0):
        if token.mark == "{":
            hidden.append(hidden[-1])
        elif token.mark == "}":
            hidden = hidden[:-1] or [False]
        elif token.word == "htmlrtf":
            hidden[-1] = not rich[token.end - 3 : token.end].strip().endswith(b"0")
        elif token.word == "uc":
            instead = max(token.number, 0)
        elif not hidden[-1]:
            text.append(_shown(token, charset, skipped))
        skipped = instead if token.word == "u" else max(0, skipped - len(token.text))
    return "".join(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _shown(token: Token, charset: str, skipped: int) -> str:
    """What a token stands for, without the first `skipped` characters, which stand for the Unicode one before them."""
    if token.word == "u":
        return chr(token.number % 0x10000)
    if token.word in _BREAKS:
        return "\n"
    return decode_text(token.text[skipped:], charset) or _ESCAPED.get(token.mark, "")
