"""What must be true at the end of a run, whatever failed: a sentence for each thing that is not."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from airlock.lifecycle import State
from airlock.quotas import DAY, Subject, Window
from airlock.verdict_event import event_id
from aws.dynamodb.records import Record
from aws.dynamodb.usage_counters import UsageCounters
from tests.chaos.deployment import ChaosDeployment
from tests.chaos.listing import versions
from tests.chaos.plan import OWNERS, Plan, Planned

PARALLEL = 8
KEPT = {State.ACCEPTED: "accepted", State.INFECTED: "quarantine", State.UNSCANNABLE: "quarantine"}


class Verification:
    """`stored` has the version id of each upload's first body, by number; `events` the event bodies, by upload id."""

    def __init__(
        self, deployment: ChaosDeployment, plan: Plan, stored: Mapping[int, str], events: Mapping[str, Collection[str]]
    ) -> None:
        self._deployment = deployment
        self._plan = plan
        self._stored = stored
        self._events = events
        self._records: dict[str, Record] = {}
        self.states: Counter[str] = Counter()

    async def problems(self) -> list[str]:
        """Check records, events, buckets, dead letters and counters; returns all problems."""
        names = {self._deployment.name(planned): planned for planned in self._plan.uploads}
        self._records = await self._deployment.harness.records.batch_get(names)
        self.states.update(record.state.value for record in self._records.values())
        found: list[str] = []
        for name, planned in names.items():
            found += [f"{_who(planned)}: {problem}" for problem in self._of_one(name, planned)]
        return [*found, *await self._of_places(names), *await self._of_dead_letters(), *await self._of_counters()]

    def _of_one(self, name: str, planned: Planned) -> Iterable[str]:
        record = self._records.get(name)
        if record is None:
            yield "has no record"
            return
        if record.state is not planned.state:
            yield f"is {record.state} and should be {planned.state} ({record.verdict and record.verdict.findings})"
        if planned.state is not State.WITHDRAWN and record.version_id != self._stored[planned.number]:
            yield "is bound to a version that is not its first"
        yield from self._of_events(name, planned, record)

    def _of_events(self, name: str, planned: Planned, record: Record) -> Iterable[str]:
        events: list[dict[str, Any]] = [json.loads(body) for body in self._events.get(name, ())]
        if planned.state is State.WITHDRAWN:
            if len(events) > 1:
                yield f"{len(events)} different events"
            return
        if len(events) != 1:
            yield f"{len(events)} different events, not 1"
            return
        event = events[0]
        if event["id"] != event_id(name, self._stored[planned.number]) or event["id"] != record.event_id:
            yield "its event has another id than its record"
        if event["type"] != f"airlock.upload.{planned.state}":
            yield f"its event is {event['type']}"
        if event["data"]["location"] != (record.location and record.location._asdict()):
            yield "its event names another place than its record"

    async def _of_places(self, names: Mapping[str, Planned]) -> list[str]:
        settings, found = self._deployment.harness.settings, []
        buckets = {"accepted": settings.accepted_bucket, "quarantine": settings.quarantine_bucket}
        for what, bucket in buckets.items():
            wanted = {
                (record.location.key, record.location.version_id): planned
                for name, planned in names.items()
                if (record := self._records.get(name)) and record.location and KEPT.get(planned.state) == what
            }
            listed = await versions(self._deployment.harness.clients.s3, bucket)
            there = [(version.key, version.id) for version in listed]
            found += [
                f"{what} holds {key}, version {version}, which no record names" for key, version in {*there} - {*wanted}
            ]
            found += [f"{_who(wanted[gone])}: is not in {what}" for gone in {*wanted} - {*there}]
            found += await self._of_bytes(bucket, {at: wanted[at] for at in {*wanted} & {*there}})
        left = await versions(self._deployment.harness.clients.s3, settings.incoming_bucket)
        return [*found, *(f"incoming still holds {version.key}, version {version.id}" for version in left)]

    async def _of_bytes(self, bucket: str, wanted: Mapping[tuple[str, str], Planned]) -> list[str]:
        slots = asyncio.Semaphore(PARALLEL)

        async def differs(key: str, version: str, planned: Planned) -> str | None:
            async with slots:
                read = await self._deployment.harness.read(bucket, key, version)
            return None if read == planned.body else f"{_who(planned)}: {len(read)} other bytes are in {bucket}"

        found = await asyncio.gather(*(differs(*at, planned) for at, planned in wanted.items()))
        return [problem for problem in found if problem]

    async def _of_dead_letters(self) -> list[str]:
        """The poison messages must be there, each with a reason, and nothing else."""
        harness = self._deployment.harness
        if not await self._deployment.waiting(harness.settings.dead_letter_queue):
            return ["the dead letters are empty"] if self._plan.poison else []
        letters = await harness._take(harness.settings.dead_letter_queue, 1)
        # Messages that SQS moves by itself have no reason.
        buried = {each["Body"]: each.get("MessageAttributes", {}).get("airlock-reason") for each in letters}
        poison = {*self._plan.poison}
        found = [f"buried without cause ({why}): {body}" for body, why in buried.items() if body not in poison]
        found += [f"buried without a reason: {body}" for body, why in buried.items() if why is None]
        return found + [f"not in the dead letters: {body}" for body in sorted(poison - {*buried})]

    async def _of_counters(self) -> list[str]:
        """Accepted bytes must be counted once for their owner; those of a withdrawn upload may be counted or not."""
        counters = UsageCounters(self._deployment.harness.clients.dynamodb, self._deployment.harness.settings.table)
        found = []
        for owner in OWNERS:
            days = {Window.at(moment, DAY) for moment in (self._deployment.began, time.time())}
            counted = sum([(await counters.get(Subject("owner", owner), day)).accepted_bytes for day in days])
            least = sum(len(each.body) for each in self._plan.uploads if _counts(each, owner))
            withdrawn = sum(len(each.body) for each in self._plan.uploads if _counts(each, owner, State.WITHDRAWN))
            if not least <= counted <= least + withdrawn:
                found.append(f"{counted} accepted bytes are counted for {owner}, not {least}")
        return found


def _counts(planned: Planned, owner: str, state: State = State.ACCEPTED) -> bool:
    return planned.owner == owner and planned.state is state


def _who(planned: Planned) -> str:
    more = [note for note, holds in (("replayed", planned.second), ("withdrawn", planned.withdrawn_after)) if holds]
    return f"upload {planned.number} ({', '.join([planned.kind, *more])})"


def shortened(problems: Sequence[str], most: int = 20) -> list[str]:
    """The first `most` problems, and how many more there are."""
    rest = len(problems) - most
    return [*problems[:most], *([f"and {rest} more"] if rest > 0 else [])]
