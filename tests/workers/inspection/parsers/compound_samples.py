"""A writer of small OLE2 containers ([MS-CFB]), and what the office formats before 2007 keep in one."""

import struct
from collections.abc import Mapping
from itertools import pairwise

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A container of these streams, whose names have a slash after each storage; one that ends in it is a storage.

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
    return header + table + _directory(paths, content, starts).ljust(directory_sectors * _SECTOR, b"\0") + body


def _chain(first: int, length: int) -> list[int]:
    return [*range(first + 1, first + length), _END]


def _header(fat_sectors: int) -> tuple[int, ...]:
    """No directory count, the table's size, the directory's start, then: 4096, no mini table, no further tables."""
    return (0, fat_sectors, fat_sectors, 0, 4096, _END, 0, _END, 0)


def _directory(paths: list[str], content: Mapping[str, bytes], starts: Mapping[str, int]) -> bytes:
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
        out += name.ljust(64, b"\0") + struct.pack("<HBB3I36x", len(name) + 2, kind, 1, _FREE, right, child)
        out += struct.pack("<IQ", starts.get(path, _END), len(content.get(path, b"")))
    return out


def word(text: bytes = b"Dear all", *, flags: int = 0x0200, template: str = "", **more: bytes) -> bytes:
    """A WordDocument with its FIB, and a table stream with the name of its template."""
    strings = struct.pack("<HHHHH", 0xFFFF, 2, 0, 0, len(template)) + template.encode("utf-16-le")
    fib = bytearray(struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0x407, 0, flags).ljust(1024, b"\0"))
    struct.pack_into("<II", fib, 0x019A, 16, len(strings))
    named = {name.replace("__", "/"): body for name, body in more.items()}
    return compound({"WordDocument": bytes(fib) + text, "1Table": bytes(16) + strings, **named})


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def excel(*records: bytes, **more: bytes) -> bytes:
    """A Workbook whose globals have these records."""
    begin, end = record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 0)), record(0x000A)
    named = {name.replace("__", "/"): body for name, body in more.items()}
    return compound({"Workbook": b"".join([begin, *records, end]), **named})


def sheet(kind: int) -> bytes:
    return record(0x0085, struct.pack("<IBBBB", 0, 0, kind, 1, 0) + b"A")


def linked_book(path: str) -> bytes:
    return record(0x01AE, struct.pack("<HHB", 1, len(path), 1) + path.encode("utf-16-le"))


def atom(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HHI", 0, kind, len(body)) + body


def container(kind: int, *within: bytes) -> bytes:
    return struct.pack("<HHI", 0x0F, kind, len(b"".join(within))) + b"".join(within)


def powerpoint(*within: bytes, token: int = 0xE391C05F) -> bytes:
    """A presentation whose document has these records; `token` is how its user stream says whether it is encrypted."""
    user = struct.pack("<HHIII", 0, 0x0FF6, 20, 20, token)
    return compound({"Current User": user, "PowerPoint Document": container(0x03E8, *within)})
