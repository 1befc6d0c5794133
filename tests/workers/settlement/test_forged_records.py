"""What an attacker with the service role's keys tries by forged records and messages, and what a worker makes of it."""

from typing import Any

import pytest

from airlock import events
from airlock.lifecycle import State, Step
from airlock.verdict import Outcome
from aws.dynamodb.record import Location
from tests.workers.settlement.attacker import CLEAN, MALWARE, MATCH, NOWHERE, VERDICT, Scene, changed, upload_of
from workers.intake.disposition import Bury, Done
from workers.settlement import provenance


@pytest.fixture
def scene() -> Scene:
    return Scene()


# --- bringing malware into accepted ---


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"moving_from": NOWHERE},
        {"state": State.ACCEPTED, "verdict": VERDICT},
        {"state": State.ACCEPTED, "verdict": VERDICT, "moving_from": NOWHERE, "place": "accepted"},
        {"state": State.REJECTED, "moving_from": NOWHERE},
    ],
)
async def test_no_message_makes_a_worker_begin_or_finish_a_release(scene: Scene, forged: dict[str, Any]) -> None:
    record = await scene.settled(MALWARE)
    scene.forge(record.id, changes=changed(Step.RELEASE, Outcome.INFECTED), **forged)
    for _ in range(2):
        await scene.rescan(record.id)
    assert scene.bodies("accepted") == []
    assert scene.told("accepted") == 0


@pytest.mark.parametrize("place", ["incoming", "quarantine", "accepted", None])
@pytest.mark.parametrize("present", [True, False], ids=["waiting", "gone"])
async def test_a_record_that_says_accepted_is_not_believed_without_a_copy(
    scene: Scene, place: str | None, present: bool
) -> None:
    """The object is malware that no worker has seen; the record names other bytes, or none."""
    event = scene.put(MALWARE)
    others = {"quarantine": MALWARE, "accepted": CLEAN}
    named = Location(event.bucket, event.key, event.version_id) if place == "incoming" else None
    if place in others:
        named = (await scene.settled(others[place])).location
    told, accepted = scene.told("accepted"), scene.bodies("accepted")
    upload = scene.forge_record(event, location=named)
    if not present:
        await scene.parts.objects.delete(event.bucket, event.key, event.version_id)
    assert isinstance(await scene.deliver(events.notification(event)), Bury)
    await scene.rescan(upload)
    assert (scene.told("accepted"), scene.bodies("accepted")) == (told, accepted)
    assert scene.bodies("incoming") == [MALWARE] * present


async def test_a_verdict_that_is_forged_during_the_inspection_is_not_believed(scene: Scene) -> None:
    event = scene.put(MALWARE)
    scene.meanwhile = lambda: scene.forge_record(event, location=NOWHERE)
    await scene.deliver(events.notification(event))
    assert scene.bodies("accepted") == []
    assert scene.told("accepted") == 0


async def test_an_upload_that_is_bound_to_another_version_is_inspected_anew(scene: Scene) -> None:
    record = await scene.settled(CLEAN)
    late = scene.put(MALWARE, record.id)
    scene.forge(record.id, state=State.INSPECTING, version_id=late.version_id)
    await scene.deliver(events.notification(late))
    assert MALWARE not in scene.bodies("accepted")
    assert (await scene.record(record.id)).state is State.INFECTED


# --- keeping malware in accepted, or taking out what is good ---


async def test_findings_in_a_record_excuse_nothing(scene: Scene) -> None:
    record = await scene.settled(b"caught later")
    assert record.verdict is not None
    known = record.verdict.model_copy(update={"findings": (MATCH,)})
    scene.forge(record.id, verdict=known, changes=changed(Step.RELEASE, Outcome.INFECTED))
    scene.signatures.add(b"caught later")
    await scene.rescan(record.id)
    assert (scene.bodies("accepted"), scene.bodies("quarantine")) == ([], [b"caught later"])


@pytest.mark.parametrize("state", [State.ACCEPTED, State.INFECTED])
@pytest.mark.parametrize("named", [True, False])
async def test_no_message_makes_a_worker_finish_a_revocation_that_it_did_not_find(
    scene: Scene, state: State, named: bool
) -> None:
    record = await scene.settled(CLEAN)
    forged = changed(Step.REVOKE, Outcome.ACCEPTED)
    infected = VERDICT.model_copy(update={"outcome": Outcome.INFECTED, "findings": (MATCH,)})
    location = record.location if state is State.ACCEPTED else None
    source = record.location if named else NOWHERE
    scene.forge(record.id, state=state, verdict=infected, changes=forged, location=location, moving_from=source)
    for _ in range(2):
        await scene.rescan(record.id)
    assert scene.bodies("accepted") == [CLEAN]
    assert scene.told("infected") == 0


async def test_a_revocation_is_not_finished_for_the_bytes_of_another_upload(scene: Scene) -> None:
    mine, other = await scene.settled(CLEAN), await scene.settled(b"caught later")
    scene.signatures.add(b"caught later")
    forged = changed(Step.REVOKE, Outcome.ACCEPTED)
    scene.forge(mine.id, state=State.INFECTED, location=None, changes=forged, moving_from=other.location)
    assert isinstance(await scene.rescan(mine.id), Bury)
    assert scene.bodies("accepted") == [b"caught later", CLEAN]


