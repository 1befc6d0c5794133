"""RAR, CAB, ISO 9660, LHA, cpio, ar, xar and compress, by the system's libarchive; and what comes without it."""

import stat
import struct
import zlib
from collections.abc import Mapping

import libarchive  # type: ignore[import-untyped]
import pytest

from tests.workers.inspection.parsers import archive_samples as samples
from tests.workers.inspection.parsers.archive_samples import FILES, examined
from workers.inspection.parsers.archives.system import library
from workers.inspection.readings import Reading

ISO = "application/x-iso9660-image"
LHA = "application/x-lha"
FILE = {"a.txt": b"content"}


def written(form: str, files: Mapping[str, bytes] = FILES, compression: str | None = None) -> bytes:
    """An archive that libarchive writes."""
    pieces: list[bytes] = []

    def keep(piece: bytes) -> int:
        pieces.append(bytes(piece))
        return len(piece)

    with libarchive.custom_writer(keep, form, compression) as target:
        for name, content in files.items():
            target.add_file_from_memory(name, len(content), content)
    return b"".join(pieces)


def vint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80]) + vint(value >> 7) if value > 0x7F else bytes([value])


def rar5_block(kind: int, flags: int, fields: bytes, data: bytes = b"") -> bytes:
    header = vint(kind) + vint(flags | (2 if data else 0)) + (vint(len(data)) if data else b"") + fields
    header = vint(len(header)) + header
    return struct.pack("<L", zlib.crc32(header)) + header + data


def rar5_file(name: str, content: bytes = b"content", kind: int = 2) -> bytes:
    fields = vint(4) + vint(len(content)) + vint(0o100644) + struct.pack("<L", zlib.crc32(content)) + vint(0)
    return rar5_block(kind, 0, fields + vint(1) + vint(len(name)) + name.encode(), content)


def rar5(*blocks: bytes, volume: int = 0, end: bytes = rar5_block(5, 0, b"\0")) -> bytes:
    return b"Rar!\x1a\x07\x01\0" + rar5_block(1, 0, vint(volume)) + b"".join(blocks) + end


def rar4_block(kind: int, flags: int, fields: bytes = b"", data: bytes = b"") -> bytes:
    header = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
    return struct.pack("<H", zlib.crc32(header) & 0xFFFF) + header + data


def rar4_file(name: bytes, content: bytes = b"content", kind: int = 0x74, flags: int = 0x8000) -> bytes:
    sizes = struct.pack(
        "<2LBLLBBHL", len(content), len(content), 3, zlib.crc32(content), 0, 20, 0x30, len(name), 0o100644
    )
    return rar4_block(kind, flags, sizes + name, content)


def rar4(*blocks: bytes, flags: int = 0) -> bytes:
    return b"Rar!\x1a\x07\0" + rar4_block(0x73, flags, bytes(6)) + b"".join(blocks) + rar4_block(0x7B, 0x4000)


def cabinet(name: bytes = b"a.txt", content: bytes = b"content") -> bytes:
    """One file that is not compressed ([MS-CAB] 2)."""
    data = struct.pack("<LHH", 0, len(content), len(content)) + content
    entry = struct.pack("<2L4H", len(content), 0, 0, 0x5A21, 0, 0x20) + name + b"\0"
    folder_at = 36 + 8 + len(entry)
    folder = struct.pack("<L2H", folder_at, 1, 0)
    size = folder_at + len(data)
    return struct.pack("<4s5L2B5H", b"MSCF", 0, size, 0, 44, 0, 3, 1, 1, 1, 0, 0, 0) + folder + entry + data


def lha(name: bytes = b"a.txt", content: bytes = b"content") -> bytes:
    """One file that is not compressed, with a header of level 0."""
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    rest = b"-lh0-" + struct.pack("<3L2B", len(content), len(content), 0x5A210000, 0x20, 0)
    rest += bytes([len(name)]) + name + struct.pack("<H", crc)
    return bytes([len(rest), sum(rest) & 0xFF]) + rest + content + b"\0"


