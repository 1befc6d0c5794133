"""The current objects of any bucket: in pages, in the order of their keys, and each described when it is wanted."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airlock.backfill import Existing
from airlock.errors import VersionGone
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


@dataclass(frozen=True, slots=True)
class Described:
    """`version_id` is empty in a bucket that has no versions."""

    version_id: str
    content_type: str


class Listing:
    """All methods raise Unavailable("s3")."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3

    async def page(self, bucket: str, prefix: str, after: str = "") -> tuple[list[Existing], bool]:
        """Up to 1000 objects under `prefix` whose keys come after `after`, and whether there may be more."""
        with translate("s3"):
            page = await self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=after)
            return [_existing(bucket, item) for item in page.get("Contents", ())], page["IsTruncated"]

    async def describe(self, existing: Existing) -> Described:
        """Raises VersionGone when the object is another one by now, or none."""
        with translate("s3"):
            told = await self._s3.head_object(Bucket=existing.bucket, Key=existing.key, IfMatch=f'"{existing.etag}"')
            # What was stored before versioning began has a version by that name, and can be named by it.
            return Described(told.get("VersionId", ""), told.get("ContentType", ""))

    async def holds(self, bucket: str, key: str) -> bool:
        """Whether there is an object of that key."""
        try:
            with translate("s3"):
                await self._s3.head_object(Bucket=bucket, Key=key)
        except VersionGone:
            return False
        return True


def _existing(bucket: str, item: Any) -> Existing:
    modified: datetime = item["LastModified"]
    archived = item.get("StorageClass") in ARCHIVES
    return Existing(bucket, item["Key"], item["ETag"].strip('"'), item["Size"], int(modified.timestamp()), archived)
