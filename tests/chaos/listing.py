"""All versions in a bucket, over all pages of its listing."""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client


class Version(NamedTuple):
    """One version of an object; a delete marker has no ETag."""

    key: str
    id: str
    etag: str
    size: int


async def versions(s3: "S3Client", bucket: str) -> list[Version]:
    """Every version and delete marker in a bucket."""
    found: list[Version] = []
    request: dict[str, Any] = {"Bucket": bucket}
    while True:
        page: Any = await s3.list_object_versions(**request)
        found += [
            Version(item["Key"], item["VersionId"], item.get("ETag", "").strip('"'), item.get("Size", 0))
            for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]
        if not page.get("IsTruncated"):
            return found
        request |= {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker", "")}
