"""Objects in an emulator that honours versions and conditions: exactly the pinned bytes, or nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from airlock.errors import Unavailable, VersionGone
from aws.clients import Clients, connect
from aws.s3 import objects as objects_module
from aws.s3.objects import Objects, Pinned
from aws.settings import AwsSettings

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

MIB = 1024**2
KEYS = ["plain", "a b+c%20d", "ünï/☃/🎉", "q?versionId=x&y=z#f", "'\"<>&;=,:@!*()[]{}|^`~\\"]


@pytest.fixture
async def clients(buckets: AwsSettings) -> AsyncIterator[Clients]:
    async with connect(buckets, services=("s3",)) as clients:
        yield clients


@pytest.fixture
def s3(clients: Clients) -> "S3Client":
    return clients.s3


@pytest.fixture
def objects(s3: "S3Client") -> Objects:
    return Objects(s3, multipart_above=10 * MIB, part_size=5 * MIB)


async def put(s3: "S3Client", bucket: str, key: str, body: bytes, **more: object) -> Pinned:
    made = await s3.put_object(Bucket=bucket, Key=key, Body=body, **more)  # type: ignore[arg-type]  # any of S3's
    return Pinned(bucket, key, made["VersionId"], made["ETag"].strip('"'), len(body))


async def read(objects: Objects, pinned: Pinned, size: int = 7) -> list[bytes]:
    async with objects.open(pinned.bucket, pinned.key, pinned.version_id, pinned.etag) as body:
        return [chunk async for chunk in body.chunks(size)]


@pytest.mark.parametrize("key", KEYS)
async def test_an_old_version_is_read_after_it_was_overwritten(
    s3: "S3Client", objects: Objects, buckets: AwsSettings, key: str
) -> None:
    bucket = buckets.incoming_bucket
    first = await put(s3, bucket, key, b"the first", ContentType="text/plain", Metadata={"owner": "a%20b"})
    await put(s3, bucket, key, b"the second")
    async with objects.open(bucket, key, first.version_id, first.etag) as body:
        assert (body.size, body.etag, body.version_id) == (9, first.etag, first.version_id)
        assert (body.content_type, body.metadata) == ("text/plain", {"owner": "a%20b"})
        assert [chunk async for chunk in body.chunks(4)] == [b"the ", b"firs", b"t"]


async def test_an_empty_object_has_no_chunks(s3: "S3Client", objects: Objects, buckets: AwsSettings) -> None:
    assert await read(objects, await put(s3, buckets.incoming_bucket, "empty", b"")) == []


async def test_every_chunk_but_the_last_is_full(s3: "S3Client", objects: Objects, buckets: AwsSettings) -> None:
    content = bytes(range(256)) * 12_000
    chunks = await read(objects, await put(s3, buckets.incoming_bucket, "large", content), MIB)
    assert [len(chunk) for chunk in chunks] == [MIB, MIB, len(content) - 2 * MIB]
    assert b"".join(chunks) == content


async def test_a_reader_that_stops_early_leaves_the_client_usable(
    s3: "S3Client", objects: Objects, buckets: AwsSettings
) -> None:
    pinned = await put(s3, buckets.incoming_bucket, "large", b"x" * 4 * MIB)
    async with objects.open(pinned.bucket, pinned.key, pinned.version_id, pinned.etag) as body:
        async for _ in body.chunks(10):
            break
    assert sum(map(len, await read(objects, pinned, MIB))) == 4 * MIB


async def test_another_object_than_the_pinned_one_is_gone(
    s3: "S3Client", objects: Objects, buckets: AwsSettings
) -> None:
    bucket = buckets.incoming_bucket
    pinned = await put(s3, bucket, "key", b"bytes")
    marker = await s3.delete_object(Bucket=bucket, Key="key")
    for wrong in (
        replace(pinned, etag="0" * 32),
        replace(pinned, key="another"),
        replace(pinned, version_id=marker["VersionId"]),
    ):
        with pytest.raises(VersionGone):
            await read(objects, wrong)
    await objects.delete(bucket, "key", pinned.version_id)
    with pytest.raises(VersionGone):
        await read(objects, pinned)


async def test_a_bucket_that_does_not_exist_is_unavailable(objects: Objects) -> None:
    with pytest.raises(Unavailable):
        await read(objects, Pinned("no-such-bucket", "key", "v", "0" * 32, 1))


@pytest.mark.parametrize("key", KEYS)
async def test_promotion_copies_the_bytes_and_nothing_that_the_uploader_chose(
    s3: "S3Client", objects: Objects, buckets: AwsSettings, key: str
) -> None:
    pinned = await put(
        s3,
        buckets.incoming_bucket,
        key,
        b"inspected",
        ContentType="text/html",
        Metadata={"owner": "a"},
        Tagging="a=b",
    )
    await put(s3, buckets.incoming_bucket, key, b"slipped in later")
    made = await objects.promote(
        pinned,
        buckets.accepted_bucket,
        "accepted/1",
        content_type="image/png",
        content_disposition="attachment",
        metadata={"airlock-upload": "1"},
    )
    stored = await s3.get_object(Bucket=buckets.accepted_bucket, Key="accepted/1")
    assert await stored["Body"].read() == b"inspected"
    assert (stored["VersionId"], stored["ETag"].strip('"')) == (made.version_id, made.etag)
    assert (stored["ContentType"], stored["Metadata"]) == ("image/png", {"airlock-upload": "1"})
    assert stored["ContentDisposition"] == "attachment"
    tags = await s3.get_object_tagging(Bucket=buckets.accepted_bucket, Key="accepted/1")
    assert tags["TagSet"] == []


async def test_promotion_of_an_object_that_is_not_the_pinned_one_stores_nothing(
    s3: "S3Client", objects: Objects, buckets: AwsSettings
) -> None:
    pinned = await put(s3, buckets.incoming_bucket, "key", b"bytes")
    for wrong in (replace(pinned, etag="0" * 32), replace(pinned, version_id="0" * 32), replace(pinned, key="none")):
        with pytest.raises(VersionGone):
            await objects.promote(wrong, buckets.accepted_bucket, "accepted", content_type="text/plain")
    assert await held(s3, buckets.accepted_bucket) == []


async def test_a_large_object_is_promoted_in_parts(s3: "S3Client", objects: Objects, buckets: AwsSettings) -> None:
    content = b"".join(bytes([n]) * MIB for n in range(12))
    pinned = await put(s3, buckets.incoming_bucket, "a b/ü?", content, ContentType="text/html")
    await put(s3, buckets.incoming_bucket, "a b/ü?", b"slipped in later")
    made = await objects.promote(pinned, buckets.accepted_bucket, "large", content_type="video/mp4")
    stored = await s3.get_object(Bucket=buckets.accepted_bucket, Key="large")
    assert await stored["Body"].read() == content
    assert (stored["VersionId"], stored["ETag"].strip('"')) == (made.version_id, made.etag)
    assert made.etag.endswith("-3")
    assert stored["ContentType"] == "video/mp4"


async def test_a_large_promotion_that_fails_leaves_no_parts(
    s3: "S3Client", objects: Objects, buckets: AwsSettings
) -> None:
    pinned = await put(s3, buckets.incoming_bucket, "large", b"x" * 11 * MIB)
    with pytest.raises(VersionGone):
        await objects.promote(
            replace(pinned, etag="0" * 32), buckets.accepted_bucket, "large", content_type="video/mp4"
        )
    assert await held(s3, buckets.accepted_bucket) == []
    assert not (await s3.list_multipart_uploads(Bucket=buckets.accepted_bucket)).get("Uploads")


async def test_a_large_promotion_that_is_cancelled_leaves_no_parts(
    s3: "S3Client", buckets: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = await put(s3, buckets.incoming_bucket, "large", b"x" * 11 * MIB)
    started, never = asyncio.Event(), asyncio.Event()

    async def stuck(**_: object) -> None:
        started.set()
        await never.wait()

    monkeypatch.setattr(s3, "upload_part_copy", stuck)
    objects = Objects(s3, multipart_above=MIB, part_size=5 * MIB)
    task = asyncio.create_task(objects.promote(pinned, buckets.accepted_bucket, "large", content_type="a/b"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (await s3.list_multipart_uploads(Bucket=buckets.accepted_bucket)).get("Uploads")


async def held(s3: "S3Client", bucket: str) -> list[tuple[str, str]]:
    listed = await s3.list_object_versions(Bucket=bucket)
    entries = [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]
    return [(entry["Key"], entry["VersionId"]) for entry in entries]


async def test_deleting_removes_that_version_only_and_may_be_repeated(
    s3: "S3Client", objects: Objects, buckets: AwsSettings
) -> None:
    bucket = buckets.incoming_bucket
    first, second = await put(s3, bucket, "key", b"1"), await put(s3, bucket, "key", b"2")
    for _ in range(2):
        await objects.delete(bucket, "key", first.version_id)
    assert await held(s3, bucket) == [("key", second.version_id)]
    await objects.delete(bucket, "never there", first.version_id)


async def test_deleting_all_versions_leaves_keys_with_the_same_beginning(
    s3: "S3Client", objects: Objects, buckets: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_module, "DELETE_BATCH", 2)
    bucket = buckets.accepted_bucket
    for _ in range(3):
        await put(s3, bucket, "key", b"x")
        await s3.delete_object(Bucket=bucket, Key="key")
    other = await put(s3, bucket, "key2", b"x")
    assert await objects.delete_all_versions(bucket, "key") == 6
    assert await held(s3, bucket) == [("key2", other.version_id)]
    assert await objects.delete_all_versions(bucket, "key") == 0


async def test_versions_on_several_pages_are_all_deleted(
    s3: "S3Client", objects: Objects, buckets: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await put(s3, buckets.accepted_bucket, "key", b"x")
    whole = s3.list_object_versions

    async def cut(**place: object) -> object:
        return await whole(**place, MaxKeys=2)  # type: ignore[arg-type]  # as the caller's

    monkeypatch.setattr(s3, "list_object_versions", cut)
    assert await objects.delete_all_versions(buckets.accepted_bucket, "key") == 5


async def test_a_version_that_s3_refuses_to_delete_is_an_error(
    s3: "S3Client", objects: Objects, buckets: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(s3, buckets.accepted_bucket, "key", b"x")

    async def refuse(**_: object) -> object:
        return {"Errors": [{"Key": "key", "Code": "AccessDenied"}]}

    monkeypatch.setattr(s3, "delete_objects", refuse)
    with pytest.raises(Unavailable, match="AccessDenied"):
        await objects.delete_all_versions(buckets.accepted_bucket, "key")


async def test_a_presigned_url_reads_that_version_with_the_headers(
    s3: "S3Client", objects: Objects, buckets: AwsSettings
) -> None:
    pinned = await put(s3, buckets.accepted_bucket, "a b/ü", b"accepted", ContentType="text/html")
    await put(s3, buckets.accepted_bucket, "a b/ü", b"another")
    disposition = "attachment; filename=\"a b.png\"; filename*=UTF-8''%C3%BC.png"
    link = await objects.presign_get(
        pinned.bucket,
        pinned.key,
        pinned.version_id,
        content_disposition=disposition,
        content_type="image/png",
        expires=60,
    )
    query = parse_qs(urlsplit(link).query)
    assert query["X-Amz-Expires"] == ["60"]
    assert query["response-content-type"] == ["image/png"]
    assert query["response-content-disposition"] == [disposition]
    async with aiohttp.ClientSession() as session, session.get(link) as response:
        assert (response.status, await response.read()) == (200, b"accepted")
    async with aiohttp.ClientSession() as session, session.get(link.replace("Expires=60", "Expires=61")) as response:
        assert response.status == 403
