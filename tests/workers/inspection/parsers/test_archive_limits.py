"""Bombs end at a limit that counts the unpacked bytes. Broken archives end, and leave nothing behind."""

import bz2
import functools
import gzip
import io
import lzma
import tempfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import py7zr
import py7zr.properties
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.inspection.parsers import archive_samples as samples
from tests.workers.inspection.parsers.archive_samples import GOOD, GOOD_STREAMS, TAR_END, Part, Recorder, examined
from workers.inspection.parsers import archive
from workers.inspection.parsers.port import LimitExceeded
from workers.inspection.readings import Reading

MIB = 1 << 20
EXCEEDED = {"limits_exceeded"}
ZEROS = bytes(32 * MIB)
BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(ZEROS),
    "bzip2": lambda: bz2.compress(ZEROS),
    "xz": lambda: lzma.compress(ZEROS, preset=1),
    "zstd": lambda: zstd.compress(ZEROS),
    "zip": lambda: samples.zipped({"a": ZEROS}),
    "lzma zip": lambda: samples.zipped({"a": ZEROS}, zipfile.ZIP_LZMA),
    "7z": lambda: samples.seven_zipped({"a": ZEROS}, filters=[{"id": py7zr.FILTER_LZMA2, "preset": 1}]),
    "zstd 7z": lambda: samples.seven_zipped({"a": ZEROS}, filters=[{"id": py7zr.FILTER_ZSTD, "level": 3}]),
    "deflate64 7z": lambda: samples.seven_zipped({"a": ZEROS}, filters=[{"id": py7zr.properties.FILTER_DEFLATE64}]),
    "deflate 7z": lambda: samples.seven_zipped({"a": ZEROS}, filters=[{"id": py7zr.FILTER_DEFLATE}]),
}


@functools.cache
def bomb(name: str) -> bytes:
    """Made when a test needs it: every process that collects the tests would spend seconds on all of them."""
    return BOMBS[name]()


def limit_message(output: Recorder) -> str:
    assert output.codes == EXCEEDED
    return output.findings[0].message


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_by_what_may_come_out_in_all(name: str) -> None:
    output = examined(bomb(name), keep=False, archive_bytes=MIB)
    assert f"{MIB:,}" in limit_message(output)
    assert output.produced <= MIB
    assert output.open is not None  # cut short, and so not to be taken for a member


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_by_what_one_member_may_have(name: str) -> None:
    output = examined(bomb(name), keep=False, archive_member_bytes=MIB)
    assert f"{MIB:,}" in limit_message(output)


@pytest.mark.parametrize("name", BOMBS)
def test_a_limit_that_is_just_met_is_not_exceeded_and_memory_stays_flat(name: str) -> None:
    examined(bomb(name), keep=False)  # imports
    tracemalloc.start()
    output = examined(bomb(name), keep=False, archive_bytes=len(ZEROS), archive_member_bytes=len(ZEROS))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert output.findings == []
    assert output.produced == len(ZEROS)
    assert output.largest <= MIB
    assert peak < 40 * MIB  # 7z's directory has a dictionary of 16 MiB; py7zr copies what 8 KiB of deflate hold


def test_a_log_may_shrink_as_much_as_it_likes() -> None:
    assert examined(samples.zipped({"a.log": b"the same line\n" * 800_000}), keep=False).findings == []


def test_ten_gigabytes_of_zeros_in_a_gzip() -> None:
    output = examined(gzip.compress(ZEROS) * 320, keep=False, archive_bytes=64 * MIB)
    assert "archive_bytes" in limit_message(output)
    assert output.produced <= 64 * MIB


def test_the_total_counts_all_members() -> None:
    files = {str(number): bytes(1000) for number in range(10)}
    for data in (samples.zipped(files), samples.tarred(files), samples.seven_zipped(files)):
        assert examined(data, archive_bytes=10_000).findings == []
        output = examined(data, archive_bytes=9_999)
        assert limit_message(output)
        assert len(output.members) == 9


def test_a_zip_of_100000_entries_is_not_read() -> None:
    data = samples.zip_by_hand(Part(b""))
    body, one = data[: data.index(b"PK\1\2")], data[data.index(b"PK\1\2") : data.index(b"PK\5\6")]
    fields = {"disk": 0, "count": 100_000 % 65_536, "length": len(one) * 100_000, "start": len(body)}
    many = body + one * 100_000 + samples.end_of_zip(fields, b"")
    output = examined(many)
    assert "10000 entries" in limit_message(output)
    assert output.members == []


