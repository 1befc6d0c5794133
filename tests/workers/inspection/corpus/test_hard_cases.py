"""What scanners get wrong: locked, cut, doubled, buried and oversized objects, each with its outcome and the reason."""

import gzip
from collections.abc import AsyncIterator

import pytest

from airlock.content.media_types import EXTENSIONS
from airlock.verdict import Outcome
from tests.workers.harness import EICAR
from tests.workers.inspection.checks.samples import zipped
from tests.workers.inspection.corpus import archives, documents
from tests.workers.inspection.corpus.good import GOOD
from tests.workers.inspection.corpus.sample_inspector import GiB, Sample, SampleInspector, codes

pytestmark = pytest.mark.asyncio(loop_scope="module")

PIECE = bytes(4 * 1024**2)
ENCRYPTED_DOCUMENT = documents.compound({"EncryptionInfo": b"x", "EncryptedPackage": bytes(5000)})


@pytest.mark.parametrize(
    ("filename", "body", "expected"),
    [
        ("a.zip", archives.encrypted_zip(), "archive:encrypted"),
        ("a.7z", archives.seven_zipped("secret"), "archive:encrypted"),
        ("a.pdf", documents.pdf_with_password(), "pdf:encrypted"),
        ("a.docx", ENCRYPTED_DOCUMENT, "office:encrypted"),
    ],
)
async def test_what_is_encrypted_is_unscannable_even_without_clamd(
    inspector: SampleInspector, filename: str, body: bytes, expected: str
) -> None:
    sample = Sample(filename, EXTENSIONS[filename[2:]], body)
    verdict = await inspector.inspect(sample, checks=tuple(name for name in inspector.names if name != "clamd"))
    assert (verdict.outcome, codes(verdict)) == (Outcome.UNSCANNABLE, {expected})


@pytest.mark.parametrize("kept", [8, 20, 60, -30])
async def test_a_png_that_was_cut_is_rejected_wherever_it_was_cut(inspector: SampleInspector, kept: int) -> None:
    body = GOOD["png"].body[:kept]
    verdict = await inspector.inspect(Sample("a.png", "image/png", body))
    assert (verdict.outcome, codes(verdict)) == (Outcome.REJECTED, {"image:truncated"})


async def test_an_eicar_in_three_nested_archives_is_infected_and_its_path_is_named(inspector: SampleInspector) -> None:
    tar = archives.tarred("eicar.com", EICAR)
    body = zipped({"read.me": b"hello", "b.zip": zipped({"c.tar.gz": gzip.compress(tar)})})
    verdict = await inspector.inspect(Sample("a.zip", "application/zip", body), limits={"archive_depth": 4})
    assert verdict.outcome is Outcome.INFECTED
    named = {(finding.check, finding.message.partition(":")[0]) for finding in verdict.findings}
    assert ("yara", "In b.zip/c.tar.gz/c.tar/eicar.com") in named
    assert ("clamd", "In b.zip/c.tar.gz/c.tar/eicar.com") in named
    assert {finding.code for finding in verdict.findings} == {"yara_match", "clamd_match", "member_not_allowed"}


async def test_yara_finds_it_without_clamd(inspector: SampleInspector) -> None:
    body = zipped(
        {"b.7z": archives.seven_zipped(), "c.zst": archives.streams()["zst"], "d.zip": zipped({"e.com": EICAR})}
    )
    checks = ("size", "checksum", "media_type", "yara", "archive", "text")
    verdict = await inspector.inspect(Sample("a.zip", "application/zip", body), checks=checks)
    assert verdict.outcome is Outcome.INFECTED
    assert codes(verdict) == {"yara:yara_match", "media_type:member_not_allowed"}
    assert all(finding.message.startswith("In d.zip/e.com: ") for finding in verdict.findings)


async def test_a_pdf_with_a_zip_behind_it_is_rejected_as_both(inspector: SampleInspector) -> None:
    body = GOOD["pdf"].body + zipped({"a.txt": b"hello" * 999})
    verdict = await inspector.inspect(Sample("a.pdf", "application/pdf", body))
    assert (verdict.outcome, codes(verdict)) == (
        Outcome.REJECTED,
        {"media_type:polyglot", "pdf:trailing_data"},
    )
    said = " ".join(finding.message for finding in verdict.findings)
    assert f"application/pdf and from byte {len(GOOD['pdf'].body)} on application/zip at once" in said


async def test_a_gif_with_a_script_behind_it_is_rejected_as_both(inspector: SampleInspector) -> None:
    body = GOOD["gif"].body + b"<script>alert(1)</script>"
    verdict = await inspector.inspect(Sample("a.gif", "image/gif", body))
    assert verdict.outcome is Outcome.REJECTED
    assert codes(verdict) == {"media_type:polyglot", "worker:not_examined"}


async def _gibibytes(count: int) -> AsyncIterator[bytes]:
    for _ in range(count * GiB // len(PIECE)):
        yield PIECE


@pytest.mark.long
async def test_3_gib_are_more_than_clamd_scans_so_they_are_unscannable(inspector: SampleInspector) -> None:
    about = Sample("a.bin", "application/octet-stream", b"")
    verdict = await inspector.inspect_stream(
        about, _gibibytes(3), 3 * GiB, checks=("size", "checksum", "clamd"), unexamined=("*/*",)
    )
    assert (verdict.outcome, codes(verdict)) == (Outcome.UNSCANNABLE, {"clamd:above_engine_limit"})
    assert verdict.bytes == 3 * GiB
    assert "2 GiB" in verdict.findings[0].message


@pytest.mark.long
async def test_where_the_profile_accepts_it_the_verdict_names_the_engine_that_did_not_scan(
    inspector: SampleInspector,
) -> None:
    about = Sample("a.bin", "application/octet-stream", b"")
    verdict = await inspector.inspect_stream(
        about, _gibibytes(3), 3 * GiB, above_engine_limit="accept", unexamined=("*/*",)
    )
    assert (verdict.outcome, verdict.missing) == (Outcome.ACCEPTED, ("clamd",))
    assert "clamav" not in {engine.name for engine in verdict.engines}
    assert verdict.sha256
