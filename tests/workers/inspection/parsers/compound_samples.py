"""A writer of small OLE2 containers ([MS-CFB]), and what the office formats before 2007 keep in one."""

import struct
import uuid
from collections.abc import Mapping
from itertools import pairwise

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5


def compound(streams: Mapping[str, bytes], class_id: str = "") -> bytes:
    """A container of these streams, whose names have a slash after each storage; one that ends in it is a storage.
    `class_id` is that of the root.

    Each stream is padded to 4 KiB, so that none is kept in the mini stream. Sector 0 and on are the table.
    """
    paths = sorted(
        {"/".join(name.split("/")[:end]) for name in streams for end in range(1, name.count("/") + 2)} - {""}
    )
    paths = [path for path in paths if path and not path.endswith("/")]
    content = {path: streams[path].ljust(4096, b"\0") for path in paths if path in streams}
    directory_sectors = -(-(len(paths) + 1) // 4)
    data_sectors = sum(-(-len(body) // _SECTOR) for body in content.values())
    fat_sectors = next(n for n in range(1, 110) if n * 128 >= n + directory_sectors + data_sectors)
    fat = [_FAT] * fat_sectors + _chain(fat_sectors, directory_sectors)
    starts, body = {}, b""
    for path, stream in content.items():
        starts[path] = len(fat)
        fat += _chain(len(fat), -(-len(stream) // _SECTOR))
        body += stream.ljust(-(-len(stream) // _SECTOR) * _SECTOR, b"\0")
    fat += [_FREE] * (fat_sectors * 128 - len(fat))
    header = struct.pack(
        "<8s16xHHHHH6x9I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, *_header(fat_sectors)
    )
    header += struct.pack("<109I", *range(fat_sectors), *[_FREE] * (109 - fat_sectors))
    table = struct.pack(f"<{len(fat)}I", *fat)
    return (
        header + table + _directory(paths, content, starts, class_id).ljust(directory_sectors * _SECTOR, b"\0") + body
    )


def _chain(first: int, length: int) -> list[int]:
    return [*range(first + 1, first + length), _END]


def _header(fat_sectors: int) -> tuple[int, ...]:
    """No directory count, the table's size, the directory's start, then: 4096, no mini table, no further tables."""
    return (0, fat_sectors, fat_sectors, 0, 4096, _END, 0, _END, 0)


def _directory(paths: list[str], content: Mapping[str, bytes], starts: Mapping[str, int], class_id: str) -> bytes:
    """Siblings hang on one another's right, which readers put up with."""
    children = {path: [other for other in paths if other.rpartition("/")[0] == path] for path in ["", *paths]}
    number = {path: index for index, path in enumerate(["", *paths])}
    following = {one: other for kids in children.values() for one, other in pairwise(kids)}
    out = b""
    for path in ["", *paths]:
        name = (path.rpartition("/")[2] or "Root Entry").encode("utf-16-le")
        kind = _STREAM if path in content else _STORAGE if path else _ROOT
        child = number[children[path][0]] if children[path] else _FREE
        right = number.get(following.get(path, "?"), _FREE)
        identity = b"" if path or not class_id else uuid.UUID(class_id).bytes_le
        out += name.ljust(64, b"\0") + struct.pack("<HBB3I", len(name) + 2, kind, 1, _FREE, right, child)
        out += identity.ljust(36, b"\0")
        out += struct.pack("<IQ", starts.get(path, _END), len(content.get(path, b"")))
    return out


def word(
    text: bytes | str = "Dear all",
    *,
    flags: int = 0x0200,
    template: str = "",
    streams: Mapping[str, bytes] | None = None,
    **more: bytes,
) -> bytes:
    """A WordDocument with its FIB and one piece of text, and a table stream with that and the name of its template.

    Text as bytes is of eight bits a character.
    """
    strings = struct.pack("<HHHHH", 0xFFFF, 2, 0, 0, len(template)) + template.encode("utf-16-le")
    body = text if isinstance(text, bytes) else text.encode("utf-16-le")
    place = 1024 * 2 | 0x40000000 if isinstance(text, bytes) else 1024
    pieces = struct.pack("<BLLLHLH", 2, 16, 0, len(text), 0, place, 0)
    fib = bytearray(struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0x407, 0, flags).ljust(1024, b"\0"))
    struct.pack_into("<LLLL", fib, 0x019A, 16, len(strings), 16 + len(strings), len(pieces))
    named = {**(streams or {}), **{name.replace("__", "/"): content for name, content in more.items()}}
    return compound({"WordDocument": bytes(fib) + body, "1Table": bytes(16) + strings + pieces, **named})


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def excel(
    *records: bytes, sheet_records: tuple[bytes, ...] = (), streams: Mapping[str, bytes] | None = None, **more: bytes
) -> bytes:
    """A Workbook whose globals have these records; one sheet has `sheet_records`, if there are any."""
    begin, end = record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 0)), record(0x000A)
    stream = b"".join([begin, *records, end])
    if sheet_records:
        start = len(stream) + len(sheet(0))
        listed = record(0x0085, struct.pack("<IBBBB", start, 0, 0, 1, 0) + b"A")
        stream = b"".join([begin, *records, listed, end, begin, *sheet_records, end])
    named = {**(streams or {}), **{name.replace("__", "/"): body for name, body in more.items()}}
    return compound({"Workbook": stream, **named})


def sheet(kind: int) -> bytes:
    return record(0x0085, struct.pack("<IBBBB", 0, 0, kind, 1, 0) + b"A")


def linked_book(path: str) -> bytes:
    return record(0x01AE, struct.pack("<HHB", 1, len(path), 1) + path.encode("utf-16-le"))


def atom(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HHI", 0, kind, len(body)) + body


def container(kind: int, *within: bytes) -> bytes:
    return struct.pack("<HHI", 0x0F, kind, len(b"".join(within))) + b"".join(within)


def packed(text: bytes) -> bytes:
    """A compressed container ([MS-OVBA] 2.4.1) of literals alone."""
    tokens = b"".join(b"\0" + text[at : at + 8] for at in range(0, len(text), 8))
    return b"\1" + struct.pack("<H", 0xB000 | len(tokens) - 1) + tokens


def project(source: bytes, cache: bytes = b"") -> dict[str, bytes]:
    """The streams of a macro project with one module, below its storage."""
    rows = ((0x001A, b"M"), (0x0031, struct.pack("<L", len(cache))))
    directory = b"".join(struct.pack("<HL", kind, len(body)) + body for kind, body in rows)
    return {"VBA/dir": packed(directory), "VBA/M": cache + packed(source), "VBA/_VBA_PROJECT": b"\xcc\x61"}


def native(name: bytes, content: bytes) -> bytes:
    """The stream of a package: sizes, the name, two paths, and the file."""
    body = struct.pack("<H", 2) + name + b"\0C:\\" + name + b"\0" + struct.pack("<HHL", 0, 3, 4) + b"C:\\\0"
    body += struct.pack("<L", len(content)) + content
    return struct.pack("<L", len(body)) + body


def powerpoint(*within: bytes, token: int = 0xE391C05F) -> bytes:
    """A presentation whose document has these records; `token` is how its user stream says whether it is encrypted."""
    user = struct.pack("<HHIII", 0, 0x0FF6, 20, 20, token)
    return compound({"Current User": user, "PowerPoint Document": container(0x03E8, *within)})
