"""One object that was admitted: which version it is, its upload id, and what its owner declared."""

from dataclasses import dataclass

from airlock.intent import Intent
from airlock.lifecycle import State
from airlock.profile import Profile
from airlock.upload_id import UploadId
from aws.dynamodb.records import Record
from aws.s3.objects import Body, Pinned


@dataclass(frozen=True, slots=True)
class Arrival:
    """One version in incoming, with its verified id and the intent in its metadata.

    `body` can be read, once, while the admission's context is open.
    """

    upload: UploadId
    source: Pinned
    intent: Intent
    profile: Profile
    sequencer: str
    body: Body

    def record(self, now: float) -> Record:
        """The record to claim at `now`, in seconds since the epoch."""
        return Record(
            id=self.upload.text,
            owner=self.intent.owner,
            state=State.INSPECTING,
            created_at=self.upload.issued_at,
            updated_at=now,
            profile=self.profile.name,
            filename=self.intent.filename,
            content_type=self.intent.content_type,
            size=self.source.size,
            version_id=self.source.version_id,
            etag=self.source.etag,
            sequencer=self.sequencer,
            declared_size=self.intent.size,
            declared_sha256=self.intent.sha256,
            metadata=self.intent.metadata,
            tenant=self.intent.tenant,
        )
