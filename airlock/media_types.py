"""Media types: the pattern language of profiles, and the type that a file name's extension stands for.

The table is ours rather than the `mimetypes` module's, which reads the machine's own lists: the answer must be the
same on every machine, because a policy is signed for it.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

OCTET_STREAM = "application/octet-stream"
ZIP = "application/zip"

# RFC 6838, section 4.2 (restricted names), without the '$', which no registered type has and no policy can carry.
_NAME = r"[A-Za-z0-9!#&^_.+-]{1,127}"
# Parameters are refused, because S3 compares the whole header.
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}\Z")
_PATTERN = re.compile(rf"(\*|{_NAME})/(\*|{_NAME})\Z")

_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."

# Where a type has several extensions, the first is the one that accepted keys end in.
EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "7z": "application/x-7z-compressed",
        "avif": "image/avif",
        "bmp": "image/bmp",
        "bz2": "application/x-bzip2",
        "csv": "text/csv",
        "doc": "application/msword",
        "docx": _OOXML + "wordprocessingml.document",
        "gif": "image/gif",
        "gz": "application/gzip",
        "heic": "image/heic",
        "html": "text/html",
        "htm": "text/html",
        "ico": "image/vnd.microsoft.icon",
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "js": "text/javascript",
        "json": "application/json",
        "jsonl": "application/jsonl",
        "md": "text/markdown",
        "mov": "video/quicktime",
        "mp3": "audio/mpeg",
        "mp4": "video/mp4",
        "odp": _ODF + "presentation",
        "ods": _ODF + "spreadsheet",
        "odt": _ODF + "text",
        "ogg": "audio/ogg",
        "pdf": "application/pdf",
        "png": "image/png",
        "ppt": "application/vnd.ms-powerpoint",
        "pptx": _OOXML + "presentationml.presentation",
        "rtf": "application/rtf",
        "svg": "image/svg+xml",
        "tar": "application/x-tar",
        "tgz": "application/gzip",
        "tiff": "image/tiff",
        "tif": "image/tiff",
        "tsv": "text/tab-separated-values",
        "txt": "text/plain",
        "log": "text/plain",
        "wav": "audio/wav",
        "webm": "video/webm",
        "webp": "image/webp",
        "xls": "application/vnd.ms-excel",
        "xlsx": _OOXML + "spreadsheetml.sheet",
        "xml": "application/xml",
        "xz": "application/x-xz",
        "yaml": "application/yaml",
        "yml": "application/yaml",
        "zip": ZIP,
        "zst": "application/zstd",
    }
)

# Names that browsers and operating systems send for types that have another registered name.
SYNONYMS: Mapping[str, str] = MappingProxyType(
    {
        "application/csv": "text/csv",
        "application/javascript": "text/javascript",
        "application/x-javascript": "text/javascript",
        "application/x-gzip": "application/gzip",
        "application/x-pdf": "application/pdf",
        "application/x-rar-compressed": "application/vnd.rar",
        "application/x-yaml": "application/yaml",
        "application/x-zip-compressed": ZIP,
        "application/zip-compressed": ZIP,
        "audio/mp3": "audio/mpeg",
        "audio/x-wav": "audio/wav",
        "image/jpg": "image/jpeg",
        "image/pjpeg": "image/jpeg",
        "image/x-icon": "image/vnd.microsoft.icon",
        "image/x-ms-bmp": "image/bmp",
        "image/x-png": "image/png",
        "text/json": "application/json",
        "text/rtf": "application/rtf",
        "text/xml": "application/xml",
        "text/yaml": "application/yaml",
    }
)


def is_media_type(text: str) -> bool:
    """Whether `text` is `type/subtype` without parameters (RFC 6838)."""
    return _MEDIA_TYPE.match(text) is not None


def is_pattern(text: str) -> bool:
    """Whether `text` is a media type, `type/*` or `*/*`."""
    return text == "*/*" or (_PATTERN.match(text) is not None and not text.startswith("*/"))


def canonical(media_type: str) -> str:
    """The lower-case, registered name of a media type: `image/JPG` gives `image/jpeg`."""
    lower = media_type.lower()
    return SYNONYMS.get(lower, lower)


def extension(filename: str) -> str:
    """The lower-case extension without its dot, or an empty string."""
    _, dot, end = filename.rpartition(".")
    return end.lower() if dot else ""


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
