"""Where a document points to. Pure: the text of a reference in, whether following it leaves the reader's machine out.

A path on a local drive names nothing that an uploader can have put there, and documents are full of them (the template
that a text was written with, the workbook that a table came from), so it is no objection.
"""

import re
from urllib.parse import unquote

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(.*)", re.DOTALL)
_DRIVE = re.compile(r"/*[a-z][:|]")


def is_remote(reference: str) -> bool:
    """Whether following it asks another machine, or a handler of a scheme of its own, for something."""
    scheme, rest = _split(reference)
    return scheme not in ("", "file") or _share(scheme, rest)


def is_network_share(reference: str) -> bool:
    """Whether it names a file on a network share, where Windows presents the reader's credentials unasked."""
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
