"""Small archives, good and bad: by the libraries where they write them, by hand where they refuse."""

import bz2
import gzip
import hashlib
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import py7zr
import py7zr.properties
from backports import zstd

from airlock.content.finding_codes import FINDING_CODES
from tests.workers.inspection.parsers.recorder import Recorder as AnyRecorder
from workers.inspection.parsers import archive
from workers.inspection.parsers.port import LimitExceeded
from workers.inspection.readings import Reading

FILES: Mapping[str, bytes] = {
    "a.txt": b"hello " * 3000,
    "folder/b.bin": b"".join(hashlib.sha256(bytes([n])).digest() for n in range(200)),
    "empty": b"",
}


class Recorder(AnyRecorder):
    """An `Output` that counts what is handed out, and keeps it unless told otherwise; `open` is the name of a member
    that has not ended.
    """

    def __init__(self, *, keep: bool = True) -> None:
        super().__init__()
        self.keep = keep
        self.open: str | None = None
        self.produced = 0
        self.largest = 0

    @property
    def codes(self) -> set[str]:
        return {one.code for one in self.findings}

    @property
    def objections(self) -> set[str]:
        return {code for code in self.codes if FINDING_CODES[code].default != "note"}

    @contextmanager
    def member(self, name: str) -> Iterator[Callable[[bytes], None]]:
        assert self.open is None
        self.open = name
        pieces: list[bytes] = []

        def write(piece: bytes) -> None:
            self.produced += len(piece)
            self.largest = max(self.largest, len(piece))
            if self.keep:
                pieces.append(piece)

        yield write
        self.open = None
        self.members.append((name, b"".join(pieces)))


_TYPES = {
    b"7z\xbc\xaf": "application/x-7z-compressed",
    b"\x1f\x8b": "application/gzip",
    b"BZh": "application/x-bzip2",
    b"\xfd7zXZ": "application/x-xz",
    b"\x28\xb5\x2f\xfd": "application/zstd",
    b"\x5a\x2a\x4d\x18": "application/zstd",
    b"LZIP": "application/x-lzip",
    b"\x5d\0\0": "application/x-lzma",
    b"Rar!": "application/vnd.rar",
    b"MSCF": "application/vnd.ms-cab-compressed",
    b"!<arch>": "application/x-archive",
    b"070701": "application/x-cpio",
    b"xar!": "application/x-xar",
    b"\x1f\x9d": "application/x-compress",
}


def type_of(data: bytes) -> str:
    """The media type by the first bytes, as identification tells it; a tar where a checksum is, else a zip."""
    found = next((each for magic, each in _TYPES.items() if data.startswith(magic)), None)
    is_tar = not data.startswith(b"PK") and data[154:156] == b"\0 "
    return found or ("application/x-tar" if is_tar else "application/zip")


def examined(data: bytes, reading: str | Reading = "", *, keep: bool = True, **limits: int) -> Recorder:
    """What the examiner gives for `reading` (by default that of the first bytes); a limit that is met is a finding."""
    output = Recorder(keep=keep)
    reading = reading if isinstance(reading, Reading) else Reading(reading or type_of(data))
    try:
        archive.examine(io.BytesIO(data), len(data), reading, {**archive.DEFAULTS, **limits}, output)
    except LimitExceeded as limit:
        output.finding(limit.code, limit.message)
    return output


def zipped(files: Mapping[str, bytes] = FILES, method: int = zipfile.ZIP_DEFLATED, *, streamed: bool = False) -> bytes:
    """A zip by the library; `streamed` to a target that cannot seek, so that sizes come after the content."""
    target = io.BytesIO()
    with zipfile.ZipFile(_Pipe(target) if streamed else target, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return target.getvalue()


class _Pipe(io.RawIOBase):
    def __init__(self, target: io.BytesIO) -> None:
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._target.write(data)


class Part(NamedTuple):
    """An entry of a zip made by hand; `local` and `central` override what the two headers say."""

    name: bytes = b"a"
    content: bytes = b"content"
    local: Mapping[str, Any] = {}
    central: Mapping[str, Any] = {}


def zip_by_hand(
    *parts: Part,
    prefix: bytes = b"",
    between: bytes = b"",
    behind: bytes = b"",
    end: Mapping[str, int] | None = None,
    comment: bytes = b"",
) -> bytes:
    """A zip; `between` is before its directory, `behind` is behind it, and the offsets count `prefix`."""
    body, directory = prefix, b""
    for part in parts:
        fields: dict[str, Any] = {
            "flags": 0, "method": 0, "crc": zlib.crc32(part.content), "packed": len(part.content),
            "size": len(part.content), "name": part.name, "extra": b"", "mode": 0, "offset": len(body), "disk": 0,
        }  # fmt: skip
        directory += _central({**fields, **part.central})
        body += _local({**fields, **part.local}) + part.content
    body += between
    ends = {"count": len(parts), "length": len(directory), "start": len(body), "disk": 0, **(end or {})}
    return body + directory + behind + end_of_zip(ends, comment)


def _local(fields: Mapping[str, Any]) -> bytes:
    name, extra = bytes(fields["name"]), bytes(fields["extra"])
    sizes = (fields["crc"], fields["packed"], fields["size"], len(name), len(extra))
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, fields["flags"], fields["method"], 0, 33, *sizes)
    return head + name + extra


