import pytest

from airlock.content.formats import EXAMINERS
from airlock.content.rules import allowed_by, may_be_called, unexaminable, what_runs


@pytest.mark.parametrize(
    ("filename", "runs"),
    [
        ("setup.exe", ".exe"),
        ("a.EXE", ".exe"),
        ("a.pdf.exe", ".exe"),
        ("a.exe.", ".exe"),
        ("a.exe . .", ".exe"),
        ("a.exe::$DATA", ".exe"),
        ("dir/a.js", ".js"),
        ("dir\\a.hta", ".hta"),
        (".htaccess", ".htaccess"),
        ("x/.HTACCESS", ".htaccess"),
        (".user.ini", ".user.ini"),
        ("web.config", "web.config"),
        ("a.html", ".html"),
        ("a.svg", ".svg"),
        ("a.scf", ".scf"),
        ("a.library-ms", ".library-ms"),
        ("a.desktop", ".desktop"),
        ("a.iso", ".iso"),
        ("a.jar", ".jar"),
        ("a.xll", ".xll"),
        ("a.one", ".one"),
        ("a.settingcontent-ms", ".settingcontent-ms"),
        ("query.iqy", ".iqy"),
        ("desk.rdp", ".rdp"),
        ("a.fileloc", ".fileloc"),
        ("a.pyz", ".pyz"),
        ("page.shtm", ".shtm"),
        ("a.cfc", ".cfc"),
        (".zshenv", ".zshenv"),
        ("a.exe:notes.txt", ".exe"),
        ("a.asp:x:$DATA", ".asp"),
        ("a.txt:b.exe", ".exe"),
        ("a.exe/", ".exe"),
        ("a.exe\\", ".exe"),
        ("a.exe\u00a0", ".exe"),
        ("a.exe\u3000.", ".exe"),
        ("a.exe\u200b", ".exe"),
        ("a\uff0e\uff45xe", ".exe"),
        ("a.{00021401-0000-0000-C000-000000000046}", ".{00021401-0000-0000-c000-000000000046}"),
        ("example.com: invoice.pdf", None),
        ("12:30.txt", None),
        ("r\u00e9sum\u00e9\u2026.pdf", None),
        ("{a}.txt", None),
        ("a.txt", None),
        ("a.exe.txt", None),
        ("a.java", None),
        ("exe", None),
        ("a", None),
        ("", None),
        ("invoice.xml", None),
        ("a.docx", None),
        ("a.tmp", None),
    ],
)
def test_a_name_says_whether_it_runs(filename: str, runs: str | None) -> None:
    found = what_runs(filename)
    assert (found.shown if found else None) == runs


def test_every_script_and_program_has_an_extension_that_runs() -> None:
    for name in ("bat", "cmd", "ps1", "vbs", "php", "asp", "jsp", "sh", "py", "msi", "lnk", "reg", "url", "dll", "com"):
        assert what_runs(f"a.{name}") is not None


@pytest.mark.parametrize(
    ("filename", "media_type"),
    [
        ("a.exe", "application/x-dosexec"),
        ("a.exe:b.txt", "application/x-dosexec"),
        (".htaccess", "text/x-php"),
        ("desktop.ini", "text/x-msdos-batch"),
        (".zshenv", "text/x-shellscript"),
        ("a.iqy", "application/octet-stream"),
        ("Index.cshtml", "text/x-asp"),
        ("a.phpt", "text/x-php"),
        ("a.rhtml", "text/x-ruby"),
        ("a.tcsh", "text/x-shellscript"),
    ],
)
def test_what_runs_has_a_type_that_a_profile_may_name(filename: str, media_type: str) -> None:
    found = what_runs(filename)
    assert found is not None
    assert found.media_type == media_type


def test_a_wildcard_lets_in_what_does_not_run() -> None:
    assert allowed_by(["text/*"], "text/csv")
    assert not allowed_by(["text/*", "*/*"], "text/javascript")
    assert allowed_by(["text/*", "text/javascript"], "text/javascript")
    assert allowed_by(["*/*"], "application/xml")
    assert not allowed_by([], "text/csv")


def test_what_nothing_examines_is_told_for_each_pattern() -> None:
    assert unexaminable(["image/png", "text/*", "*/*"], EXAMINERS, []) == []
    assert len(unexaminable(["image/png", "a/b", "font/*"], ["pdf"], [])) == 3
    assert unexaminable(["image/png", "a/b", "font/ttf"], ["pdf"], ["*/*"]) == []
    assert unexaminable(["image/*"], ["pdf"], ["image/*"]) == []
    assert len(unexaminable(["image/*"], ["pdf"], ["image/png"])) == 1


def test_people_and_systems_call_files_by_other_names_of_their_family() -> None:
    assert may_be_called("image/jpeg", "image/webp")
    assert may_be_called("application/vnd.ms-excel", "text/csv")
    assert may_be_called("audio/mp4", "video/mp4")
    assert not may_be_called("text/csv", "application/vnd.ms-excel")
    assert not may_be_called("application/pdf", "image/png")
    assert not may_be_called("application/x-dosexec", "application/x-msi")
