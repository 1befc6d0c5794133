"""Archives that are cut short, have bytes after their end, or can be read in two ways."""

import struct
import zlib

import pytest

from tests.workers.inspection.parsers import archive_samples as samples
from tests.workers.inspection.parsers.archive_samples import GOOD, GOOD_STREAMS, TAR_END, Part, examined
from workers.inspection.readings import Reading

MALFORMED = {"malformed"}
WHOLE = {
    **{name: GOOD[name] for name in ("zip", "pax", "7z")},
    **{name: GOOD_STREAMS[name] for name in samples.STREAMS},
}


@pytest.mark.parametrize("name", WHOLE)
def test_bytes_behind_the_end_are_found_and_the_rest_is_read(name: str) -> None:
    output = examined(WHOLE[name] + b"further")
    assert output.codes == {"trailing_data"}
    assert output.members == examined(WHOLE[name]).members


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_an_archive_cut_short(name: str, part: float) -> None:
    data = WHOLE[name].rstrip(b"\0") if name == "pax" else WHOLE[name]
    output = examined(data[: int(len(data) * part) // 2 * 2 + 1])
    assert output.codes == MALFORMED
    assert output.open is None


def test_what_came_out_of_a_broken_member_is_handed_out() -> None:
    output = examined(GOOD_STREAMS["gzip"][:-4])
    assert output.members == examined(GOOD_STREAMS["gzip"]).members


LOCAL = {
    "name": {"name": b"b"},
    "method": {"method": 8},
    "flags": {"flags": 1},
    "crc": {"crc": 1},
    "packed size": {"packed": 1},
    "size": {"size": 9},
    "name's length": {"name": b"a/b"},
}


@pytest.mark.parametrize("fields", LOCAL.values(), ids=LOCAL.keys())
def test_an_entry_of_a_zip_that_its_directory_describes_differently(fields: dict[str, int]) -> None:
    assert examined(samples.zip_by_hand(Part(local=fields))).objections >= {"ambiguous_name"}


CONTENT = {
    "checksum": {"crc": 1},
    "less": {"size": 9},
    "more": {"size": 3},
    "no deflate": {"method": 8},
    "no lzma": {"method": 14},
    "bad offset": {"offset": 1},
    "offset beyond": {"offset": 99999},
    "masked without": {"size": 0xFFFFFFFF},
}


@pytest.mark.parametrize("fields", CONTENT.values(), ids=CONTENT.keys())
def test_a_zip_whose_headers_agree_on_false_values(fields: dict[str, int]) -> None:
    assert examined(samples.zip_by_hand(Part(local=fields, central=fields))).codes == MALFORMED


def test_bytes_between_the_end_of_a_stream_and_that_of_its_entry() -> None:
    packed = zlib.compress(b"content")[2:-4] + b"hidden"
    fields = {"method": 8, "crc": zlib.crc32(b"content"), "size": 7}
    assert examined(samples.zip_by_hand(Part(content=packed, local=fields, central=fields))).codes == MALFORMED


def test_a_folder_with_content() -> None:
    assert examined(samples.zip_by_hand(Part(b"folder/"))).codes == MALFORMED
    for kind in (b"5", b"2", b"1", b"3"):
        assert "ambiguous_name" in examined(samples.tar_entry(b"a", b"1", kind=kind) + TAR_END).objections


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("a/b", "a\\b"), ("a", "./a"), ("ü", "u\u0308")])
def test_two_entries_of_one_name_are_two_contents_to_two_readers(first: str, second: str) -> None:
    one, other = Part(first.encode(), b"1"), Part(second.encode(), b"2")
    output = examined(samples.zip_by_hand(one, other))
    assert output.objections == {"ambiguous_name"}
    assert [content for _, content in output.members] == [b"1", b"2"]
    assert examined(samples.zip_by_hand(one, other._replace(content=b"1"))).objections == set()
    assert examined(samples.seven_zipped({"a": b"1", "./a": b"2"})).objections == {"ambiguous_name"}


