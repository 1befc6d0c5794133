"""The folder of one `airlock dev`: given, and kept, or temporary."""

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
    """Another `airlock dev` works in this folder."""


@contextmanager
def workspace(kept: Path | None) -> Iterator[Path]:
    """The absolute path of a folder that is ours alone. Without `kept` it is removed at the end. Raises InUseError."""
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
            raise InUseError(f"another airlock dev is using {kept}") from None
        yield kept.resolve()


def secret(folder: Path) -> str:
    """The secret of the upload ids: made the first time, the same ever after."""
    file = folder / "secret"
    with contextlib.suppress(FileNotFoundError):
        return file.read_text()
    made = secrets.token_urlsafe(32)
    _private(file, made)
    return made


def write_environment(folder: Path, variables: Mapping[str, str]) -> Path:
    """Leave the variables in a file that a shell can read (`set -a; . FILE`), for its owner only."""
    file = folder / "environment"
    _private(file, "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))
    return file


def _private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