async def test_a_revocation_that_a_worker_began_is_finished(scene: Scene) -> None:
    """It ended after its record, before it had removed the accepted copy, or before it had noted that."""
    record = await scene.settled(b"caught later")
    copy = scene.copy_of(record)
    assert copy is not None
    assert record.location is not None
    scene.signatures.add(b"caught later")
    await scene.rescan(record.id)
    for left in ([copy], []):
        scene.s3.stored[record.location[:2]] = [*left]
        scene.forge(record.id, moving_from=record.location)
        assert await scene.rescan(record.id) == Done()
        assert (scene.bodies("accepted"), scene.bodies("quarantine")) == ([], [b"caught later"])
        assert (await scene.record(record.id)).moving_from is None


@pytest.mark.parametrize("state", [State.REJECTED, State.INFECTED, State.FAILED, State.INSPECTING, State.RECEIVED])
@pytest.mark.parametrize("location", [None, NOWHERE, Location("quarantine", "nowhere", "v0")])
async def test_a_forged_verdict_removes_no_accepted_bytes(
    scene: Scene, state: State, location: Location | None
) -> None:
    event = scene.put(CLEAN)
    await scene.deliver(events.notification(event))
    scene.forge(upload_of(event), state=state, location=location, place="none", attempts=9)
    await scene.deliver(events.notification(event))
    await scene.rescan(upload_of(event))
    assert scene.bodies("accepted") == [CLEAN]


async def test_an_object_in_incoming_proves_no_verdict(scene: Scene) -> None:
    """The service's keys put objects with any metadata there."""
    event = scene.put(CLEAN)
    await scene.deliver(events.notification(event))
    said = provenance.description(await scene.record(upload_of(event)), None)
    put = scene.s3.put("incoming", "in/anything", b"anything", said, "image/png")
    aim = Location("incoming", "in/anything", put.id)
    scene.forge(upload_of(event), state=State.INFECTED, location=aim, place="quarantine")
    await scene.deliver(events.notification(event))
    assert scene.bodies("accepted") == [CLEAN]


# --- aiming at the bytes of others ---


@pytest.mark.parametrize("name", ["location", "moving_from"])
@pytest.mark.parametrize("bucket", ["incoming", "accepted", "quarantine"])
async def test_a_withdrawal_removes_nothing_but_the_uploads_own_bytes(scene: Scene, name: str, bucket: str) -> None:
    mine = await scene.settled(CLEAN)
    if bucket == "incoming":
        waiting = scene.put(b"another's")
        aim = Location(waiting.bucket, waiting.key, waiting.version_id)
    else:
        other = await scene.settled(MALWARE if bucket == "quarantine" else b"another's")
        assert other.location is not None
        aim = other.location
    scene.forge(mine.id, **{name: aim})
    await scene.parts.records.withdraw(mine.id, 1.0)
    assert await scene.deliver(events.withdrawal(mine.id)) == Done()
    assert scene.s3.find(*aim) is not None
    assert CLEAN not in scene.bodies("accepted")


async def test_what_another_program_stored_beside_the_upload_stays(scene: Scene) -> None:
    mine = await scene.settled(CLEAN)
    key = f"thumbnails/{mine.id}.png"
    beside = scene.s3.put("accepted", key, b"thumbnail", {}, "image/png")
    scene.forge(mine.id, location=Location("accepted", key, beside.id))
    await scene.parts.records.withdraw(mine.id, 1.0)
    await scene.deliver(events.withdrawal(mine.id))
    assert scene.bodies("accepted") == [b"thumbnail"]


async def test_a_rescan_reads_nothing_in_quarantine(scene: Scene) -> None:
    record = await scene.settled(MALWARE)
    scene.forge(record.id, state=State.ACCEPTED)
    scene.signatures.clear()
    assert isinstance(await scene.rescan(record.id), Bury)
    assert (await scene.record(record.id)).rescanned is None


@pytest.mark.parametrize("bucket", ["incoming", "quarantine", "accepted", "accepted and clean"])
async def test_a_rescan_reads_and_revokes_nothing_but_the_uploads_own_bytes(scene: Scene, bucket: str) -> None:
    mine = await scene.settled(CLEAN)
    if bucket == "incoming":
        waiting = scene.put(MALWARE)
        aim = Location(waiting.bucket, waiting.key, waiting.version_id)
    else:
        others = {"quarantine": MALWARE, "accepted": b"caught later"}
        other = await scene.settled(others.get(bucket, b"another's"))
        assert other.location is not None
        aim = other.location
    scene.signatures.add(b"caught later")
    before = scene.bodies("accepted"), scene.bodies("quarantine")
    scene.forge(mine.id, location=aim)
    assert isinstance(await scene.rescan(mine.id), Bury)
    assert (scene.bodies("accepted"), scene.bodies("quarantine")) == before
    assert (await scene.record(mine.id)).rescanned is None
