"""Names of entries that are dangerous to unpack. Pure."""

import re

_SEPARATORS = re.compile(r"[/\\]")
_DRIVE = re.compile(r"[A-Za-z]:")


def path_problem(name: str) -> str | None:
    """Why unpacking `name` could write outside of the target folder, or None; it completes “The entry …”.

    A backslash separates, as on Windows. By itself it is allowed: old .NET archives and systemd's unit files have it.
    """
    if "\0" in name:
        return "has a NUL byte in its name"
    if name.startswith(("/", "\\")):
        return "has an absolute path"
    parts = [part for part in _SEPARATORS.split(name) if part not in {"", "."}]
    if ".." in parts:
        return "leads outside of the folder"
    # Windows drops dots and blanks at the end of a name: "..  " and ".. ." mean "..".
    if any(part.startswith("..") and not part.strip(". ") for part in parts):
        return "leads outside of the folder"
    if parts and _DRIVE.match(parts[0]):
        return "names a drive"
    return None
