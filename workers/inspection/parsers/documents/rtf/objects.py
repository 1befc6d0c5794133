r"""Objects in RTF: the data behind `\objdata`, which have the form of OLE 1.0 ([MS-OLEDS] 2.2)."""

import re
import struct
from collections.abc import Mapping
from typing import NamedTuple

from workers.inspection.identification.compounds import MAGIC
from workers.inspection.parsers.documents.known_data import is_known_data
from workers.inspection.parsers.documents.ole.document import examine_embedded
from workers.inspection.parsers.documents.ole.objects import EQUATION, OBJECT, report_native
from workers.inspection.parsers.documents.references import LINKED, REMOTE, Place, place_of
from workers.inspection.parsers.port import Output

_LINKED, _EMBEDDED = 1, 2
_WHITE = b" \t\r\n\0"
_HEXADECIMAL = re.compile(rb"(?:[0-9A-Fa-f]{2})*")


class _OldObject(NamedTuple):
    """`kind` is linked or embedded; `class_name` tells the program, `topic` the file of a link; then its own data."""

    kind: int
    class_name: str
    topic: str
    native: bytes


def examine_object_data(text: bytes, limits: Mapping[str, int], output: Output) -> None:
    r"""Examine what stands behind `\objdata`. Word writes hexadecimal digits and line ends, and nothing else."""
    digits = text.translate(None, _WHITE)
    if not _HEXADECIMAL.fullmatch(digits):
        output.finding("embedded_object", "An object's data are written in a way that hides them.")
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", digits)
    examine_object_bytes(bytes.fromhex(digits[: len(digits) & ~1].decode("ascii")), limits, output)


def examine_object_bytes(data: bytes, limits: Mapping[str, int], output: Output) -> None:
    """Examine an object's bytes: the form of OLE 1.0, or a container by itself."""
    if not data.strip(b"\0"):
        return
    found = None if data.startswith(MAGIC) else _old_object(data)
    native = data if found is None else found.native
    if found is not None and found.kind == _LINKED:
        _link(found.topic, output)
    elif found is not None and found.class_name.startswith("equation"):
        output.finding("embedded_object", EQUATION)
    elif native.startswith(MAGIC):
        examine_embedded(native, limits, output)
    elif found is not None and found.class_name == "package":
        report_native(struct.pack("<L", len(native)) + native, output)
    elif not native or not is_known_data(native[:64]):
        output.finding("embedded_object", OBJECT)


def _link(topic: str, output: Output) -> None:
    place = place_of(topic)
    if place in (Place.LOCAL, Place.NOWHERE):
        output.finding("external_link", LINKED)
    else:
        output.finding("remote_template", REMOTE)


def _old_object(data: bytes) -> _OldObject | None:
    """The header of OLE 1.0; None where the data do not have it."""
    try:
        kind = struct.unpack_from("<L", data, 4)[0] & 0xFF
        class_name, at = _text(data, 8)
        topic, at = _text(data, at)
        _, at = _text(data, at)
        size = struct.unpack_from("<L", data, at)[0] if kind == _EMBEDDED else 0
    except (struct.error, ValueError):
        return _cut_off(data)
    return _OldObject(kind, class_name, topic, data[at + 4 : at + 4 + size])


def _cut_off(data: bytes) -> _OldObject | None:
    """A header whose end is missing, as far as it tells the class: readers go on."""
    for name in (b"package", b"equation"):
        if name in data[:64].lower():
            return _OldObject(_EMBEDDED, name.decode("ascii"), "", data[64:])
    return None


def _text(data: bytes, at: int) -> tuple[str, int]:
    size = struct.unpack_from("<L", data, at)[0]
    if size > len(data):
        raise ValueError("a name is longer than the data")
    return data[at + 4 : at + 4 + size].partition(b"\0")[0].decode("cp1252", "replace").lower().strip(), at + 4 + size
