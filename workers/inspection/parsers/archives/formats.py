"""The format of an archive, by its first bytes. Pure."""

import re
from typing import Literal

ArchiveFormat = Literal["zip", "7z", "tar", "gzip", "bzip2", "xz", "zstd"]

LENGTH = 4096
MAGIC: dict[ArchiveFormat, bytes] = {
    "gzip": b"\x1f\x8b\x08",
    "xz": b"\xfd7zXZ\0",
    "zstd": b"\x28\xb5\x2f\xfd",
    "7z": b"7z\xbc\xaf\x27\x1c",
}
# A local header, an empty archive, or the mark of a split archive that fits one part (APPNOTE 8.5.4 and 8.5.5).
_ZIP = re.compile(rb"PK\x03\x04|PK\x05\x06|PK(?:\x07\x08|00)PK\x03\x04")
# A block's magic, or the end of an empty stream.
_BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
# RFC 8878 3.1.2. LZ4 has the same skippable frames, so the frame after them decides.
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18(.{4})", re.DOTALL)
_OCTAL = re.compile(rb"[ \0]*([0-7]+)[ \0]*")
BLOCK = 512


def format_of(head: bytes) -> ArchiveFormat | None:
    """The format of an archive whose first LENGTH bytes are `head`."""
    for archive_format, magic in MAGIC.items():
        if head.startswith(magic):
            return archive_format
    if _ZIP.match(head):
        return "zip"
    if _BZIP2.match(head):
        return "bzip2"
    if _skippable(head):
        return "zstd"
    return "tar" if head[257:262] == b"ustar" or checksum_fits(head[:BLOCK]) else None


def begins_stream(archive_format: ArchiveFormat, head: bytes) -> bool:
    """Whether `head` begins another stream of the same compression."""
    if archive_format == "bzip2":
        return _BZIP2.match(head) is not None
    return head.startswith(MAGIC[archive_format]) or (archive_format == "zstd" and _SKIPPABLE.match(head) is not None)


def checksum_fits(block: bytes) -> bool:
    """Whether the block's checksum is right, which makes it a tar header. Old tars add up signed bytes."""
    found = _OCTAL.fullmatch(block[148:156])
    if found is None or len(block) < BLOCK:
        return False
    rest = block[:148] + b" " * 8 + block[156:]
    unsigned = sum(rest)
    return int(found[1], 8) in {unsigned, unsigned - 256 * sum(byte > 127 for byte in rest)}


def _skippable(head: bytes) -> bool:
    at = 0
    while found := _SKIPPABLE.match(head, at):
        at = found.end() + int.from_bytes(found[1], "little")
    return at > 0 and head.startswith(MAGIC["zstd"], at)
