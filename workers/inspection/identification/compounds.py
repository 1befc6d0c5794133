"""What an OLE container holds, by its directory.

Sources: [MS-CFB]; [MS-DOC], [MS-XLS], [MS-PPT], [MS-OXMSG], [MS-OFFCRYPTO].
"""

from typing import TYPE_CHECKING

from airlock.content.format import ENCRYPTED_OPEN_XML, OLE
from workers.inspection.identification.sample import Sample

if TYPE_CHECKING:
    import olefile  # type: ignore[import-untyped]  # it has no types

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_FREE = 0xFFFFFFFF  # a sector that no stream uses

# What olefile raises for containers that are broken.
UNREADABLE = (OSError, ValueError, IndexError, TypeError, AttributeError, KeyError, MemoryError, RecursionError)

_STREAMS = (
    ("encryptedpackage", ENCRYPTED_OPEN_XML),
    ("worddocument", "application/msword"),
    ("workbook", "application/vnd.ms-excel"),
    ("book", "application/vnd.ms-excel"),
    ("powerpoint document", "application/vnd.ms-powerpoint"),
    ("visiodocument", "application/vnd.visio"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
)
# Windows Installer: packages, patches and transforms, by the class of the root ("MSI file signatures", Microsoft).
_INSTALLER = ("000C1082", "000C1084", "000C1086")


def compound_types(sample: Sample) -> list[str]:
    """The media types of an OLE container, usually one; `OLE` where its directory names none or cannot be read."""
    if not sample.head.startswith(MAGIC):
        return []
    try:
        names, root = _directory(sample)
    except UNREADABLE:
        return [OLE]
    if root.startswith(_INSTALLER):
        return ["application/x-msi"]
    found = list(dict.fromkeys(media_type for name, media_type in _STREAMS if name in names))
    return found or [OLE]


def compound_end(sample: Sample) -> int:
    """Where the last sector ends that the container uses, in bytes; 0 where its table of sectors cannot be read."""
    import olefile

    try:
        container = olefile.OleFileIO(sample.file)
    except UNREADABLE:
        return 0
    container.fp = None
    return used_end(container)


def used_end(container: "olefile.OleFileIO") -> int:
    """Where the last sector ends that an open container uses, in bytes."""
    table = container.fat
    used = next((number for number in range(len(table) - 1, -1, -1) if table[number] != _FREE), -1)
    return (used + 2) * int(container.sector_size)


def _directory(sample: Sample) -> tuple[set[str], str]:
    """The names at the container's root in lower case, and the class of its root."""
    import olefile

    sample.file.seek(0)
    container = olefile.OleFileIO(sample.file)
    try:
        return {path[0].lower() for path in container.listdir() if len(path) == 1}, str(container.root.clsid)
    finally:
        container.fp = None  # the file is not its own to close
