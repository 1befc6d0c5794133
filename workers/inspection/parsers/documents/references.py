"""Whether a reference in a document leads to another machine. Pure.

A path on a local drive is no finding: an uploader cannot put a file there, and most documents have such paths (of the
template that a text was written with, of the workbook that a table came from).
"""

import re
from urllib.parse import unquote

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(.*)", re.DOTALL)
_DRIVE = re.compile(r"/*[a-z][:|]")


def is_remote(reference: str) -> bool:
    """Whether opening the reference asks another machine, or the handler of a custom scheme, for something."""
    scheme, rest = _split(reference)
    return scheme not in ("", "file") or _share(scheme, rest)


def is_network_share(reference: str) -> bool:
    """Whether it names a file on a network share, to which Windows sends the user's credentials without asking."""
    return _share(*_split(reference))


def _split(reference: str) -> tuple[str, str]:
    plain = re.sub(r"[\0-\x20]", "", unquote(reference)).replace("\\", "/").lower()
    found = _SCHEME.fullmatch(plain)
    return (found[1], found[2]) if found else ("", plain)


def _share(scheme: str, rest: str) -> bool:
    if scheme not in ("", "file") or _DRIVE.match(rest):
        return False
    slashes = len(rest) - len(rest.lstrip("/"))
    if scheme == "file" and slashes == 2:
        return not rest.startswith(("//localhost/", "//127.0.0.1/"))
    # "//host/x", and "file:////host/x" as Office writes it; "file:///x" is the root folder.
    return slashes >= (4 if scheme else 2)
