"""The journey of one object: from the event that announces it to a verdict that is true."""

import contextlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from airlock.callables import Clock
from airlock.errors import Conflict, Unavailable, VersionGone
from airlock.events import ObjectCreated
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS, RECORD_SECONDS, State
from airlock.profile import Profile
from airlock.upload_id import MAX_LIFETIME
from airlock.verdict import Finding, Outcome, Verdict
from aws.dynamodb.records import Claim, Record, Records
from aws.s3.objects import Body, Objects, Pinned
from workers.inspection.checks.port import Subject
from workers.inspection.inspector import CHUNK, Inspector
from workers.intake.admission import Admission, NotOurs
from workers.intake.arrival import Arrival
from workers.intake.disposition import Bury, Disposition, Done
from workers.settlement.settlement import Settlement
from workers.settlement.withdrawal import Withdrawal

log = logging.getLogger(__name__)


class Journey:
    """`now` gives seconds since the epoch."""

    def __init__(
        self,
        objects: Objects,
        records: Records,
        inspector: Inspector,
        settlement: Settlement,
        withdrawal: Withdrawal,
        admission: Admission,
        now: Clock,
    ) -> None:
        self._objects = objects
        self._records = records
        self._inspector = inspector
        self._settlement = settlement
        self._withdrawal = withdrawal
        self._admission = admission
        self._now = now

    async def arrive(self, event: ObjectCreated) -> tuple[Disposition, Record | None]:
        """Work on one version of one object; with the record when its verdict was made true, now or once more.

        Raises Unavailable when something is away that another try may find.
        """
        try:
            upload = self._admission.upload(event)
            try:
                async with self._objects.open(event.bucket, event.key, event.version_id, event.etag) as body:
                    return Done(), await self._arrived(self._admission.arrival(event, upload, body), body)
            except VersionGone:
                return Done(), await self._gone(event, upload)
        except NotOurs as problem:
            return Bury(str(problem)), None

    async def withdraw(self, upload: str) -> Disposition:
        """Remove the bytes of a withdrawn upload."""
        return await self._withdrawal.withdraw(upload)

    async def give_up(self, event: ObjectCreated, reason: str) -> None:
        """Record that we failed, and why, on an upload that was claimed and has no verdict; only incoming keeps bytes.

        Raises Unavailable when even that cannot be done.
        """
        try:
            record = await self._records.get(self._admission.upload(event))
        except NotOurs:
            return
        if record is None or record.version_id != event.version_id:
            return
        profile = self._admission.profiles.profiles.get(record.profile)
        if record.state in (State.RECEIVED, State.INSPECTING):
            record = await self._fail(record, profile, reason)
        if record.state is State.FAILED:
            await self._settlement.failed(record, profile)

    async def _fail(self, record: Record, profile: Profile | None, reason: str) -> Record:
        finding = Finding(code="gave_up", check="worker", outcome=Outcome.FAILED, message=reason)
        now = self._now()
        verdict = Verdict(
            outcome=Outcome.FAILED,
            findings=(finding,),
            bytes=0,
            inspected_at=datetime.fromtimestamp(now, UTC),
        )
        kept = profile.retention if profile else 0
        end = max(int(now) + kept, int(record.created_at) + MAX_LIFETIME + RECORD_SECONDS)
        try:
            return await self._records.settle(record, verdict, place="incoming", expires_at=end, now=now)
        except Conflict:
            return record

    async def _arrived(self, arrival: Arrival, body: Body) -> Record | None:
        now = self._now()
        # Past that time a record can be gone by itself: nobody would know what this upload was bound to before.
        in_time = now <= arrival.upload.expires_at + LATEST_ARRIVAL_SECONDS
        source = arrival.source
        earlier = await self._objects.earlier(source.bucket, source.key, source.version_id) if in_time else []
        claim = await self._records.claim(arrival.record(now), anew=in_time and not earlier)
        if claim.standing == "forgotten" and earlier:
            return await self._after(earlier, arrival, body)
        return await self._claimed(claim, arrival, body, now)

    async def _after(self, earlier: Sequence[Pinned], arrival: Arrival, body: Body) -> Record | None:
        """Let the version that was stored first have its turn, of which no notification came yet, and then this one."""
        settled = None
        for each in earlier:
            first = ObjectCreated(each.bucket, each.key, each.version_id, each.etag, each.size, sequencer="")
            outcome, settled = await self.arrive(first)
            # What is none of ours is no upload: the next one was the first.
            if not isinstance(outcome, Bury):
                break
        now = self._now()
        # Where all of them were none of ours, nothing is bound yet, and this one is the first.
        claim = await self._records.claim(arrival.record(now))
        return await self._claimed(claim, arrival, body, now) or settled

    async def _claimed(self, claim: Claim, arrival: Arrival, body: Body, now: float) -> Record | None:
        match claim.standing:
            case "claimed":
                return await self._inspect(claim.record, arrival, body)
            case "settled":
                await self._settlement.again(claim.record, arrival.profile, arrival.source)
                return claim.record
            case "withdrawn":
                await self._withdrawal.remove(claim.record)
            case "overwritten":
                await self._overwritten(arrival, now)
            case "forgotten":
                raise NotOurs("it came so long after its policy's end that what its upload became may be forgotten")
        return None

    async def _overwritten(self, arrival: Arrival, now: float) -> None:
        """Counted before it is deleted: a version that is gone is not counted any more."""
        upload, source = arrival.upload.text, arrival.source
        await self._records.overwritten(upload, source.version_id, now)
        log.warning(
            "overwritten: a second object came for an upload that is bound to its first",
            extra={"upload": upload, "version": source.version_id, "bytes": source.size},
        )
        await self._objects.delete(source.bucket, source.key, source.version_id)

    async def _inspect(self, claimed: Record, arrival: Arrival, body: Body) -> Record | None:
        subject = Subject(arrival.intent, arrival.profile, body.size, body.etag)
        try:
            verdict = await self._inspector.inspect(subject, body.chunks(CHUNK))
            return await self._settlement.settle(claimed, arrival, verdict)
        except Conflict:
            await self._withdrawn_meanwhile(claimed)
            return None
        except Unavailable:
            await self._release(claimed)
            raise

    async def _withdrawn_meanwhile(self, claimed: Record) -> None:
        record = await self._records.get(claimed.id)
        if record is None or record.state is not State.WITHDRAWN:
            raise Unavailable("dynamodb", "the upload is in the hands of another worker")
        await self._withdrawal.remove(record)

    async def _release(self, claimed: Record) -> None:
        """Show that nobody is working on it. The claim is repeatable without it, so this may fail."""
        with contextlib.suppress(Conflict, Unavailable):
            await self._records.give_back(claimed, self._now())

    async def _gone(self, event: ObjectCreated, upload: str) -> Record | None:
        """The version is not there: it was settled, was withdrawn, or somebody else removed it."""
        record = await self._records.get(upload)
        if record is None or record.version_id != event.version_id:
            return None
        if record.state is State.WITHDRAWN:
            await self._withdrawal.remove(record)
            return None
        if record.state in (State.RECEIVED, State.INSPECTING):
            await self.give_up(event, "the object was removed from incoming before it was inspected")
            return None
        source = Pinned(event.bucket, event.key, event.version_id, event.etag, event.size)
        await self._settlement.again(record, self._admission.profile(record.profile), source)
        return record
