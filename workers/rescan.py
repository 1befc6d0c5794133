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
from workers.settlement.publishing import intent_of
from workers.settlement.revision import Revision

log = logging.getLogger(__name__)

BY = "worker"
"""Who revokes, in the record's changes."""


class Rescan:
    """Raises Unavailable, and can then be repeated; until then the upload stays what it is."""

    def __init__(
        self, objects: Objects, records: Records, inspector: Inspector, revision: Revision, profiles: Profiles
    ) -> None:
        self._objects = objects
        self._records = records
        self._inspector = inspector
        self._revision = revision
        self._profiles = profiles

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
        record = await self._finished(record, profile)
        if record.state is not State.ACCEPTED or record.location is None or record.verdict is None:
            return
        verdict = await self._inspect(record, record.location, record.verdict, profile)
        reasons = _reasons_to_revoke(record.verdict, verdict)
        if reasons:
            codes = ", ".join(dict.fromkeys(finding.code for finding in reasons))
            await self._revision.revoke(record, profile, verdict, by=BY, reason=codes)
        else:
            await self._records.rescanned(record, verdict)
        _log(record, verdict, revoked=bool(reasons))

    async def _finished(self, record: Record, profile: Profile) -> Record:
        """The record, after a recorded change was finished: the process that began it may have ended."""
        # Where the bytes are still at the old place, the process that is about to move them may be at work.
        if not record.changes or record.verdict is None or record.moving_from in (None, record.location):
            return record
        if record.changes[-1].step is Step.REVOKE:
            return await self._revision.revoke(record, profile, record.verdict, by=BY, reason="")
        return await self._revision.release(record, profile, by=BY, reason="")

    async def _inspect(self, record: Record, location: Location, before: Verdict, profile: Profile) -> Verdict:
        """The verdict of today; a finding says so where these are not the bytes that were accepted."""
        intent = intent_of(record)._replace(sha256=before.sha256)
        async with self._objects.open(*location) as body:
            subject = Subject(intent, profile, body.size, body.etag)
            return await self._inspector.inspect(subject, body.chunks(CHUNK))


def _reasons_to_revoke(before: Verdict, now: Verdict) -> list[Finding]:
    """The infected findings of now, without those that an operator knew when the upload was released."""
    if now.outcome is not Outcome.INFECTED:
        return []
    infected = (finding for finding in now.findings if finding.outcome is Outcome.INFECTED)
    return [finding for finding in infected if finding not in before.findings]


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