def local_header(name: bytes = b"hidden") -> bytes:
    hidden = samples.zip_by_hand(Part(name))
    return hidden[: hidden.index(b"PK\1\2")]


def test_an_entry_that_the_directory_of_a_zip_leaves_out() -> None:
    hidden = local_header()
    assert examined(samples.zip_by_hand(Part(), between=hidden)).codes == {"hidden_entry"}
    assert examined(hidden + GOOD["zip"], Reading("application/zip", len(hidden))).codes == {"hidden_entry"}
    assert "hidden_entry" in examined(GOOD["zip"] + samples.zip_by_hand(Part())).codes
    assert examined(samples.zip_by_hand(Part(), between=b"anything")).codes == {"hidden_entry"}
    assert examined(samples.zip_by_hand(Part(), behind=b"anything")).codes == {"hidden_entry"}


def signing_block(content: bytes = b"signed") -> bytes:
    length = (len(content) + 24).to_bytes(8, "little")
    return length + content + length + b"APK Sig Block 42"


VIRTUAL_ENTRY = b"PK\3\4" + bytes(24) + struct.pack("<H", 10) + bytes(10)


@pytest.mark.parametrize(
    "gap", [bytes(100), signing_block(), bytes(4000) + signing_block(), VIRTUAL_ENTRY, VIRTUAL_ENTRY * 2 + bytes(3)]
)
def test_what_android_tools_leave_between_entries_is_fine(gap: bytes) -> None:
    assert examined(samples.zip_by_hand(Part(), between=gap)).findings == []
    assert examined(samples.zip_by_hand(Part(), prefix=VIRTUAL_ENTRY)).findings == []


@pytest.mark.parametrize("mark", [b"PK\7\x08", b"PK00"])
def test_the_mark_of_a_split_archive_that_fits_into_one_file(mark: bytes) -> None:
    assert examined(samples.zip_by_hand(Part(), prefix=mark)).findings == []
    assert examined(samples.zip_by_hand(Part(), prefix=b"PKxx")).codes == {"hidden_entry"}


@pytest.mark.parametrize(
    "gap",
    [
        signing_block(samples.zip_by_hand(Part())),
        signing_block()[:-1] + b"3",
        VIRTUAL_ENTRY + b"x",
        VIRTUAL_ENTRY[:-1] + b"x",
        bytes(10) + b"x",
    ],
)
def test_what_is_not_quite_that_is_hidden(gap: bytes) -> None:
    assert examined(samples.zip_by_hand(Part(), between=gap)).codes == {"hidden_entry"}


@pytest.mark.parametrize("prefix", [b"#!/bin/sh\n", bytes(70000)])
@pytest.mark.parametrize("name", ["zip", "streamed zip", "stored zip"])
def test_a_zip_behind_other_bytes_is_read_whether_its_offsets_count_them_or_not(name: str, prefix: bytes) -> None:
    reading = Reading("application/zip", len(prefix))
    plain = examined(prefix + GOOD[name], reading)
    assert (plain.findings, dict(plain.members)) == ([], dict(samples.FILES))
    counted = samples.zip_by_hand(Part(), prefix=prefix)
    assert (examined(counted, reading).findings, examined(counted, reading).members) == ([], [("a", b"content")])
    assert examined(prefix + samples.zip64(), reading).members == [("a", b"content")]


def test_two_directories_of_a_zip() -> None:
    """One program takes the directory right before the end record, another the one at the declared offset."""
    other = samples.zip_by_hand(Part(content=b"another"))
    inner = samples.zip_by_hand(Part(content=b"content"))
    directory = inner[inner.index(b"PK\1\2") : inner.index(b"PK\5\6")]
    place = {"start": other.index(b"PK\1\2"), "count": 1, "length": len(directory)}
    data = other[: other.index(b"PK\5\6")] + directory
    assert "hidden_entry" in examined(data + samples.end_of_zip({"disk": 0, **place}, b"")).objections


