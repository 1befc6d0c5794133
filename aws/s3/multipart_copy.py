"""A copy of one object in parallel parts, for what is too large for CopyObject."""

import asyncio
from typing import TYPE_CHECKING, Any

from airlock.errors import AirlockError
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MOST_PARTS = 10_000
PART_SIZE = 512 * 1024**2
PARALLEL = 8


class MultipartCopy:
    """One multipart copy: `described` says what is made, `pinned` from which version, under CopySourceIfMatch."""

    def __init__(
        self,
        s3: "S3Client",
        described: dict[str, Any],
        pinned: dict[str, Any],
        size: int,
        part_size: int | None = None,
    ) -> None:
        self._s3 = s3
        self._described = described
        self._place = {"Bucket": described["Bucket"], "Key": described["Key"]}
        self._pinned = pinned
        self._size = size
        self._part_size = part_size or max(PART_SIZE, -(-size // MOST_PARTS))
        self._slots = asyncio.Semaphore(PARALLEL)

    async def run(self) -> tuple[str, str]:
        """Copy it; returns the version id and the ETag that were made. On failure no part stays behind."""
        created = await self._s3.create_multipart_upload(**self._described)
        upload = created["UploadId"]
        try:
            parts = await self._parts(upload)
            done = await self._s3.complete_multipart_upload(
                **self._place, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            # Parts cost money until they are aborted: a cancelled copy too waits for that.
            await asyncio.shield(self._abort(upload))
            raise
        return done.get("VersionId", ""), done["ETag"]

    async def _parts(self, upload: str) -> "list[CompletedPartTypeDef]":
        starts = range(0, self._size, self._part_size)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._part(upload, n, start)) for n, start in enumerate(starts, 1)]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _part(self, upload: str, number: int, start: int) -> "CompletedPartTypeDef":
        last = min(start + self._part_size, self._size) - 1
        async with self._slots:
            answer = await self._s3.upload_part_copy(
                **self._place,
                **self._pinned,
                UploadId=upload,
                PartNumber=number,
                CopySourceRange=f"bytes={start}-{last}",
            )
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    async def _abort(self, upload: str) -> None:
        try:
            with translate("s3"):
                await self._s3.abort_multipart_upload(**self._place, UploadId=upload)
        except AirlockError:
            # The bucket's lifecycle rule removes it; the error that led here is the one to tell.
            return
