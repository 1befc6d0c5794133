"""The Content-Disposition of a download: RFC 6266, with a plain name for old clients and the true one beside it."""

import re
from urllib.parse import quote

# Path separators, controls, and what cannot be seen: marks that turn text around and so hide an extension ("gpj.exe"),
# or that make two names look alike. The joiners stay, which some scripts are written with.
_UNSAFE = re.compile(
    "[/\\\\\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
# What is left of ASCII once these are gone: quotes, which end the text, ';', at which careless clients cut even within
# quotes, and '%', which some decode (RFC 6266, appendix D).
_NOT_PLAIN = re.compile(r"[^ !#$&-:<-\[\]-~]")
# attr-char of RFC 5987, section 3.2.1; quote() lets letters, digits and "_.-~" through by itself.
_ATTR = "!#$&+^`|"


def attachment(filename: str) -> str:
    """`attachment; filename="plain"; filename*=UTF-8''true`: a name for the disk, never a path."""
    name = _UNSAFE.sub("_", filename)
    return f"attachment; filename=\"{_NOT_PLAIN.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe=_ATTR)}"
