"""A tar as every program reads it: all names are tested, and the content of all types that one of them unpacks."""

import io
import tarfile

import pytest

from tests.workers.inspection.parsers import archive_samples as samples
from tests.workers.inspection.parsers.archive_samples import TAR_END, examined
from workers.inspection.readings import Reading

ZIP = samples.zip_by_hand(samples.Part())
FILE = samples.tar_entry(b"a.txt", b"1")


@pytest.mark.parametrize("kind", [b"V", b"A", b"D", b"I", b"N", b"Z", b"7", b"8", b"~"])
def test_the_content_of_types_that_some_program_unpacks_is_handed_out(kind: bytes) -> None:
    output = examined(samples.tar_entry(b"vol.zip", ZIP, kind) + FILE + TAR_END)
    assert output.members == [("vol.zip", ZIP), ("a.txt", b"1")]


def test_a_volume_with_a_label() -> None:
    assert examined(samples.tar_entry(b"Backup of May", kind=b"V") + FILE + TAR_END).findings == []


EVIL = samples.tar_entry(b"../../evil", b"1")


def test_an_empty_path_takes_the_header_s_name_back() -> None:
    assert examined(samples.pax(path="") + EVIL + TAR_END).objections == {"path_traversal"}
    assert examined(samples.pax(path="") + FILE + TAR_END).members == [("a.txt", b"1")]


def test_every_name_is_tested_whichever_wins() -> None:
    assert "path_traversal" in examined(samples.pax(path="a.txt") + EVIL + TAR_END).objections
    long = samples.tar_entry(b"././@LongLink", b"a.txt\0", b"L")
    assert "path_traversal" in examined(long + EVIL + TAR_END).objections


@pytest.mark.parametrize("path", ["b.txt", "ü.txt"])
def test_a_path_that_is_no_longer_form_of_the_header_s_name(path: str) -> None:
    program = samples.tar_entry(b"run.bat", b"1")
    assert examined(samples.pax(path=path) + program + TAR_END).objections == {"ambiguous_name"}


def test_two_descriptions_with_two_names() -> None:
    long = samples.tar_entry(b"././@LongLink", b"y" * 120 + b"\0", b"L")
    data = samples.pax(path="x" * 120) + long + samples.tar_entry(b"x" * 100, b"1") + TAR_END
    assert examined(data).objections == {"ambiguous_name"}


@pytest.mark.parametrize("record", [{"path": "b"}, {"size": "1"}, {"linkpath": "b"}, {"GNU.sparse.name": "b"}])
def test_a_description_of_all_entries_gives_no_name_and_no_size(record: dict[str, str]) -> None:
    everything = samples.with_checksum(samples.pax(**record), kind=b"g")
    assert "ambiguous_name" in examined(everything + FILE + TAR_END).objections


def test_a_prefix_under_gnu_s_magic_is_a_second_name() -> None:
    """GNU tar ignores it, and Python takes it."""
    gnu, ustar, old = b"ustar  \0", b"ustar\x0000", bytes(8)
    for magic, prefix, codes, name in (
        (ustar, b"folder", set(), "folder/a.txt"),
        (gnu, b"folder", {"ambiguous_name"}, "a.txt"),
        (old, b"folder", {"ambiguous_name"}, "a.txt"),
        (gnu, b"..", {"ambiguous_name", "path_traversal"}, "a.txt"),
        (gnu, b"13712345670\0" * 2, set(), "a.txt"),
    ):
        entry = bytearray(samples.tar_entry(b"a.txt", b"1", magic=magic))
        entry[345 : 345 + len(prefix)] = prefix
        output = examined(samples.with_checksum(bytes(entry)) + TAR_END)
        assert (output.objections, output.members) == (codes, [(name, b"1")])


def test_an_archive_that_goes_on_behind_its_end() -> None:
    for end in (bytes(512), TAR_END, bytes(10240)):
        output = examined(FILE + end + samples.tar_entry(b"b", b"2") + TAR_END)
        assert (output.codes, output.members) == ({"hidden_entry"}, [("a.txt", b"1")])
    assert examined(FILE + TAR_END + b"\n" + bytes(511)).codes == {"irregular"}
    assert examined(FILE + TAR_END + b"more" + bytes(508)).codes == {"trailing_data"}
    assert examined(FILE + bytes(10240)).codes == set()


def test_an_archive_in_a_description_or_in_the_padding_is_hidden() -> None:
    # The text of a record may be anything, so the zip's bytes are written over it.
    comment = samples.pax(comment="x" * len(ZIP)).replace(b"x" * len(ZIP), ZIP)
    assert examined(comment + FILE + TAR_END).codes == {"hidden_entry"}
    padded = FILE[:513] + bytes(100) + ZIP + bytes(512 - 101 - len(ZIP))
    assert examined(padded + TAR_END).codes == {"hidden_entry"}
    assert examined(FILE[:513] + b"garbage" * 73 + TAR_END).codes == set()


def test_a_tar_as_macos_and_git_write_it() -> None:
    records = {
        "mtime": "1700000000.123456789",
        "LIBARCHIVE.creationtime": "1700000000",
        "SCHILY.xattr.com.apple.quarantine": "0081;6553f100;Safari;",
        "SCHILY.fflags": "hidden",
        "path": "ü" * 60 + "/Übersicht.txt",
    }
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "0" * 40}) as target:
        for name, more in (("._a.txt", {}), ("a.txt", records)):
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = 4, dict(more)
            target.addfile(info, io.BytesIO(b"text"))
    output = examined(made.getvalue())
    assert output.findings == []
    assert output.members == [("._a.txt", b"text"), ("ü" * 60 + "/Übersicht.txt", b"text")]


def test_a_tar_behind_other_bytes() -> None:
    output = examined(b"GIF89a" * 100 + FILE + TAR_END, Reading("application/x-tar", 600))
    assert (output.findings, output.members) == ([], [("a.txt", b"1")])


def test_an_xattr_with_binary_values_is_fine_and_text_after_a_name_s_end_is_ignored() -> None:
    value = samples.pax(**{"SCHILY.xattr.user.x": "x" * 40}).replace(b"x" * 40, bytes(range(256))[:40])
    assert examined(value + samples.tar_entry(b"a.txt\0b.exe", b"1") + TAR_END).members == [("a.txt", b"1")]