@pytest.mark.parametrize(
    ("signature", "codes"),
    [
        (b"PK\5\5\5\0valid", set()),
        (b"PK\5\5\5\0valid!", {"hidden_entry"}),
        (b"PK\5\5\5", {"hidden_entry"}),
        (b"PK\5\5\x1e\0" + b"\xfd7zXZ\0\0\4\xe6\xd6\xb4\x46" + bytes(18), {"hidden_entry"}),
    ],
)
def test_what_stands_behind_the_directory_of_a_zip_is_a_signature_and_no_file(
    signature: bytes, codes: set[str]
) -> None:
    whole = samples.zip_by_hand(Part())
    end = whole.index(b"PK\5\6")
    assert examined(whole[:end] + signature + whole[end:]).codes == codes


ENDS = [{"count": 2}, {"count": 0}, {"length": 3}, {"start": 0xFFFFFFFF}]


@pytest.mark.parametrize("fields", ENDS)
def test_a_zip_with_a_false_end_record(fields: dict[str, int]) -> None:
    assert examined(samples.zip_by_hand(Part(), end=fields)).codes >= MALFORMED


def test_a_part_of_a_split_archive_is_unscannable() -> None:
    assert examined(samples.zip_by_hand(Part(), end={"disk": 1})).codes == {"unsupported"}
    assert examined(samples.zip_by_hand(Part(local={"disk": 1}, central={"disk": 1}))).codes == {"unsupported"}
    assert examined(samples.tar_entry(b"a", b"1", kind=b"M") + TAR_END).codes == {"unsupported"}


def test_a_zip_with_two_end_records() -> None:
    inner = samples.zip_by_hand(Part(content=b"other"))
    assert "hidden_entry" in examined(samples.zip_by_hand(Part(), comment=inner)).codes
    nothing = samples.end_of_zip({"disk": 0, "count": 0, "length": 0, "start": 0}, b"")
    assert "hidden_entry" in examined(samples.zip_by_hand(Part(), comment=nothing)).codes
    # Some programs take the last record, although further bytes follow its comment.
    assert examined(samples.zip_by_hand(Part(), comment=nothing + b"more")).codes == {"hidden_entry"}
    assert examined(samples.zip_by_hand(Part(), comment=b"a comment PK\5\6, longer than a record")).findings == []
    assert examined(samples.zip_by_hand(Part(content=inner))).findings == []


def test_a_zip_with_a_false_64_bit_end_record() -> None:
    good = samples.zip64()
    record, locator = good.index(b"PK\6\6"), good.index(b"PK\6\7")
    places = {record: b"PK\6\5", record + 4: b"\x2d", record + 16: b"\1", record + 24: b"\5", locator + 8: b"\xff"}
    for at, change in {**places, locator + 16: b"\2", len(good) - 12: b"\7\0"}.items():
        assert examined(good[:at] + change + good[at + len(change) :]).codes <= {*MALFORMED, "unsupported"}


def test_a_descriptor_behind_an_entry_that_differs() -> None:
    good = samples.zipped(streamed=True)
    at = good.index(b"PK\7\x08")
    assert "ambiguous_name" in examined(good[: at + 4] + b"wrong" + good[at + 9 :]).codes
    fields = {"flags": 8, "size": 3}
    central = {"flags": 8}
    assert "ambiguous_name" in examined(samples.zip_by_hand(Part(local=fields, central=central))).codes


@pytest.mark.parametrize("layout", ["<3L", "<L2Q", "<4s3L", "<4sL2Q"])
def test_descriptors_of_every_layout(layout: str) -> None:
    values = (zlib.crc32(b"content"), 7, 7)
    text = struct.pack(layout, *((b"PK\7\x08", *values) if "4s" in layout else values))
    local = {"flags": 8, "crc": 0, "packed": 0, "size": 0}
    output = examined(samples.zip_by_hand(Part(local=local, central={"flags": 8}), between=text))
    assert (output.findings, output.members) == ([], [("a", b"content")])


