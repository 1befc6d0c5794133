"""One copy of an object for the checks that read it from wherever they like: in memory up to a limit, then on disk.

It has no name, so it is gone with its last descriptor, however the worker ends.
"""

import asyncio
import fcntl
import os
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

from airlock.errors import Unavailable

# Most uploads are smaller; 16 of them at once are 16 MiB.
IN_MEMORY = 1024**2

# F_SEAL_FUTURE_WRITE of fcntl(2), Linux 5.1. F_SEAL_WRITE would fail (EBUSY) while the kernel happens to hold a page.
_SEAL_FUTURE_WRITE = 0x0010
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | _SEAL_FUTURE_WRITE | fcntl.F_SEAL_SEAL


class Spool:
    """Written from its start to its end, then read. `folder` is where the disk's part goes (None: the system's).

    What the machine refuses (a full disk, a quota, no descriptor left) is Unavailable("spool").
    """

    def __init__(self, folder: Path | None = None, *, in_memory: int = IN_MEMORY) -> None:
        self._folder = folder
        self._in_memory = in_memory
        self._on_disk = False
        self._sealed = False
        # A write that was cancelled goes on in its thread: its descriptor must not be another file's by then.
        self._held = threading.Lock()
        try:
            self._fd = os.memfd_create("spool", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        except OSError as error:
            raise _unavailable(error) from error
        self.size = 0

    @property
    def fd(self) -> int:
        """The descriptor that holds it, -1 once closed. Its position is nobody's: see `reader`."""
        return self._fd

    async def write(self, chunk: bytes) -> None:
        """Append."""
        try:
            if not self._on_disk and self.size + len(chunk) <= self._in_memory:
                _write_all(self._fd, chunk)
            else:
                await asyncio.to_thread(self._write_to_disk, chunk)
        except OSError as error:
            raise _unavailable(error) from error
        self.size += len(chunk)

    def reader(self) -> int:
        """A descriptor of its own to read from, at the start, through which nothing can be written. To be closed."""
        try:
            if not self._on_disk and not self._sealed:
                fcntl.fcntl(self._fd, fcntl.F_ADD_SEALS, _SEALS)
                self._sealed = True
            return os.open(f"/proc/self/fd/{self._fd}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _unavailable(error) from error

    async def chunks(self, size: int) -> AsyncIterator[bytes]:
        """All of it, in chunks of `size` bytes and a shorter last one."""
        for start in range(0, self.size, size):
            wanted = min(size, self.size - start)
            chunk = await asyncio.to_thread(self._read, wanted, start) if self._on_disk else self._read(wanted, start)
            if len(chunk) != wanted:
                raise Unavailable("spool", "the copy is shorter than what was written")
            yield chunk

    def close(self) -> None:
        """Free what it holds; may be called again."""
        with self._held:
            fd, self._fd = self._fd, -1
            if fd >= 0:
                os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, size: int, start: int) -> bytes:
        with self._held:
            return os.pread(self._fd, size, start)

    def _write_to_disk(self, chunk: bytes) -> None:
        with self._held:
            if self._fd < 0:
                return
            if not self._on_disk:
                self._move_to_disk()
            _write_all(self._fd, chunk)

    def _move_to_disk(self) -> None:
        with tempfile.TemporaryFile(dir=self._folder, buffering=0) as file:
            start = 0
            while start < self.size:
                start += os.sendfile(file.fileno(), self._fd, start, self.size - start)
            # The copy takes the descriptor's number, and what was in memory is freed.
            os.dup2(file.fileno(), self._fd, inheritable=False)
        self._on_disk = True


def _write_all(fd: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable("spool", error.strerror or type(error).__name__)
