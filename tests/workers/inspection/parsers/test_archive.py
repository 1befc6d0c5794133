"""Every format's good archives give exactly their members, and every code has an archive that provokes just it."""

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping

import inflate64
import py7zr
import pyppmd
import pytest
from backports import zstd

from tests.workers.inspection.parsers import archive_samples as samples
from tests.workers.inspection.parsers.archive_samples import FILES, GOOD, GOOD_STREAMS, PLAIN, TAR_END, Part, examined


@pytest.mark.parametrize("name", GOOD)
def test_a_good_archive_gives_exactly_its_files(name: str) -> None:
    output = examined(GOOD[name])
    assert output.findings == []
    assert dict(output.members) == dict(FILES)
    assert len(output.members) == len(FILES)


@pytest.mark.parametrize("name", GOOD_STREAMS)
def test_compressed_streams_give_what_they_hold_as_one_member(name: str) -> None:
    output = examined(GOOD_STREAMS[name])
    assert (output.findings, output.members) == ([], [("", PLAIN)])


def test_a_zip_with_64_bit_sizes() -> None:
    output = examined(samples.zip64())
    assert (output.findings, output.members) == ([], [("a", b"content")])


METHODS: Mapping[int, Callable[[bytes], bytes]] = {
    9: lambda data: (deflater := inflate64.Deflater()).deflate(data) + deflater.flush(),
    20: zstd.compress,
    93: zstd.compress,
    95: lzma.compress,
    98: lambda data: b"\x75\x01" + (encoder := pyppmd.Ppmd8Encoder(6, 24 << 20)).encode(data) + encoder.flush(True),
}


@pytest.mark.parametrize("method", METHODS)
def test_zip_knows_deflate64_zstd_xz_and_ppmd(method: int) -> None:
    packed = METHODS[method](PLAIN)
    fields = {"method": method, "crc": zlib.crc32(PLAIN), "size": len(PLAIN)}
    output = examined(samples.zip_by_hand(Part(content=packed, local=fields, central=fields)))
    assert (output.findings, output.members) == ([], [("a", PLAIN)])


def test_folders_are_no_members() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        target.mkdir("folder")
    folder = samples.tar_entry(b"folder/", kind=b"5") + samples.tar_entry(b"old/", kind=b"\0") + TAR_END
    for data in (made.getvalue(), folder, zipfile_empty()):
        output = examined(data)
        assert (output.findings, output.members) == ([], [])


def zipfile_empty() -> bytes:
    made = io.BytesIO()
    zipfile.ZipFile(made, "w").close()
    return made.getvalue()


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_of_a_tar(form: int) -> None:
    name = "ö/" + "x" * 300
    output = examined(samples.tarred({name: b"1"}, form))
    assert (output.findings, output.members) == ([], [(name, b"1")])


def test_a_tar_of_the_old_kind_and_one_without_an_end() -> None:
    old = samples.tar_entry(b"a", b"1", kind=b"\0", magic=b"")
    for data in (old + TAR_END, old):
        output = examined(data)
        assert (output.findings, output.members) == ([], [("a", b"1")])


def test_a_global_description_and_large_numbers_of_a_tar() -> None:
    comment = samples.pax(comment="made by git")
    comment = comment[:156] + b"g" + comment[157:]
    comment = comment[:148] + b"%06o\0 " % sum(comment[:148] + b" " * 8 + comment[156:512]) + comment[156:]
    data = comment + samples.tar_entry(b"a", b"1", size=b"\x80" + (1).to_bytes(11, "big")) + TAR_END
    assert examined(data).members == [("a", b"1")]


NAMES = [
    "/etc/passwd",
    "\\\\server\\share",
    "C:/x",
    "c:x",
    "../x",
    "a/../../x",
    "a\\..\\..\\x",
    "..",
    "a/.. /x",
    "./..",
]


@pytest.mark.parametrize("name", [*NAMES, "‥/x", "．．／x"])
def test_a_name_that_leads_elsewhere_is_refused_whatever_the_format(name: str) -> None:
    assert examined(samples.zip_by_hand(Part(name.encode()))).objections == {"path_traversal"}
    assert examined(samples.tar_entry(name.encode(), b"1") + TAR_END).objections == {"path_traversal"}
    described = samples.pax(path=name) + samples.tar_entry(b"a", b"1") + TAR_END
    assert examined(described).objections >= {"path_traversal"}
    if not name.endswith("\\x"):  # py7zr writes no backslashes
        made = io.BytesIO()
        with py7zr.SevenZipFile(made, "w") as target:
            target._writestr(b"1", name)
        assert examined(made.getvalue()).objections == {"path_traversal"}


@pytest.mark.parametrize("name", ["a..b", "..a/x", "a\\b", "dev-disk-by\\x2dlabel.swap", "./a", "a/…", "A：表.txt"])
def test_unusual_names_that_lead_nowhere_else_are_fine(name: str) -> None:
    assert examined(samples.zip_by_hand(Part(name.encode()))).findings == []


