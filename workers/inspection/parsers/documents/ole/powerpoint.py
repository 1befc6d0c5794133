"""PowerPoint's presentations before 2007 ([MS-PPT]): actions, links, and the objects and macros stored in records."""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from workers.inspection.parsers.documents.ole.container import Storage
from workers.inspection.parsers.documents.ole.monikers import report_links
from workers.inspection.parsers.documents.ole.vba import MACROS
from workers.inspection.parsers.documents.package import EncryptedDocument, MalformedDocument
from workers.inspection.parsers.documents.references import ACTION, LINKED, VERB, clicked, is_remote, played
from workers.inspection.parsers.port import LimitExceeded, Output

_RECORDS = 5_000_000
_ENCRYPTED_TOKEN = 0xF3D1C4DF  # of a CurrentUserAtom (2.3.2)
_USER_EDIT, _DIRECTORY = 0x0FF5, 0x1772
_HYPERLINK = 0x0FD7
_INTERACTION = 0x0FF2  # of a click, or of a hover in its instance 1
_VERB = b"\2\0\0\0"  # an animation's command that an object's program takes (2.8.62)
_MEDIA = frozenset({0x1005, 0x1006, 0x1007, 0x1008, 0x100D, 0x100E, 0x100F, 0x1010})
# 2.13.10: none, jump, hyperlink, an object's verb, media and custom show; the others are a macro and a program.
_ACTIONS = frozenset({0, 3, 4, 5, 6, 7})
_OBJECT_ACTION = 5
_OBJECT_BYTES = 256 << 20
_TARGET = 1  # the instance of a hyperlink's address among its strings (2.10.18)


def examine_powerpoint(storage: Storage, output: Output, stored: Callable[[bytes], bool]) -> None:
    """Examine one presentation; `stored` examines an object's container and says whether it is a macro project.

    Raises EncryptedDocument, LimitExceeded, and struct.error, ValueError or zlib.error where it is broken.
    """
    user = storage.read("Current User") if storage.has("Current User") else b""
    if len(user) >= 16 and struct.unpack_from("<L", user, 12)[0] == _ENCRYPTED_TOKEN:
        raise EncryptedDocument
    stream = storage.read("PowerPoint Document")
    presentation = _Presentation(stream, output, stored)
    presentation.examine(int.from_bytes(user[16:20], "little") if len(user) >= 20 else 0)
    report_links(stream, output)


