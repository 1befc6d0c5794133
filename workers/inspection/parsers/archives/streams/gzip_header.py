"""The header of a gzip member (RFC 1952, 2.3): the name that it gives, and what no program reads. Pure."""

from typing import NamedTuple

from workers.inspection.parsers.archives.errors import MalformedArchive

LONGEST = 128 << 10  # the extra field has up to 64 KiB
_FIXED = 10
_CHECKSUM, _EXTRA, _NAME, _COMMENT = 1 << 1, 1 << 2, 1 << 3, 1 << 4


class GzipHeader(NamedTuple):
    """`name` is "" where it gives none. `skipped` is all of the header but its first 10 bytes."""

    name: str
    skipped: bytes


def parse_header(head: bytes) -> GzipHeader:
    """The header at the beginning of `head`, which has LONGEST bytes if there are so many."""
    if len(head) < _FIXED:
        raise MalformedArchive("it ends too early")
    flags, at, name = head[3], _FIXED, b""
    if flags & _EXTRA:
        at += 2 + int.from_bytes(head[at : at + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            end = head.find(b"\0", at)
            if end < 0:
                raise MalformedArchive("its header does not end")
            if flag == _NAME:
                name = head[at:end]
            at = end + 1
    at += 2 if flags & _CHECKSUM else 0
    return GzipHeader(_text(name), head[_FIXED:at])


def _text(name: bytes) -> str:
    # The RFC says Latin-1; programs of today write what the system has.
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")
