"""The journey of one object, from its admission to a verdict that is true. How it works:

- An upload is bound, for good, to the first of its versions that was stored. A presigned POST can be used again until
  it expires, so more versions can come; each is overwritten: counted, and deleted.
- Notifications come in any order, more than once, or not at all. So before a version binds its upload, the versions
  that were stored earlier have their turn (`earlier`).
- The record is claimed before the inspection, by a conditional write that counts the attempt. Several workers can hold
  a claim at the same time; the first to record its verdict decides, and the others make the same verdict true.
- A record can be removed by its time to live, long after its policy expired. An object that comes later than that
  binds nothing, because its upload may have been bound, and accepted, before.
- Whatever ended before its last step is done again from the record: when the version was settled before, or is gone
  from incoming, the steps after the record are taken once more.
- Where something is unavailable nothing is decided: the claim is given back, and the message is retried. Only after
  the last attempt is the upload recorded as failed (`give_up`); its bytes stay in incoming.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import assert_never

from airlock.callables import Clock
from airlock.errors import Conflict, Unavailable, VersionGone
from airlock.events import ObjectCreated
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS, RECORD_SECONDS, State
from airlock.profile import Profile
from airlock.profiles import Profiles
from airlock.upload_id import MAX_LIFETIME
from airlock.verdict import Finding, Outcome, Verdict
from aws.dynamodb.records import Record, Records
from aws.s3.objects import Objects, Pinned
from workers.inspection.checks.port import Subject
from workers.inspection.inspector import CHUNK, Inspector
from workers.intake.admission import NotOurs, known_profile
from workers.intake.arrival import Arrival
from workers.intake.disposition import Disposition, Done
from workers.settlement.settlement import Settlement
from workers.settlement.withdrawal import Withdrawal

log = logging.getLogger(__name__)

_TOO_LATE = f"it came more than {timedelta(seconds=LATEST_ARRIVAL_SECONDS).days} days after its policy expired"


class Journey:
    """Every method raises Unavailable, and can then be repeated; some raise NotOurs or Skewed."""

    def __init__(
        self,
        objects: Objects,
        records: Records,
        inspector: Inspector,
        settlement: Settlement,
        withdrawal: Withdrawal,
        profiles: Profiles,
        now: Clock,
    ) -> None:
        self._objects = objects
        self._records = records
        self._inspector = inspector
        self._settlement = settlement
        self._withdrawal = withdrawal
        self._profiles = profiles
        self._now = now

    async def earlier(self, arrival: Arrival) -> Sequence[ObjectCreated]:
        """The versions that must have their turn before this one, oldest first.

        There are none where the upload is bound already, or where it is too late to bind it.
        """
        source = arrival.source
        if not self._in_time(arrival, self._now()):
            return []
        stored = await self._objects.earlier(source.bucket, source.key, source.version_id)
        if not stored or await self._records.get(arrival.upload.text) is not None:
            return []
        return [
            ObjectCreated(each.bucket, each.key, each.version_id, each.etag, each.size, sequencer="") for each in stored
        ]

    async def arrive(self, arrival: Arrival) -> Disposition:
        """Claim the upload, inspect the object and settle the verdict, or do what the upload's record asks instead.

        Raises NotOurs when the object came too late, and VersionGone when the version is not there any more.
        """
        began = asyncio.get_running_loop().time()
        record = await self._claim(arrival)
        if record is not None:
            _log_settled(record, began)
        return Done()

    async def gone(self, upload: str, event: ObjectCreated) -> Disposition:
        """Finish an upload whose version is not in incoming any more.

        It was settled or withdrawn, or deleted by others. Raises Skewed where there is no such profile, and NotOurs
        where the message is not true.
        """
        began = asyncio.get_running_loop().time()
        record = await self._records.get(upload)
        if record is None or record.version_id != event.version_id:
            return Done()
        if record.state is State.WITHDRAWN:
            await self._withdrawal.remove(record)
        elif record.state in (State.RECEIVED, State.INSPECTING):
            await self._check_gone(event)
            await self._fail(record, "the object was deleted from incoming before it was inspected")
        else:
            source = Pinned(event.bucket, event.key, event.version_id, event.etag, event.size)
            await self._settlement.again(record, known_profile(self._profiles, record.profile), source)
            _log_settled(record, began)
        return Done()

    async def give_up(self, upload: str, version_id: str, reason: str) -> None:
        """Record that the upload failed, and why, where it was claimed for this version and has no verdict."""
        record = await self._records.get(upload)
        if record is None or record.version_id != version_id:
            return
        if record.state in (State.RECEIVED, State.INSPECTING, State.FAILED):
            await self._fail(record, reason)

    async def _claim(self, arrival: Arrival) -> Record | None:
        """Claim the upload and act on the result; returns the record where its verdict was made true."""
        now = self._now()
        claim = await self._records.claim(arrival.record(now), create=self._in_time(arrival, now))
        match claim.result:
            case "claimed":
                return await self._inspect(claim.record, arrival)
            case "settled":
                await self._settlement.again(claim.record, arrival.profile, arrival.source)
                return claim.record
            case "withdrawn":
                await self._withdrawal.remove(claim.record)
            case "overwritten":
                await self._overwritten(arrival, now)
            case "unrecorded":
                raise NotOurs(f"{_TOO_LATE}: the record of its upload may be gone")
            case _:
                assert_never(claim.result)
        return None

    async def _inspect(self, claimed: Record, arrival: Arrival) -> Record | None:
        subject = Subject(arrival.intent, arrival.profile, arrival.body.size, arrival.body.etag)
        try:
            verdict = await self._inspector.inspect(subject, arrival.body.chunks(CHUNK))
            return await self._settlement.settle(claimed, arrival, verdict)
        except Conflict:
            await self._withdrawn_meanwhile(claimed)
            return None
        except Unavailable:
            await self._give_back(claimed)
            raise

    async def _withdrawn_meanwhile(self, claimed: Record) -> None:
        record = await self._records.get(claimed.id)
        if record is None or record.state is not State.WITHDRAWN:
            raise Unavailable("dynamodb", "another worker has claimed or given up the upload")
        await self._withdrawal.remove(record)

    async def _give_back(self, claimed: Record) -> None:
        """Record that no worker is at the upload. It can be claimed again without this, so this may fail."""
        with contextlib.suppress(Conflict, Unavailable):
            await self._records.give_back(claimed, self._now())

    async def _overwritten(self, arrival: Arrival, now: float) -> None:
        upload, source = arrival.upload.text, arrival.source
        # Counted first: once the version is deleted, a repetition would not come here.
        await self._records.overwritten(upload, source.version_id, now)
        log.warning(
            "overwritten: a second object came for an upload that is bound to its first",
            extra={"upload": upload, "version": source.version_id, "bytes": source.size},
        )
        await self._objects.delete(source.bucket, source.key, source.version_id)

    async def _check_gone(self, event: ObjectCreated) -> None:
        """Raises NotOurs where the version is there: then only the message's ETag is not the version's."""
        try:
            await self._objects.describe(event.bucket, event.key, event.version_id)
        except VersionGone:
            return
        raise NotOurs("the ETag in the message is not that of the version")

    async def _fail(self, record: Record, reason: str) -> None:
        profile = self._profiles.profiles.get(record.profile)
        if record.state is not State.FAILED:
            record = await self._record_failure(record, profile, reason)
        if record.state is State.FAILED:
            await self._settlement.failed(record, profile)

    async def _record_failure(self, record: Record, profile: Profile | None, reason: str) -> Record:
        now = self._now()
        finding = Finding(code="gave_up", check="worker", outcome=Outcome.FAILED, message=reason)
        inspected_at = datetime.fromtimestamp(now, UTC)
        verdict = Verdict(outcome=Outcome.FAILED, findings=(finding,), bytes=0, inspected_at=inspected_at)
        retention = profile.retention if profile else 0
        end = max(int(now) + retention, int(record.created_at) + MAX_LIFETIME + RECORD_SECONDS)
        try:
            return await self._records.settle(record, verdict, place="incoming", expires_at=end, now=now)
        except Conflict:
            return record

    def _in_time(self, arrival: Arrival, now: float) -> bool:
        """Whether the record of the upload, if there ever was one, must still be there."""
        return now <= arrival.upload.expires_at + LATEST_ARRIVAL_SECONDS


def _log_settled(record: Record, began: float) -> None:
    verdict = record.verdict
    log.info(
        "settled",
        extra={
            "upload": record.id,
            "owner": record.owner,
            "profile": record.profile,
            "outcome": record.state.value,
            "codes": [finding.code for finding in verdict.findings] if verdict else [],
            "bytes": verdict.bytes if verdict else None,
            "ms": round((asyncio.get_running_loop().time() - began) * 1000, 1),
            "attempt": record.attempts,
        },
    )
