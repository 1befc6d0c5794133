"""One copy of an object, for the checks that need random access: in memory up to a limit, then on disk.

The file has no name, so the kernel frees it with its last descriptor, however the worker ends.
"""

import asyncio
import fcntl
import os
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

from airlock.errors import Outage, Unavailable
from workers.inspection.room import Share

# Most uploads are smaller; 16 inspections at once use 16 MiB.
IN_MEMORY = 1024**2

# F_SEAL_FUTURE_WRITE of fcntl(2), since Linux 5.1. F_SEAL_WRITE can fail (EBUSY) while the kernel still uses a page.
_SEAL_FUTURE_WRITE = 0x0010
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | _SEAL_FUTURE_WRITE | fcntl.F_SEAL_SEAL


class Spool:
    """Written from start to end, then read. `size` is what was written, in bytes.

    Above `in_memory` bytes it is a file in `folder` (None: the system's temporary folder), whose bytes are taken from
    `share` (None: there is no limit). Every method but `close` raises Unavailable("spool"): Outage where the machine
    refuses (a full disk, a quota, no descriptor left), and what `Share.take` raises.
    """

    def __init__(self, folder: Path | None = None, *, in_memory: int = IN_MEMORY, share: Share | None = None) -> None:
        self._share = share
        self._taken = 0
        self._folder = folder
        self._in_memory = in_memory
        self._on_disk = False
        self._sealed = False
        # A cancelled write goes on in its thread. Without the lock, `close` could free the descriptor's number, and the
        # thread would write into whatever file has it next.
        self._lock = threading.Lock()
        try:
            self._fd = os.memfd_create("spool", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        except OSError as error:
            raise _unavailable(error) from error
        self.size = 0

    @property
    def fd(self) -> int:
        """The descriptor that holds it, -1 once closed. To read, use `reader`: the position of this one is shared."""
        return self._fd

    async def write(self, chunk: bytes) -> None:
        """Append `chunk`."""
        in_memory = not self._on_disk and self.size + len(chunk) <= self._in_memory
        if self._share is not None and not in_memory:
            more = self.size + len(chunk) - self._taken
            await self._share.take(more)
            self._taken += more
        try:
            if in_memory:
                _write_all(self._fd, chunk)
            else:
                await asyncio.to_thread(self._write_to_disk, chunk)
        except OSError as error:
            raise _unavailable(error) from error
        self.size += len(chunk)

    def reader(self) -> int:
        """A new descriptor, read-only, with a position of its own at the start. The caller closes it."""
        try:
            if self._fd >= 0 and not self._on_disk and not self._sealed:
                fcntl.fcntl(self._fd, fcntl.F_ADD_SEALS, _SEALS)
                self._sealed = True
            return os.open(f"/proc/self/fd/{self._fd}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _unavailable(error) from error

    async def chunks(self, size: int) -> AsyncIterator[bytes]:
        """All bytes, in chunks of `size` bytes and a shorter last one."""
        for start in range(0, self.size, size):
            wanted = min(size, self.size - start)
            chunk = await asyncio.to_thread(self._read, wanted, start) if self._on_disk else self._read(wanted, start)
            if len(chunk) != wanted:
                raise Unavailable("spool", "the copy is shorter than what was written")
            yield chunk

    def at(self, start: int, size: int) -> bytes:
        """Up to `size` bytes from `start`."""
        try:
            return self._read(size, start)
        except OSError as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Free the copy. Further calls do nothing."""
        with self._lock:
            fd, self._fd = self._fd, -1
            if fd >= 0:
                os.close(fd)
        if self._share is not None and self._taken:
            self._share.give_back(self._taken)
            self._taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, size: int, start: int) -> bytes:
        with self._lock:
            return os.pread(self._fd, size, start)

    def _write_to_disk(self, chunk: bytes) -> None:
        with self._lock:
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
            # The file takes over the descriptor's number, and the memory is freed.
            os.dup2(file.fileno(), self._fd, inheritable=False)
        self._on_disk = True


def _write_all(fd: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _unavailable(error: OSError) -> Unavailable:
    return Outage("spool", error.strerror or type(error).__name__)
