from typing import Any

import pytest

from airlock.content.format import ENCRYPTED_OPEN_XML, OCTET_STREAM, OLE, ZIP
from airlock.content.media_types import EXTENSIONS
from airlock.profile import Profile
from workers.inspection.checks.agreement import Agreement, agree, claims_of
from workers.inspection.readings import Reading

DOCX, DOC, XLS = EXTENSIONS["docx"], EXTENSIONS["doc"], EXTENSIONS["xls"]
EXAMINERS = ("image", "pdf", "markup", "office", "archive", "text", "mail", "media")


def agreement(readings: str, declared: str, filename: str = "f", *types: str, **more: Any) -> Agreement:
    """Of readings, apart by blanks, with what was declared, in a profile that takes `types` (else all)."""
    profile = Profile(
        name="p",
        content_types=types or ("*/*", "text/html", "image/svg+xml"),
        max_bytes=1,
        checks=("size", "checksum", "media_type", *EXAMINERS),
        **more,
    )
    return agree([Reading(each) for each in readings.split()], declared, filename, profile)


def codes(of: Agreement) -> list[str]:
    return [each.code for each in of.objections]


@pytest.mark.parametrize(
    ("declared", "reading", "filename"),
    [
        ("image/png", "image/png", "a.png"),
        ("image/JPG", "image/jpeg", "a.JPG"),
        ("text/csv", "text/csv", "a.csv"),
        ("text/html", "text/html", "a.html"),
        ("text/html", "text/html", "page"),
        (DOCX, ENCRYPTED_OPEN_XML, "a.docx"),
        (OCTET_STREAM, "image/png", "a"),
        (OCTET_STREAM, "text/plain", "README"),
        (ZIP, ZIP, "a.zip"),
        ("application/gzip", "application/gzip", "a.tar.gz"),
    ],
)
def test_what_is_declared_and_named_as_it_is_has_no_objection(declared: str, reading: str, filename: str) -> None:
    assert codes(agreement(reading, declared, filename)) == []


@pytest.mark.parametrize(
    ("declared", "reading", "filename"),
    [
        ("image/jpeg", "image/webp", "a.jpg"),
        ("image/png", "image/jpeg", "a.png"),
        ("image/heif", "image/heic", "a.heic"),
        (XLS, "text/csv", "a.csv"),
        (DOC, "application/rtf", "a.doc"),
        (DOC, DOCX, "a.doc"),
        (ZIP, DOCX, "a.docx"),
        (XLS, "text/html", "a.xls"),
        ("application/xml", "image/svg+xml", "drawing"),
        ("video/mp4", "video/quicktime", "a.mp4"),
        ("video/mp4", "audio/mp4", "a.mp4"),
        (OCTET_STREAM, "image/webp", "a.jpg"),
        ("application/x-tar", "application/gzip", "a.tar"),
    ],
)
def test_within_a_family_the_object_is_kept_under_its_true_type(declared: str, reading: str, filename: str) -> None:
    agreed = agreement(reading, declared, filename)
    assert (agreed.media_type, set(codes(agreed))) == (reading, {"media_type_corrected"})


@pytest.mark.parametrize(
    ("declared", "reading"),
    [
        ("image/png", "text/html"),
        ("text/plain", "text/html"),
        ("text/csv", "text/html"),
        ("application/json", "text/html"),
        ("text/plain", "image/png"),
        ("text/plain", OCTET_STREAM),
        ("application/pdf", "application/x-dosexec"),
        ("image/svg+xml", "text/plain"),
        (DOCX, ZIP),
        ("image/png", ENCRYPTED_OPEN_XML),
        (ZIP, OLE),
        (ZIP, "application/rtf"),
        ("video/mp4", "image/gif"),
    ],
)
def test_what_is_of_another_family_is_a_mismatch(declared: str, reading: str) -> None:
    assert codes(agreement(reading, declared)) == ["media_type_mismatch"]


def test_a_true_type_that_the_profile_does_not_take_is_a_mismatch() -> None:
    assert codes(agreement("image/webp", "image/jpeg", "a.jpg", "image/jpeg")) == ["media_type_mismatch"]
    assert codes(agreement("image/webp", OCTET_STREAM, "a", "image/jpeg")) == ["content_type_not_allowed"]


@pytest.mark.parametrize(
    "filename",
    ["a.exe", "a.EXE", "a.js", "a.bat", "a.pdf.exe", "a.scf", "a.jsp", "a.htm", "a.hta. .", "a.url", "a.exe::$DATA",
     ".htaccess", "x/.user.ini", "web.config", "a.lnk", "a.svg", "a.php5", "a.ps1", "a.jar"],
)  # fmt: skip
@pytest.mark.parametrize("declared", ["text/plain", "application/pdf", OCTET_STREAM])
def test_a_name_that_runs_is_refused_whatever_was_declared(filename: str, declared: str) -> None:
    reading = "text/plain" if declared == OCTET_STREAM else declared
    assert "extension_mismatch" in codes(agreement(reading, declared, filename, "text/*", "application/pdf"))


def test_a_name_that_runs_is_taken_where_the_profile_names_its_type() -> None:
    assert codes(agreement("image/svg+xml", "image/svg+xml", "a.svg", "image/svg+xml")) == []
    assert codes(agreement("image/svg+xml", "image/svg+xml", "a.svg", "image/*", "image/svg+xml")) == []
    assert codes(agreement("image/svg+xml", "image/svg+xml", "a.svg", "image/*")) == ["extension_mismatch"]


def test_a_name_of_another_family_is_a_mismatch() -> None:
    assert codes(agreement("image/png", "image/png", "a.pdf")) == ["extension_mismatch"]
    assert codes(agreement("application/pdf", "application/pdf", "a.txt")) == ["extension_mismatch"]
    assert codes(agreement("text/plain", "text/plain", "a.csv")) == ["media_type_corrected"]
    assert codes(agreement("image/png", "image/png", "a.unheard")) == []


@pytest.mark.parametrize(
    ("readings", "objections"),
    [
        ("image/jpeg video/mp4", []),
        ("image/heic video/quicktime", []),
        ("text/plain text/csv", []),
        ("image/svg+xml text/html", []),
        ("image/png video/mp4", ["polyglot"]),
        ("image/jpeg application/zip", ["polyglot"]),
        ("application/pdf application/zip", ["polyglot"]),
        ("image/gif text/html", ["polyglot"]),
        ("application/zip application/pdf", ["polyglot"]),
        ("application/x-dosexec application/zip", ["polyglot"]),
        ("image/jpeg video/mp4 application/zip", ["polyglot"]),
        ("text/plain text/html", ["polyglot"]),
    ],
)
def test_two_readings_contradict_each_other_but_for_known_pairs(readings: str, objections: list[str]) -> None:
    assert codes(agreement(readings, readings.partition(" ")[0])) == objections


def test_claims_are_the_declaration_and_the_name() -> None:
    assert claims_of("text/plain; charset=utf-8", "a.csv") == ("text/plain", "text/csv")
    assert claims_of("text/x-csv", "a.csv") == ("text/csv",)
    assert claims_of(OCTET_STREAM, "a.csv") == (OCTET_STREAM, "text/csv")
    assert claims_of("text/csv", "unheard") == ("text/csv",)