def _central(fields: Mapping[str, Any]) -> bytes:
    name, extra = bytes(fields["name"]), bytes(fields["extra"])
    head = struct.pack("<4s6H", b"PK\1\2", 0x0314, 20, fields["flags"], fields["method"], 0, 33)
    sizes = struct.pack(
        "<3L5H", fields["crc"], fields["packed"], fields["size"], len(name), len(extra), 0, fields["disk"], 0
    )
    return head + sizes + struct.pack("<2L", fields["mode"] << 16, fields["offset"]) + name + extra


def end_of_zip(ends: Mapping[str, int], comment: bytes) -> bytes:
    count = ends["count"]
    numbers = (ends["disk"], ends["disk"], count, count, ends["length"], ends["start"], len(comment))
    return struct.pack("<4s4H2LH", b"PK\5\6", *numbers) + comment


def zip64() -> bytes:
    """One entry, and every size and place in the 64-bit fields."""
    content = b"content"
    long = struct.pack("<2H2Q", 1, 16, len(content), len(content))
    masks = {"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF}
    plain = zip_by_hand(
        Part(
            content=content,
            local={**masks, "extra": long},
            central={
                **masks,
                "offset": 0xFFFFFFFF,
                "extra": struct.pack("<2H3Q", 1, 24, len(content), len(content), 0),
            },
        )
    )
    body, count, length, start = plain[:-22], *struct.unpack("<H2L", plain[-12:-2])
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(body), 1)
    return (
        body
        + record
        + locator
        + end_of_zip({"disk": 0, "count": 0xFFFF, "length": 0xFFFFFFFF, "start": 0xFFFFFFFF}, b"")
    )


def fifield(entries: int) -> bytes:
    """Entries that each hold the header of the next one as a stored block, so that all of them end in one kernel:
    https://www.bamsoftware.com/hacks/zipbomb/
    """
    content, region = bytes(1 << 16), b""
    data = zlib.compress(content, 9)[2:-4]
    listed: list[tuple[dict[str, Any], int]] = []
    for number in reversed(range(entries)):
        fields: dict[str, Any] = {"method": 8, "crc": zlib.crc32(content), "packed": len(data), "size": len(content)}
        fields |= {"flags": 0, "extra": b"", "mode": 0, "disk": 0, "name": b"%04d" % number}
        header = _local(fields)
        region = header + data
        listed.append((fields, len(region)))
        data = struct.pack("<B2H", 0, len(header), len(header) ^ 0xFFFF) + region
        content = header + content
    directory = b"".join(_central({**fields, "offset": len(region) - length}) for fields, length in listed)
    ends = {"disk": 0, "count": entries, "length": len(directory), "start": len(region)}
    return region + directory + end_of_zip(ends, b"")


