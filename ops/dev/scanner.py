"""The clamd that `airlock dev` scans with: a configured one, the system's, one of our own, or none."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from airlock.errors import AirlockError
from ops.dev.child import ChildProcess

SOCKETS = (
    "/run/clamav/clamd.ctl",  # Debian
    "/run/clamav/clamd.sock",  # Alpine
    "/run/clamd.scan/clamd.sock",  # Fedora
    "/opt/homebrew/var/run/clamav/clamd.sock",
    "/usr/local/var/run/clamav/clamd.sock",
)
SBIN = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/sbin")
DEFINITIONS = (Path("/var/lib/clamav"), Path("/opt/homebrew/var/lib/clamav"), Path("/usr/local/var/lib/clamav"))
PING_SECONDS = 5.0
STOP_SECONDS = 5.0
# Loading the public definitions takes half a minute on a slow machine.
LOAD_SECONDS = 120.0
POLL_SECONDS = 0.1
WITHOUT_CLAMD = "the check clamd is removed from all profiles"

# The EICAR test file, in two parts, so that no scanner takes this file for one.
# https://www.eicar.org/download-anti-malware-testfile/
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

# With the two alerts, what clamd cannot scan does not count as clean. Its limits are those of k8s/clamd.conf, which has
# the reasons: a profile's own limits come first.
CONFIGURATION = """\
Foreground yes
LocalSocket {socket}
LocalSocketMode 600
DatabaseDirectory {definitions}
TemporaryDirectory {folder}
AlertExceedsMax yes
AlertEncrypted yes
StreamMaxLength 2000M
MaxFileSize 2000M
MaxScanSize 20000M
MaxFiles 200000
MaxRecursion 30
MaxScanTime 540000
ConcurrentDatabaseReload no
"""


class ScannerError(AirlockError):
    """The clamd that was configured does not respond."""


@dataclass(frozen=True)
class Scanner:
    """The clamd to use: its address for AIRLOCK_CLAMD (None: no clamd), a description, and its process if ours."""

    address: str | None
    sentence: str
    child: ChildProcess | None = None


@asynccontextmanager
async def chosen(configured: str | None, folder: Path) -> AsyncIterator[Scanner]:
    """The clamd at the address `configured`, else the system's, else our own, whose files are in `folder`, else none.

    Raises ScannerError.
    """
    binary = shutil.which("clamd", path=os.pathsep.join((os.environ.get("PATH", os.defpath), *SBIN)))
    found = await _configured(configured) if configured else await _system()
    if found is not None:
        yield found
    elif binary is None:
        yield Scanner(None, f"YARA-X only: clamd is not installed; {WITHOUT_CLAMD}")
    else:
        async with _own(binary, folder) as scanner:
            yield scanner


async def _configured(address: str) -> Scanner:
    if not await _responds(address):
        raise ScannerError(f"no clamd responds at {address}: start it, or unset AIRLOCK_CLAMD")
    return Scanner(address, f"YARA-X and the clamd at {address}")


async def _system() -> Scanner | None:
    for socket in SOCKETS:
        if await _responds(f"unix://{socket}"):
            caution = "which must have AlertExceedsMax and AlertEncrypted on"
            return Scanner(f"unix://{socket}", f"YARA-X and the system's clamd at {socket}, {caution}")
    return None


@asynccontextmanager
async def _own(binary: str, folder: Path) -> AsyncIterator[Scanner]:
    folder.mkdir(mode=0o700, exist_ok=True)
    definitions = next(filter(_has_definitions, DEFINITIONS), None)
    child = await _start(binary, folder, definitions)
    try:
        address = f"unix://{_socket(folder)}"
        if await _until_responds(address, child):
            database = f"the definitions in {definitions}" if definitions else "a test database that knows only EICAR"
            yield Scanner(address, f"YARA-X and a clamd with {database}", child)
        else:
            why = f"{binary} did not start ({child.ending}: {_last_line(_log(folder))})"
            yield Scanner(None, f"YARA-X only: {why}; {WITHOUT_CLAMD}")
    finally:
        await child.stop(STOP_SECONDS)


async def _start(binary: str, folder: Path, definitions: Path | None) -> ChildProcess:
    socket, configuration = _socket(folder), folder / "clamd.conf"
    socket.unlink(missing_ok=True)
    configuration.write_text(
        CONFIGURATION.format(socket=socket, folder=folder, definitions=definitions or _test_definitions(folder))
    )
    with _log(folder).open("wb") as log:
        command = [binary, "--config-file", str(configuration)]
        return await ChildProcess.start("clamd", command, env=os.environ, output=log)


def _socket(folder: Path) -> Path:
    return folder / "clamd.sock"


def _log(folder: Path) -> Path:
    return folder / "clamd.log"


def _last_line(log: Path) -> str:
    return next(reversed(log.read_text(errors="replace").splitlines()), "its log is empty")


def _has_definitions(folder: Path) -> bool:
    return any(next(folder.glob(f"*.{suffix}"), None) for suffix in ("cvd", "cld", "ndb", "hdb", "hsb"))


def _test_definitions(folder: Path) -> Path:
    """A database folder with one signature: EICAR at the very beginning of any file."""
    database = folder / "definitions"
    database.mkdir(exist_ok=True)
    (database / "eicar.ndb").write_text(f"Eicar-Test-Signature:0:0:{EICAR.hex()}\n")
    return database


async def _until_responds(address: str, child: ChildProcess) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOAD_SECONDS):
            while child.running:
                if await _responds(address):
                    return True
                await asyncio.sleep(POLL_SECONDS)
    return False


async def _responds(address: str) -> bool:
    """Whether a clamd at tcp://HOST:PORT or unix:///PATH responds to PING."""
    parts = urlsplit(address)
    try:
        async with asyncio.timeout(PING_SECONDS):
            if parts.scheme == "unix":
                reader, writer = await asyncio.open_unix_connection(parts.path)
            else:
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(b"zPING\0")
                return await reader.readuntil(b"\0") == b"PONG\0"
            finally:
                writer.close()
    except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return False
