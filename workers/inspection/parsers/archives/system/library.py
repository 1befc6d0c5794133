"""The binding to the system's libarchive.

It is a library in C with a long history of faults, so it gets only what nothing here reads. It never opens a file: its
callbacks read from ours.
"""

import ctypes
import logging
import stat
from collections.abc import Container, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.hidden import LONGEST, report_hidden
from workers.inspection.parsers.archives.output import SPECIAL_FILES, ArchiveOutput
from workers.inspection.parsers.archives.rest import report_rest
from workers.inspection.parsers.archives.system import rar

# The binding loads the shared library when it is imported, and fails in different ways where there is none. The fork
# server imports this module, so that the library is loaded before a process is confined.
try:
    import libarchive.ffi  # type: ignore[import-untyped]
    import libarchive.read  # type: ignore[import-untyped]
except (ImportError, OSError, TypeError, AttributeError):
    AVAILABLE = False
else:
    AVAILABLE = True
# It logs each warning of the library, which may have names of the object's files.
logging.getLogger("libarchive").setLevel(logging.CRITICAL)

_BLOCK = 64 << 10
_PIECE = 256 << 10
_SECTOR = 2048
_FORMATS = {
    "application/vnd.ms-cab-compressed": "cab",
    "application/x-iso9660-image": "iso9660",
    "application/x-lha": "lha",
    "application/x-cpio": "cpio",
    "application/x-archive": "ar",
    "application/x-xar": "xar",
}
_RAR, _COMPRESS = "application/vnd.rar", "application/x-compress"
TYPES = frozenset({*_FORMATS, _RAR, _COMPRESS})
# An image has up to three directories, and systems differ in which one they show.
_ISO_VIEWS = (b"", b"iso9660:!rockridge", b"iso9660:!rockridge,iso9660:!joliet")
_WARNING = -20
# The tables of symbols and of long names, which no program unpacks.
_AR_TABLES = frozenset({"/", "//", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED"})


class _Entry(NamedTuple):
    """An entry at the library's position; `pointer` and `archive` are the library's handles."""

    archive: int
    pointer: int

    @property
    def name(self) -> str | None:
        return _decoded(libarchive.ffi.entry_pathname(self.pointer), libarchive.ffi.entry_pathname_w(self.pointer))

    @property
    def kind(self) -> int:
        return int(libarchive.ffi.entry_filetype(self.pointer))

    @property
    def symbolic(self) -> str | None:
        return _decoded(libarchive.ffi.entry_symlink(self.pointer), libarchive.ffi.entry_symlink_w(self.pointer))

    @property
    def hard(self) -> str | None:
        return _decoded(libarchive.ffi.entry_hardlink(self.pointer), libarchive.ffi.entry_hardlink_w(self.pointer))

    @property
    def encrypted(self) -> bool:
        return bool(libarchive.ffi.libarchive.archive_entry_is_encrypted(ctypes.c_void_p(self.pointer)))

    def pieces(self) -> Iterator[bytes]:
        """Its content; raises MalformedArchive where the library warns of it."""
        buffer = ctypes.create_string_buffer(_PIECE)
        while length := _read_data(self.archive, buffer):
            yield buffer.raw[:length]


def read(file: BinaryIO, size: int, media_type: str, output: ArchiveOutput) -> None:
    """Hand out the entries. Raises MalformedArchive, UnreadableArchive and LimitExceeded."""
    if media_type == _COMPRESS:
        with _opened(file, "raw", "compress") as archive, output.member("") as write:
            for entry in _entries(archive):
                for piece in entry.pieces():
                    write(piece)
        return
    name, end, used = _FORMATS.get(media_type, ""), 0, 0
    if media_type == _RAR:
        end = rar.end_of(file, size, output)
        name = _rar_version(file)
    for options in _ISO_VIEWS if name == "iso9660" else (b"",):
        with _opened(file, name, "none", options) as archive:
            for entry in _entries(archive):
                if name == "ar" and entry.name in _AR_TABLES:
                    report_hidden(b"".join(islice(entry.pieces(), LONGEST // _PIECE)), "in a table", output)
                else:
                    _hand_out(entry, output)
            used = int(libarchive.ffi.filter_bytes(archive, 0))
    _check_rest(file, size, name, end or used, output)


def contents(file: BinaryIO, name: str, wanted: Container[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The names and contents of the entries with `wanted` names, of an archive of the library's format `name`.

    Each content has to be read before the next entry.
    """
    with _opened(file, name, "none") as archive:
        for entry in _entries(archive):
            found = entry.name
            if found is not None and found in wanted:
                yield found, entry.pieces()


def _hand_out(entry: _Entry, output: ArchiveOutput) -> None:
    name = entry.name
    if name is None:
        raise MalformedArchive("an entry's name is not valid")
    output.entry(name)
    if entry.encrypted:
        output.finding("encrypted", "The archive is encrypted.")
    elif entry.kind in SPECIAL_FILES:
        output.special_file(name, entry.kind)
    elif (target := entry.symbolic) is not None:
        output.link(name, target)
    elif (target := entry.hard) is not None:
        output.link(name, target, hard=True)
    elif entry.kind != stat.S_IFDIR:
        with output.member(name) as write:
            for piece in entry.pieces():
                write(piece)


@contextmanager
def _opened(file: BinaryIO, name: str, compression: str, options: bytes = b"") -> Iterator[int]:
    """The library's handle of an archive of this format."""
    if not AVAILABLE:
        raise UnreadableArchive("unsupported", "Archives of this format are not unpacked here.")
    file.seek(0)
    reader = _Reader(file)
    with _translated(), libarchive.read.new_archive_read(name, compression) as archive:
        if options:
            libarchive.ffi.libarchive.archive_read_set_options(ctypes.c_void_p(archive), options)
        libarchive.ffi.read_set_seek_callback(archive, reader.seek_callback)
        no_open, no_close = libarchive.ffi.NO_OPEN_CB, libarchive.ffi.NO_CLOSE_CB
        libarchive.ffi.read_open(archive, None, no_open, reader.read_callback, no_close)
        yield archive


class _Reader:
    """The library's callbacks over a file. An exception in them would be lost, so they keep it simple."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._buffer = ctypes.create_string_buffer(_BLOCK)
        self.read_callback = libarchive.ffi.READ_CALLBACK(self._read)
        self.seek_callback = libarchive.ffi.SEEK_CALLBACK(self._seek)

    def _read(self, _archive: int, _context: Any, target: Any) -> int:
        data = self._file.read(_BLOCK)
        self._buffer.raw = data.ljust(_BLOCK, b"\0") if len(data) < _BLOCK else data
        target[0] = ctypes.cast(self._buffer, ctypes.c_void_p)
        return len(data)

    def _seek(self, _archive: int, _context: Any, offset: int, whence: int) -> int:
        return self._file.seek(offset, whence)


def _entries(archive: int) -> Iterator[_Entry]:
    pointer = libarchive.ffi.entry_new()
    try:
        while (result := libarchive.ffi.read_next_header2(archive, pointer)) != libarchive.ffi.ARCHIVE_EOF:
            if result == _WARNING and libarchive.ffi.entry_pathname(pointer) is None:
                raise MalformedArchive("an entry's header is not valid")
            yield _Entry(archive, pointer)
    finally:
        libarchive.ffi.entry_free(pointer)


def _read_data(archive: int, buffer: Any) -> int:
    with _translated():  # the caller reads outside of the context in which the archive was opened
        length = int(libarchive.ffi.read_data(archive, buffer, _PIECE))
    if length < 0:  # a warning, as of a wrong checksum
        raise MalformedArchive("the content of an entry is not valid")
    return length


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the library's errors into ours. What it cannot read may be well-formed."""
    try:
        yield
    except libarchive.exception.ArchiveError as error:
        message = str(error).lower()
        if "encrypt" in message or "passphrase" in message or "password" in message:
            raise UnreadableArchive("encrypted", "The archive is encrypted.") from error
        if "memory" in message or "allocate" in message:
            raise MemoryError from error
        raise UnreadableArchive("unsupported", "The archive cannot be unpacked here, or is broken.") from error


def _decoded(name: bytes | None, wide: str | None) -> str | None:
    """The name as the library gives it: where the system's encoding cannot express it, only as wide characters."""
    return wide if wide is not None else name.decode("utf-8", "replace") if name is not None else None


def _rar_version(file: BinaryIO) -> str:
    file.seek(0)
    return "rar5" if file.read(len(rar.RAR_5)) == rar.RAR_5 else "rar"


def _check_rest(file: BinaryIO, size: int, name: str, end: int, output: ArchiveOutput) -> None:
    """Report what follows the archive's end: the one that it declares, or `end`, up to which it was read."""
    if name == "cab":
        end = _number(file, 8, 4)  # [MS-CAB] 2.1
    elif name == "iso9660":
        end = _number(file, 16 * _SECTOR + 80, 4) * _SECTOR  # ECMA-119, 8.4.8
        _check_udf(file)
    elif name == "lha":
        file.seek(end)
        end += file.read(1) == b"\0"  # the mark of the end, which the library leaves
    elif name == "xar":
        return  # its parts may lie in any order, and the library reads what its table lists
    if end < size:
        report_rest(file, end, output)


def _check_udf(file: BinaryIO) -> None:
    """An image can have a directory by UDF too, which the library does not read (ECMA-167 2/9)."""
    for sector in range(16, 64):
        file.seek(sector * _SECTOR + 1)
        if file.read(5) in {b"NSR02", b"NSR03"}:
            raise UnreadableArchive("unsupported", "Disk images with a UDF file system are not unpacked here.")


def _number(file: BinaryIO, at: int, length: int) -> int:
    file.seek(at)
    return int.from_bytes(file.read(length), "little")
