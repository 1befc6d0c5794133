"""Compressed streams: their content is one member, and what their readers skip is no file of its own."""

import gzip
import lzma
import struct
import zlib

import pytest
from backports import zstd

from tests.workers.inspection.parsers import archive_samples as samples
from tests.workers.inspection.parsers.archive_samples import GOOD_STREAMS, PLAIN, SKIPPABLE, examined
from workers.inspection.readings import Reading

ZIP = samples.zip_by_hand(samples.Part())
EXTRA, NAME, COMMENT, CHECKSUM = 4, 8, 16, 2


def gzipped(flags: int = 0, fields: bytes = b"", content: bytes = b"text") -> bytes:
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(5) + b"\x03" + fields + gzip.compress(content, mtime=0)[10:]


def extra(data: bytes) -> bytes:
    return len(data).to_bytes(2, "little") + data


def test_the_name_in_a_gzip_header_is_the_member_s() -> None:
    assert examined(gzipped(NAME, b"a.tar\0")).members == [("a.tar", b"text")]
    assert examined(gzipped(EXTRA | NAME, extra(b"BC\2\0\x1b\0") + b"a.csv\0")).members == [("a.csv", b"text")]
    assert examined(gzipped(NAME | COMMENT, "ü\0comment\0".encode("latin-1"))).members == [("ü", b"text")]
    assert examined(gzipped()).members == [("", b"text")]
    header = b"\x1f\x8b\x08" + bytes([CHECKSUM | NAME]) + bytes(5) + b"\x03a\0"
    checked = header + (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little") + gzip.compress(b"text")[10:]
    assert examined(checked).members == [("a", b"text")]


def test_a_name_in_a_gzip_header_that_leads_elsewhere() -> None:
    output = examined(gzipped(NAME, b"../../a.txt\0"))
    assert (output.objections, output.members) == ({"path_traversal"}, [("a.txt", b"text")])
    assert examined(gzipped() + gzipped(NAME, b"../b\0")).objections == {"path_traversal"}


@pytest.mark.parametrize("hidden", [ZIP, samples.GOOD["7z"], b"MZ" + bytes(58) + struct.pack("<L", 64) + b"PE\0\0"])
def test_a_file_in_a_gzip_header_is_hidden(hidden: bytes) -> None:
    assert examined(gzipped(EXTRA, extra(hidden))).codes == {"hidden_entry"}
    assert examined(gzipped(EXTRA, extra(b"AB\4\0" + hidden))).codes == {"hidden_entry"}
    assert examined(gzipped() + gzipped(EXTRA, extra(hidden))).codes == {"hidden_entry"}


@pytest.mark.parametrize("data", [gzipped(EXTRA, b"\xff\xff"), gzipped(NAME, b"a")[:11], gzipped()[:9]])
def test_a_gzip_header_that_does_not_end(data: bytes) -> None:
    assert examined(data).codes == {"malformed"}


def skippable(data: bytes, number: int = 0) -> bytes:
    return bytes([0x50 + number]) + b"\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data


def test_frames_that_zstd_skips_are_no_files() -> None:
    content = zstd.compress(b"text")
    for hidden in (ZIP, samples.GOOD["7z"]):
        for data in (skippable(hidden) + content, content + skippable(hidden, 15)):
            output = examined(data, "application/zstd")
            assert (output.codes, output.members) == ({"hidden_entry"}, [("", b"text")])
    # The table of the seekable format; a long frame of no meaning.
    for harmless in (b"\1\0\0\0" * 3 + b"\0\xb1\xea\x92\x8f", b"\x7f" * 300_000):
        output = examined(skippable(harmless, 14) + content, "application/zstd")
        assert (output.findings, output.members) == ([], [("", b"text")])
    assert examined(skippable(b"x" * 9)[:-1], "application/zstd").codes == {"malformed"}


def test_a_long_frame_that_zstd_skips_is_hidden() -> None:
    data = skippable(bytes(17 << 20)) + zstd.compress(b"text")
    assert examined(data, "application/zstd").codes == {"hidden_entry"}


def test_a_zstd_of_skipped_frames_alone_is_empty() -> None:
    assert examined(SKIPPABLE, "application/zstd").members == [("", b"")]


def test_the_old_lzma_format() -> None:
    data = lzma.compress(PLAIN, lzma.FORMAT_ALONE)
    assert examined(data).members == [("", PLAIN)]
    assert examined(data + b"more").codes == {"trailing_data"}
    assert examined(data[:-20]).codes == {"malformed"}
    huge = data[:1] + (1 << 30).to_bytes(4, "little") + data[5:]
    assert examined(huge).codes == {"limits_exceeded"}


def lzipped(content: bytes, **changed: int) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA1, "preset": 6, "dict_size": 1 << 20}]
    # Python writes no end mark in raw LZMA, but the old format has one where the size is not known.
    packed = lzma.compress(content, lzma.FORMAT_ALONE, filters=filters)[13:]
    fields = {"crc": zlib.crc32(content), "size": len(content), "length": len(packed) + 26, **changed}
    return b"LZIP\x01\x14" + packed + struct.pack("<L2Q", fields["crc"], fields["size"], fields["length"])


def test_lzip() -> None:
    assert examined(lzipped(PLAIN)).members == [("", PLAIN)]
    assert examined(lzipped(PLAIN)).findings == []
    assert examined(lzipped(b"a") + lzipped(b"b")).members == [("", b"ab")]
    assert examined(lzipped(b"a") + b"more").codes == {"trailing_data"}
    for wrong in ({"crc": 1}, {"size": 9}, {"length": 9}):
        assert examined(lzipped(PLAIN, **wrong)).codes == {"malformed"}
    assert examined(lzipped(PLAIN)[:-30]).codes == {"malformed"}
    assert examined(b"LZIP\x01\x01" + lzipped(b"a")[6:]).codes == {"malformed"}


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_blank_bytes_behind_a_stream_are_a_note(name: str) -> None:
    output = examined(GOOD_STREAMS[name] + b"\r\n\x1a")
    assert (output.codes, output.members) == ({"irregular"}, [("", PLAIN)])


def test_a_stream_behind_other_bytes() -> None:
    data = b"prefix" + GOOD_STREAMS["xz"]
    assert examined(data, Reading("application/x-xz", 6)).members == [("", PLAIN)]
