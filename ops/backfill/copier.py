"""Copies one existing object into incoming under an upload id of its own, with the metadata that a policy would set.

S3 itself copies; no byte passes through this process.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from airlock import keys
from airlock.backfill import Existing, Sender
from airlock.errors import Refused, Unavailable, VersionGone
from airlock.intent import PREFIX, Intent
from airlock.upload_id import UploadId
from aws.maintenance.listing import Listing
from aws.s3.objects import Objects, Pinned
from ops.backfill.summary import Result, Status
from ops.command_line.throttle import Throttle


class Interrupted(Exception):
    """The user ended the run while it was waiting."""


@dataclass(frozen=True)
class IncomingKeys:
    """The bucket and the prefix of incoming."""

    bucket: str
    prefix: str

    def key(self, upload: UploadId) -> str:
        return keys.incoming(self.prefix, upload.text)


@dataclass(frozen=True)
class Copier:
    """Raises Interrupted and nothing else: any other failure is the result of that one object."""

    listing: Listing
    objects: Objects
    incoming: IncomingKeys
    sender: Sender
    throttle: Throttle
    dry_run: bool

    async def send(self, existing: Existing, ids: Sequence[UploadId]) -> Result:
        """Copy an object that has no record under any of `ids`, under the first of them."""
        try:
            return await self._send(existing, ids)
        except Refused as refused:
            return _result(existing, Status.REFUSED, refused.code, refused.detail)
        except VersionGone:
            return _result(existing, Status.FAILED, "changed", "The object was replaced or removed during the run.")
        except Unavailable as problem:
            return _result(existing, Status.FAILED, "unavailable", str(problem))

    async def _send(self, existing: Existing, ids: Sequence[UploadId]) -> Result:
        if not existing.filename and not existing.size:
            return _result(existing, Status.SKIPPED)
        if existing.archived:
            return _result(existing, Status.REFUSED, "archived", "The object is in an archive tier: restore it first.")
        described = await self.throttle.retry(lambda: self.listing.describe(existing))
        intent = self.sender.intent(existing, described.content_type)
        if await self._in_incoming(ids):
            return _result(existing, Status.DONE)
        if not self.dry_run:
            await self.throttle.acquire(1)
            source = Pinned(existing.bucket, existing.key, described.version_id, existing.etag, existing.size)
            await self.throttle.retry(lambda: self._copy(source, self.incoming.key(ids[0]), intent))
        return _result(existing, Status.SENT, upload=ids[0].text)

    async def _in_incoming(self, ids: Sequence[UploadId]) -> bool:
        """Whether an earlier run copied it and no worker has begun its inspection yet."""
        for key in map(self.incoming.key, ids):
            if await self.throttle.retry(functools.partial(self.listing.has_object, self.incoming.bucket, key)):
                return True
        return False

    async def _copy(self, source: Pinned, key: str, intent: Intent) -> None:
        fields = intent.to_fields()
        metadata = {name.removeprefix(PREFIX): value for name, value in fields.items() if name.startswith(PREFIX)}
        await self.objects.promote(
            source, self.incoming.bucket, key, content_type=intent.content_type, metadata=metadata
        )


def _result(existing: Existing, status: Status, code: str = "", detail: str = "", upload: str = "") -> Result:
    return Result(existing.key, status, existing.size, code, detail, upload)
