"""The buckets of a deployment, and where in them the bytes of one upload can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

from airlock import keys
from airlock.content.format import OCTET_STREAM
from airlock.content.formats import FORMATS
from airlock.profile import Profile
from aws.dynamodb.records import Record
from aws.settings import AwsSettings


class Copies(NamedTuple):
    """Where copies of one upload can be: in a bucket, under any of the keys, which begin alike."""

    bucket: str
    keys: frozenset[str]

    def has(self, bucket: str, key: str) -> bool:
        """Whether that key in that bucket is one of them."""
        return bucket == self.bucket and key in self.keys


@dataclass(frozen=True, slots=True)
class Buckets:
    """Where uploads arrive, and where settled bytes go."""

    incoming: str
    incoming_prefix: str
    accepted: str
    quarantine: str

    @classmethod
    def of(cls, settings: AwsSettings) -> Self:
        """Those that the settings name."""
        return cls(
            settings.incoming_bucket, settings.incoming_prefix, settings.accepted_bucket, settings.quarantine_bucket
        )

    def copies(self, record: Record, profile: Profile | None) -> Iterator[Copies]:
        """Each place to which any claim of `record` can have copied its bytes, wherever it says that they are.

        The profile says under which keys they are accepted: with None, places in accepted are left out.
        """
        if record.version_id:
            yield Copies(self.quarantine, frozenset({keys.quarantine(record.id, record.version_id)}))
        if record.version_id and profile is not None:
            # An attempt that ended has left no word of the type that it found.
            found = (OCTET_STREAM, *FORMATS)
            yield Copies(self.accepted, frozenset(accepted_key(record, profile, each) for each in found))


def accepted_key(record: Record, profile: Profile, media_type: str) -> str:
    """The key under which the upload's bytes are accepted as that media type."""
    return keys.accepted(
        profile.accepted_key,
        upload=record.id,
        profile=record.profile,
        owner=record.owner,
        issued_at=int(record.created_at),
        media_type=media_type,
    )
