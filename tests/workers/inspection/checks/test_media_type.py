import importlib.metadata
import os
from dataclasses import replace
from pathlib import Path

import pytest

from airlock.media_types import EXTENSIONS
from tests.workers.inspection.checks.samples import ACTIVE, HTML, PDF, SIGNED, TEXTS, compound, ole, zipped
from tests.workers.inspection.subjects import codes, scan, subject
from workers.inspection.checks import classifier
from workers.inspection.checks.media_type import MediaTypeCheck
from workers.inspection.checks.port import Report


@pytest.mark.parametrize("kind", sorted(set(SIGNED) - {"application/x-ole-storage"}))
@pytest.mark.parametrize("chunk", [1000, 1 << 20])
async def test_a_good_file_is_of_its_declared_type(kind: str, chunk: int) -> None:
    report = await scan(MediaTypeCheck(), SIGNED[kind], chunk=chunk, content_type=kind)
    assert (report.findings, report.media_type) == ((), kind)


@pytest.mark.parametrize("kind", TEXTS)
async def test_a_text_is_classified_by_the_model_which_is_named_in_the_verdict(kind: str) -> None:
    report = await scan(MediaTypeCheck(), TEXTS[kind], content_type=kind)
    assert (report.findings, report.media_type) == ((), kind)
    assert report.engine is not None
    assert report.engine.name == "magika"


@pytest.mark.parametrize("kind", ACTIVE)
@pytest.mark.parametrize("declared", ["image/png", "text/plain", "text/csv", "application/json"])
async def test_what_runs_when_it_is_opened_is_neither_an_image_nor_plain_text(kind: str, declared: str) -> None:
    report = await scan(MediaTypeCheck(), ACTIVE[kind], content_type=declared)
    assert codes(report) == ["media_type_mismatch"]
    assert report.media_type == kind
    assert kind in report.findings[0].message


async def test_the_model_is_not_used_where_a_signature_settles_the_type() -> None:
    report = await scan(MediaTypeCheck(), SIGNED["image/png"], content_type="image/png")
    assert report.engine is None


async def test_html_that_is_fed_byte_by_byte_is_classified() -> None:
    report = await scan(MediaTypeCheck(), HTML, chunk=1, content_type="image/png")
    assert codes(report) == ["media_type_mismatch"]


async def test_a_large_text_is_classified_by_its_first_and_last_bytes() -> None:
    body = TEXTS["text/csv"] * 2000
    report = await scan(MediaTypeCheck(), body, content_type="text/csv")
    assert report.findings == ()


async def test_a_large_zip_keeps_enough_of_its_directory() -> None:
    many = {f"word/media/image{number}.xml": b"" for number in range(300)}
    body = zipped({"x": bytes(9000), "[Content_Types].xml": b"<T/>", **many}, stored=True)
    report = await scan(MediaTypeCheck(), body, chunk=5000, content_type=EXTENSIONS["docx"])
    assert report.findings == ()


async def test_a_document_may_be_declared_as_the_zip_that_it_is() -> None:
    report = await scan(MediaTypeCheck(), SIGNED[EXTENSIONS["docx"]], content_type="application/zip")
    assert (report.findings, report.media_type) == ((), EXTENSIONS["docx"])


async def test_a_zip_is_no_document() -> None:
    report = await scan(MediaTypeCheck(), SIGNED["application/zip"], content_type=EXTENSIONS["docx"])
    assert codes(report) == ["media_type_mismatch"]


async def test_an_ole_container_without_a_directory_may_be_any_of_its_formats_but_not_an_image() -> None:
    fits = await scan(MediaTypeCheck(), ole(), content_type=EXTENSIONS["xls"])
    not_so = await scan(MediaTypeCheck(), ole(), content_type="image/png")
    assert (codes(fits), codes(not_so)) == ([], ["media_type_mismatch"])


async def test_an_empty_object_keeps_its_declared_type() -> None:
    report = await scan(MediaTypeCheck(), b"", content_type="image/png")
    assert (report.findings, report.media_type) == ((), "image/png")


async def test_random_bytes_agree_with_no_declared_type() -> None:
    report = await scan(MediaTypeCheck(), os.urandom(3) + bytes(range(256)) * 20, content_type="image/png")
    assert codes(report) == ["media_type_mismatch"]


async def test_without_the_model_there_is_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "installed", lambda: False)
    with pytest.raises(importlib.metadata.PackageNotFoundError, match="magika"):
        MediaTypeCheck()


