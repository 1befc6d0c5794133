"""Where the copies of one upload can be, those of attempts that ended before they were recorded among them."""

from collections.abc import Iterator
from dataclasses import dataclass

from airlock import keys
from airlock.media_types import EXTENSIONS
from airlock.profiles import Profile
from aws.records import Record
from workers.checks.signatures import ZIP


@dataclass(frozen=True, slots=True)
class Buckets:
    """Where settled bytes go."""

    accepted: str
    quarantine: str

    def copies(self, record: Record, profile: Profile | None) -> Iterator[tuple[str, str]]:
        """(bucket, key) of each place to which a claim of `record` can have copied. Of no profile: not in accepted."""
        if record.location is not None:
            yield record.location.bucket, record.location.key
        if record.version_id:
            yield self.quarantine, keys.quarantine(record.id, record.version_id)
        if profile is not None and record.version_id:
            yield from ((self.accepted, key) for key in sorted(_accepted_keys(record, profile)))


def _accepted_keys(record: Record, profile: Profile) -> set[str]:
    # What is accepted is kept under its declared type; a zip can turn out to be a document in one.
    kinds = {record.content_type, *(EXTENSIONS.values() if record.content_type == ZIP else ())}
    return {
        keys.accepted(
            profile.accepted_key,
            upload=record.id,
            profile=record.profile,
            owner=record.owner,
            issued_at=int(record.created_at),
            media_type=kind,
        )
        for kind in kinds
    }
