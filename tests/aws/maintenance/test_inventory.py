"""Inventory: every version and every open upload of a bucket, a page at a time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from airlock.errors import Unavailable
from aws.maintenance.inventory import Inventory, OpenUpload, Version
from aws.session import Clients, connect
from aws.settings import AwsSettings

PAGE = 1000


@pytest.fixture
async def clients(buckets: AwsSettings) -> AsyncIterator[Clients]:
    async with connect(buckets, services=("s3",)) as clients:
        yield clients


@pytest.fixture
def inventory(clients: Clients) -> Inventory:
    return Inventory(clients.s3)


async def all_versions(inventory: Inventory, bucket: str, prefix: str) -> list[list[Version]]:
    pages = []
    page, after = await inventory.versions(bucket, prefix)
    pages.append(page)
    while after is not None:
        page, after = await inventory.versions(bucket, prefix, after)
        pages.append(page)
    return pages


async def test_every_version_comes_once_over_as_many_pages_as_it_takes(
    clients: Clients, inventory: Inventory, buckets: AwsSettings
) -> None:
    bucket, many = buckets.incoming_bucket, PAGE // 2 + 2

    async def put(key: str) -> tuple[str, str]:
        return key, (await clients.s3.put_object(Bucket=bucket, Key=key, Body=b"12"))["VersionId"]

    # One key whose versions go over the end of a page.
    made = await asyncio.gather(
        *(put(f"in/{number:04}") for number in range(many)), *(put("in/b") for _ in range(many))
    )
    await put("other/a")
    await clients.s3.delete_object(Bucket=bucket, Key="in/0000")
    pages = await all_versions(inventory, bucket, "in/")
    assert len(pages) == 2
    found = [version for page in pages for version in page]
    assert sorted((version.key, version.version_id) for version in found) == sorted(made)
    assert [version.key for version in found] == sorted(version.key for version in found)
    assert {(version.size, version.etag) for version in found} == {(2, "c20ad4d76fe97759aa27a0c99bff6710")}
    assert all(await asyncio.gather(*(inventory.holds(bucket, *made[at]) for at in (0, many - 1, many, -1))))


async def test_a_version_is_there_until_it_is_gone(
    clients: Clients, inventory: Inventory, buckets: AwsSettings
) -> None:
    bucket = buckets.incoming_bucket
    stored = await clients.s3.put_object(
        Bucket=bucket, Key="a", Body=b"1", ContentType="text/plain", Metadata={"x": "y"}
    )
    await clients.s3.put_object(Bucket=bucket, Key="a/b", Body=b"1")
    (version,) = [one for one in (await inventory.versions(bucket, "a"))[0] if one.key == "a"]
    described = await inventory.describe(bucket, version)
    assert described is not None
    assert (described.content_type, described.metadata) == ("text/plain", {"x": "y"})
    assert await inventory.holds(bucket, "a", stored["VersionId"])
    assert not await inventory.holds(bucket, "a", "another")
    await clients.s3.delete_object(Bucket=bucket, Key="a", VersionId=stored["VersionId"])
    assert not await inventory.holds(bucket, "a", stored["VersionId"])
    assert await inventory.describe(bucket, version) is None


async def test_open_uploads_are_listed_until_they_are_aborted(
    clients: Clients, inventory: Inventory, buckets: AwsSettings
) -> None:
    bucket = buckets.accepted_bucket
    for key in ("a/1", "a/2", "b"):
        await clients.s3.create_multipart_upload(Bucket=bucket, Key=key)
    found, after = await inventory.open_uploads(bucket, "a/")
    assert ([upload.key for upload in found], after) == (["a/1", "a/2"], None)
    await inventory.abort(bucket, found[0])
    # What somebody else ended meanwhile.
    await inventory.abort(bucket, found[0])
    assert [upload.key for upload in (await inventory.open_uploads(bucket, ""))[0]] == ["a/2", "b"]


async def test_a_bucket_that_is_not_there_is_told(inventory: Inventory) -> None:
    with pytest.raises(Unavailable, match="NoSuchBucket"):
        await inventory.versions("no-such-bucket", "")
    with pytest.raises(Unavailable, match="NoSuchBucket"):
        await inventory.open_uploads("no-such-bucket", "")
    with pytest.raises(Unavailable):
        await inventory.abort("no-such-bucket", OpenUpload("a", "b", 0))
