"""Admission: distinguishes an object that a policy of ours let in from every other object."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from airlock import keys, upload_id
from airlock.errors import AirlockError, Refused
from airlock.events import ObjectCreated
from airlock.intent import Intent, NotOurMetadata
from airlock.profile import Profile
from airlock.profiles import Profiles
from airlock.upload_id import InvalidUploadId
from aws.s3.objects import Body, Objects, Pinned
from workers.intake.arrival import Arrival


class NotOurs(AirlockError):
    """The message is about nothing that this deployment issued or knows. Its text says why; nothing was changed."""


class Skewed(Exception):
    """The message may be ours under a configuration that this worker does not have, or no longer. Its text says why."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Admits the objects below `prefix` in `bucket` whose upload ids one of `secrets` verifies."""

    objects: Objects
    bucket: str
    prefix: str
    profiles: Profiles
    secrets: Sequence[bytes]

    def upload_of(self, event: ObjectCreated) -> str:
        """The upload id in the object's key: well formed, but not verified yet. Raises NotOurs and Skewed."""
        prefix, _, _ = event.key.rpartition("/")
        upload = keys.upload_id_of(prefix, event.key)
        if upload is None:
            raise NotOurs(f"the key {event.key[:128]!r} does not end in an upload id")
        if event.bucket != self.bucket:
            raise Skewed(f"the bucket {event.bucket[:64]!r} is not this worker's incoming bucket, {self.bucket!r}")
        if prefix != self.prefix:
            raise Skewed(f"the prefix {prefix[:64]!r} is not this worker's, {self.prefix!r}")
        return upload

    @contextlib.asynccontextmanager
    async def admit(self, event: ObjectCreated) -> AsyncIterator[Arrival]:
        """Open exactly the version that the event names, and verify it; its body is closed at the end.

        Raises NotOurs, Skewed, VersionGone when the version is not there any more, and Unavailable.
        """
        upload = self.upload_of(event)
        async with self.objects.open(event.bucket, event.key, event.version_id, event.etag) as body:
            yield self._verified(event, upload, body)

    def _verified(self, event: ObjectCreated, upload: str, body: Body) -> Arrival:
        try:
            intent = Intent.from_metadata(body.metadata, body.content_type)
            verified = upload_id.verify(upload, intent.owner, self.secrets)
        except NotOurMetadata as problem:
            raise NotOurs(str(problem)) from problem
        except InvalidUploadId:
            raise Skewed("no secret of this worker signed the upload id for the owner in the metadata") from None
        source = Pinned(event.bucket, event.key, body.version_id, body.etag, body.size)
        return Arrival(verified, source, intent, known_profile(self.profiles, intent.profile), event.sequencer, body)


def known_profile(profiles: Profiles, name: str) -> Profile:
    """The profile of that name, which comes from an object or a record; raises Skewed where there is none."""
    try:
        return profiles.get(name)
    except Refused:
        raise Skewed(f"this worker has no profile {name[:64]!r}") from None
