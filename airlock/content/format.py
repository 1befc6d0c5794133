"""What is known of one format. Pure; it imports nothing, as an examiner's process reads it too."""

from typing import Literal, NamedTuple

Family = Literal["picture", "pdf", "document", "text", "markup", "message", "archive", "audio", "video", "program", ""]

Examiner = Literal["image", "pdf", "markup", "office", "archive", "text", "mail", "media"]
"""The checks that examine a format: each is named as its module in `workers.inspection.parsers`."""

OCTET_STREAM = "application/octet-stream"
ZIP = "application/zip"
OLE = "application/x-ole-storage"
ENCRYPTED_OPEN_XML = "application/x-tika-ooxml-protected"
PLAIN = "text/plain"


class Format(NamedTuple):
    """One format. The first of `extensions` (without a dot) is the one that accepted keys end in."""

    media_type: str
    family: Family = ""
    examiner: Examiner | None = None
    extensions: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
