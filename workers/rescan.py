"""Rescan: inspects accepted objects again, and takes back what is found infected now."""

import logging

from airlock.errors import Conflict, Unavailable, VersionGone
from airlock.lifecycle import State, Step
from airlock.profile import Profile
from airlock.profiles import Profiles
from airlock.verdict import Finding, Outcome, Verdict
from aws.dynamodb.records import Location, Record, Records
from aws.s3.objects import Objects
from workers.inspection.checks.port import Subject
from workers.inspection.inspector import CHUNK, Inspector
from workers.intake.admission import known_profile
from workers.intake.disposition import Disposition, Done
from workers.settlement import provenance
from workers.settlement.publishing import intent_of
from workers.settlement.revision import Revision
from workers.settlement.storage import NotACopy

log = logging.getLogger(__name__)

BY = "worker"
"""Who revokes, in the record's changes."""


class Rescan:
    """Raises Unavailable, and can then be repeated; until then the upload stays what it is."""

    def __init__(
        self,
        objects: Objects,
        records: Records,
        inspector: Inspector,
        revision: Revision,
        profiles: Profiles,
        accepted_bucket: str,
    ) -> None:
        self._objects = objects
        self._records = records
        self._inspector = inspector
        self._revision = revision
        self._profiles = profiles
        self._accepted_bucket = accepted_bucket

    async def rescan(self, upload: str) -> Disposition:
        """Inspect the accepted bytes of an upload. One that is not accepted, or whose bytes are gone, stays as it is.

        Raises Skewed where there is no such profile.
        """
        record = await self._records.get(upload)
        if record is None:
            return Done()
        try:
            await self._rescan(record, known_profile(self._profiles, record.profile))
        except VersionGone:
            log.warning("the accepted bytes are not there any more", extra={"upload": upload})
        except Conflict as problem:
            raise Unavailable("dynamodb", "the verdict is being changed by another worker or command") from problem
        return Done()

    async def _rescan(self, record: Record, profile: Profile) -> None:
        accepted = record.location if record.state is State.ACCEPTED else None
        location = record.moving_from if _is_being_revoked(record) else accepted
        if location is None or record.verdict is None:
            return
        try:
            verdict, excused = await self._inspect(record, location, profile)
        except VersionGone:
            if accepted is None:
                await self._revision.end_revocation(record)
            raise
        reasons = _reasons_to_revoke(verdict, excused)
        if reasons:
            codes = ", ".join(dict.fromkeys(finding.code for finding in reasons))
            await self._revision.revoke(record, profile, verdict, by=BY, reason=codes)
        elif accepted is not None:
            await self._records.rescanned(record, verdict)
        _log(record, verdict, revoked=bool(reasons))

    async def _inspect(self, record: Record, location: Location, profile: Profile) -> tuple[Verdict, frozenset[str]]:
        """The verdict of today, and the marks of what an operator knew when the upload was released.

        A finding says so where these are not the bytes that were accepted. Raises NotACopy where they are not the
        upload's accepted bytes: whatever the record names, nothing else is read.
        """
        if location.bucket != self._accepted_bucket:
            raise NotACopy("the record of the upload names no copy in accepted")
        async with self._objects.open(*location) as body:
            if not provenance.is_copy(record, body.metadata):
                raise NotACopy("the bytes that the record of the upload names in accepted are not the upload's")
            intent = intent_of(record)._replace(sha256=body.metadata.get("sha256") or None)
            subject = Subject(intent, profile, body.size, body.etag)
            verdict = await self._inspector.inspect(subject, body.chunks(CHUNK))
            return verdict, provenance.recorded_marks(body.metadata)


def _is_being_revoked(record: Record) -> bool:
    """Whether a revocation was recorded, and its bytes may still be in accepted: the worker that did it has ended.

    The record is a claim, so the bytes are inspected again before they are removed.
    """
    revoked = record.state is State.INFECTED and bool(record.changes) and record.changes[-1].step is Step.REVOKE
    return revoked and record.moving_from not in (None, record.location)


def _reasons_to_revoke(now: Verdict, excused: frozenset[str]) -> list[Finding]:
    """The infected findings of now, without those that an operator knew when the upload was released."""
    if now.outcome is not Outcome.INFECTED:
        return []
    infected = (finding for finding in now.findings if finding.outcome is Outcome.INFECTED)
    return [finding for finding in infected if provenance.mark(finding) not in excused]


def _log(record: Record, verdict: Verdict, *, revoked: bool) -> None:
    log.log(
        logging.INFO if verdict.outcome is Outcome.ACCEPTED else logging.WARNING,
        "revoked" if revoked else "rescanned",
        extra={
            "upload": record.id,
            "owner": record.owner,
            "profile": record.profile,
            "bytes": verdict.bytes,
            "outcome": verdict.outcome.value,
            "codes": [finding.code for finding in verdict.findings],
        },
    )
