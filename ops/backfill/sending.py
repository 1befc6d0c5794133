"""One existing object into incoming: copied by S3 itself, under an id of its own, as a policy would describe it."""

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
from ops.backfill.report import Outcome, Told
from ops.command_line.patience import Patience


class Interrupted(Exception):
    """Whoever started it does not want to wait any longer."""


@dataclass(frozen=True)
class Incoming:
    """Where objects come in."""

    bucket: str
    prefix: str

    def key(self, upload: UploadId) -> str:
        return keys.incoming(self.prefix, upload.text)


@dataclass(frozen=True)
class Sending:
    """Raises Interrupted, and nothing else: whatever fails is told of that one object."""

    listing: Listing
    objects: Objects
    incoming: Incoming
    sender: Sender
    patience: Patience
    dry_run: bool

    async def send(self, existing: Existing, ids: Sequence[UploadId]) -> Told:
        """Send an object that has no record under any of `ids`, under the first of them."""
        try:
            return await self._send(existing, ids)
        except Refused as refused:
            return _told(existing, Outcome.REFUSED, refused.code, refused.detail)
        except VersionGone:
            return _told(existing, Outcome.FAILED, "changed", "it was replaced or removed meanwhile")
        except Unavailable as problem:
            return _told(existing, Outcome.FAILED, "unavailable", str(problem))

    async def _send(self, existing: Existing, ids: Sequence[UploadId]) -> Told:
        if not existing.filename and not existing.size:
            return _told(existing, Outcome.SKIPPED)
        if existing.archived:
            return _told(existing, Outcome.REFUSED, "archived", "it is in an archive: restore it first")
        described = await self.patience.ask(lambda: self.listing.describe(existing))
        intent = self.sender.intent(existing, described.content_type)
        if await self._is_there(ids):
            return _told(existing, Outcome.DONE)
        if not self.dry_run:
            await self.patience.spend(1)
            source = Pinned(existing.bucket, existing.key, described.version_id, existing.etag, existing.size)
            await self.patience.ask(lambda: self._copy(source, self.incoming.key(ids[0]), intent))
        return _told(existing, Outcome.SENT, upload=ids[0].text)

    async def _is_there(self, ids: Sequence[UploadId]) -> bool:
        """Whether an earlier run sent it, and nobody has looked at it yet."""
        for each in map(self.incoming.key, ids):
            if await self.patience.ask(functools.partial(self.listing.holds, self.incoming.bucket, each)):
                return True
        return False

    async def _copy(self, source: Pinned, key: str, intent: Intent) -> None:
        fields = intent.to_fields()
        metadata = {name.removeprefix(PREFIX): value for name, value in fields.items() if name.startswith(PREFIX)}
        await self.objects.promote(
            source, self.incoming.bucket, key, content_type=intent.content_type, metadata=metadata
        )


def _told(existing: Existing, outcome: Outcome, code: str = "", detail: str = "", upload: str = "") -> Told:
    return Told(existing.key, outcome, existing.size, code, detail, upload)
