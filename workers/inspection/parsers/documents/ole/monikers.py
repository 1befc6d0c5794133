r"""Links inside binary parts: hyperlinks and the monikers of OLE ([MS-OSHARED] 2.3.7, [MS-OLEDS] 2.3.3). Pure.

Programs find a hyperlink by the record, the property or the field that has it. Here each is found by the class that
stands before it, wherever that is. A moniker is its class, then data of a form of its own; one whose class is not known
here is created by whatever program has registered it.
"""

import re
import struct
import uuid
from collections.abc import Iterator

from workers.inspection.parsers.documents.ole.drawings import linked_pictures, positions
from workers.inspection.parsers.documents.references import LINKED, REMOTE, clicked, is_remote, shown
from workers.inspection.parsers.port import Output

_URL = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b")
_FILE = bytes.fromhex("0303000000000000c000000000000046")
_COMPOSITE = bytes.fromhex("0903000000000000c000000000000046")
_ITEM = bytes.fromhex("0403000000000000c000000000000046")
_ANTI = bytes.fromhex("0503000000000000c000000000000046")
_KNOWN = frozenset({_URL, _FILE, _COMPOSITE, _ITEM, _ANTI})
# Monikers that run what they name: of scripts, "new", SOAP, and of a class.
_RUNS = re.compile(b"|".join(re.escape(uuid.UUID(each).bytes_le) for each in (
    "06290bd2-48aa-11d2-8432-006008c3fbfc", "ecabafc6-7f19-11d2-978e-0000f8757e2a",
    "ecabb0c7-7f19-11d2-978e-0000f8757e2a", "0000031a-0000-0000-c000-000000000046",
)))  # fmt: skip
_HYPERLINK = bytes.fromhex("d0c9ea79f9bace118c8200aa004ba90b")
_HAS_MONIKER, _HAS_NAME, _HAS_FRAME, _AS_TEXT = 0x01, 0x10, 0x80, 0x100
_LINK_BASE = re.compile(rb"_\0?P\0?I\0?D\0?_\0?L\0?I\0?N\0?K\0?B\0?A\0?S\0?E", re.IGNORECASE)
_BYTES = b"\x41\0\0\0"  # VT_BLOB
# What is read of an address: the longest that Windows opens is much shorter.
_ADDRESS_BYTES = 8192
_MOST_PARTS = 64
_WIDE = re.compile(rb"(?:[\x20-\x7e]\0){4,}")
_NARROW = re.compile(rb"[\x20-\x7e]{5,}")


def report_links(data: bytes, output: Output) -> None:
    """Report what the hyperlinks and the linked pictures in the binary part `data` lead to."""
    for address in linked_addresses(data):
        clicked(address, output)
    for address in linked_pictures(data):
        shown(address, output)


def linked_addresses(data: bytes) -> Iterator[str]:
    """The addresses of all hyperlinks, and of all URL and file monikers, in `data`."""
    for at in positions(data, _URL):
        yield _url(data, at)
    for at in positions(data, _FILE):
        yield from _paths(data, at)
    for at in positions(data, _HYPERLINK):
        yield from _hyperlink(data, at)


def link_bases(properties: bytes) -> Iterator[str]:
    r"""Where the relative links of a document begin, by the stream `\5DocumentSummaryInformation` ([MS-OSHARED]
    2.3.3.2.3.2): the property `_PID_LINKBASE`, whose value is of bytes with a text in them.
    """
    if _LINK_BASE.search(properties):
        for at in positions(properties, _BYTES):
            length = int.from_bytes(properties[at : at + 4], "little")
            text = properties[at + 4 : at + 4 + min(length, _ADDRESS_BYTES)]
            yield text.decode("utf-16-le", "replace").partition("\0")[0]


def report_ole_stream(content: bytes, output: Output) -> None:
    r"""Report the stream `\1Ole` of an object that is a link: what it leads to is loaded with the document."""
    if len(content) < 20:
        return
    linked = bool(content[4] & 1)
    if _URL in content or _RUNS.search(content) or (linked and _is_remote_link(content)):
        output.finding("remote_template", REMOTE)
    elif linked:
        output.finding("external_link", LINKED)