class _Presentation:
    def __init__(self, stream: bytes, output: Output, stored: Callable[[bytes], bool]) -> None:
        self._stream = stream
        self._output = output
        self._stored = stored
        self._seen: set[int] = set()
        self._ends: list[int] = []
        self._macros = self._project = False
        self._within = self._hyperlink = 0
        self._hovers = False
        self._targets: dict[int, str] = {}
        self._hovered: set[int] = set()

    def examine(self, last_edit: int) -> None:
        """All records from the beginning, and those that only a lying length or the directories of the edits lead to
        (2.1.2).
        """
        self._walk(0, len(self._stream))
        for start in self._objects(last_edit):
            if start + 8 <= len(self._stream):
                length = struct.unpack_from("<L", self._stream, start + 4)[0]
                self._walk(start, min(start + 8 + length, len(self._stream)))
        while self._ends:
            self._walk(self._ends.pop(), len(self._stream))
        if self._macros and not self._project:
            self._output.finding("macros", MACROS)
        if any(is_remote(self._targets.get(each, "")) for each in self._hovered):
            self._output.finding("active_action", "A hover leads to another place.")

    def _objects(self, edit: int) -> Iterator[int]:
        edits: set[int] = set()
        while edit and edit not in edits and edit + 36 <= len(self._stream):
            edits.add(edit)
            kind, length = struct.unpack_from("<HL", self._stream, edit + 2)
            if kind != _USER_EDIT:
                raise MalformedDocument("The presentation's list of edits is broken.")
            if length >= 32 and any(self._stream[edit + 36 : edit + 40]):
                raise EncryptedDocument  # the number of the object that says how
            edit, directory = struct.unpack_from("<LL", self._stream, edit + 16)
            yield from self._directory(directory)

    def _directory(self, at: int) -> Iterator[int]:
        """2.3.5: runs of offsets, each behind the number of the first and their count."""
        kind, length = struct.unpack_from("<HL", self._stream, at + 2)
        if kind != _DIRECTORY:
            raise MalformedDocument("The presentation's directory is broken.")
        body = self._stream[at + 8 : at + 8 + length]
        position = 0
        while position + 4 <= len(body):
            count = int.from_bytes(body[position : position + 4], "little") >> 20
            yield from struct.unpack_from(f"<{count}L", body, position + 4)
            position += 4 + 4 * count

    def _walk(self, at: int, end: int) -> None:
        """All records up to one that was walked before, also those inside containers (version 15), of which only the
        header is skipped.
        """
        self._within = 0
        while at + 8 <= end and at not in self._seen:
            version, kind, length = struct.unpack_from("<HHL", self._stream, at)
            self._seen.add(at)
            if len(self._seen) > _RECORDS:
                raise LimitExceeded(f"The presentation has more than {_RECORDS:,} records.")
            is_container = version & 0xF == 0xF
            if is_container:
                self._ends.append(at + 8 + length)
            self._record(version, kind, b"" if is_container else self._stream[at + 8 : at + 8 + length])
            at += 8 if is_container else 8 + length

    def _record(self, version: int, kind: int, body: bytes) -> None:
        if version & 0xF == 0xF:
            self._within = kind
            self._hovers = kind == _INTERACTION and version >> 4 == 1
        if rule := _RULES.get(kind):
            rule(self, version >> 4, body)

    def take_linked_object(self, _instance: int, _body: bytes) -> None:
        self._output.finding("external_link", LINKED)

    def take_control(self, _instance: int, _body: bytes) -> None:
        self._output.finding("embedded_object", "The presentation contains a control.")

    def take_macro_info(self, _instance: int, body: bytes) -> None:
        self._macros = self._macros or any(body[4:8])

    def take_action(self, _instance: int, body: bytes) -> None:
        """2.8.10: the sound, the number of the hyperlink, then the action."""
        if len(body) <= 8:
            return
        if body[8] not in _ACTIONS or (self._hovers and body[8] == _OBJECT_ACTION):
            self._output.finding("active_action", ACTION)
        elif self._hovers:
            self._hovered.add(int.from_bytes(body[4:8], "little"))

    def take_command(self, _instance: int, body: bytes) -> None:
        if body[4:8] == _VERB:
            self._output.finding("active_action", VERB)

    def take_hyperlink(self, _instance: int, body: bytes) -> None:
        self._hyperlink = int.from_bytes(body[:4], "little")

    def take_text(self, instance: int, body: bytes) -> None:
        text = body.decode("utf-16-le", "replace")
        if self._within == _HYPERLINK and instance == _TARGET:
            self._targets[self._hyperlink] = text
            clicked(text, self._output)
        elif self._within in _MEDIA:
            played(text, self._output)

    def take_stored(self, instance: int, body: bytes) -> None:
        self._project = self._stored(_unpacked(instance, body)) or self._project


def _unpacked(instance: int, body: bytes) -> bytes:
    """The container in a stored object (2.10.34): as it is, or behind its size and deflated."""
    if instance != 1:
        return body
    decompressor = zlib.decompressobj()
    content = decompressor.decompress(body[4:], _OBJECT_BYTES)
    if decompressor.unconsumed_tail:
        raise LimitExceeded(f"An object of the presentation has more than {_OBJECT_BYTES:,} bytes.")
    return content


_Rule = Callable[[_Presentation, int, bytes], None]
_RULES: Mapping[int, _Rule] = MappingProxyType(
    {
        0x0FCE: _Presentation.take_linked_object,
        0x0FEE: _Presentation.take_control,
        0x0400: _Presentation.take_macro_info,
        0x0FF3: _Presentation.take_action,
        0xF13B: _Presentation.take_command,
        0x0FD3: _Presentation.take_hyperlink,
        0x0FBA: _Presentation.take_text,
        0x1011: _Presentation.take_stored,
    }
)
"""By the type of a record (2.13.24); each gets its instance and its body."""
