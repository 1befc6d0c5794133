"""Objects in S3, each pinned to one version: reading, copying, deleting, presigned URLs."""

import contextlib
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airlock.errors import Outage, VersionGone
from aws.errors import translate
from aws.s3.multipart_copy import MultipartCopy

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import ListObjectVersionsOutputTypeDef, ObjectIdentifierTypeDef

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html
LARGEST_COPY = 5 * 1024**3
DELETE_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Pinned:
    """One version of one object. `etag` without quotes; `size` in bytes.

    `version_id` is empty for an object in a bucket that keeps no versions (a backfill's): there only the ETag pins it.
    """

    bucket: str
    key: str
    version_id: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Copied:
    """The version that a copy made. `etag` without quotes; that of a multipart copy differs from the source's.

    `repeated`: the request was sent again, since its answer was lost or was an error. There may be a second copy.
    """

    version_id: str
    etag: str
    repeated: bool = False


@dataclass(slots=True)
class Body:
    """An object that is read. `size` in bytes, `etag` without quotes, `metadata` without `x-amz-meta-`."""

    size: int
    etag: str
    version_id: str
    content_type: str
    metadata: Mapping[str, str]
    _stream: "StreamingBody" = field(repr=False)

    async def chunks(self, size: int) -> AsyncIterator[bytes]:
        """All bytes in chunks of `size`, of which the last may be shorter. They can be read once.

        Raises Unavailable("s3") when there are fewer than `self.size`.
        """
        left = self.size
        while left:
            chunk = await self._fill(min(size, left))
            left -= len(chunk)
            yield chunk

    async def _fill(self, wanted: int) -> bytes:
        parts: list[bytes] = []
        while wanted:
            with translate("s3"):
                part = await self._stream.read(wanted)
            if not part:
                raise Outage("s3", "the object's bytes ended before its length")
            parts.append(part)
            wanted -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class Objects:
    """The operations on objects of service and workers. All methods raise Unavailable("s3").

    They need s3:ListBucket on each bucket: without it S3 answers 403 where an object does not exist, which becomes
    Unavailable and not VersionGone. `public_s3` makes presigned URLs, where browsers reach S3 at another address.
    Objects above `multipart_above` bytes are copied in parts of `part_size` bytes.
    """

    def __init__(
        self,
        s3: "S3Client",
        *,
        public_s3: "S3Client | None" = None,
        multipart_above: int = LARGEST_COPY,
        part_size: int | None = None,
    ) -> None:
        self._s3 = s3
        self._public_s3 = public_s3 or s3
        self._multipart_above = multipart_above
        self._part_size = part_size

    @contextlib.asynccontextmanager
    async def open(self, bucket: str, key: str, version_id: str, etag: str | None = None) -> AsyncIterator[Body]:
        """Read that version with one GetObject; leaving the context closes the connection.

        Raises VersionGone when the version does not exist, is a delete marker, or has another ETag than a given `etag`.
        """
        match: Any = {"IfMatch": f'"{etag}"'} if etag else {}
        with translate("s3"):
            answer = await self._s3.get_object(Bucket=bucket, Key=key, VersionId=version_id, **match)
            stream = answer["Body"]
            body = Body(
                size=answer["ContentLength"],
                etag=answer["ETag"].strip('"'),
                version_id=answer.get("VersionId", version_id),
                content_type=answer.get("ContentType", ""),
                metadata=answer["Metadata"],
                _stream=stream,
            )
        try:
            yield body
        finally:
            stream.close()

    async def describe(self, bucket: str, key: str, version_id: str) -> tuple[Pinned, Mapping[str, str]]:
        """That version with its ETag and size, and its metadata, without `x-amz-meta-`.

        Raises VersionGone when it does not exist or is a delete marker.
        """
        with translate("s3"):
            answer = await self._s3.head_object(Bucket=bucket, Key=key, VersionId=version_id)
            pinned = Pinned(bucket, key, version_id, answer["ETag"].strip('"'), answer["ContentLength"])
            return pinned, answer["Metadata"]

    async def promote(
        self,
        source: Pinned,
        bucket: str,
        key: str,
        *,
        content_type: str,
        content_disposition: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Copied:
        """Copy exactly the pinned bytes to `bucket`/`key`.

        Content type, metadata and tags of the source, which the uploader chose, are not copied. `metadata` is US-ASCII,
        with names without `x-amz-meta-`. Repeating it stores a second version of the same bytes.

        Raises VersionGone when the source does not exist or has another ETag.
        """
        described: dict[str, Any] = {"Bucket": bucket, "Key": key, "ContentType": content_type}
        if content_disposition:
            described["ContentDisposition"] = content_disposition
        if metadata:
            described["Metadata"] = dict(metadata)
        copied: Any = {"Bucket": source.bucket, "Key": source.key}
        if source.version_id:
            copied["VersionId"] = source.version_id
        pinned: dict[str, Any] = {"CopySource": copied, "CopySourceIfMatch": f'"{source.etag}"'}
        if source.size > self._multipart_above:
            copy = MultipartCopy(self._s3, described, pinned, source.size, self._part_size)
            with translate("s3"):
                version_id, made = await copy.run()
            return Copied(version_id, made.strip('"'))
        with translate("s3"):
            answer = await self._s3.copy_object(
                **described, **pinned, MetadataDirective="REPLACE", TaggingDirective="REPLACE"
            )
            repeated = answer["ResponseMetadata"]["RetryAttempts"] > 0
            return Copied(answer.get("VersionId", ""), answer["CopyObjectResult"]["ETag"].strip('"'), repeated)

    async def delete(self, bucket: str, key: str, version_id: str) -> None:
        """Delete exactly that version. Nothing happens when it does not exist."""
        with contextlib.suppress(VersionGone), translate("s3"):
            await self._s3.delete_object(Bucket=bucket, Key=key, VersionId=version_id)

    async def delete_all_versions(self, bucket: str, *keys: str) -> int:
        """Delete every version and delete marker of `keys`, which begin alike; returns how many there were.

        Raises Unavailable also when S3 refuses to delete one of them.
        """
        found = await self.versions_of(bucket, keys)
        for key, versions in found.items():
            await self.delete_versions(bucket, key, versions)
        return sum(map(len, found.values()))

    async def versions(self, bucket: str, key: str) -> list[str]:
        """The ids of every version and delete marker of `key`."""
        return (await self.versions_of(bucket, [key])).get(key, [])

    async def versions_of(self, bucket: str, keys: Collection[str]) -> dict[str, list[str]]:
        """The ids of every version and delete marker of those `keys` that have any.

        All that begins as all of `keys` do is listed, so they should have most of it in common.
        """
        found: dict[str, list[str]] = {}
        prefix = os.path.commonprefix(list(keys))  # noqa: RUF071 # keys are no paths: by characters is right
        async for page in self._pages(bucket, prefix, max(keys)):
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if entry["Key"] in keys:
                    found.setdefault(entry["Key"], []).append(entry["VersionId"])
        return found

    async def delete_versions(self, bucket: str, key: str, versions: Sequence[str]) -> None:
        """Delete those versions of `key`, as far as they exist.

        Raises Unavailable also when S3 refuses to delete one of them.
        """
        for start in range(0, len(versions), DELETE_BATCH):
            batch: list[ObjectIdentifierTypeDef] = [
                {"Key": key, "VersionId": version} for version in versions[start : start + DELETE_BATCH]
            ]
            with translate("s3"):
                answer = await self._s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            if refused := answer.get("Errors"):
                raise Outage("s3", f"DeleteObjects: {refused[0].get('Code', 'an error without a code')}")

    async def earlier(self, bucket: str, key: str, version_id: str) -> list[Pinned]:
        """The versions of `key` that were stored before that one and still exist, oldest first.

        S3 lists the versions of a key from the newest to the oldest:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/list-obj-version-enabled-bucket.html
        """
        found: list[Pinned] = []
        async for page in self._pages(bucket, key, key):
            for entry in page.get("Versions", ()):
                if entry["Key"] == key:
                    found.append(Pinned(bucket, key, entry["VersionId"], entry["ETag"].strip('"'), entry["Size"]))
                if entry["VersionId"] == version_id:
                    found.clear()
        return found[::-1]

    async def _pages(self, bucket: str, prefix: str, last: str) -> "AsyncIterator[ListObjectVersionsOutputTypeDef]":
        """The pages of a listing of what begins with `prefix`, up to those that hold versions of the key `last`."""
        place: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
        while True:
            with translate("s3"):
                page = await self._s3.list_object_versions(**place)
            yield page
            # Keys come in the order of their bytes in UTF-8, which is that of Python's texts.
            if not page.get("IsTruncated") or page["NextKeyMarker"] > last:
                return
            place |= {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

    async def presign_get(
        self, bucket: str, key: str, version_id: str, *, content_disposition: str, content_type: str, expires: int
    ) -> str:
        """A URL that reads that version without credentials for `expires` seconds; the answer has those two headers."""
        with translate("s3"):
            return await self._public_s3.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": bucket,
                    "Key": key,
                    "VersionId": version_id,
                    "ResponseContentDisposition": content_disposition,
                    "ResponseContentType": content_type,
                },
                ExpiresIn=expires,
            )
