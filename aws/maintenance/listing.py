"""What buckets hold, one page at a time: objects, their versions, and multipart uploads that are still open."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airlock.backfill import Existing
from airlock.errors import VersionGone
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})

ListingCursor = Mapping[str, str]
"""Where a page ended: the request of the next page must name it."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object. `modified_at` in seconds since the epoch, `size` in bytes, `etag` without quotes."""

    key: str
    version_id: str
    etag: str
    size: int
    modified_at: float


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A multipart upload that was neither completed nor aborted. `began_at` in seconds since the epoch."""

    key: str
    upload_id: str
    began_at: float


@dataclass(frozen=True, slots=True)
class Description:
    """What was stored with a version. `version_id` is empty in a bucket that keeps no versions; `metadata` is without
    `x-amz-meta-`.
    """

    version_id: str
    content_type: str
    metadata: Mapping[str, str]


class Listing:
    """Reads any bucket. All methods raise Unavailable("s3").

    A page has up to 1000 entries, in the order of their keys. A cursor is None after the last page.
    """

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3

    async def objects(self, bucket: str, prefix: str, after: str = "") -> tuple[list[Existing], bool]:
        """The current objects under `prefix` whose keys come after `after`, and whether there may be more."""
        with translate("s3"):
            page = await self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=after)
            return [_existing(bucket, item) for item in page.get("Contents", ())], page["IsTruncated"]

    async def versions(
        self, bucket: str, prefix: str, after: ListingCursor | None = None
    ) -> tuple[list[Version], ListingCursor | None]:
        """All versions under `prefix`, the newest of a key first, without delete markers."""
        with translate("s3"):
            page = await self._s3.list_object_versions(**_place(bucket, prefix, after))
            return [_version(item) for item in page.get("Versions", ())], _cursor(page, "VersionIdMarker")

    async def open_uploads(
        self, bucket: str, prefix: str, after: ListingCursor | None = None
    ) -> tuple[list[OpenUpload], ListingCursor | None]:
        """The multipart uploads under `prefix` that are open."""
        with translate("s3"):
            page = await self._s3.list_multipart_uploads(**_place(bucket, prefix, after))
            found = [
                OpenUpload(item["Key"], item["UploadId"], item["Initiated"].timestamp())
                for item in page.get("Uploads", ())
            ]
            return found, _cursor(page, "UploadIdMarker")

    async def abort(self, bucket: str, upload: OpenUpload) -> None:
        """End a multipart upload and remove its parts. Nothing happens when it is not open any more."""
        with translate("s3"), contextlib.suppress(self._s3.exceptions.NoSuchUpload):
            await self._s3.abort_multipart_upload(Bucket=bucket, Key=upload.key, UploadId=upload.upload_id)

    async def has_object(self, bucket: str, key: str) -> bool:
        """Whether the key has a current object."""
        try:
            await self._head(bucket, key)
        except VersionGone:
            return False
        return True

    async def has_version(self, bucket: str, key: str, version_id: str) -> bool:
        """Whether that version is stored."""
        after: ListingCursor | None = None
        while True:
            found, after = await self.versions(bucket, key, after)
            if any(version.version_id == version_id and version.key == key for version in found):
                return True
            # Keys come in order, so that a key comes before all that begin with it.
            if after is None or after["KeyMarker"] != key:
                return False

    async def describe(self, existing: Existing) -> Description:
        """What was stored with a listed object. Raises VersionGone when it was replaced or deleted since."""
        return await self._head(existing.bucket, existing.key, IfMatch=f'"{existing.etag}"')

    async def describe_version(self, bucket: str, version: Version) -> Description:
        """What was stored with a version. Raises VersionGone when it was deleted."""
        return await self._head(bucket, version.key, VersionId=version.version_id)

    async def _head(self, bucket: str, key: str, **pinned: Any) -> Description:
        with translate("s3"):
            answer = await self._s3.head_object(Bucket=bucket, Key=key, **pinned)
            # An object that was stored before versioning began has the version id "null", which works as any other.
            return Description(answer.get("VersionId", ""), answer.get("ContentType", ""), answer["Metadata"])


def _place(bucket: str, prefix: str, after: ListingCursor | None) -> dict[str, Any]:
    return {"Bucket": bucket, "Prefix": prefix, **(after or {})}


def _existing(bucket: str, item: Any) -> Existing:
    archived = item.get("StorageClass") in ARCHIVES
    modified_at = int(item["LastModified"].timestamp())
    return Existing(bucket, item["Key"], item["ETag"].strip('"'), item["Size"], modified_at, archived)


def _version(item: Any) -> Version:
    modified_at = item["LastModified"].timestamp()
    return Version(item["Key"], item["VersionId"], item["ETag"].strip('"'), item["Size"], modified_at)


def _cursor(page: Any, second: str) -> ListingCursor | None:
    if not page.get("IsTruncated"):
        return None
    return {"KeyMarker": page["NextKeyMarker"], second: page[f"Next{second}"]}