def test_overlapping_entries_are_refused_before_any_is_unpacked() -> None:
    longer = {"packed": 8, "size": 8}
    for data in (samples.fifield(300), samples.zip_by_hand(Part(local=longer, central=longer), Part(b"b"))):
        output = examined(data)
        assert (output.codes, output.members) == ({"overlapping_entries"}, [])


SIZES = [b"9" * 11 + b"\0", b"-0000000001\0", b"\xff" * 12, b"\x80" + b"\xff" * 11, b"77777777777\0"]


@pytest.mark.parametrize("size", SIZES)
def test_a_tar_with_an_invalid_size(size: bytes) -> None:
    assert examined(samples.tar_entry(b"a", b"1", size=size) + TAR_END).codes == MALFORMED


def test_a_header_of_a_tar_with_a_wrong_checksum() -> None:
    data = samples.tar_entry(b"a", b"1")
    assert examined(data + b"x" + data[1:] + TAR_END).codes == MALFORMED
    assert examined(b"x" + data[1:] + TAR_END).codes == MALFORMED


@pytest.mark.parametrize("size", ["2", "-1", "x", "9" * 30])
def test_two_sizes_of_an_entry_of_a_tar(size: str) -> None:
    assert examined(samples.pax(size=size) + samples.tar_entry(b"a", b"1") + TAR_END).codes == MALFORMED


@pytest.mark.parametrize("text", [b"nonsense", b"99 path=a\n", b"5 =a\n", b"9 path=ab", b"3 a=\n"])
def test_descriptions_of_a_tar_that_are_not_valid(text: bytes) -> None:
    data = samples.tar_entry(b"x", text, b"x") + samples.tar_entry(b"a", b"1") + TAR_END
    assert examined(data).codes == MALFORMED


def test_a_map_of_a_sparse_file_that_ends_too_early() -> None:
    output = examined(samples.tar_entry(b"a", kind=b"S", more=b"\1"))
    assert output.codes == MALFORMED | {"unsupported_compression"}


def test_a_description_without_an_entry() -> None:
    assert examined(samples.pax(path="a")).codes == MALFORMED
    assert examined(samples.pax(path="a")[:600]).codes == MALFORMED


def test_a_7z_with_a_wrong_checksum() -> None:
    whole = GOOD["plain 7z"]
    for at in (8, 12, 20, 28, 40, len(whole) - 3):
        changed = bytearray(whole)
        changed[at] ^= 0x55
        assert examined(bytes(changed)).codes == MALFORMED
        assert examined(GOOD["7z"][:-3] + bytes([GOOD["7z"][-3] ^ 1]) + GOOD["7z"][-2:]).codes == MALFORMED


STREAMS, FILE = samples.seven_zip_streams(), samples.seven_zip_files("a")
CHECKSUM = zlib.crc32(b"content").to_bytes(4, "little")
DIRECTORIES = {
    "contents without files": (STREAMS,),
    "files without contents": (FILE,),
    "more files": (STREAMS, samples.seven_zip_files("a", "b")),
    "a content of no file": (samples.seven_zip_streams(parts=b"\x08\x0d\0\0"), samples.seven_zip_files()),
    "no sizes": (samples.seven_zip_streams(parts=b"\x08\x0d\2\0"), samples.seven_zip_files("a", "b")),
    "sizes above the whole": (
        samples.seven_zip_streams(parts=b"\x08\x0d\2\x09\x08\0"),
        samples.seven_zip_files("a", "b"),
    ),
    "a checksum": (samples.seven_zip_streams(crc=b"\x0a\1" + bytes(4)), FILE),
    "more content": (samples.seven_zip_streams(bytes(100)), FILE),
    "lzma properties": (samples.seven_zip_streams(folder=b"\1\x23\3\1\1\1\0"), FILE),
    "lzma2 properties": (samples.seven_zip_streams(folder=b"\1\x21\x21\1\x29"), FILE),
    "no lzma2": (samples.seven_zip_streams(folder=b"\1\x21\x21\1\1"), FILE),
    "another directory": (b"\x17",),
    "properties": (b"\x02",),
    "further bytes": (STREAMS, FILE, b"\1"),
}


