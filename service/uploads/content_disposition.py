"""The Content-Disposition of a download (RFC 6266): an ASCII name for old clients, and the full name."""

import re
from urllib.parse import quote

# Path separators, control characters and invisible characters. Some of these reverse text and so hide an extension
# ("gnp.exe" is shown as "exe.png"), others make two names look alike. The joiners stay: some scripts need them.
_UNSAFE = re.compile(
    "[/\\\\\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
# What the ASCII name must not hold either: quotes and backslashes, which end or escape the text; ';', at which careless
# clients cut even within quotes; and '%', which some clients decode (RFC 6266, appendix D).
_NOT_PLAIN = re.compile(r"[^ !#$&-:<-\[\]-~]")
# attr-char of RFC 5987, section 3.2.1; quote() lets letters, digits and "_.-~" through by itself.
_ATTR = "!#$&+^`|"


def attachment(filename: str) -> str:
    """`attachment; filename="ascii"; filename*=UTF-8''full`: a file name, never a path."""
    name = _UNSAFE.sub("_", filename)
    return f"attachment; filename=\"{_NOT_PLAIN.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe=_ATTR)}"
