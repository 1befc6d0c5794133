"""The zip that contains a document, read within limits, and its XML, parsed without a tree and without entities."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Protocol

from workers.inspection.parsers.port import LimitExceeded

PIECE = 1 << 20
# The longest entry of a zip's directory: a name of 250 characters, and the short extra fields of documents.
_DIRECTORY_BYTES = 300
_ENTITY = re.compile(rb"<!ENTITY|<\0!\0E\0N\0T|\0<\0!\0E\0N")
_TOO_LARGE = re.compile(r"huge|depth|too long|too large|limit", re.IGNORECASE)
_OFFICE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class MalformedDocument(Exception):
    """The document breaks its format's rules; the text is a sentence for the uploader."""


class EncryptedDocument(Exception):
    """The document cannot be read without a password."""


class XmlTarget(Protocol):
    """Takes the elements of a part: lxml's interface for parser targets."""

    def start(self, tag: str, attributes: Mapping[str, str], /) -> None: ...

    def close(self) -> None: ...


class Package:
    """The parts of one document. `names` has their names, with forward slashes and none at the start.

    Raises BadZipFile, and LimitExceeded above the limits `office_entries` and `office_bytes`.
    """

    def __init__(self, file: BinaryIO, limits: Mapping[str, int]) -> None:
        if _directory_size(file) > limits["office_entries"] * _DIRECTORY_BYTES:
            raise _too_many(limits)
        self._zip = zipfile.ZipFile(file)
        entries = [entry for entry in self._zip.infolist() if not entry.filename.endswith("/")]
        if len(self._zip.infolist()) > limits["office_entries"]:
            raise _too_many(limits)
        if sum(entry.file_size for entry in entries) > limits["office_bytes"]:
            raise LimitExceeded(f"The document unpacks to more than {limits['office_bytes']:,} bytes.")
        self._entries = {_plain(entry.filename): entry for entry in entries}
        self.repeats = len(self._entries) != len(entries)
        self.names = tuple(self._entries)

    def check(self) -> None:
        """Test the package as a whole; raises EncryptedDocument or MalformedDocument."""
        if any(entry.flag_bits & 1 for entry in self._entries.values()):
            raise EncryptedDocument
        if self.repeats:
            raise MalformedDocument("Two parts of the document have the same name.")
        if any(entry.compress_type not in _OFFICE_METHODS for entry in self._entries.values()):
            raise MalformedDocument("The document is compressed by a method that documents do not use.")

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a part. A wrong checksum raises BadZipFile after the last piece."""
        if self._entries[name].flag_bits & 1:
            raise EncryptedDocument
        with self._zip.open(self._entries[name]) as part:
            while piece := part.read(PIECE):
                yield piece

    def read(self, name: str, max_size: int) -> bytes:
        """All of a part; raises LimitExceeded above `max_size` bytes."""
        if self._entries[name].file_size > max_size:
            raise LimitExceeded(f"A part of the document has more than {max_size:,} bytes.")
        return b"".join(self.pieces(name))

    def close(self) -> None:
        self._zip.close()


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/")


def _too_many(limits: Mapping[str, int]) -> LimitExceeded:
    return LimitExceeded(f"The document has more than {limits['office_entries']:,} parts.")


def _directory_size(file: BinaryIO) -> int:
    """The size of the directory by its end record (0 without one): tested before `zipfile` reads all of it."""
    file.seek(0, io.SEEK_END)
    file.seek(max(0, file.tell() - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    return int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0


def parse(pieces: Iterator[bytes], target: XmlTarget) -> None:
    """Give every element to `target`. Raises MalformedDocument where it is not well-formed or declares entities."""
    from lxml import etree  # type: ignore[import-untyped]  # it has no types of its own

    parser = etree.XMLParser(
        target=target, resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    carry = b""
    try:
        for piece in pieces:
            if _ENTITY.search(carry + piece):
                raise MalformedDocument("A part of the document declares entities, which documents do not use.")
            parser.feed(piece)
            carry = piece[-16:]
        parser.close()
    except etree.LxmlError as error:
        if _TOO_LARGE.search(str(error)):
            raise LimitExceeded("A part of the document is nested too deeply, or has too long a value.") from error
        raise MalformedDocument("A part of the document is not well-formed.") from error


PACKAGE_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
"""What `zipfile` raises for a malformed package."""
