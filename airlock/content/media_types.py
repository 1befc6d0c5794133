"""Media types: the pattern language of profiles, and the type that a file name's extension stands for.

The table (`formats`) is ours rather than the `mimetypes` module's, which reads the machine's own lists: the answer must
be the same on every machine, because a policy is signed for it.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from airlock.content.file_names import extension
from airlock.content.format import OCTET_STREAM
from airlock.content.formats import FORMATS

# RFC 6838, section 4.2 (restricted names), without the '$', which no registered type has and no policy can carry.
_NAME = r"[A-Za-z0-9!#&^_.+-]{1,127}"
# Without parameters, because S3 compares the whole header.
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}\Z")
_PATTERN = re.compile(rf"(\*|{_NAME})/(\*|{_NAME})\Z")

EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {name: each.media_type for each in FORMATS.values() for name in each.extensions}
)
"""Extension to media type. Of the extensions of a type, the first is the one that accepted keys end in."""

SYNONYMS: Mapping[str, str] = MappingProxyType(
    {name: each.media_type for each in FORMATS.values() for name in each.synonyms}
)
"""Names that browsers and systems send for types that have another registered name."""


def is_media_type(text: str) -> bool:
    """Whether `text` is `type/subtype` without parameters (RFC 6838)."""
    return _MEDIA_TYPE.match(text) is not None


def is_pattern(text: str) -> bool:
    """Whether `text` is a media type, `type/*` or `*/*`."""
    return text == "*/*" or (_PATTERN.match(text) is not None and not text.startswith("*/"))


def canonical(media_type: str) -> str:
    """The lower-case, registered name of a media type without parameters: `image/JPG; q=1` gives `image/jpeg`."""
    lower = media_type.partition(";")[0].strip().lower()
    return SYNONYMS.get(lower, lower)


def guess(filename: str) -> str:
    """The media type that a file name's extension stands for; `application/octet-stream` where it says nothing."""
    return EXTENSIONS.get(extension(filename), OCTET_STREAM)


def matches(pattern: str, media_type: str) -> bool:
    """Whether a profile's pattern (`image/png`, `image/*`, `*/*`) takes a media type, synonyms and case aside."""
    if pattern == "*/*":
        return True
    name = canonical(media_type)
    if pattern.endswith("/*"):
        return name.startswith(pattern[:-1].lower())
    return canonical(pattern) == name
