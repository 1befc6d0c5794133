"""Where the links and the file specifications of a PDF lead: ISO 32000-2, 7.11 and 12.6.4.8."""

import re
from enum import Enum

from workers.inspection.parsers.documents.references import Place, place_of
from workers.inspection.parsers.pdfs.texts import text_of, visible

# "example.org:8080/x": what stands before the colon is a host.
_HOST_AND_PORT = re.compile(r"(?:localhost|[\w-]+(?:\.[\w-]+)+):\d{1,5}(?:[/?#]|$)")
_FILE = re.compile(r"\s*file\s*:", re.IGNORECASE)
# In a file specification, the first component of an absolute path is a drive or a server: "/pclib/eng/a.pdf".
_SERVER = re.compile(r"/[^/]*\w\.\w[^/]*/|/[^/]*@[^/]*/")


class Link(Enum):
    """What following a link comes to."""

    HARMLESS = "harmless"
    FILE = "file"
    """It opens another file of the reader's machine."""
    UNSAFE = "unsafe"
    """It reaches a share or starts a program."""


def link_of(address: bytes) -> Link:
    """What a click on the URI `address` comes to; its scheme is one of those allowed, or it is unsafe."""
    text = visible(text_of(address))
    place = place_of(text)
    if place == Place.HANDLER and _HOST_AND_PORT.match(text.strip()):
        return Link.HARMLESS
    if place in (Place.SHARE, Place.PROGRAM, Place.HANDLER) or _FILE.match(text):
        return Link.UNSAFE
    return Link.FILE if place == Place.LOCAL else Link.HARMLESS


def file_place(name: bytes, *, is_url: bool = False) -> Place:
    """Where the file specification string `name` leads; `is_url`: its file system is URL (7.11.5)."""
    text = visible(text_of(name)).replace("\\", "/")
    if _FILE.match(text):
        return Place.HANDLER  # no writer makes one, and a reader gives it to the system
    if _SERVER.match(text):
        return Place.SHARE
    place = place_of(text)
    return Place.WEB if is_url and place in (Place.LOCAL, Place.NOWHERE) and text else place
