"""One RTF document: its fields, objects, links and what it loads.

How it works. The tokens are read in order. A stack has an entry for each open group, with the destination that its text
belongs to. The text of the destinations that matter (`_DESTINATIONS`) is kept, and judged when the group ends: that of
other destinations and of the document itself is not. A field's instruction goes to `Fields` piece by piece, since
other fields may stand in it. Programs skip a group whose destination they do not know: its text in an instruction is
in doubt, and so is that of destinations that have no place there.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.parsers.documents.field_codes import Fields
from workers.inspection.parsers.documents.ole.monikers import linked_addresses
from workers.inspection.parsers.documents.ole.objects import EQUATION, OBJECT
from workers.inspection.parsers.documents.package import PADDING, MalformedDocument
from workers.inspection.parsers.documents.references import (
    clicked,
    loaded,
    merged,
)
from workers.inspection.parsers.documents.rtf.destinations import HIDDEN, SHAPES, SILENT
from workers.inspection.parsers.documents.rtf.objects import examine_object_bytes, examine_object_data
from workers.inspection.parsers.documents.rtf.shapes import ShapeProperties
from workers.inspection.parsers.documents.rtf.tokens import Token, tokens
from workers.inspection.parsers.port import LimitExceeded, Output

_MAX_BYTES = 512 << 20
_DEEPEST = 10_000
_SPACES = frozenset({"tab", "line", "par", "emspace", "enspace", "cell", "row", "sect", "page"})
_QUOTES = {"lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”"}
_SYMBOLS = {"\\\\": "\\", "\\{": "{", "\\}": "}", "\\~": " ", "\\_": "-", "\\\n": " ", "\\\r": " "}
_CONTROLS = frozenset({"objocx", "objhtml", "objpub", "objsub"})
# Braces and words of RTF, and text between them.
_REST = re.compile(rb"[\0\t\n\r ]*[{}\\][\0\t\n\r\x20-\x7e\x1a]*")


class _Group:
    """An open group: its destination ("" for the document's own text), and what of it was kept."""

    __slots__ = ("binary", "destination", "doubt", "ends_field", "kept", "opens", "unicode_skip")

    def __init__(self, destination: str, unicode_skip: int, doubt: int = 0) -> None:
        self.destination = destination
        self.unicode_skip = unicode_skip
        self.doubt = doubt  # the number of the text in doubt that it is a part of, or 0
        self.opens = False  # whether the destination begins with this group
        self.ends_field = False
        self.kept: list[bytes] = []
        self.binary: list[bytes] = []


def examine_rtf(file: BinaryIO, size: int, start: int, limits: Mapping[str, int], output: Output) -> None:
    """Examine the document from `start` to its end. Raises LimitExceeded and MalformedDocument."""
    if size - start > min(_MAX_BYTES, limits["office_bytes"]):
        raise LimitExceeded("The document is too large to be examined (office_bytes).")
    file.seek(0)
    data = file.read()
    reader = _Reader(limits, output)
    end = start
    for token in tokens(data, start):
        reader.take(token)
        end = token.end
        if not reader.is_open:
            break
    if reader.is_open:
        output.finding("irregular", "The document ends before all of its groups do.")
    else:
        _behind(data, end, reader, output)
    reader.close()


def _behind(data: bytes, end: int, reader: "_Reader", output: Output) -> None:
    """What follows a brace too many: some programs end there, others read on, so the rest is examined as well."""
    if not data[end : end + 4096].strip(PADDING) and not data[end:].strip(PADDING):
        return
    if not _REST.fullmatch(data, end) or data.find(b"{\\rt", end) >= 0:
        output.finding("trailing_data", "There are further bytes behind the end of the document.")
        return
    output.finding("irregular", "More groups of the document end than begin, and text follows.")
    for token in tokens(data, end):
        reader.reopen()
        reader.take(token)


class _Reader:
    def __init__(self, limits: Mapping[str, int], output: Output) -> None:
        self._limits = limits
        self._output = output
        self._fields = Fields(output)
        self._groups: list[_Group] = []
        self._star = False
        self._skip = 0  # characters that stand for the Unicode character before them
        self._doubts = 0
        self._open_fields = 0  # the groups with which a field ends
        self._shape = ShapeProperties(output)

    @property
    def is_open(self) -> bool:
        return bool(self._groups)

    def take(self, token: Token) -> None:
        if token.mark == "{":
            self._open()
        elif token.mark == "}":
            self._end()
        elif not self._groups:
            return
        elif token.mark == "\\*":
            self._star = True
        elif token.word:
            self._word(token)
        elif token.mark:
            self._text(token.text or _SYMBOLS.get(token.mark, "").encode("latin-1"), is_hidden=True)
        else:
            self._text(token.text)

    def reopen(self) -> None:
        """Have a group for what follows the last one."""
        if not self._groups:
            self._groups.append(_Group("", 1))

    def close(self) -> None:
        """End what the document leaves open, so that it is judged too."""
        left = list(self._groups)
        while self._groups:
            self._end()
        self._groups = left
        self._fields.close()
        self._shape.end()

    def _open(self) -> None:
        if len(self._groups) >= _DEEPEST:
            raise LimitExceeded(f"Groups are nested more than {_DEEPEST:,} deep in the document.")
        above = self._groups[-1] if self._groups else _Group("", 1)
        group = _Group(above.destination, above.unicode_skip, above.doubt)
        # What is below an object's data is still read by Word as data: a way to hide them.
        group.kept, group.binary = above.kept, above.binary
        if above.destination == "objdata":
            group.kept.append(b"{")
        self._groups.append(group)
        self._star, self._skip = False, 0

    def _end(self) -> None:
        if not self._groups:
            raise MalformedDocument("A group of the document ends before it begins.")
        group = self._groups.pop()
        self._star, self._skip = False, 0
        if group.opens and group.destination in _DESTINATIONS:
            _DESTINATIONS[group.destination](self, group)
        if group.ends_field:
            self._open_fields -= 1
            self._fields.end(self._groups[-1].doubt if self._groups else 0)

    def _word(self, token: Token) -> None:
        word, group = token.word, self._groups[-1]
        if token.binary is not None:
            group.binary.append(token.binary)
        elif word == "u":
            self._text(chr(token.number % 0x10000).encode("utf-16-le", "surrogatepass"), is_wide=True)
            self._skip = group.unicode_skip
        elif word == "uc":
            group.unicode_skip = min(max(token.number, 0), 64)
        elif word in _SPACES or word in _QUOTES:
            self._text(b'"' if "dbl" in word else b"'" if word in _QUOTES else b" ", is_hidden=True)
        else:
            self._destination(word, group)
        self._star = False

    def _destination(self, word: str, group: _Group) -> None:
        if group.destination == "objdata" and word not in _DESTINATIONS:
            group.kept.append(b"\\")
        if word in ("field", "fldrslt", "fldinst", "ud"):
            self._field(word, group)
        elif word in _DESTINATIONS or (self._star and word in SILENT):
            group.destination, group.opens, group.kept, group.binary = word, True, [], []
        elif group.destination == "fldinst" and (self._star or word in HIDDEN) and not group.doubt:
            self._doubts += 1
            group.doubt = self._doubts
        elif word in _CONTROLS:
            self._output.finding("embedded_object", "The document contains a control.")
        elif word == "objupdate":
            self._output.finding("embedded_object", "An object starts its program when the document is opened.")
        elif word in SHAPES:
            self._shape.end()

    def _field(self, word: str, group: _Group) -> None:
        if word == "field":
            self._begin_field(group)
            group.destination = ""
        elif word == "fldrslt":
            self._fields.separate()
            group.destination = ""
        elif word == "fldinst":
            self._instruction(group)
        elif group.destination == "fldinst":
            # The same instruction once more, in Unicode: judged by itself.
            self._begin_field(group)

    def _begin_field(self, group: _Group) -> None:
        self._fields.begin()
        self._open_fields += not group.ends_field
        group.ends_field = True

    def _instruction(self, group: _Group) -> None:
        if not self._open_fields:
            self._begin_field(group)
        group.destination = "fldinst"

    def _text(self, text: bytes, *, is_wide: bool = False, is_hidden: bool = False) -> None:
        group = self._groups[-1]
        if not group.destination:
            if b"\x13" in text and not is_wide:
                self._output.finding("active_field", "The document has the mark of a field in its text.")
            return
        if self._skip and not is_wide:
            text, self._skip = text[self._skip :], max(0, self._skip - len(text))
        if group.destination == "objdata":
            group.kept.append(b"?" + text if is_wide or is_hidden else text)
            return
        shown = text if is_hidden or is_wide else text.translate(None, b"\r\n")
        if group.destination == "fldinst":
            self._fields.text(shown.decode("utf-16-le" if is_wide else "cp1252", "replace"), group.doubt)
        else:
            group.kept.append(
                shown if not is_wide else shown.decode("utf-16-le", "replace").encode("cp1252", "replace")
            )

    # What is done with the text of a destination.

    def take_object_data(self, group: _Group) -> None:
        if group.binary:
            examine_object_bytes(b"".join(group.binary), self._limits, self._output)
            if not b"".join(group.kept).strip():
                return
        examine_object_data(b"".join(group.kept), self._limits, self._output)

    def take_object_class(self, group: _Group) -> None:
        name = _kept(group).lower()
        if name.startswith("equation"):
            self._output.finding("embedded_object", EQUATION)
        elif name == "package":
            self._output.finding("embedded_object", OBJECT)

    def take_loaded(self, group: _Group) -> None:
        loaded(_kept(group), self._output)

    def take_clicked(self, group: _Group) -> None:
        clicked(_kept(group), self._output)

    def take_merged(self, group: _Group) -> None:
        merged(_kept(group), self._output)

    def take_property_name(self, group: _Group) -> None:
        self._shape.name(_kept(group))

    def take_property_value(self, group: _Group) -> None:
        self._shape.value(_kept(group))

    def take_link_data(self, group: _Group) -> None:
        digits = b"".join(group.kept).translate(None, b" \r\n\t")
        try:
            addresses = list(linked_addresses(bytes.fromhex(digits.decode("ascii"))))
        except ValueError:
            return  # not a link's: the specification has other uses of it
        for address in addresses:
            clicked(address, self._output)


def _kept(group: _Group) -> str:
    return b"".join(group.kept).decode("cp1252", "replace").strip().strip(";")


_Judge = Callable[[_Reader, _Group], None]
_DESTINATIONS: Mapping[str, _Judge] = MappingProxyType(
    {
        "objdata": _Reader.take_object_data,
        "objclass": _Reader.take_object_class,
        **dict.fromkeys(("template", "nextfile", "file", "fname", "fontfile", "objfile", "xform"), _Reader.take_loaded),
        **dict.fromkeys(("hlsrc", "hlfr", "hlinkbase"), _Reader.take_clicked),
        **dict.fromkeys(("mmdatasource", "mmheadersource"), _Reader.take_merged),
        "sn": _Reader.take_property_name,
        "sv": _Reader.take_property_value,
        "datafield": _Reader.take_link_data,
    }
)
