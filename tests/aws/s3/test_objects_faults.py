"""S3 that fails: a short read is always an error, and every error is ours."""

from typing import Any, ClassVar

import pytest

from airlock.errors import AirlockError, Unavailable, VersionGone
from aws import clients
from aws.clients import connect
from aws.retry import BOTOCORE
from aws.s3.objects import Body, Objects, Pinned
from tests.aws import settings_at
from tests.aws.faults import RESET, SILENCE, Script, answer, serving

pytestmark = pytest.mark.usefixtures("made_up_keys")

HEADERS = 'ETag: "abc"\r\nx-amz-version-id: v1\r\nContent-Type: text/plain\r\n'
PINNED = Pinned("bucket", "key", "v1", "abc", 100)


def error(code: str, status: int) -> bytes:
    xml = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>said</Message></Error>'
    return answer(status, xml.encode(), headers="Content-Type: application/xml\r\n")


@pytest.fixture(autouse=True)
def quick(no_pauses: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "READ_TIMEOUT", 0.2)


async def read(script: Script) -> bytes:
    async with (
        connect(settings_at(script.url), services=("s3",)) as clients,
        Objects(clients.s3).open("bucket", "key", "v1", "abc") as body,
    ):
        return b"".join([chunk async for chunk in body.chunks(10)])


async def promote(script: Script, **options: Any) -> Any:
    async with connect(settings_at(script.url), services=("s3",)) as clients:
        objects = Objects(clients.s3, **options)
        return await objects.promote(PINNED, "accepted", "key", content_type="text/plain")


async def test_a_whole_body_is_read() -> None:
    async with serving(answer(200, b"x" * 25, headers=HEADERS)) as script:
        assert await read(script) == b"x" * 25
    assert "versionId=v1" in script.requests[0]
    assert 'if-match: "abc"' in script.requests[0].lower()


@pytest.mark.parametrize("sent", [0, 1, 10, 24])
async def test_a_body_that_is_cut_short_is_an_error(sent: int) -> None:
    async with serving(answer(200, b"x" * sent, headers=HEADERS, length=25)) as script:
        with pytest.raises(Unavailable) as caught:
            await read(script)
    assert caught.value.dependency == "s3"


async def test_a_stream_that_ends_early_without_an_error_is_an_error() -> None:
    """Whatever the HTTP client makes of it, the count is ours."""

    class Short:
        parts: ClassVar = [b"", b"x" * 7]

        async def read(self, wanted: int) -> bytes:
            part: bytes = self.parts.pop()
            return part

    stream: Any = Short()
    body = Body(25, "abc", "v1", "text/plain", {}, stream)
    with pytest.raises(Unavailable, match="ended before"):
        await anext(body.chunks(10))


async def test_a_body_that_stalls_is_an_error() -> None:
    async with serving(SILENCE + answer(200, b"x", headers=HEADERS, length=25)) as script:
        with pytest.raises(Unavailable):
            await read(script)
    assert len(script.requests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", [RESET, SILENCE, error("SlowDown", 503), b"garbage\r\n\r\n", error("Odd", 418)])
async def test_without_an_answer_s3_is_unavailable(fault: bytes) -> None:
    async with serving(fault) as script:
        with pytest.raises(Unavailable):
            await read(script)
        with pytest.raises(Unavailable):
            await promote(script)
    assert len(script.requests) <= 2 * BOTOCORE["total_max_attempts"]


async def test_a_transient_fault_is_retried() -> None:
    async with serving(error("SlowDown", 503), RESET, answer(200, b"bytes", headers=HEADERS)) as script:
        assert await read(script) == b"bytes"
    assert len(script.requests) == 3


@pytest.mark.parametrize(("code", "status"), [("NoSuchVersion", 404), ("PreconditionFailed", 412)])
async def test_a_version_that_is_gone_is_not_retried(code: str, status: int) -> None:
    async with serving(error(code, status)) as script:
        with pytest.raises(VersionGone):
            await read(script)
    assert len(script.requests) == 1


async def test_a_copy_that_fails_after_status_200_is_an_error() -> None:
    """S3 can begin to answer a long copy with 200 and end it with an error."""
    async with serving(error("InternalError", 200)) as script:
        with pytest.raises(Unavailable, match="InternalError"):
            await promote(script)


def xml(name: str, inner: str) -> bytes:
    return answer(200, f'<?xml version="1.0" encoding="UTF-8"?><{name}>{inner}</{name}>'.encode())


async def test_a_failed_copy_raises_its_error_when_its_abort_fails_too() -> None:
    created = xml("InitiateMultipartUploadResult", "<UploadId>u1</UploadId>")
    async with serving(created, error("AccessDenied", 403), error("AccessDenied", 403)) as script:
        with pytest.raises(Unavailable, match="UploadPartCopy: AccessDenied"):
            await promote(script, multipart_above=1, part_size=200)
    assert [head.split(" ")[0] for head in script.requests] == ["POST", "PUT", "DELETE"]


async def test_a_denied_deletion_is_an_error() -> None:
    async with (
        serving(error("AccessDenied", 403)) as script,
        connect(settings_at(script.url), services=("s3",)) as clients,
    ):
        with pytest.raises(Unavailable, match="AccessDenied: said"):
            await Objects(clients.s3).delete("bucket", "key", "v1")


async def test_a_key_that_cannot_be_sent_is_our_error() -> None:
    async with connect(settings_at("http://127.0.0.1:9"), services=("s3",)) as clients:
        with pytest.raises(AirlockError):
            await Objects(clients.s3).delete("", "", "v1")
