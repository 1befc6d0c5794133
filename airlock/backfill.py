"""Objects that were there before Airlock, on their way through inspection: under which upload ids, and as what.

An id is derived from what the object is, so that sending it twice is sending it once. It is issued at the start of a
run rather than when the object was stored: a worker refuses what comes long after its policy's end.
"""

import hmac
from collections.abc import Sequence
from typing import NamedTuple

from pydantic_core import to_json

from airlock import intent, upload_id
from airlock.content import media_types
from airlock.content.format import OCTET_STREAM
from airlock.intent import Intent
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS
from airlock.profile import Profile
from airlock.upload_id import MAX_LIFETIME, RANDOM_BYTES, UploadId

_LABEL = b"airlock backlog v1\0"
# S3's own type for what was stored without one, and the one that browsers give to what they do not know.
_SAYS_NOTHING = frozenset({"binary/octet-stream", OCTET_STREAM})


class Existing(NamedTuple):
    """The current version of an object, as a listing tells it.

    `etag` without quotes, `size` in bytes, `modified_at` in whole seconds since the epoch. `archived`: it cannot be
    read unless it is restored first.
    """

    bucket: str
    key: str
    etag: str
    size: int
    modified_at: int
    archived: bool = False

    @property
    def filename(self) -> str:
        """The last part of the key; empty for what stands for a folder."""
        return self.key.rpartition("/")[2]


class Sender(NamedTuple):
    """For whom and under which rules objects are sent, and the keys of upload ids, newest first."""

    owner: str
    tenant: str | None
    profile: Profile
    secrets: Sequence[bytes]

    def ids(self, existing: Existing, issue_times: Sequence[int]) -> list[UploadId]:
        """Every id under which runs that began at `issue_times` (newest first) can have sent this object.

        The first is the one to send it under now. Ids are as unguessable as any: what varies in them is a MAC.
        """
        return [self._id(existing, issued_at, secret) for issued_at in issue_times for secret in self.secrets]

    def _id(self, existing: Existing, issued_at: int, secret: bytes) -> UploadId:
        identity = to_json([*existing[:5], self.profile.name, self.owner])
        random = hmac.digest(secret, _LABEL + identity, "sha256")[:RANDOM_BYTES]
        return upload_id.mint(random, issued_at, MAX_LIFETIME, self.owner, [secret])

    def intent(self, existing: Existing, content_type: str) -> Intent:
        """What a policy would say of the object that was stored as `content_type`; raises Refused as for a policy."""
        return intent.check(
            self.profile,
            owner=self.owner,
            tenant=self.tenant,
            filename=existing.filename,
            content_type=_told(content_type),
            size=existing.size,
        )

    def remembered(self, issue_times: Sequence[int], now: float) -> list[int]:
        """Those of the runs' times, newest first, whose uploads can still have records or messages."""
        longest = MAX_LIFETIME + max(self.profile.retention, LATEST_ARRIVAL_SECONDS) + LATEST_ARRIVAL_SECONDS
        return sorted((issued_at for issued_at in issue_times if now < issued_at + longest), reverse=True)


def usable(issued_at: int, now: float) -> bool:
    """Whether ids that were issued then may still bring objects in."""
    return now < issued_at + MAX_LIFETIME


def _told(content_type: str) -> str | None:
    """The media type that was stored, without parameters; None where it says nothing."""
    kind = media_types.canonical(content_type.partition(";")[0].strip())
    return kind if media_types.is_media_type(kind) and kind not in _SAYS_NOTHING else None
