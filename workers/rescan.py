"""Rescan: what was accepted is inspected again, and taken back when it is found infected now."""

import logging

from airlock.errors import Conflict, Unavailable, VersionGone
from airlock.lifecycle import State, Step
from airlock.profile import Profile
from airlock.verdict import Finding, Outcome, Verdict
from aws.dynamodb.records import Location, Record, Records
from aws.s3.objects import Objects
from workers.inspection.checks.port import Subject
from workers.inspection.inspector import CHUNK, Inspector
from workers.intake.admission import Admission, NotOurs
from workers.intake.disposition import Bury, Disposition, Done
from workers.settlement.publishing import intent_of
from workers.settlement.revision import Revision

log = logging.getLogger(__name__)

BY = "worker"


class Rescan:
    """Every method raises Unavailable, and can then be repeated: until then the upload stays what it is."""

    def __init__(
        self, objects: Objects, records: Records, inspector: Inspector, revision: Revision, admission: Admission
    ) -> None:
        self._objects = objects
        self._records = records
        self._inspector = inspector
        self._revision = revision
        self._admission = admission

    async def rescan(self, upload: str) -> Disposition:
        """Do as a message says that an operator sent. What is not accepted, or not there, is left as it is."""
        record = await self._records.get(upload)
        if record is None:
            return Done()
        try:
            await self._rescan(record, self._admission.profile(record.profile))
        except NotOurs as problem:
            return Bury(str(problem))
        except VersionGone:
            log.warning("gone: accepted bytes are not there any more", extra={"upload": upload})
        except Conflict as problem:
            raise Unavailable("dynamodb", "somebody else is changing the verdict") from problem
        return Done()

    async def _rescan(self, record: Record, profile: Profile) -> None:
        record = await self._finished(record, profile)
        if record.state is not State.ACCEPTED or record.location is None or record.verdict is None:
            return
        verdict = await self._inspect(record, record.location, record.verdict, profile)
        news = _news(record.verdict, verdict)
        if news:
            reason = ", ".join(dict.fromkeys(finding.code for finding in news))
            await self._revision.revoke(record, profile, verdict, by=BY, reason=reason)
        else:
            await self._records.rescanned(record, verdict)
        _log(record, verdict, revoked=bool(news))

    async def _finished(self, record: Record, profile: Profile) -> Record:
        """The record, once a change that it tells of is finished: whoever made it may have ended in the middle."""
        # What is about to be moved from where it is now may be in the hands of somebody else.
        if not record.changes or record.verdict is None or record.moving_from in (None, record.location):
            return record
        if record.changes[-1].step is Step.REVOKE:
            return await self._revision.revoke(record, profile, record.verdict, by=BY, reason="")
        return await self._revision.release(record, profile, by=BY, reason="")

    async def _inspect(self, record: Record, location: Location, before: Verdict, profile: Profile) -> Verdict:
        """The verdict of today, also on whether these are the bytes that were accepted."""
        intent = intent_of(record)._replace(sha256=before.sha256)
        async with self._objects.open(*location) as body:
            subject = Subject(intent, profile, body.size, body.etag)
            return await self._inspector.inspect(subject, body.chunks(CHUNK))


def _news(before: Verdict, verdict: Verdict) -> list[Finding]:
    """Why to revoke: what infects it, less what an operator released it with."""
    if verdict.outcome is not Outcome.INFECTED:
        return []
    infecting = (finding for finding in verdict.findings if finding.outcome is Outcome.INFECTED)
    return [finding for finding in infecting if finding not in before.findings]


def _log(record: Record, verdict: Verdict, *, revoked: bool) -> None:
    level = logging.INFO if verdict.outcome is Outcome.ACCEPTED else logging.WARNING
    codes = [finding.code for finding in verdict.findings]
    told = {"upload": record.id, "owner": record.owner, "profile": record.profile, "bytes": verdict.bytes}
    told |= {"outcome": verdict.outcome.value, "codes": codes}
    log.log(level, "revoked" if revoked else "rescanned", extra=told)