@pytest.mark.parametrize("name", ["a/C:/x", "aa:b", "src/aux.c", "NUL", "Icon\r", "what?", "end.", "end "])
def test_a_name_that_windows_cannot_store_is_a_note(name: str) -> None:
    assert examined(samples.zip_by_hand(Part(name.encode()))).codes == {"irregular"}


@pytest.mark.parametrize("name", ["a\0b", "a\u202egnp.exe", "\u2066a"])
def test_a_name_that_looks_like_another_one_is_ambiguous(name: str) -> None:
    assert examined(samples.zip_by_hand(Part(name.encode()))).objections == {"ambiguous_name"}


def unicode_path(name: str) -> bytes:
    return struct.pack("<2HBL", 0x7075, 5 + len(name.encode()), 1, 0) + name.encode()


@pytest.mark.parametrize(("raw", "name"), [(b"\x81.txt", "ü.txt"), (b"_.txt", "ü.txt"), (b"a/?", "a/ü")])
def test_the_unicode_name_of_a_zip_entry_is_the_same_in_another_encoding(raw: bytes, name: str) -> None:
    fields = {"extra": unicode_path(name)}
    assert examined(samples.zip_by_hand(Part(raw, local=fields, central=fields))).objections == set()


@pytest.mark.parametrize(
    ("raw", "name", "code"),
    [
        (b"a", "../x", "path_traversal"),
        (b"a.txt", "a.exe", "ambiguous_name"),
        (b"_.txt", "ü.exe", "ambiguous_name"),
        (b"a.txt", "ü/a.txt", "ambiguous_name"),
    ],
)
def test_the_unicode_name_of_a_zip_entry_is_tested(raw: bytes, name: str, code: str) -> None:
    fields = {"extra": unicode_path(name)}
    assert code in examined(samples.zip_by_hand(Part(raw, local=fields, central=fields))).objections
    assert code in examined(samples.zip_by_hand(Part(raw, local=fields))).objections


@pytest.mark.parametrize("mode", [0o020644, 0o060644, 0o140644])
def test_devices_of_a_zip(mode: int) -> None:
    output = examined(samples.zip_by_hand(Part(central={"mode": mode})))
    assert output.codes == {"link"}
    assert output.members == [("a", b"content")]


def test_what_was_zipped_from_a_pipe_is_a_file_and_a_pipe_is_none() -> None:
    assert examined(samples.zip_by_hand(Part(b"-", central={"mode": 0o010600}))).codes == set()
    assert examined(samples.zip_by_hand(Part(b"-", b"", central={"mode": 0o010600}))).codes == {"link"}


@pytest.mark.parametrize("kind", [b"3", b"4", b"6"])
def test_devices_of_a_tar(kind: bytes) -> None:
    output = examined(samples.tar_entry(b"a", kind=kind) + samples.tar_entry(b"b", b"1") + TAR_END)
    assert (output.codes, output.members) == ({"link"}, [("b", b"1")])


@pytest.mark.parametrize(
    "fields", [{"flags": 1}, {"flags": 1 | 1 << 6}, {"flags": 1 << 13}, {"method": 99, "flags": 1}]
)
def test_encrypted_entries_of_a_zip_are_not_handed_out_and_the_others_are(fields: dict[str, int]) -> None:
    output = examined(samples.zip_by_hand(Part(local=fields, central=fields), Part(b"b")))
    assert (output.codes, output.members) == ({"encrypted"}, [("b", b"content")])


@pytest.mark.parametrize("header_encryption", [False, True])
def test_an_encrypted_7z(header_encryption: bool) -> None:  # a parameter of the test
    data = samples.seven_zipped({"a": b"1"}, password="secret", header_encryption=header_encryption)
    assert examined(data).codes == {"encrypted"}


def test_unknown_compressions_are_unscannable() -> None:
    fields = {"method": 6}
    output = examined(samples.zip_by_hand(Part(local=fields, central=fields), Part(b"b")))
    assert (output.codes, output.members) == ({"unsupported_compression"}, [("b", b"content")])
    brotli = samples.seven_zipped({"a": PLAIN}, filters=[{"id": py7zr.FILTER_BROTLI, "level": 1}])
    assert examined(brotli).codes == {"unsupported_compression"}


def test_sparse_files_of_a_tar_are_unscannable_and_what_follows_is_read() -> None:
    follows = samples.tar_entry(b"b", b"2") + TAR_END
    gnu = samples.tar_entry(b"a", b"1", kind=b"S")
    mapped = samples.tar_entry(b"a", b"1", kind=b"S", more=b"\1")
    mapped = mapped[:512] + bytes(504) + b"\1" + bytes(7) + bytes(512) + mapped[512:]
    posix = samples.pax(**{"GNU.sparse.major": "1"}) + samples.tar_entry(b"a", b"1")
    for data in (gnu + follows, mapped + follows, posix + follows):
        output = examined(data)
        assert (output.codes, output.members) == ({"unsupported_compression"}, [("b", b"2")])
