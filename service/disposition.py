"""The Content-Disposition of a download: RFC 6266, with a plain name for old clients and the true one beside it."""

import re
from urllib.parse import quote

# Path separators, controls, and the marks that turn text around and so hide an extension ("gpj.exe").
_UNSAFE = re.compile("[/\\\\\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# What is left of ASCII once quotes, which end the text, and '%', which some clients decode, are gone.
_NOT_PLAIN = re.compile(r"[^ !#$&-\[\]-~]")
# attr-char of RFC 5987, section 3.2.1; quote() lets letters, digits and "_.-~" through by itself.
_ATTR = "!#$&+^`|"


def attachment(filename: str) -> str:
    """`attachment; filename="plain"; filename*=UTF-8''true`: a name for the disk, never a path."""
    name = _UNSAFE.sub("_", filename)
    return f"attachment; filename=\"{_NOT_PLAIN.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe=_ATTR)}"
