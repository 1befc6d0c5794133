"""The limits that a profile can set for the parsers of hostile formats, in `[profiles.NAME.limits]`.

Whatever is above a limit is unscannable, and its verdict names the limit. The values that hold where a profile names
none stand with the parsers, except for those that hold for an object as a whole: `DEFAULTS`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Unit = Literal["count", "bytes", "seconds"]

_GIB = 1024**3


class Limit(NamedTuple):
    """The unit tells how it may be written (`"1 GiB"`, `"30s"`); `largest` is the most that can be set."""

    unit: Unit
    largest: int
    meaning: str


LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "parse_seconds": Limit("seconds", 3600, "one parser on one object or member"),
        "inspect_seconds": Limit("seconds", 12 * 3600, "all parsers on an object and its members together"),
        "archive_depth": Limit("count", 10, "archives within one another"),
        "archive_entries": Limit("count", 1_000_000, "members of an object, at any depth"),
        "archive_bytes": Limit("bytes", 64 * _GIB, "what comes out of an object's archives, at any depth"),
        "archive_member_bytes": Limit("bytes", 64 * _GIB, "what one member of an archive unpacks to"),
        "image_pixels": Limit("count", 1_000_000_000, "width times height of one frame"),
        "image_frames": Limit("count", 100_000, "frames of an animation, pages of a TIFF"),
        "media_seconds": Limit("seconds", 30 * 24 * 3600, "how long a sound or a video lasts"),
        "media_pixels": Limit("count", 1_000_000_000, "width times height of a video"),
        "media_streams": Limit("count", 10_000, "streams in a sound or a video"),
        "pdf_objects": Limit("count", 10_000_000, "objects in a PDF"),
        "pdf_depth": Limit("count", 10_000, "objects within one another"),
        "markup_bytes": Limit("bytes", _GIB, "the text of an SVG, HTML or XML"),
        "markup_depth": Limit("count", 10_000, "elements within one another"),
        "markup_nodes": Limit("count", 100_000_000, "elements and attributes"),
        "text_bytes": Limit("bytes", _GIB, "a text that has to be parsed as a whole: JSON, a calendar, a card"),
        "mail_bytes": Limit("bytes", _GIB, "a message of the internet, with its attachments"),
        "mail_parts": Limit("count", 100_000, "parts of a message, attachments of an Outlook message"),
        "mail_depth": Limit("count", 100, "parts, or messages of Outlook, within one another"),
        "office_entries": Limit("count", 1_000_000, "parts of an office document"),
        "office_bytes": Limit("bytes", 16 * _GIB, "what the parts of an office document unpack to"),
    }
)

DEFAULTS: Mapping[str, int] = MappingProxyType(
    {
        "parse_seconds": 30,
        "inspect_seconds": 300,
        "archive_depth": 3,
        "archive_entries": 10_000,
        "archive_bytes": _GIB,
    }
)
"""Those that the worker keeps itself, across all members of an object."""
