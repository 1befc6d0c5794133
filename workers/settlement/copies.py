"""Where the copies of one upload can be, those of attempts that ended before they were recorded among them."""

from collections.abc import Iterator
from dataclasses import dataclass

from airlock import keys
from airlock.media_types import EXTENSIONS
from airlock.profile import Profile
from aws.dynamodb.records import Record
from workers.inspection.checks.signatures import ZIP


@dataclass(frozen=True, slots=True)
class Buckets:
    """Where settled bytes go."""

    accepted: str
    quarantine: str

    def copies(self, record: Record, profile: Profile | None) -> Iterator[tuple[str, str]]:
        """(bucket, key) of each place to which a claim of `record` can have copied. Of no profile: not in accepted."""
        for location in (record.location, record.moving_from):
            if location is not None:
                yield location.bucket, location.key
        if record.version_id:
            yield self.quarantine, keys.quarantine(record.id, record.version_id)
        if profile is not None and record.version_id:
            yield from ((self.accepted, key) for key in sorted(_accepted_keys(record, profile)))


def _accepted_keys(record: Record, profile: Profile) -> set[str]:
    # What is accepted is kept under its declared type; a zip can turn out to be a document in one. What was refused is
    # released under whatever type it is.
    kinds = {record.content_type, *(EXTENSIONS.values() if record.content_type == ZIP else ())}
    if record.verdict is not None and record.verdict.media_type is not None:
        kinds.add(record.verdict.media_type)
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
