"""A real clamd with a test database that knows EICAR, and low limits that a test can exceed."""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.debian import needs
from tests.workers.harness import EICAR

STREAM_MAX = 2 * 1024**2
FILE_MAX = 1024**2

CONFIGURATION = """\
Foreground yes
LocalSocket {folder}/clamd.sock
TCPSocket {port}
TCPAddr 127.0.0.1
DatabaseDirectory {folder}/definitions
TemporaryDirectory {folder}
AlertExceedsMax yes
AlertEncrypted yes
StreamMaxLength 2M
MaxFileSize 1M
MaxScanSize 4M
ConcurrentDatabaseReload no
"""


@dataclass(frozen=True)
class Daemon:
    """Where the one clamd listens."""

    unix: str
    tcp: str


@contextlib.asynccontextmanager
async def running(port: int | None = None) -> AsyncIterator[Daemon]:
    """A clamd that answers; ended by its process on the way out."""
    [binary] = needs("clamd")
    with tempfile.TemporaryDirectory(prefix="clamd-") as name:
        folder, used = Path(name), port or free_port()
        (folder / "definitions").mkdir()
        (folder / "definitions" / "test.ndb").write_text(f"Eicar-Test-Signature:0:*:{EICAR.hex()}\n")
        (folder / "clamd.conf").write_text(CONFIGURATION.format(folder=folder, port=used))
        process = await asyncio.create_subprocess_exec(
            *(binary, "--config-file", str(folder / "clamd.conf")),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _until_answers(used, process)
            yield Daemon(f"unix://{folder}/clamd.sock", f"tcp://127.0.0.1:{used}")
        finally:
            process.kill()
            await process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _until_answers(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60):
        while process.returncode is None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"zPING\0")
                assert await reader.readuntil(b"\0") == b"PONG\0"
                writer.close()
                return
            await asyncio.sleep(0.05)
    raise AssertionError(f"clamd ended with {process.returncode}")
