"""A bucket's current objects: all of them once, in pages, each as it is."""

import secrets

import pytest

from airlock.errors import Unavailable, VersionGone
from aws.maintenance.listing import Listing
from aws.session import connect
from aws.settings import AwsSettings


async def test_pages_go_on_after_a_key_until_there_is_no_more(buckets: AwsSettings) -> None:
    names = [f"all/{number:04}" for number in range(1003)] + ["all/ü b+c&d=%20", "other/1"]
    async with connect(buckets, services=["s3"]) as clients:
        for name in names:
            await clients.s3.put_object(Bucket=buckets.incoming_bucket, Key=name, Body=b"x")
        listing = Listing(clients.s3)
        first, more = await listing.page(buckets.incoming_bucket, "all/")
        assert (len(first), more) == (1000, True)
        second, more = await listing.page(buckets.incoming_bucket, "all/", first[-1].key)
        assert not more
        assert [each.key for each in first + second] == names[:-1]
        assert {(each.bucket, each.size, each.archived) for each in first} == {(buckets.incoming_bucket, 1, False)}


async def test_only_the_newest_version_is_told(buckets: AwsSettings) -> None:
    bucket = buckets.incoming_bucket
    async with connect(buckets, services=["s3"]) as clients:
        listing = Listing(clients.s3)
        await clients.s3.put_object(Bucket=bucket, Key="k", Body=b"1", ContentType="text/css")
        made = await clients.s3.put_object(Bucket=bucket, Key="k", Body=b"22", ContentType="text/csv")
        await clients.s3.put_object(Bucket=bucket, Key="gone", Body=b"")
        await clients.s3.delete_object(Bucket=bucket, Key="gone")
        [existing], _ = await listing.page(bucket, "")
        assert (existing.key, existing.size, existing.etag) == ("k", 2, made["ETag"].strip('"'))
        told = await listing.describe(existing)
        assert (told.version_id, told.content_type) == (made["VersionId"], "text/csv")
        assert await listing.holds(bucket, "k")
        assert not await listing.holds(bucket, "gone")
        assert not await listing.holds(bucket, "never")

        await clients.s3.put_object(Bucket=bucket, Key="k", Body=b"333")
        with pytest.raises(VersionGone):
            await listing.describe(existing)


async def test_what_is_in_an_archive_is_told_as_that(buckets: AwsSettings) -> None:
    bucket = buckets.incoming_bucket
    async with connect(buckets, services=["s3"]) as clients:
        await clients.s3.put_object(Bucket=bucket, Key="cold", Body=b"", StorageClass="GLACIER")
        [existing], _ = await Listing(clients.s3).page(bucket, "")
        assert existing.archived


async def test_a_bucket_that_is_not_there_is_unavailable(buckets: AwsSettings) -> None:
    async with connect(buckets, services=["s3"]) as clients:
        with pytest.raises(Unavailable, match="NoSuchBucket"):
            await Listing(clients.s3).page(f"none-{secrets.token_hex(4)}", "")
