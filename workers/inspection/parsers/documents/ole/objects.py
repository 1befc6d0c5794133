r"""Objects that a document embeds ([MS-OLEDS]): of an office program, a file in a package, or a program's own.

A document of an office program is examined like the one that embeds it. A file in a package (`\1Ole10Native`) is what
the reader starts by a click, whatever it is: it is a finding, and is handed out as a member too. So is a document that
is itself a file in the object. What only a program of its own can read is a finding.
"""

import io
import struct
from collections.abc import Callable
from typing import NamedTuple

from workers.inspection.identification.sample import Sample
from workers.inspection.parsers.archives.hidden import formats_in
from workers.inspection.parsers.documents.known_data import is_known_data
from workers.inspection.parsers.documents.ole.container import Storage
from workers.inspection.parsers.documents.ole.monikers import report_ole_stream
from workers.inspection.parsers.port import Output

NATIVE = "\x01ole10native"
# The documents that this package reads, by the stream that each has.
DOCUMENTS = frozenset({"worddocument", "workbook", "book", "powerpoint document"})
_WHOLE_FILES = ("package", "embeddedodf", "package_stream", "contents")
# What describes an object, or shows it while its program is not running.
_INERT = (
    "\x01compobj", "\x01ole", "\x03objinfo", "\x02olepres", "\x03linkinfo", "\x03meta", "\x03pict", "\x03print",
    "\x05", "\x03epsf", "\x03eprint", "\x03metafile", "\x02pres", "\x01ole10fmtprogid", "\x01ole10itemname",
    "\x03pic", "properties_stream",
)  # fmt: skip
# MathType's own class; the editor of equations that came with Office reads the older ones, and has holes that no
# update closes (CVE-2017-11882).
_EQUATIONS = frozenset({"0002CE02-0000-0000-C000-000000000046", "00021700-0000-0000-C000-000000000046",
                        "0003000B-0000-0000-C000-000000000046"})  # fmt: skip
_MATHTYPE = "0002CE03-0000-0000-C000-000000000046"
_MTEF_MATHTYPE = 1
# Programs whose objects only hold what they show: think-cell's charts, Photo Editor's pictures, two versions of the
# ClipArt Gallery, Organization Chart, CorelDRAW 10. The class decides which program a click starts.
_SHOWN = frozenset({
    "3EAB3858-A0E0-4A3B-A405-F4D525E85265", "11943940-36DE-11CF-953E-00C0A84029E9",
    "00030026-0000-0000-C000-000000000046", "00021290-0000-0000-C000-000000000046",
    "E4C18D40-1CD5-101C-B325-00AA001F3168", "1933A000-1F48-11D3-B198-00A0C9E8A79C",
})  # fmt: skip
# What some programs open whatever the class is.
_OPENED = frozenset({"equation native", "package", "embeddedodf", "package_stream"})
EQUATION = "The document contains an object of the equation editor."
OBJECT = "The document contains an embedded object or control."


class NativeFile(NamedTuple):
    """The file in a package: the name that it is shown with ("" where it has none), and its bytes."""

    name: str
    content: bytes


def examine_object(storage: Storage, output: Output, document: Callable[[Storage], None]) -> None:
    """Examine one object; `document` examines the storage of a document of an office program."""
    streams = storage.streams
    if "\x01ole" in streams:
        report_ole_stream(storage.read("\x01ole"), output)
    if DOCUMENTS & streams or "encryptedpackage" in streams:
        document(storage)
    elif storage.class_id in _EQUATIONS:
        output.finding("embedded_object", EQUATION)
    elif _is_shown(storage):
        return
    elif NATIVE in streams:
        report_native(storage.read(NATIVE), output)
    elif "equation native" in streams:
        _equation(storage, output)
    elif not _handed_out(storage, output) and _is_foreign(storage):
        output.finding("embedded_object", OBJECT)


def _is_shown(storage: Storage) -> bool:
    """Whether it is of a program of `_SHOWN`, and no part of its data is a file for another one."""
    if storage.class_id not in _SHOWN or _OPENED & storage.streams:
        return False
    if NATIVE in storage.streams and native_file(storage.read(NATIVE)) is not None:
        return False
    return not any(_hides_a_file(one.read(name)) for one in storage.walk() for name in one.streams)


def _hides_a_file(content: bytes) -> bool:
    return content.startswith((b"MZ", b"{\\rt")) or bool(formats_in(Sample(io.BytesIO(content), len(content))))


def _is_foreign(storage: Storage) -> bool:
    return bool(storage.storages) or any(not name.startswith(_INERT) for name in storage.streams)


def _handed_out(storage: Storage, output: Output) -> bool:
    """Hand out the file that the object is, if it is one."""
    name = next((each for each in _WHOLE_FILES if storage.has(each)), None)
    if name is None or any(each not in _WHOLE_FILES and not each.startswith(_INERT) for each in storage.streams):
        return False
    content = storage.read(name)
    if not is_known_data(content[:64]):
        with output.member("embedded object") as write:
            write(content)
    return True


def report_native(content: bytes, output: Output) -> None:
    """Report a package and hand out its file; pictures that the reader's paint program edits are only shown."""
    if len(content) > 4 and is_known_data(content[4:68]) and content[4:5] != b"\0":
        return
    file = native_file(content)
    if file is None:
        output.finding("embedded_object", OBJECT)
        return
    output.finding("embedded_object", f"The document contains a file that a click starts{_shown(file.name)}.")
    with output.member(file.name or "package") as write:
        write(file.content)


def _shown(name: str) -> str:
    plain = "".join(character for character in name if character.isprintable())[:100]
    return f" (“{plain}”)" if plain else ""


def native_file(content: bytes) -> NativeFile | None:
    r"""The file of `\1Ole10Native` as Windows' packager writes it ([MS-OLEDS] 2.3.6); None for other data."""
    try:
        at = 6
        label, at = _text(content, at)
        path, at = _text(content, at)
        at += 4
        at += 4 + int.from_bytes(content[at : at + 4], "little")
        size = struct.unpack_from("<L", content, at)[0]
        if at + 4 + size <= len(content):
            return NativeFile(label or path.rpartition("\\")[2], content[at + 4 : at + 4 + size])
    except (ValueError, struct.error):
        pass
    return None


def _text(content: bytes, at: int) -> tuple[str, int]:
    end = content.index(b"\0", at)
    return content[at:end].decode("cp1252", "replace"), end + 1


def _equation(storage: Storage, output: Output) -> None:
    """MathType's equations have its class, and say that they are its in the header of their data (MTEF 3 and later)."""
    content = storage.read("equation native")
    start = int.from_bytes(content[:2], "little")
    is_mathtype = len(content) > start + 3 and content[start] >= 3 and content[start + 2] in (0, _MTEF_MATHTYPE)
    if storage.class_id != _MATHTYPE or not is_mathtype:
        output.finding("embedded_object", EQUATION)
