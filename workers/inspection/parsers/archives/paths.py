"""Names of entries: where unpacking them would write, and what systems make of them. Pure."""

import re
import unicodedata
from functools import cache

from airlock.formats import FORMATS, SCRIPTS

_SEPARATORS = re.compile(r"[/\\]")
_DRIVE = re.compile(r"[A-Za-z]:")
# Embeddings, overrides and isolates (Unicode Standard Annex #9, 2): with them `a\u202egnp.exe` looks like `aexe.png`.
_BIDIRECTIONAL = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)\s*(\.|$)")
_CHANGED_BY_WINDOWS = re.compile(r'[\x01-\x1f<>:"|?*]|[. ]$')
# Programs that systems load only where their first bytes say what they are.
_LOADED = frozenset({"so", "o", "ko", "elf", "dylib", "bundle", "class", "dex", "wasm", "dll", "sys", "drv"})
_EXTENSION = re.compile(r"\.([^./\\ ]+)[. ]*$")


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
    if _BIDIRECTIONAL.search(name):
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


def extension(name: str) -> str:
    """The extension in lower case, without dots and blanks behind it, which Windows drops; "" where there is none."""
    found = _EXTENSION.search(name)
    return found[1].lower() if found else ""


def runs(name: str) -> bool:
    """Whether systems run a file of this name by its extension, though its content is a mere line of text."""
    return extension(name) in _running()


@cache
def _running() -> frozenset[str]:
    kinds = [each for each in FORMATS.values() if each.family == "program" or each.media_type in SCRIPTS]
    return frozenset(found for each in kinds for found in each.extensions) - _LOADED
