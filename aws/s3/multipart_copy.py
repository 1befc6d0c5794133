"""Copies an object that is too large for CopyObject, in parts at the same time.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/CopyingObjectsMPUapi.html
"""

import asyncio
from typing import TYPE_CHECKING, Any

from airlock.errors import AirlockError
from aws.errors import translate

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PARTS = 10_000
PART_SIZE = 512 * 1024**2
PARALLEL = 8


class MultipartCopy:
    """One multipart copy: `described` holds the arguments for the new object, `pinned` those for the source."""

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
        self._target = {"Bucket": described["Bucket"], "Key": described["Key"]}
        self._pinned = pinned
        self._size = size
        self._part_size = part_size or max(PART_SIZE, -(-size // MAX_PARTS))
        self._slots = asyncio.Semaphore(PARALLEL)

    async def run(self) -> tuple[str, str]:
        """Copy; returns version id and ETag of the new object. After a failure no part is left."""
        created = await self._s3.create_multipart_upload(**self._described)
        upload = created["UploadId"]
        try:
            parts = await self._parts(upload)
            done = await self._s3.complete_multipart_upload(
                **self._target, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            # Parts cost money until they are aborted, so that a cancelled copy waits for that too.
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
                **self._target,
                **self._pinned,
                UploadId=upload,
                PartNumber=number,
                CopySourceRange=f"bytes={start}-{last}",
            )
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    async def _abort(self, upload: str) -> None:
        try:
            with translate("s3"):
                await self._s3.abort_multipart_upload(**self._target, UploadId=upload)
        except AirlockError:
            # The bucket's lifecycle rule removes the parts. The error that ended the copy is the one to raise.
            return