def _is_remote_link(content: bytes) -> bool:
    """Whether the link leads elsewhere, or cannot be followed here: a moniker of its own, the relative, the absolute.

    Each stands behind its size, which Windows does not use: it loads one moniker after the other.
    """
    at, addresses = 16, [*_strings(content)]
    try:
        for _ in range(3):
            at += 4
            if any(content[at - 4 : at]):
                at = _load(content, at, addresses)
    except (ValueError, struct.error):
        return True
    return any(map(is_remote, addresses))


def _load(data: bytes, at: int, addresses: list[str], depth: int = 0) -> int:
    """Add the addresses of the moniker at `at`; returns where it ends. Raises ValueError or struct.error where it is
    broken or not known.
    """
    kind, at = data[at : at + 16], at + 16
    if kind == _URL:
        addresses.append(_url(data, at))
        return at + 4 + _size(data, at)
    if kind == _FILE:
        addresses += _paths(data, at)
        return _unicode_path(data, at)[1]
    if kind == _ITEM:
        at += 4 + _size(data, at)
        return at + 4 + _size(data, at)
    if kind == _ANTI:
        return at + 4
    if kind != _COMPOSITE or depth or _size(data, at) > _MOST_PARTS:
        raise ValueError("not a moniker of a file")
    count, at = _size(data, at), at + 4
    for _ in range(count):
        at = _load(data, at, addresses, depth + 1)
    return at


def _url(data: bytes, at: int) -> str:
    """[MS-OSHARED] 2.3.7.6: the length in bytes, then the address, which may have an id behind it."""
    length = int.from_bytes(data[at : at + 4], "little")
    return data[at + 4 : at + 4 + min(length, _ADDRESS_BYTES)].decode("utf-16-le", "replace").partition("\0")[0]


def _paths(data: bytes, at: int) -> Iterator[str]:
    """Both paths of a file ([MS-OSHARED] 2.3.7.8), of which Windows takes the second: they may differ."""
    length = int.from_bytes(data[at + 2 : at + 6], "little")
    narrow = data[at + 6 : at + 6 + min(length, _ADDRESS_BYTES)].decode("latin-1").partition("\0")[0]
    if narrow:
        yield narrow
    try:
        path, _ = _unicode_path(data, at)
    except struct.error:
        return
    if path:
        yield path


def _unicode_path(data: bytes, at: int) -> tuple[str, int]:
    """The path in Unicode ("" without one), which has 6 bytes before it, and where the moniker ends."""
    at += 6 + _size(data, at + 2) + 24
    size, at = _size(data, at), at + 4
    length = int.from_bytes(data[at : at + 4], "little") if size else 0
    path = data[at + 6 : at + 6 + min(length, _ADDRESS_BYTES)].decode("utf-16-le", "replace")
    return path.partition("\0")[0], at + size


def _hyperlink(data: bytes, at: int) -> Iterator[str]:
    """The address of a hyperlink that has it as a text, as Office writes shares; and a moniker's class as its name
    ([MS-OSHARED] 2.3.7.1).
    """
    version, flags = struct.unpack_from("<LL", data, at) if at + 8 <= len(data) else (0, 0)
    if version != 2 or not flags & _HAS_MONIKER:
        return
    at += 8
    for text in (_HAS_NAME, _HAS_FRAME):
        if flags & text:
            at += 4 + 2 * int.from_bytes(data[at : at + 4], "little")
    if flags & _AS_TEXT:
        length = 2 * int.from_bytes(data[at : at + 4], "little")
        yield data[at + 4 : at + 4 + min(length, _ADDRESS_BYTES)].decode("utf-16-le", "replace").partition("\0")[0]
    elif len(kind := data[at : at + 16]) == 16 and kind not in _KNOWN:
        yield f"clsid:{uuid.UUID(bytes_le=kind)}"


def _size(data: bytes, at: int) -> int:
    """Raises struct.error where there is none."""
    size: int = struct.unpack_from("<L", data, at)[0]
    return size


def _strings(data: bytes) -> Iterator[str]:
    for found in _WIDE.finditer(data):
        yield found[0].decode("utf-16-le")
    for found in _NARROW.finditer(data):
        yield found[0].decode("ascii")
