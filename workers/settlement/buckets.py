"""The buckets of a deployment, and where in them the bytes of one upload can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from airlock import keys
from airlock.format import ZIP
from airlock.media_types import EXTENSIONS
from airlock.profile import Profile
from aws.dynamodb.records import Record
from aws.settings import AwsSettings


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

    def copies(self, record: Record, profile: Profile | None) -> Iterator[tuple[str, str]]:
        """(bucket, key) of each place to which any claim of `record` can have copied its bytes.

        The profile says under which keys they are accepted: with None, places in accepted are left out, but for the
        one that the record names.
        """
        for location in (record.location, record.moving_from):
            if location is not None:
                yield location.bucket, location.key
        if record.version_id:
            yield self.quarantine, keys.quarantine(record.id, record.version_id)
        if profile is not None and record.version_id:
            yield from ((self.accepted, key) for key in sorted(_accepted_keys(record, profile)))


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


def _accepted_keys(record: Record, profile: Profile) -> set[str]:
    # Bytes are accepted under their declared type, but for a zip, which can turn out to be a document of a format that
    # is made of a zip; and a release accepts them under the type that the inspection found.
    types = {record.content_type, *(EXTENSIONS.values() if record.content_type == ZIP else ())}
    if record.verdict is not None and record.verdict.media_type is not None:
        types.add(record.verdict.media_type)
    return {accepted_key(record, profile, media_type) for media_type in types}