@pytest.mark.parametrize("directory", DIRECTORIES.values(), ids=DIRECTORIES.keys())
def test_a_7z_with_a_false_directory(directory: tuple[bytes, ...]) -> None:
    assert examined(samples.seven_zip_by_hand(*directory)).codes == MALFORMED


def test_a_7z_with_and_without_a_checksum_and_an_empty_one() -> None:
    for streams in (STREAMS, samples.seven_zip_streams(crc=b"\x0a\1" + CHECKSUM)):
        output = examined(samples.seven_zip_by_hand(streams, FILE))
        assert (output.findings, output.members) == ([], [("a", b"content")])
    assert examined(samples.with_right_checksums(samples.seven_zip_by_hand()[: 32 + 7])).codes == MALFORMED
    for nothing in (
        samples.seven_zip_by_hand(content=b""),
        samples.with_right_checksums(samples.seven_zip_by_hand(content=b"")[:32]),
    ):
        assert (examined(nothing).findings, examined(nothing).members) == ([], [])


def test_empty_files_of_a_7z_are_members_and_its_folders_are_not() -> None:
    about = b"\x0e\1\xc0" + b"\x0f\1\x80" + b"\x15\x0a\1\0" + bytes(4) + b"\x10\0\0\0"
    output = examined(samples.seven_zip_by_hand(samples.seven_zip_files("a", "folder", more=about), content=b""))
    assert (output.findings, output.members) == ([], [("a", b"")])


def test_a_reparse_point_of_a_7z_is_a_link() -> None:
    about = b"\x15\6\1\0\0\4\0\0"
    data = samples.seven_zip_by_hand(STREAMS, samples.seven_zip_files("a", more=about))
    assert examined(data).codes == {"inner_link"}


def test_bytes_of_a_7z_that_its_directory_does_not_list() -> None:
    gap = samples.seven_zip_by_hand(samples.seven_zip_streams(at=6), FILE, content=b"hidden" + b"content")
    output = examined(gap)
    assert (output.codes, output.members) == ({"hidden_entry"}, [("a", b"content")])
    behind = samples.seven_zip_by_hand(STREAMS, FILE, content=b"content" + b"hidden")
    assert examined(behind).codes == {"hidden_entry"}
    blank = samples.seven_zip_by_hand(STREAMS, FILE, content=b"content" + bytes(20))
    assert examined(blank).findings == []


def test_a_folder_of_a_7z_that_cannot_be_unpacked_here() -> None:
    for folder in (b"\1\1\x7f", b"\5" + b"\1\0" * 5 + bytes(range(8))):
        data = samples.seven_zip_by_hand(samples.seven_zip_streams(folder=folder), FILE)
        assert examined(data).codes <= {"unsupported_compression", *MALFORMED}
        assert examined(data).findings


@pytest.mark.parametrize("hidden", [samples.plain_seven_zip({"a": b"1"}), samples.seven_zipped({"a": b"1"})])
def test_an_archive_in_a_comment_or_an_extra_field_of_a_zip_is_hidden(hidden: bytes) -> None:
    assert examined(samples.zip_by_hand(Part(), comment=hidden)).codes == {"hidden_entry"}
    extra = {"extra": struct.pack("<2H", 0x6666, len(hidden)) + hidden}
    assert examined(samples.zip_by_hand(Part(local=extra))).codes == {"hidden_entry"}
    assert examined(samples.zip_by_hand(Part(central=extra))).codes == {"hidden_entry"}
    times = {"extra": struct.pack("<2H", 0x6666, 300) + b"UT" * 150}
    assert examined(samples.zip_by_hand(Part(local=times, central=times))).findings == []