@pytest.mark.parametrize("name", ["zip", "pax", "7z"])
def test_entries_are_counted(name: str) -> None:
    assert examined(GOOD[name], archive_entries=3).findings == []
    assert "2 entries" in limit_message(examined(GOOD[name], archive_entries=2))


def test_nested_zips_are_members_each_within_what_is_left() -> None:
    inner = samples.zipped({f"{number}.zip": bomb("zip") for number in range(16)}, zipfile.ZIP_STORED)
    output = examined(inner)
    assert output.findings == []
    assert {content for _, content in output.members} == {bomb("zip")}


def test_descriptions_of_a_tar_are_bounded() -> None:
    for kind, size in ((b"L", 64 << 10), (b"K", 64 << 10), (b"x", MIB), (b"g", MIB)):
        long = samples.tar_entry(b"long", b"x" * (size + 1), kind)
        assert examined(long + samples.tar_entry(b"a") + TAR_END).codes == EXCEEDED


@pytest.mark.long
@pytest.mark.slow
def test_fifty_thousand_entries_of_the_archives_profile() -> None:
    files = {f"data/{number:05}.txt": b"%d" % number for number in range(50_000)}
    output = examined(samples.zipped(files, zipfile.ZIP_STORED), keep=False, archive_entries=50_000)
    assert output.findings == []
    assert len(output.members) == 50_000


def test_names_of_a_zip_are_bounded() -> None:
    assert examined(samples.zip_by_hand(Part(b"a" * 4097))).codes == EXCEEDED


def test_decompressors_that_want_much_memory_are_not_begun() -> None:
    window: dict[int, int] = {zstd.CompressionParameter.window_log: 28}
    maker = zstd.ZstdCompressor(options=window)
    assert examined(maker.compress(b"a") + maker.flush()).codes == EXCEEDED
    assert examined(_xz_with_dictionary(0x23)).codes == EXCEEDED  # 768 MiB
    lzma1 = _lzma_with_dictionary(1 << 30)
    fields = {"method": 14, "size": 1, "crc": 1}
    assert examined(samples.zip_by_hand(Part(content=lzma1, local=fields, central=fields))).codes == EXCEEDED
    assert examined(_seven_zip_with_dictionary()).codes == EXCEEDED


def _xz_with_dictionary(size: int) -> bytes:
    """An xz stream whose block declares a dictionary; its header's own checksum fits."""
    data = bytearray(lzma.compress(b"a"))
    data[16] = size
    length = (data[12] + 1) * 4
    data[12 + length - 4 : 12 + length] = zlib.crc32(data[12 : 12 + length - 4]).to_bytes(4, "little")
    return bytes(data)


def _seven_zip_with_dictionary() -> bytes:
    """A 7z whose directory claims to be compressed with a dictionary of 4 GiB."""
    data = bytearray(samples.seven_zipped({"a": b"1"}))
    start = 32 + int.from_bytes(data[12:20], "little")
    data[data.index(b"!\x01\x18", start) + 2] = 40
    return samples.with_right_checksums(data)


def _lzma_with_dictionary(dictionary: int) -> bytes:
    return b"\x09\x04\x05\0\x5d" + dictionary.to_bytes(4, "little") + bytes(20)


SAMPLES = list({**GOOD, **GOOD_STREAMS}.values())


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data) - 1)) if data else 0
        near = draw(st.integers(0, 200))  # headers are at the two ends
        at = draw(st.sampled_from([at, min(near, len(data)), max(len(data) - near, 0)]))
        piece = draw(st.one_of(st.binary(max_size=8), st.sampled_from([b"\xff" * 4, bytes(4), b"PK\5\6", b"PK\1\2"])))
        gone = draw(st.sampled_from([len(piece), len(piece), 0, 100]))
        data[at : at + gone] = piece
    is_7z = bytes(data).startswith(b"7z") and len(data) >= 32
    return samples.with_right_checksums(bytes(data)) if is_7z and draw(st.booleans()) else bytes(data)


@pytest.mark.slow
@pytest.mark.long
@settings(max_examples=400)
@given(mutated())
def test_a_mutated_archive_ends_and_leaves_nothing(data: bytes) -> None:
    output = Recorder()
    with tempfile.TemporaryDirectory() as folder, mock.patch("tempfile.tempdir", folder):
        before = _open_files()
        try:
            archive.examine(io.BytesIO(data), len(data), Reading(samples.type_of(data)), archive.DEFAULTS, output)
        except LimitExceeded:
            pass
        else:
            assert output.open is None
        assert _open_files() == before
        assert list(Path(folder).iterdir()) == []


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
