"""Links that stay inside an archive are a note; those that lead out of it, by whatever way, are refused."""

import io
import tarfile
from pathlib import Path

import py7zr
import pytest

from tests.workers.inspection.parsers import archive_samples as samples
from tests.workers.inspection.parsers.archive_samples import TAR_END, Part, examined

LINK = 0o120777
Links = list[tuple[str, str]]

INSIDE: list[Links] = [
    [("lib/libx.so", "libx.so.1"), ("lib/libx.so.1", "libx.so.1.2")],
    [("App.app/Versions/Current", "A"), ("App.app/Resources", "Versions/Current/Resources")],
    [("a/b/c", "../../d"), ("a/here", "."), ("dangling", "nowhere")],
    [("current", "releases/1"), ("bin", "current/bin")],
    [("node_modules/.bin/tool", "../tool/bin/tool.mjs")],
    [("s", "a/../b/./c//d")],
]
OUTSIDE: list[Links] = [
    [("a", "/etc/passwd")],
    [("a", "../x")],
    [("a/b", "../../x")],
    [("a", "")],
    [("a", "..\\x")],
    [("a", "C:\\Windows")],
    [("a", "c:x")],
    [("a", "\\\\server\\share")],
    [("a", "b/../../x")],
    # Each of the two stays inside by itself.
    [("a", "."), ("a/b", "..")],
    [("d/e", "."), ("d/e/f", "../..")],
    [("A", "x/y"), ("x/y", ".."), ("z", "a/..")],
    # The second one would replace the first.
    [("a", "b"), ("a", "c")],
    [("a", "b"), ("b", "a")],
]


def tar_of(links: Links, kind: bytes = b"2") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as target:
        for name, path in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, path
            target.addfile(info)
    return made.getvalue()


def zip_of(links: Links) -> bytes:
    parts = [Part(name.encode(), path.encode(), central={"mode": LINK}) for name, path in links]
    return samples.zip_by_hand(*parts)


@pytest.mark.parametrize("links", INSIDE)
def test_links_that_stay_inside(links: Links) -> None:
    for data in (tar_of(links), zip_of(links)):
        output = examined(data)
        assert (output.codes, output.members) == ({"inner_link"}, [])


@pytest.mark.parametrize("links", OUTSIDE)
def test_links_that_lead_out(links: Links) -> None:
    for data in (tar_of(links), zip_of(links)):
        assert "link" in examined(data).objections


def test_a_hard_link_leads_from_the_top_of_the_archive() -> None:
    assert examined(tar_of([("a/b", "c/d")], b"1")).codes == {"inner_link"}
    assert "link" in examined(tar_of([("a/b", "../c")], b"1")).codes


def test_both_targets_of_a_long_link_are_tested() -> None:
    long = "x/" * 80 + "y"
    assert examined(tar_of([("a", long)])).codes == {"inner_link"}
    for header, described in (("../x", "y"), ("y", "../x")):
        link = bytearray(samples.tar_entry(b"a", kind=b"2"))
        link[157 : 157 + len(header)] = header.encode()
        data = samples.pax(linkpath=described) + samples.with_checksum(bytes(link)) + TAR_END
        assert "link" in examined(data).codes


@pytest.mark.parametrize("name", ["run.bat", "a.js", "setup.exe. "])
def test_a_link_that_is_a_program_where_links_are_unpacked_as_files_is_a_member(name: str) -> None:
    assert examined(zip_of([(name, "calc")])).members == [(name, b"calc")]


def test_a_link_whose_path_is_a_page_or_a_script_is_a_member() -> None:
    path = "<script>alert(1)<x"
    assert examined(zip_of([("a.html", path)])).members == [("a.html", path.encode())]


def test_a_link_of_a_zip_with_a_path_that_is_too_long() -> None:
    assert examined(zip_of([("a", "x/" * 3000)])).objections == {"malformed"}


def seven_zip_of(attributes: int, target: bytes = b"content") -> bytes:
    about = b"\x15\6\1\0" + attributes.to_bytes(4, "little")
    streams = samples.seven_zip_streams(target)
    return samples.seven_zip_by_hand(streams, samples.seven_zip_files("l", more=about), content=target)


@pytest.mark.parametrize("flag", [0, 0x8000])
def test_a_link_of_a_7z_whether_its_flag_is_set_or_not(flag: int) -> None:
    assert examined(seven_zip_of(LINK << 16 | flag)).codes == {"inner_link"}
    assert "link" in examined(seven_zip_of(LINK << 16 | flag, b"/etc/passwd")).codes
    assert examined(seven_zip_of(0o020644 << 16 | flag)).codes == {"link"}


def test_a_link_of_a_7z_as_py7zr_writes_it(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"1")
    (tmp_path / "inner").symlink_to("target")
    (tmp_path / "outer").symlink_to("/etc/hostname")
    for name, code in (("inner", "inner_link"), ("outer", "link")):
        made = io.BytesIO()
        with py7zr.SevenZipFile(made, "w") as target:
            target.write(tmp_path / name, name)
        assert code in examined(made.getvalue()).codes
