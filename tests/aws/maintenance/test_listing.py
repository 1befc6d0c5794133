"""Listings: each object, version and open upload once, one page at a time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from airlock.errors import Unavailable, VersionGone
from aws.clients import Clients, connect
from aws.maintenance.listing import Listing, OpenUpload, Version
from aws.settings import AwsSettings
from tests.coverage_pause import coverage_paused

PAGE = 1000


@pytest.fixture
async def clients(buckets: AwsSettings) -> AsyncIterator[Clients]:
    async with connect(buckets, services=("s3",)) as clients:
        yield clients


@pytest.fixture
def listing(clients: Clients) -> Listing:
    return Listing(clients.s3)


async def all_versions(listing: Listing, bucket: str, prefix: str) -> list[list[Version]]:
    page, after = await listing.versions(bucket, prefix)
    pages = [page]
    while after is not None:
        page, after = await listing.versions(bucket, prefix, after)
        pages.append(page)
    return pages


async def test_objects_are_listed_after_a_key_until_there_is_no_more(
    clients: Clients, listing: Listing, buckets: AwsSettings
) -> None:
    bucket = buckets.incoming_bucket
    names = [f"all/{number:04}" for number in range(PAGE + 3)] + ["all/ü b+c&d=%20", "other/1"]
    with coverage_paused():
        for name in names:
            await clients.s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    first, more = await listing.objects(bucket, "all/")
    assert (len(first), more) == (PAGE, True)
    second, more = await listing.objects(bucket, "all/", first[-1].key)
    assert not more
    assert [each.key for each in first + second] == names[:-1]
    assert {(each.bucket, each.size, each.archived) for each in first} == {(bucket, 1, False)}


async def test_only_the_current_version_is_listed_as_an_object(
    clients: Clients, listing: Listing, buckets: AwsSettings
) -> None:
    bucket = buckets.incoming_bucket
    await clients.s3.put_object(Bucket=bucket, Key="k", Body=b"1", ContentType="text/css")
    made = await clients.s3.put_object(Bucket=bucket, Key="k", Body=b"22", ContentType="text/csv", Metadata={"x": "y"})
    await clients.s3.put_object(Bucket=bucket, Key="gone", Body=b"")
    await clients.s3.delete_object(Bucket=bucket, Key="gone")
    [existing], _ = await listing.objects(bucket, "")
    assert (existing.key, existing.size, existing.etag) == ("k", 2, made["ETag"].strip('"'))
    described = await listing.describe(existing)
    assert (described.version_id, described.content_type) == (made["VersionId"], "text/csv")
    assert described.metadata == {"x": "y"}

    await clients.s3.put_object(Bucket=bucket, Key="k", Body=b"333")
    with pytest.raises(VersionGone):
        await listing.describe(existing)


async def test_a_key_has_an_object_until_it_is_deleted(
    clients: Clients, listing: Listing, buckets: AwsSettings
) -> None:
    bucket = buckets.incoming_bucket
    await clients.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert await listing.has_object(bucket, "k")
    await clients.s3.delete_object(Bucket=bucket, Key="k")
    assert not await listing.has_object(bucket, "k")
    assert not await listing.has_object(bucket, "never")


async def test_an_object_in_an_archive_is_listed_as_archived(
    clients: Clients, listing: Listing, buckets: AwsSettings
) -> None:
    bucket = buckets.incoming_bucket
    await clients.s3.put_object(Bucket=bucket, Key="cold", Body=b"", StorageClass="GLACIER")
    [existing], _ = await listing.objects(bucket, "")
    assert existing.archived


async def test_every_version_is_listed_once_over_several_pages(
    clients: Clients, listing: Listing, buckets: AwsSettings
) -> None:
    bucket, many = buckets.incoming_bucket, PAGE // 2 + 2

    async def put(key: str) -> tuple[str, str]:
        return key, (await clients.s3.put_object(Bucket=bucket, Key=key, Body=b"12"))["VersionId"]

    # One key whose versions are on both pages.
    keys = [*(f"in/{number:04}" for number in range(many)), *["in/b"] * many]
    with coverage_paused():
        made = await asyncio.gather(*(put(key) for key in keys))
    await put("other/a")
    await clients.s3.delete_object(Bucket=bucket, Key="in/0000")
    pages = await all_versions(listing, bucket, "in/")
    assert len(pages) == 2
    found = [version for page in pages for version in page]
    assert sorted((version.key, version.version_id) for version in found) == sorted(made)
    assert [version.key for version in found] == sorted(version.key for version in found)
    assert {(version.size, version.etag) for version in found} == {(2, "c20ad4d76fe97759aa27a0c99bff6710")}
    assert all(await asyncio.gather(*(listing.has_version(bucket, *made[at]) for at in (0, many - 1, many, -1))))


async def test_a_version_is_there_until_it_is_deleted(clients: Clients, listing: Listing, buckets: AwsSettings) -> None:
    bucket = buckets.incoming_bucket
    stored = await clients.s3.put_object(
        Bucket=bucket, Key="a", Body=b"1", ContentType="text/plain", Metadata={"x": "y"}
    )
    await clients.s3.put_object(Bucket=bucket, Key="a/b", Body=b"1")
    (version,) = [one for one in (await listing.versions(bucket, "a"))[0] if one.key == "a"]
    described = await listing.describe_version(bucket, version)
    assert (described.content_type, described.metadata) == ("text/plain", {"x": "y"})
    assert described.version_id == version.version_id == stored["VersionId"]
    assert await listing.has_version(bucket, "a", stored["VersionId"])
    assert not await listing.has_version(bucket, "a", "another")
    await clients.s3.delete_object(Bucket=bucket, Key="a", VersionId=stored["VersionId"])
    assert not await listing.has_version(bucket, "a", stored["VersionId"])
    with pytest.raises(VersionGone):
        await listing.describe_version(bucket, version)


async def test_open_uploads_are_listed_until_they_are_aborted(
    clients: Clients, listing: Listing, buckets: AwsSettings
) -> None:
    bucket = buckets.accepted_bucket
    for key in ("a/1", "a/2", "b"):
        await clients.s3.create_multipart_upload(Bucket=bucket, Key=key)
    found, after = await listing.open_uploads(bucket, "a/")
    assert ([upload.key for upload in found], after) == (["a/1", "a/2"], None)
    # The second time it is not open any more.
    for _ in range(2):
        await listing.abort(bucket, found[0])
    assert [upload.key for upload in (await listing.open_uploads(bucket, ""))[0]] == ["a/2", "b"]


async def test_a_bucket_that_does_not_exist_is_unavailable(listing: Listing) -> None:
    for call in (listing.objects, listing.versions, listing.open_uploads):
        with pytest.raises(Unavailable, match="NoSuchBucket"):
            await call("no-such-bucket", "")
    with pytest.raises(Unavailable):
        await listing.abort("no-such-bucket", OpenUpload("a", "b", 0))
