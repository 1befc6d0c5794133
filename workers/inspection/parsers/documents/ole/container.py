"""An OLE2 container ([MS-CFB]) as a tree of storages and streams, read by olefile within limits."""

import io
import re
import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

from workers.inspection.identification.compounds import used_end
from workers.inspection.parsers.documents.package import PADDING, MalformedDocument
from workers.inspection.parsers.port import LimitExceeded

if TYPE_CHECKING:
    import olefile  # type: ignore[import-untyped]  # it has no types

# Defects that olefile accepts, but with which two programs may read two different documents.
_AMBIGUOUS = re.compile("Duplicate filename|referenced more than once")
# The limit for a stream, which is read into memory.
_STREAM_BYTES = 256 << 20

COMPOUND_ERRORS = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, ArithmeticError, struct.error)
"""What olefile raises for a malformed container."""


class Storage:
    """One storage of a container, with what is below it. Names are compared without regard to case, as OLE does."""

    def __init__(self, container: "olefile.OleFileIO", entry: "olefile.OleDirectoryEntry", size: int) -> None:
        self._container = container
        self._size = size
        self._entry = entry
        self.class_id = str(entry.clsid).upper()
        self._kids = {kid.name.lower(): kid for kid in entry.kids}

    @property
    def streams(self) -> frozenset[str]:
        """The names of its own streams, in lower case."""
        return frozenset(name for name, kid in self._kids.items() if kid.entry_type == 2)

    @property
    def storages(self) -> Mapping[str, "Storage"]:
        """Its own storages by their names in lower case."""
        return {
            name: Storage(self._container, kid, self._size) for name, kid in self._kids.items() if kid.entry_type == 1
        }

    def walk(self) -> Iterator["Storage"]:
        """The storage itself and all below it."""
        yield self
        for storage in self.storages.values():
            yield from storage.walk()

    def has_trailing_data(self) -> bool:
        """Whether bytes follow the last sector that is in use."""
        file = self._container.fp
        file.seek(used_end(self._container))
        return any(piece.strip(PADDING) for piece in iter(lambda: file.read(1 << 20), b""))

    def has(self, name: str) -> bool:
        return name.lower() in self.streams

    def read(self, name: str) -> bytes:
        """A stream; raises LimitExceeded where it is too large for the memory, KeyError where there is none."""
        entry = self._kids[name.lower()]
        # The size in the directory may be false, and olefile would allocate it.
        if entry.size > self._size:
            raise ValueError("a stream is larger than the file")
        if entry.size > _STREAM_BYTES:
            raise LimitExceeded(f"A part of the document has more than {_STREAM_BYTES:,} bytes.")
        content: bytes = self._container._open(entry.isectStart, entry.size).read()  # noqa: SLF001 # olefile opens streams by path alone, and paths are ambiguous
        if len(content) < entry.size:
            raise ValueError("a stream ends before its size")
        return content


def open_container(file: BinaryIO | bytes, size: int, max_entries: int) -> Storage:
    """The root of the container of `size` bytes. Raises what COMPOUND_ERRORS lists, and LimitExceeded."""
    import olefile

    # olefile takes bytes below a size for a path.
    source = io.BytesIO(file) if isinstance(file, bytes) else file
    source.seek(0)
    container = olefile.OleFileIO(source)
    if len(container.direntries) > max_entries:
        raise LimitExceeded(f"The document has more than {max_entries:,} parts (office_entries).")
    if any(_AMBIGUOUS.search(message) for _, message in container.parsing_issues):
        raise MalformedDocument("The document's storages are not a tree.")
    _check_tree(container)
    return Storage(container, container.root, size)


def _check_tree(container: "olefile.OleFileIO") -> None:
    """Olefile's own walk is endless where a folder leads back to the root."""
    waiting, seen = [container.root], {container.root.sid}
    while waiting:
        for entry in waiting.pop().kids:
            if entry.sid in seen:
                raise MalformedDocument("The document's storages are not a tree.")
            seen.add(entry.sid)
            waiting.append(entry)