GOOD: Mapping[str, tuple[bytes, str]] = {
    "rar5": (rar5(rar5_file("a.txt")), ""),
    "rar4": (rar4(rar4_file(b"a.txt")), ""),
    "cab": (cabinet(), ""),
    "lha": (lha(), LHA),
    "ar": (written("ar_svr4", FILE), ""),
    "bsd ar": (written("ar_bsd", FILE), ""),
    "cpio": (written("cpio", FILE), "application/x-cpio"),
    "newc": (written("cpio_newc", FILE), ""),
    "xar": (written("xar", FILE), ""),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_archive_gives_its_file(name: str) -> None:
    data, media_type = GOOD[name]
    output = examined(data, media_type)
    assert (output.findings, output.members) == ([], [("a.txt", b"content")])


@pytest.mark.parametrize("name", sorted(GOOD.keys() - {"xar"}))
def test_bytes_behind_the_end_are_found(name: str) -> None:
    data, media_type = GOOD[name]
    assert examined(data + b"further" * 100, media_type).objections & {"trailing_data", "unsupported"}
    if name not in ("ar", "bsd ar"):
        assert examined(data + b"\r\n", media_type).codes <= {"irregular"}


@pytest.mark.parametrize("name", GOOD)
def test_an_archive_cut_short_is_not_accepted(name: str) -> None:
    data, media_type = GOOD[name]
    cut = data[: data.rindex(b"content") + 3] if b"content" in data else data[: len(data) // 2]
    output = examined(cut, media_type)
    assert output.objections
    assert output.open is None


def test_an_image_of_a_disk_is_read_as_each_system_reads_it() -> None:
    output = examined(written("iso9660"), ISO)
    assert output.objections == set()
    assert {name for name, _ in output.members} >= {"a.txt", "folder/b.bin", "A.TXT"}
    assert {content for _, content in output.members} == set(FILES.values())


def test_an_image_with_another_file_system_is_unscannable() -> None:
    image = bytearray(written("iso9660"))
    image[20 * 2048 + 1 : 20 * 2048 + 6] = b"NSR03"
    assert "unsupported" in examined(bytes(image), ISO).objections


def test_a_compressed_stream() -> None:
    data = written("raw" if "raw" in libarchive.ffi.WRITE_FORMATS else "ustar", FILE, "compress")
    output = examined(data)
    assert output.findings == []
    assert b"content" in output.members[0][1]


@pytest.mark.parametrize("name", ["../a.txt", "/a.txt"])
def test_names_are_tested(name: str) -> None:
    assert examined(rar5(rar5_file(name))).objections == {"path_traversal"}
    assert examined(rar4(rar4_file(name.encode()))).objections == {"path_traversal"}


def test_a_part_of_a_split_archive_is_unscannable() -> None:
    assert examined(rar5(rar5_file("a.txt"), volume=1)).codes == {"unsupported"}
    assert examined(rar4(rar4_file(b"a.txt"), flags=1)).codes == {"unsupported"}
    assert examined(rar4(rar4_file(b"a.txt", flags=0x8002))).codes == {"unsupported"}


def test_an_encrypted_rar() -> None:
    assert examined(b"Rar!\x1a\x07\x01\0" + rar5_block(4, 0, bytes(20))).codes == {"encrypted"}
    assert examined(rar4(flags=0x80)).codes == {"encrypted"}
    assert "encrypted" in examined(rar4(rar4_file(b"a.txt", flags=0x8004))).codes


def test_streams_that_windows_unpacks_beside_the_files_of_a_rar() -> None:
    assert "hidden_entry" in examined(rar5(rar5_file("a.txt"), rar5_file("STM", kind=3))).codes
    assert "hidden_entry" in examined(rar4(rar4_file(b"a.txt"), rar4_file(b"STM", kind=0x7A))).codes
    assert examined(rar5(rar5_file("CMT", b"a comment", kind=3), rar5_file("a.txt"))).objections == set()


@pytest.mark.parametrize("data", [rar5(b"\0" * 9), rar4(b"\0" * 9), rar5()[:13], rar5(rar5_file("a"), end=b"")[:-3]])
def test_a_rar_whose_blocks_are_not_valid(data: bytes) -> None:
    assert examined(data).codes == {"malformed"}


def test_links_and_devices_of_a_cpio() -> None:
    def entry(name: str, mode: int, content: bytes = b"") -> bytes:
        fields = (1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)

    end = entry("TRAILER!!!", 0)
    assert examined(entry("a", stat.S_IFLNK | 0o777, b"b") + end).codes == {"inner_link"}
    assert "link" in examined(entry("a", stat.S_IFLNK | 0o777, b"../b") + end).codes
    assert examined(entry("a", stat.S_IFCHR | 0o644) + end).codes == {"link"}


def test_the_tables_of_a_library_are_no_members() -> None:
    def entry(name: bytes, content: bytes) -> bytes:
        head = name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"100644  " + b"%-10d`\n" % len(content)
        return head + content + b"\n" * (len(content) % 2)

    table, names = entry(b"/", bytes(4)), entry(b"//", b"a-very-long-name.txt/\n")
    output = examined(b"!<arch>\n" + table + names + entry(b"/0", b"content"))
    assert (output.findings, output.members) == ([], [("a-very-long-name.txt", b"content")])
    hidden = entry(b"/", samples.zip_by_hand(samples.Part()))
    assert examined(b"!<arch>\n" + hidden).codes == {"hidden_entry"}


@pytest.mark.parametrize("name", GOOD)
def test_without_the_library_such_archives_are_unscannable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "AVAILABLE", False)
    output = examined(*GOOD[name])
    assert (output.codes, output.members) == ({"unsupported"}, [])


@pytest.mark.parametrize("name", GOOD)
def test_limits_hold_here_too(name: str) -> None:
    assert examined(*GOOD[name], archive_bytes=3).codes == {"limits_exceeded"}
    assert examined(*GOOD[name], archive_entries=0).codes == {"limits_exceeded"}


def test_an_archive_behind_other_bytes() -> None:
    reading = Reading("application/vnd.ms-cab-compressed", 6)
    assert examined(b"prefix" + cabinet(), reading).members == [("a.txt", b"content")]


def test_a_wrong_checksum_is_malformed() -> None:
    data = bytearray(lha())
    data[-3] ^= 1
    assert examined(bytes(data), LHA).objections == {"malformed"}
