"""What systems make of a file's name."""

import pytest

from airlock.content.file_names import extension, stored_name


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.TXT", "txt"),
        ("a.tar.gz", "gz"),
        ("a", ""),
        ("", ""),
        (".profile", "profile"),
        ("a.exe. .", "exe"),
        ("a.", ""),
        ("a.exe::$DATA", "exe"),
        ("folder.d/a", ""),
        ("folder\\a.JS", "js"),
        ("v1. second draft", " second draft"),
    ],
)
def test_an_extension_is_what_systems_take_for_it(path: str, expected: str) -> None:
    assert extension(path) == expected


def test_the_stored_name_has_no_folder_and_nothing_that_windows_drops() -> None:
    assert stored_name("a/b\\C.exe. ::$DATA") == "C.exe"
