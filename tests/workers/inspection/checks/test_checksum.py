import hashlib

from tests.workers.inspection.subjects import codes, scan
from workers.inspection.checks.checksum import ChecksumCheck

BODY = b"some bytes"
RIGHT = hashlib.sha256(BODY).hexdigest()


async def test_the_digest_is_computed_where_none_was_declared() -> None:
    report = await scan(ChecksumCheck(), BODY, chunk=3)
    assert (report.sha256, report.findings) == (RIGHT, ())


async def test_the_declared_digest_is_right_in_any_case_of_letters() -> None:
    report = await scan(ChecksumCheck(), BODY, sha256=RIGHT.upper())
    assert codes(report) == []


async def test_another_digest_is_a_mismatch_and_the_true_one_is_reported() -> None:
    report = await scan(ChecksumCheck(), BODY, sha256="0" * 64)
    assert codes(report) == ["checksum_mismatch"]
    assert report.sha256 == RIGHT


async def test_an_empty_object_has_a_digest() -> None:
    assert (await scan(ChecksumCheck(), b"")).sha256 == hashlib.sha256(b"").hexdigest()
