import importlib.metadata
import os
from pathlib import Path

import pytest

from airlock.media_types import EXTENSIONS
from tests.workers.checks.samples import ACTIVE, HTML, SIGNED, TEXTS, ole, zipped
from tests.workers.subjects import codes, scan
from workers.checks import model
from workers.checks.media_type import MediaTypeCheck


@pytest.mark.parametrize("kind", sorted(set(SIGNED) - {"application/x-ole-storage"}))
@pytest.mark.parametrize("chunk", [1000, 1 << 20])
async def test_a_true_file_is_what_it_was_declared_as(kind: str, chunk: int) -> None:
    report = await scan(MediaTypeCheck(), SIGNED[kind], chunk=chunk, content_type=kind)
    assert (report.findings, report.media_type) == ((), kind)


@pytest.mark.parametrize("kind", TEXTS)
async def test_texts_are_told_by_the_model_which_is_then_evidence(kind: str) -> None:
    report = await scan(MediaTypeCheck(), TEXTS[kind], content_type=kind)
    assert (report.findings, report.media_type) == ((), kind)
    assert report.engine is not None
    assert report.engine.name == "magika"


@pytest.mark.parametrize("kind", ACTIVE)
@pytest.mark.parametrize("declared", ["image/png", "text/plain", "text/csv", "application/json"])
async def test_what_runs_when_it_is_opened_is_neither_a_picture_nor_plain_text(kind: str, declared: str) -> None:
    report = await scan(MediaTypeCheck(), ACTIVE[kind], content_type=declared)
    assert codes(report) == ["media_type_mismatch"]
    assert report.media_type == kind
    assert kind in report.findings[0].message


async def test_a_signature_spares_the_model() -> None:
    report = await scan(MediaTypeCheck(), SIGNED["image/png"], content_type="image/png")
    assert report.engine is None


async def test_html_in_the_middle_of_nowhere_is_seen_when_it_is_fed_byte_by_byte() -> None:
    report = await scan(MediaTypeCheck(), HTML, chunk=1, content_type="image/png")
    assert codes(report) == ["media_type_mismatch"]


async def test_a_large_text_shows_its_two_ends_to_the_model() -> None:
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


async def test_an_office_container_out_of_sight_may_be_any_of_its_formats_but_no_picture() -> None:
    fits = await scan(MediaTypeCheck(), ole(), content_type=EXTENSIONS["xls"])
    not_so = await scan(MediaTypeCheck(), ole(), content_type="image/png")
    assert (codes(fits), codes(not_so)) == ([], ["media_type_mismatch"])


async def test_nothing_has_no_type_to_contradict() -> None:
    report = await scan(MediaTypeCheck(), b"", content_type="image/png")
    assert (report.findings, report.media_type) == ((), "image/png")


async def test_noise_is_of_no_type() -> None:
    report = await scan(MediaTypeCheck(), os.urandom(3) + bytes(range(256)) * 20, content_type="image/png")
    assert codes(report) == ["media_type_mismatch"]


async def test_without_the_model_there_is_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "installed", lambda: False)
    with pytest.raises(importlib.metadata.PackageNotFoundError, match="magika"):
        MediaTypeCheck()


async def test_the_model_keeps_no_pool_of_threads() -> None:
    await model.ask(TEXTS["text/plain"], b"")
    before = len(list(Path("/proc/self/task").iterdir()))
    model._model.cache_clear()
    await model.ask(TEXTS["text/plain"], b"")
    # The thread that asked, if it is a new one.
    assert len(list(Path("/proc/self/task").iterdir())) <= before + 1
