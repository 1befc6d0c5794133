"""Links inside binary parts: the monikers of OLE ([MS-OSHARED] 2.3.7, [MS-OLEDS] 2.3.3). Pure."""

import re
import struct
from collections.abc import Iterator

from workers.inspection.parsers.documents.references import LINKED, REMOTE, clicked, is_remote, shown
from workers.inspection.parsers.port import Output

_URL = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b")
_FILE = bytes.fromhex("0303000000000000c000000000000046")
_PARTS = frozenset({_FILE, bytes.fromhex("0903000000000000c000000000000046"),  # composite
                    bytes.fromhex("0403000000000000c000000000000046"),  # item
                    bytes.fromhex("0503000000000000c000000000000046")})  # anti  # fmt: skip
_WIDE = re.compile(rb"(?:[\x20-\x7e]\0){4,}")
_NARROW = re.compile(rb"[\x20-\x7e]{5,}")
# OfficeArt properties of a picture ([MS-ODRAW] 2.3.23.5 and 7): its name, then flags that say that it is a link.
_LINKED_PICTURE = re.compile(rb"\x05\xc1.{4}\x06\x01[\x08-\x0f]\0\0\0", re.DOTALL)
_NEAR = 4096


def linked_addresses(data: bytes) -> Iterator[str]:
    """The addresses of all URL and file monikers in `data`: what hyperlinks in old binary formats lead to."""
    for at in _positions(data, _URL):
        length = int.from_bytes(data[at : at + 4], "little")
        yield data[at + 4 : at + 4 + min(length, 8192)].decode("utf-16-le", "replace").partition("\0")[0]
    for at in _positions(data, _FILE):
        length = int.from_bytes(data[at + 2 : at + 6], "little")
        if 0 < length < 8192:
            yield data[at + 6 : at + 6 + length].decode("latin-1").partition("\0")[0]


def linked_pictures(data: bytes) -> Iterator[str]:
    """The addresses of pictures that a drawing links to, and that are loaded when it is shown."""
    for found in _LINKED_PICTURE.finditer(data):
        yield from _strings(data[found.end() : found.end() + _NEAR])


def report_links(data: bytes, output: Output) -> None:
    """Report what the hyperlinks and the linked pictures in the binary part `data` lead to."""
    for address in linked_addresses(data):
        clicked(address, output)
    for address in linked_pictures(data):
        shown(address, output)


def report_ole_stream(content: bytes, output: Output) -> None:
    r"""Report the stream `\1Ole` of an object that is a link: what it leads to is loaded with the document."""
    if len(content) < 20:
        return
    _, flags, _, _, size = struct.unpack_from("<5L", content)
    if (
        _URL in content
        or (flags & 1 and not _is_plain(content[20 + size :]))
        or (flags & 1 and any(is_remote(text) for text in _strings(content)))
    ):
        output.finding("remote_template", REMOTE)
    elif flags & 1:
        output.finding("external_link", LINKED)


def _is_plain(monikers: bytes) -> bool:
    """Whether the relative and the absolute moniker, each behind its size, are paths of files (and places in them)."""
    at = 0
    for _ in range(2):
        size = int.from_bytes(monikers[at : at + 4], "little")
        if size >= 16 and monikers[at + 4 : at + 20] not in _PARTS:
            return False
        at += 4 + size
    return True


def _strings(data: bytes) -> Iterator[str]:
    for found in _WIDE.finditer(data):
        yield found[0].decode("utf-16-le")
    for found in _NARROW.finditer(data):
        yield found[0].decode("ascii")


def _positions(data: bytes, mark: bytes) -> Iterator[int]:
    """Where the bytes behind each mark begin."""
    at = data.find(mark)
    while at >= 0:
        yield at + len(mark)
        at = data.find(mark, at + len(mark))
