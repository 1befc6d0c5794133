"""What a bucket holds, page by page: every version of every object, and every multipart upload that was left open."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airlock.errors import VersionGone
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

Mark = Mapping[str, str]
"""Where a page ended: what the next request has to name."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, or a delete marker. `modified_at` in seconds since the epoch, `etag` without quotes."""

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
    """What whoever stored a version said of it. `metadata` without `x-amz-meta-`."""

    content_type: str
    metadata: Mapping[str, str]


class Inventory:
    """All methods raise Unavailable("s3"). A page is asked for when it is wanted, and not before."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3

    async def versions(self, bucket: str, prefix: str, after: Mark | None = None) -> tuple[list[Version], Mark | None]:
        """Up to 1000 versions under `prefix`, in order of their keys and the newest of a key first; delete markers are
        left out. With where the page ended, or None where it was the last.
        """
        with translate("s3"):
            page = await self._s3.list_object_versions(**_asked(bucket, prefix, after))
            found = [_version(item) for item in page.get("Versions", ())]
            return found, _mark(page, "VersionIdMarker")

    async def open_uploads(
        self, bucket: str, prefix: str, after: Mark | None = None
    ) -> tuple[list[OpenUpload], Mark | None]:
        """Up to 1000 multipart uploads under `prefix` that nobody ended, as `versions` gives versions."""
        with translate("s3"):
            page = await self._s3.list_multipart_uploads(**_asked(bucket, prefix, after))
            found = [
                OpenUpload(item["Key"], item["UploadId"], item["Initiated"].timestamp())
                for item in page.get("Uploads", ())
            ]
            return found, _mark(page, "UploadIdMarker")

    async def abort(self, bucket: str, upload: OpenUpload) -> None:
        """End a multipart upload and forget its parts; nothing happens when it has ended already."""
        with translate("s3"), contextlib.suppress(self._s3.exceptions.NoSuchUpload):
            await self._s3.abort_multipart_upload(Bucket=bucket, Key=upload.key, UploadId=upload.upload_id)

    async def holds(self, bucket: str, key: str, version_id: str) -> bool:
        """Whether that version is there."""
        after: Mark | None = None
        while True:
            found, after = await self.versions(bucket, key, after)
            if any(version.version_id == version_id and version.key == key for version in found):
                return True
            # Keys come in order and the shortest is first.
            if after is None or after["KeyMarker"] != key:
                return False

    async def describe(self, bucket: str, version: Version) -> Description | None:
        """What was stored with a version, without its bytes; None when it is away."""
        with contextlib.suppress(VersionGone), translate("s3"):
            told = await self._s3.head_object(Bucket=bucket, Key=version.key, VersionId=version.version_id)
            return Description(told.get("ContentType", ""), told["Metadata"])
        return None


def _asked(bucket: str, prefix: str, after: Mark | None) -> dict[str, Any]:
    return {"Bucket": bucket, "Prefix": prefix, **(after or {})}


def _version(item: Any) -> Version:
    return Version(
        item["Key"], item["VersionId"], item["ETag"].strip('"'), item["Size"], item["LastModified"].timestamp()
    )


def _mark(page: Any, second: str) -> Mark | None:
    if not page.get("IsTruncated"):
        return None
    return {"KeyMarker": page["NextKeyMarker"], second: page[f"Next{second}"]}