async def test_the_model_keeps_no_pool_of_threads() -> None:
    await classifier.classify(TEXTS["text/plain"], b"")
    before = len(list(Path("/proc/self/task").iterdir()))
    classifier._model.cache_clear()
    await classifier.classify(TEXTS["text/plain"], b"")
    # The thread that asked, if it is a new one.
    assert len(list(Path("/proc/self/task").iterdir())) <= before + 1


DOCX, XLSX = EXTENSIONS["docx"], EXTENSIONS["xlsx"]


@pytest.mark.parametrize(
    ("filename", "declared", "body", "expected"),
    [
        ("photo.png", "application/octet-stream", SIGNED["image/png"], []),
        ("photo.PNG", "image/png", SIGNED["image/png"], []),
        ("photo.jpg", "image/png", SIGNED["image/png"], ["extension_mismatch"]),
        ("photo.png", "application/octet-stream", HTML, ["extension_mismatch"]),
        ("photo.exe.png", "application/octet-stream", SIGNED["image/png"], []),
        ("page.html.png", "text/html", HTML, ["extension_mismatch"]),
        ("photo.png.exe", "image/png", SIGNED["image/png"], []),
        ("photo", "image/png", SIGNED["image/png"], []),
        ("photo.png", "image/png", SIGNED["image/jpeg"], ["media_type_mismatch"]),
        ("photo.png", "image/x-png", SIGNED["image/jpeg"], ["media_type_mismatch"]),
        ("photo.gif", "image/png", SIGNED["image/jpeg"], ["media_type_mismatch", "extension_mismatch"]),
        ("letter.docx", "application/zip", SIGNED[DOCX], []),
        ("letter.docx", "application/zip", SIGNED["application/zip"], ["extension_mismatch"]),
        ("letter.zip", DOCX, SIGNED[DOCX], []),
        ("letter.xlsx", DOCX, SIGNED[DOCX], ["extension_mismatch"]),
        ("notes.md", "text/plain", TEXTS["text/plain"], []),
        ("letter.docx", DOCX, compound("EncryptedPackage", directory=300), []),
        ("letter.docx", DOCX, compound("WordDocument", directory=300), ["media_type_mismatch"]),
        ("letter.doc", "application/octet-stream", compound("WordDocument", directory=1), []),
        ("letter.doc", "application/octet-stream", compound("Workbook", directory=300), ["extension_mismatch"]),
    ],
)
@pytest.mark.parametrize("chunk", [1000, 1 << 20])
async def test_the_last_extension_is_compared_with_the_bytes(
    filename: str, declared: str, body: bytes, expected: list[str], chunk: int
) -> None:
    report = await scan(MediaTypeCheck(), body, chunk=chunk, content_type=declared, filename=filename)
    assert codes(report) == expected


async def test_the_finding_of_an_extension_names_both_types() -> None:
    report = await scan(MediaTypeCheck(), HTML, content_type="application/octet-stream", filename="a.png")
    assert report.findings[0].message == "The file name ends in .png (image/png), but the bytes are text/html."


@pytest.mark.parametrize("chunk", [1, 1 << 20])
async def test_both_formats_of_a_polyglot_are_named(chunk: int) -> None:
    body = PDF + zipped({"a.txt": b"hello"})
    report = await scan(MediaTypeCheck(), body, chunk=chunk, content_type="application/pdf", filename="a.pdf")
    assert codes(report) == ["polyglot"]
    assert "application/pdf and application/zip at once" in report.findings[0].message


async def test_an_archive_behind_a_page_is_a_polyglot() -> None:
    body = HTML * 20 + zipped({"a.txt": b"hello"})
    report = await scan(MediaTypeCheck(), body, content_type="text/html", filename="a.html")
    assert "polyglot" in codes(report)


async def _member(body: bytes) -> Report:
    scanning = MediaTypeCheck().begin(replace(subject(len(body), filename="a.zip"), path=("photo.png",)))
    if body:
        await scanning.feed(body)
    return await scanning.finish()


async def test_of_a_member_only_a_second_format_is_a_finding() -> None:
    jpeg, page, nothing = await _member(SIGNED["image/jpeg"]), await _member(HTML), await _member(b"")
    two = await _member(SIGNED["image/gif"] + b"<script>alert(1)</script>")
    texts = await _member(TEXTS["text/plain"] * 10 + zipped({"a.txt": b"hello"}))
    assert [codes(each) for each in (jpeg, page, nothing)] == [[]] * 3
    assert jpeg.media_type == "image/jpeg"
    assert page.engine is None
    assert codes(two) == ["polyglot"]
    assert texts.engine is not None
