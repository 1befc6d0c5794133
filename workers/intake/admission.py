"""Who may come in: telling an object that a policy of ours let in from every other."""

from collections.abc import Sequence
from dataclasses import dataclass

from airlock import keys, upload_id
from airlock.errors import Refused
from airlock.events import ObjectCreated
from airlock.intent import Intent, NotOurMetadata
from airlock.profile import Profile
from airlock.profiles import Profiles
from airlock.upload_id import InvalidUploadId
from aws.s3.objects import Body, Pinned
from workers.intake.arrival import Arrival


class NotOurs(Exception):
    """The object is none that a policy of ours let in; the message says why. It stays where it is."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Where objects come in, and what they are verified against. All methods raise NotOurs."""

    bucket: str
    prefix: str
    profiles: Profiles
    secrets: Sequence[bytes]

    def upload(self, event: ObjectCreated) -> str:
        """The text of the upload id in the object's key: of the right form, not verified yet."""
        if event.bucket != self.bucket:
            raise NotOurs(f"the notification is of the bucket {event.bucket[:64]!r}, which is not incoming")
        upload = keys.upload_id_of(self.prefix, event.key)
        if upload is None:
            raise NotOurs(f"the key {event.key[:128]!r} is not {self.prefix}/ and an upload id")
        return upload

    def arrival(self, event: ObjectCreated, upload: str, body: Body) -> Arrival:
        """The object that `body` is about to give, with its verified id and the intent in its metadata."""
        try:
            intent = Intent.from_metadata(body.metadata, body.content_type)
            verified = upload_id.verify(upload, intent.owner, self.secrets)
        except NotOurMetadata as problem:
            raise NotOurs(str(problem)) from problem
        except InvalidUploadId:
            raise NotOurs("the upload id was not issued by us for the owner in the object's metadata") from None
        source = Pinned(event.bucket, event.key, body.version_id, body.etag, body.size)
        return Arrival(verified, source, intent, self.profile(intent.profile), event.sequencer)

    def profile(self, name: str) -> Profile:
        """The profile of that name."""
        try:
            return self.profiles.get(name)
        except Refused:
            raise NotOurs(f"there is no profile {name[:64]!r}") from None