def tarred(files: Mapping[str, bytes] = FILES, form: int = tarfile.PAX_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as made:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return target.getvalue()


def tar_entry(name: bytes = b"a", content: bytes = b"", kind: bytes = b"0", **fields: bytes) -> bytes:
    """One entry, with a right checksum, and its padded content; `fields` overrides `size`, `magic` or
    `more`, by which GNU's map of a sparse file goes on."""
    size = fields.get("size", b"%011o\0" % len(content))
    head = name.ljust(100, b"\0") + b"0000644\0" * 3 + size + b"00000000000\0" + b" " * 8 + kind + bytes(100)
    head = (head + fields.get("magic", b"ustar\x0000")).ljust(482, b"\0") + fields.get("more", b"\0") + bytes(29)
    return with_checksum(head) + content + bytes(-len(content) % 512)


def with_checksum(entry: bytes, kind: bytes = b"") -> bytes:
    """An entry that was changed, and may get another type, with a checksum that fits again."""
    entry = entry[:148] + b" " * 8 + (kind or entry[156:157]) + entry[157:]
    return entry[:148] + b"%06o\0 " % sum(entry[:512]) + entry[156:]


def pax(**records: str) -> bytes:
    """The header that describes the entry behind it."""
    content = b""
    for key, value in records.items():
        rest = f" {key}={value}\n".encode()
        length = len(rest) + 1
        length = len(rest) + len(str(length + len(str(length)) - 1))
        content += b"%d" % length + rest
    return tar_entry(b"PaxHeaders", content, b"x")


TAR_END = bytes(1024)


def seven_zipped(files: Mapping[str, bytes] = FILES, *, password: str | None = None, **more: Any) -> bytes:
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w", password=password, **more) as made:
        for name, content in files.items():
            made.writestr(content, name)
    return target.getvalue()


def plain_seven_zip(files: Mapping[str, bytes] = FILES) -> bytes:
    """A 7z whose directory is not compressed."""
    target = io.BytesIO()
    with py7zr.SevenZipFile(target, "w") as made:
        made.encoded_header_mode = False
        for name, content in files.items():
            made.writestr(content, name)
    return target.getvalue()


COPY = b"\x01\x01\x00"  # a folder of one coder with an id of one byte, which is 0


def seven_zip_streams(
    content: bytes = b"content", *, folder: bytes = COPY, parts: bytes = b"", crc: bytes = b"", at: int = 0
) -> bytes:
    """The streams of a 7z's directory: one folder, which holds `content`; lengths up to 127 are one byte."""
    length = bytes([len(content)])
    packed = b"\x04\x06" + bytes([at]) + b"\x01\x09" + length + b"\0"
    return packed + b"\x07\x0b\x01\0" + folder + b"\x0c" + length + crc + b"\0" + parts + b"\0"


def seven_zip_files(*names: str, more: bytes = b"") -> bytes:
    text = b"\0" + b"".join(name.encode("utf-16-le") + b"\0\0" for name in names)
    return b"\x05" + bytes([len(names)]) + more + b"\x11" + bytes([len(text)]) + text + b"\0"


def seven_zip_by_hand(*directory: bytes, content: bytes = b"content") -> bytes:
    """A 7z whose directory is of these parts."""
    start = b"7z\xbc\xaf\x27\x1c\0\4" + bytes(4) + len(content).to_bytes(8, "little") + bytes(12)
    return with_right_checksums(start + content + b"\x01" + b"".join(directory) + b"\0")


def with_right_checksums(data: bytes | bytearray) -> bytes:
    """A 7z that was changed, with checksums that fit again."""
    made = bytearray(data)
    start = 32 + int.from_bytes(made[12:20], "little")
    made[20:28] = max(len(made) - start, 0).to_bytes(8, "little")
    made[28:32] = zlib.crc32(made[start:]).to_bytes(4, "little")
    made[8:12] = zlib.crc32(made[12:32]).to_bytes(4, "little")
    return bytes(made)


PLAIN = FILES["a.txt"] + FILES["folder/b.bin"]
STREAMS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}
SKIPPABLE = b"\x5a\x2a\x4d\x18\4\0\0\0skip"


def _filters(*ids: int) -> dict[str, Any]:
    return {"filters": [{"id": one} for one in ids]}


GOOD_STREAMS: Mapping[str, bytes] = {
    **{name: compress(PLAIN) for name, compress in STREAMS.items()},
    **{f"two {name}": compress(PLAIN[:7000]) + compress(PLAIN[7000:]) for name, compress in STREAMS.items()},
    "padded gzip": gzip.compress(PLAIN) + bytes(700),
    "padded xz": lzma.compress(PLAIN[:7000]) + bytes(8) + lzma.compress(PLAIN[7000:]) + bytes(4),
    "skippable zstd": SKIPPABLE + zstd.compress(PLAIN) + SKIPPABLE,
}
GOOD: Mapping[str, bytes] = {
    "zip": zipped(),
    "stored zip": zipped(method=zipfile.ZIP_STORED),
    "bzip2 zip": zipped(method=zipfile.ZIP_BZIP2),
    "lzma zip": zipped(method=zipfile.ZIP_LZMA),
    "streamed zip": zipped(streamed=True),
    "ustar": tarred(form=tarfile.USTAR_FORMAT),
    "pax": tarred(),
    "gnu": tarred(form=tarfile.GNU_FORMAT),
    "7z": seven_zipped(),
    "plain 7z": plain_seven_zip(),
    "copy 7z": seven_zipped(**_filters(py7zr.FILTER_COPY)),
    "lzma 7z": seven_zipped(**_filters(py7zr.FILTER_LZMA)),
    "bzip2 7z": seven_zipped(**_filters(py7zr.FILTER_BZIP2)),
    "deflate 7z": seven_zipped(**_filters(py7zr.FILTER_DEFLATE)),
    "PPMd 7z": seven_zipped(filters=[{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24}]),
    "zstd 7z": seven_zipped(filters=[{"id": py7zr.FILTER_ZSTD, "level": 3}]),
    "deflate64 7z": seven_zipped(**_filters(py7zr.properties.FILTER_DEFLATE64)),
    "ARM 7z": seven_zipped(**_filters(py7zr.FILTER_ARM, py7zr.FILTER_LZMA2)),
    "ARM zstd 7z": seven_zipped(filters=[{"id": py7zr.FILTER_ARM}, {"id": py7zr.FILTER_ZSTD, "level": 3}]),
    "delta 7z": seven_zipped(**_filters(py7zr.FILTER_DELTA, py7zr.FILTER_LZMA2)),
    "x86 7z": seven_zipped(**_filters(py7zr.FILTER_X86, py7zr.FILTER_LZMA2)),
}
