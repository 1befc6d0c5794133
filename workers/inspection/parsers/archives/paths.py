"""What an entry's name could do to whoever unpacks it. Pure."""

import re

_SEPARATORS = re.compile(r"[/\\]")
_DRIVE = re.compile(r"[A-Za-z]:")


def path_problem(name: str) -> str | None:
    """Why unpacking to `name` could write elsewhere than below the folder it is unpacked to; completes “The entry …”.

    A backslash separates, as on Windows; on its own it harms nobody (old .NET archives, systemd's unit files).
    """
    if "\0" in name:
        return "has a NUL in its name"
    if name.startswith(("/", "\\")):
        return "has an absolute path"
    parts = [part for part in _SEPARATORS.split(name) if part not in {"", "."}]
    if ".." in parts:
        return "leads out of its folder"
    # Windows drops what follows: "..  " and ".. ." are ".." to it.
    if any(part.startswith("..") and not part.strip(". ") for part in parts):
        return "leads out of its folder"
    if parts and _DRIVE.match(parts[0]):
        return "names a drive"
    return None
