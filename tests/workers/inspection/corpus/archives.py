"""Archives. Good ones are made by libraries, bad ones byte by byte."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

import py7zr
import zstandard

from tests.workers.inspection.checks.samples import zipped

TEXT = b"Dear all,\n\nplease find the minutes below. We met on Monday.\n\nKind regards\n"


def tarred(name: str = "a.txt", body: bytes = TEXT, kind: bytes = tarfile.REGTYPE) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.size = kind, len(body) if kind == tarfile.REGTYPE else 0
        entry.linkname = "" if kind == tarfile.REGTYPE else "/etc/passwd"
        archive.addfile(entry, io.BytesIO(body))
    return target.getvalue()


def seven_zipped(password: str | None = None) -> bytes:
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", password=password) as archive:
        archive.writestr(TEXT, "a.txt")
    return target.getvalue()


def streams() -> dict[str, bytes]:
    """One text, compressed in each way."""
    return {
        "gz": gzip.compress(TEXT),
        "bz2": bz2.compress(TEXT),
        "xz": lzma.compress(TEXT),
        "zst": zstandard.ZstdCompressor().compress(TEXT),
    }


def encrypted_zip() -> bytes:
    """A zip whose one entry is marked as encrypted."""
    body = bytearray(zipped({"a.txt": TEXT}, stored=True))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + at] |= 1
    return bytes(body)


def zip_with_unknown_method() -> bytes:
    """A zip whose one entry has an unknown compression method."""
    body = bytearray(zipped({"a.txt": TEXT}, stored=True))
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        body[body.index(mark) + at] = 77
    return bytes(body)


def overlapping_zip(entries: int = 50) -> bytes:
    """Entries that quote the next one's header in a stored block, so that all share one kernel of zeros.

    https://www.bamsoftware.com/hacks/zipbomb/
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    plain = bytes(1 << 20)
    rest = packer.compress(plain) + packer.flush()
    whole, listing = b"", []
    for number in range(entries):
        name = b"%03d" % number
        fields = (20, 0, 8, 0, 33, zlib.crc32(plain), len(rest), len(plain), len(name), 0)
        header = b"PK\x03\x04" + struct.pack("<5H3L2H", *fields) + name
        whole = header + rest
        listing.append((name, fields, len(whole)))
        plain, rest = header + plain, struct.pack("<B2H", 0, len(header), len(header) ^ 0xFFFF) + whole
    central = b"".join(
        b"PK\x01\x02" + struct.pack("<6H3L5H2L", 20, *fields, 0, 0, 0, 0, len(whole) - behind) + name
        for name, fields, behind in listing
    )
    return whole + central + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, len(central), len(whole), 0)


def many_entries(count: int) -> bytes:
    """A zip of empty files, made by hand: the standard library is slow."""
    local, central = bytearray(), bytearray()
    for number in range(count):
        name = b"%06d" % number
        fields = struct.pack("<5H3L2H", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0)
        place = len(local)
        local += b"PK\x03\x04" + fields + name
        central += b"PK\x01\x02\x14\0" + fields + struct.pack("<3H2L", 0, 0, 0, 0, place) + name
    here = min(count, 0xFFFF)
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(central), len(local))
    wide += struct.pack("<4sLQL", b"PK\x06\x07", 0, len(local) + len(central), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, here, here, len(central), len(local), 0)
    return bytes(local + central + (wide if count > 0xFFFF else b"") + end)


def zeros(size: int) -> bytes:
    """`size` bytes of zeros as gzip: members of 64 MiB, one after the other, of which only one was compressed."""
    piece = 1 << 26
    return gzip.compress(bytes(piece)) * (size // piece)


def nested(depth: int, width: int, innermost: bytes) -> bytes:
    """Zips within zips, each with `width` times the next (as 42.zip has them), down to `innermost`."""
    body = innermost
    for _ in range(depth):
        body = zipped({f"{number}.zip": body for number in range(width)})
    return body


def zip_with_special_file(name: str, mode: int) -> bytes:
    """A zip with an entry of another kind than a file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.create_system, entry.external_attr = 3, mode << 16
        archive.writestr(entry, "/etc/passwd")
    return target.getvalue()
