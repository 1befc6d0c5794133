"""The folder in which one `airlock dev` keeps its files: temporary, or given and kept."""

import contextlib
import fcntl
import os
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from airlock.errors import AirlockError


class InUseError(AirlockError):
    """Another `airlock dev` uses this folder."""


@contextmanager
def workspace(kept: Path | None) -> Iterator[Path]:
    """The absolute path of a folder that no other run uses: `kept`, or a temporary one that is removed at the end.

    Raises InUseError.
    """
    if kept is None:
        folder = Path(tempfile.mkdtemp(prefix="airlock-dev-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    kept.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (kept / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUseError(f"another airlock dev uses {kept}: end it, or name another folder") from None
        yield kept.resolve()


def secret(folder: Path) -> str:
    """The secret of the upload ids: made in the first run and kept in the folder."""
    file = folder / "secret"
    with contextlib.suppress(FileNotFoundError):
        return file.read_text()
    made = secrets.token_urlsafe(32)
    _write_private(file, made)
    return made


def write_environment(folder: Path, variables: Mapping[str, str]) -> Path:
    """Write the variables to a file that a shell can read (`set -a; . FILE`) and only its owner may read."""
    file = folder / "environment"
    _write_private(file, "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))
    return file


def _write_private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
