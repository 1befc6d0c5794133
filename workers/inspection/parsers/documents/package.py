"""The zip that contains a document, read by its directory and within limits.

Office programs find the parts by the directory. Other programs follow the local header before each part, so bytes that
no entry of the directory accounts for are a finding: they could be a part that only those programs see.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO
from urllib.parse import unquote

from workers.inspection.identification.zip_records import DESCRIPTOR_MARK, END, END_RECORD, LOCAL_HEADER
from workers.inspection.parsers.port import LimitExceeded, Output

PADDING = b"\0\t\n\r \x1a"
"""What editors, mail gateways and file systems leave behind a file."""
PIECE = 1 << 20
HEAD = 4096
# The longest entry of a zip's directory: a name of 250 characters, and the short extra fields of documents.
_DIRECTORY_BYTES = 300
_OFFICE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LONGEST_COMMENT = 0xFFFF
_MASKED = 0xFFFFFFFF  # the size is in a 64-bit field
_DESCRIPTOR, _LONGEST_DESCRIPTOR = 1 << 3, 24
_PRINTABLE = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]*")


class MalformedDocument(Exception):
    """The document breaks its format's rules; the text is a sentence for the uploader."""


class EncryptedDocument(Exception):
    """The document cannot be read without a password."""


class Package:
    """The parts of one document, which begins at `start` in `file`. `names` has their names, with forward slashes and
    none at the start.

    Raises BadZipFile, and LimitExceeded above the limits `office_entries` and `office_bytes`.
    """

    def __init__(self, file: BinaryIO, limits: Mapping[str, int], start: int = 0) -> None:
        if _directory_size(file) > limits["office_entries"] * _DIRECTORY_BYTES:
            raise _too_many(limits)
        self._file = file
        self._start = start
        self._zip = zipfile.ZipFile(file)
        entries = [entry for entry in self._zip.infolist() if not entry.filename.endswith("/")]
        if len(self._zip.infolist()) > limits["office_entries"]:
            raise _too_many(limits)
        if sum(entry.file_size for entry in entries) > limits["office_bytes"]:
            raise LimitExceeded(f"The document unpacks to more than {limits['office_bytes']:,} bytes (office_bytes).")
        self._entries = {_plain(entry.filename): entry for entry in entries}
        self._repeats = len(self._entries) != len(entries)
        self.names = tuple(self._entries)
        self._aside: set[str] = set()

    def check(self, output: Output) -> None:
        """Test the package as a whole; raises EncryptedDocument or MalformedDocument."""
        if any(entry.flag_bits & 1 for entry in self._entries.values()):
            raise EncryptedDocument
        if any(entry.file_size for entry in self._zip.infolist() if entry.filename.endswith("/")):
            raise MalformedDocument("A folder of the document has content.")
        if self._repeats:
            raise MalformedDocument("Two parts of the document have the same name.")
        if any(entry.compress_type not in _OFFICE_METHODS for entry in self._entries.values()):
            raise MalformedDocument("The document is compressed by a method that documents do not use.")
        self._check_layout(output)
        self._check_end(output)

    def set_aside(self, name: str) -> None:
        """Take a file off the names of parts: it belongs to no part of the document."""
        self.names = tuple(each for each in self.names if each != name)
        self._aside.add(name.lower())

    def check_unused(self, targets: Collection[str]) -> None:
        """Raises MalformedDocument where one of these parts was set aside. Their names are in lower case, and may have
        percent signs.
        """
        if not self._aside.isdisjoint([*targets, *map(unquote, targets)]):
            raise MalformedDocument("The document uses a file of macOS as one of its parts.")

    def head(self, name: str) -> bytes:
        """The first 4 KiB of a part."""
        with self._zip.open(self._entries[name]) as part:
            return part.read(HEAD)

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a part. A wrong checksum raises BadZipFile after the last piece."""
        with self._zip.open(self._entries[name]) as part:
            while piece := part.read(PIECE):
                yield piece

    def read(self, name: str, max_size: int) -> bytes:
        """All of a part; raises LimitExceeded above `max_size` bytes."""
        if self._entries[name].file_size > max_size:
            raise LimitExceeded(f"A part of the document has more than {max_size:,} bytes.")
        return b"".join(self.pieces(name))

    def verify(self, name: str) -> None:
        """Read a part to its end, which tests its checksum: raises BadZipFile where that is wrong."""
        for _ in self.pieces(name):
            pass

    def hand_out(self, name: str, output: Output) -> None:
        """Give the part to `output` as a member."""
        with output.member(name) as write:
            for piece in self.pieces(name):
                write(piece)

    def close(self) -> None:
        self._zip.close()

    def _check_layout(self, output: Output) -> None:
        """Entries must follow each other up to the directory: what lies between them is listed nowhere."""
        at = self._start
        for entry in sorted(self._zip.infolist(), key=lambda one: one.header_offset):
            if entry.header_offset < at:
                raise MalformedDocument("Parts of the document share the same bytes.")
            self._check_gap(at, entry.header_offset, output)
            at = self._end_of(entry)
        self._check_gap(at, self._zip.start_dir, output)

    def _end_of(self, entry: zipfile.ZipInfo) -> int:
        """Where an entry's content ends, with the descriptor behind it."""
        self._file.seek(entry.header_offset)
        header = self._file.read(LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size:
            raise zipfile.BadZipFile("a local header is cut off")
        _, _, _, method, _, _, _, packed, _, name, extra = LOCAL_HEADER.unpack(header)
        early = entry.compress_size if entry.flag_bits & _DESCRIPTOR else packed
        if method != entry.compress_type or early not in (entry.compress_size, _MASKED):
            raise MalformedDocument("A part of the document has two headers that differ.")
        end: int = entry.header_offset + LOCAL_HEADER.size + name + extra + entry.compress_size
        if entry.flag_bits & _DESCRIPTOR:
            self._file.seek(end)
            end += _descriptor_size(self._file.read(_LONGEST_DESCRIPTOR), entry)
        return end

    def _check_gap(self, start: int, end: int, output: Output) -> None:
        while start < end:
            self._file.seek(start)
            piece = self._file.read(min(PIECE, end - start))
            if not piece or piece.strip(b"\0"):
                output.finding("hidden_entry", "The document has bytes that its directory does not list.")
                return
            start += len(piece)

    def _check_end(self, output: Output) -> None:
        if self._zip.comment and not _PRINTABLE.fullmatch(self._zip.comment):
            output.finding("trailing_data", "The comment behind the document is no text.")
        tail = _tail(self._file)
        at = tail.rfind(END)
        behind = tail[at + END_RECORD.size + len(self._zip.comment) :]
        if behind.strip(PADDING):
            output.finding("trailing_data", "There are further bytes behind the end of the document.")
        elif behind:
            output.finding("irregular", "White space follows the end of the document.")


def _descriptor_size(found: bytes, entry: zipfile.ZipInfo) -> int:
    """APPNOTE.TXT 4.3.9: a mark, which may be missing, the checksum, and two sizes of 4 or 8 bytes."""
    mark = 4 if found.startswith(DESCRIPTOR_MARK) else 0
    short = struct.pack("<LL", entry.compress_size & 0xFFFFFFFF, entry.file_size & 0xFFFFFFFF)
    return mark + (12 if found[mark + 4 : mark + 12] == short else 20)


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/")


def _too_many(limits: Mapping[str, int]) -> LimitExceeded:
    return LimitExceeded(f"The document has more than {limits['office_entries']:,} parts (office_entries).")


def _tail(file: BinaryIO) -> bytes:
    """The last bytes, in which the end record must be."""
    file.seek(0, io.SEEK_END)
    file.seek(max(0, file.tell() - END_RECORD.size - _LONGEST_COMMENT))
    return file.read()


def _directory_size(file: BinaryIO) -> int:
    """The size of the directory by its end record (0 without one): tested before `zipfile` reads all of it."""
    tail = _tail(file)
    at = tail.rfind(END)
    return int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0


PACKAGE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    struct.error,
)
"""What `zipfile` raises for a malformed package."""
