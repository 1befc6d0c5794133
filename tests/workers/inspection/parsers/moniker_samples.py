"""Hyperlinks and monikers as Office writes them ([MS-OSHARED] 2.3.7), and tables of a drawing's properties."""

import struct
import uuid

URL, FILE, COMPOSITE, ITEM, ANTI = (
    "79eac9e0-baf9-11ce-8c82-00aa004ba90b",
    "00000303-0000-0000-c000-000000000046",
    "00000309-0000-0000-c000-000000000046",
    "00000304-0000-0000-c000-000000000046",
    "00000305-0000-0000-c000-000000000046",
)
SCRIPT, NEW = "06290bd2-48aa-11d2-8432-006008c3fbfc", "ecabafc6-7f19-11d2-978e-0000f8757e2a"
HYPERLINK = uuid.UUID("79eac9d0-baf9-11ce-8c82-00aa004ba90b").bytes_le


def moniker(kind: str, body: bytes = b"") -> bytes:
    return uuid.UUID(kind).bytes_le + body


def url(address: str, behind: bytes = b"") -> bytes:
    body = f"{address}\0".encode("utf-16-le") + behind
    return moniker(URL, struct.pack("<L", len(body)) + body)


def file(narrow: str, wide: str = "", above: int = 0) -> bytes:
    name = narrow.encode("cp1252", "replace") + b"\0"
    text = wide.encode("utf-16-le")
    unicode = struct.pack("<LH", len(text), 3) + text + b"more" if wide else b""
    body = struct.pack("<HL", above, len(name)) + name + struct.pack("<HH", 0xFFFF, 0xDEAD) + bytes(20)
    return moniker(FILE, body + struct.pack("<L", len(unicode)) + unicode)


def item(name: bytes) -> bytes:
    return moniker(ITEM, struct.pack("<L", 2) + b"!\0" + struct.pack("<L", len(name)) + name)


def composite(*parts: bytes) -> bytes:
    return moniker(COMPOSITE, struct.pack("<L", len(parts)) + b"".join(parts))


def _text(text: str) -> bytes:
    return struct.pack("<L", len(text) + 1) + f"{text}\0".encode("utf-16-le")


def hyperlink(target: bytes | str = b"", *, name: str = "", frame: str = "", place: str = "", flags: int = 3) -> bytes:
    """A hyperlink with a moniker, or with its address as a text, as Office writes shares."""
    flags |= 0x100 * isinstance(target, str) | 0x14 * bool(name) | 0x80 * bool(frame) | 0x08 * bool(place)
    texts = b"".join(_text(text) for text in (name, frame) if text)
    body = _text(target) if isinstance(target, str) else target
    return HYPERLINK + struct.pack("<LL", 2, flags) + texts + body + (_text(place) if place else b"")


def ole_stream(relative: bytes = b"", absolute: bytes = b"", *, flags: int = 1, own: bytes = b"") -> bytes:
    r"""The stream `\1Ole` as Windows writes it: each size counts itself ([MS-OLEDS] 2.3.3)."""
    monikers = b"".join(struct.pack("<L", len(one) + 4) + one if one else bytes(4) for one in (own, relative, absolute))
    return struct.pack("<4L", 0x02000001, flags, 1, 0) + monikers + b"\xff" * 4 + bytes(44)


def properties(*rows: tuple[int, int | bytes], kind: int = 0xF00B) -> bytes:
    """A table of a shape's properties; one of bytes stands behind the table (fComplex)."""
    table = b"".join(
        struct.pack(
            "<HL", number | 0x8000 * isinstance(value, bytes), len(value) if isinstance(value, bytes) else value
        )
        for number, value in rows
    )
    behind = b"".join(value for _, value in rows if isinstance(value, bytes))
    return struct.pack("<HHL", len(rows) << 4 | 3, kind, len(table + behind)) + table + behind


def picture(address: str, flags: int = 0x0A, name: int = 0x4105) -> bytes:
    """A shape with a linked picture."""
    return properties((0x0104, 1), (name, f"{address}\0".encode("utf-16-le")), (name + 1 & 0x3FFF, flags))
