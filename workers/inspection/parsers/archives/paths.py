"""Names of entries: where unpacking them would write, and what systems make of them. Pure."""

import re
import unicodedata

from airlock.content.file_names import BIDIRECTIONAL, extension
from airlock.content.formats import PROGRAM_EXTENSIONS

_SEPARATORS = re.compile(r"[/\\]")
_DRIVE = re.compile(r"[A-Za-z]:")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)\s*(\.|$)")
_CHANGED_BY_WINDOWS = re.compile(r'[\x01-\x1f<>:"|?*]|[. ]$')
# Without programs that systems load only where their first bytes say what they are.
_RUN = PROGRAM_EXTENSIONS - {*("so", "o", "ko", "elf", "dylib", "bundle", "class", "dex", "wasm", "dll", "sys", "drv")}


def path_problem(name: str) -> str | None:
    """Why unpacking `name` could write outside of the target folder, or None; it completes “The entry …”.

    A backslash separates, as on Windows. By itself it is allowed: old .NET archives and systemd's unit files have it.
    """
    if name.startswith(("/", "\\")):
        return "has an absolute path"
    parts = path_parts(name)
    if ".." in parts:
        return "leads outside of the folder"
    # Windows drops dots and blanks at the end of a name: "..  " and ".. ." mean "..".
    if any(part.startswith("..") and not part.strip(". ") for part in parts):
        return "leads outside of the folder"
    if parts and _DRIVE.match(parts[0]):
        return "names a drive"
    # A system may turn characters into similar ones, such as a wide slash.
    if not name.isascii() and ".." in path_parts(unicodedata.normalize("NFKC", name)):
        return "leads outside of the folder on some systems"
    return None


def name_problem(name: str) -> str | None:
    """Why programs or people would read `name` as another one, or None; it completes “The entry …”."""
    if "\0" in name:
        return "has a NUL byte in its name"
    if BIDIRECTIONAL.search(name):
        return "has characters in its name that change the direction of text, so that it looks like another name"
    return None


def is_changed_by_windows(name: str) -> bool:
    """Whether a part of `name` is a device on Windows, or has characters that Windows does not store."""
    return any(_DEVICE.match(part) or _CHANGED_BY_WINDOWS.search(part) for part in path_parts(name) if part != "..")


def path_parts(name: str) -> list[str]:
    """The folders and the file of a path, without those that mean the same folder."""
    return [part for part in _SEPARATORS.split(name) if part not in {"", "."}]


def same_name(name: str) -> str:
    """A text that is the same for two names that unpack to one file."""
    name = "/".join(path_parts(name))
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def runs(name: str) -> bool:
    """Whether systems run a file of this name by its extension, though its content is a mere line of text."""
    return extension(name) in _RUN
