"""What an attacker with the service role's keys tries by forged records and messages, and what a worker makes of it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from airlock import events
from airlock.lifecycle import State, Step
from airlock.verdict import Change, Outcome
from aws.dynamodb.record import Location
from tests.workers.settlement.attacker import CLEAN, MALWARE, MATCH, VERDICT, Scene, upload_of
from workers.intake.disposition import Bury, Done
from workers.settlement.revision import NotPossible
from workers.settlement.storage import NotACopy

NOWHERE = Location("accepted", "nowhere", "v0")


def changed(step: Any, before: Outcome) -> tuple[Change, ...]:
    return (Change(step=step, before=before, by="operator", reason="forged", at=datetime(2026, 1, 1, tzinfo=UTC)),)


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


@pytest.mark.parametrize("bucket", ["incoming", "quarantine", "accepted"])
async def test_a_rescan_reads_and_revokes_nothing_but_the_uploads_own_bytes(scene: Scene, bucket: str) -> None:
    mine = await scene.settled(CLEAN)
    if bucket == "incoming":
        waiting = scene.put(MALWARE)
        aim = Location(waiting.bucket, waiting.key, waiting.version_id)
    else:
        other = await scene.settled(MALWARE if bucket == "quarantine" else b"caught later")
        assert other.location is not None
        aim = other.location
    scene.signatures.add(b"caught later")
    before = scene.bodies("accepted"), scene.bodies("quarantine")
    scene.forge(mine.id, location=aim)
    assert isinstance(await scene.rescan(mine.id), Bury)
    assert (scene.bodies("accepted"), scene.bodies("quarantine")) == before
    assert (await scene.record(mine.id)).rescanned is None


# --- forged messages ---


async def test_a_message_about_other_places_moves_nothing(scene: Scene) -> None:
    event = scene.put(MALWARE)
    quarantined = await scene.settled(MALWARE)
    assert quarantined.location is not None
    for forged in (
        replace(event, bucket="quarantine"),
        replace(event, bucket="accepted"),
        replace(event, key=event.key[:-1]),
        replace(event, key=f"elsewhere/{upload_of(event)}"),
        replace(event, bucket="quarantine", key=quarantined.location.key, version_id=quarantined.location.version_id),
    ):
        assert await scene.deliver(events.notification(forged)) != Done()
    assert (scene.bodies("accepted"), scene.bodies("quarantine")) == ([], [MALWARE])


async def test_a_message_with_a_wrong_etag_fails_no_upload(scene: Scene) -> None:
    event = scene.put(CLEAN)
    scene.forge_record(event, state=State.INSPECTING, verdict=None, place="incoming")
    assert isinstance(await scene.deliver(events.notification(replace(event, etag="0" * 32))), Bury)
    assert (await scene.record(upload_of(event))).state is State.INSPECTING
    assert await scene.deliver(events.notification(event)) == Done()
    assert scene.bodies("accepted") == [CLEAN]


async def test_nothing_is_withdrawn_by_a_message_alone(scene: Scene) -> None:
    record = await scene.settled(CLEAN)
    assert isinstance(await scene.deliver(events.withdrawal(record.id)), Bury)
    assert scene.bodies("accepted") == [CLEAN]


async def test_a_record_without_an_object_causes_nothing(scene: Scene) -> None:
    event = scene.put(MALWARE)
    await scene.parts.objects.delete(event.bucket, event.key, event.version_id)
    upload = scene.forge_record(event, location=NOWHERE)
    assert await scene.deliver(events.notification(event)) == Done()
    assert await scene.rescan(upload) == Done()
    assert scene.told("accepted") == 0


# --- what an operator is made to believe ---


async def test_an_operator_releases_only_the_bytes_of_the_upload(scene: Scene) -> None:
    mine, other = await scene.settled(MALWARE), await scene.settled(MALWARE)
    waiting = scene.put(MALWARE)
    assert other.location is not None
    for aim in (other.location, Location(waiting.bucket, waiting.key, waiting.version_id), None):
        scene.forge(mine.id, location=aim)
        with pytest.raises((NotACopy, NotPossible)):
            await release(scene, mine.id)
    assert scene.bodies("accepted") == []


async def test_a_forged_release_is_not_finished_by_the_operators_command(scene: Scene) -> None:
    record = await scene.settled(MALWARE)
    forged = changed(Step.RELEASE, Outcome.INFECTED)
    scene.forge(record.id, state=State.ACCEPTED, verdict=VERDICT, changes=forged, moving_from=NOWHERE)
    with pytest.raises(NotACopy):
        await release(scene, record.id)
    assert (scene.bodies("accepted"), scene.told("accepted")) == ([], 0)


async def test_what_an_operator_released_is_excused_by_what_was_found_in_it_then(scene: Scene) -> None:
    record = await scene.settled(MALWARE)
    await release(scene, record.id)
    assert await scene.rescan(record.id) == Done()
    assert scene.bodies("accepted") == [MALWARE]


async def test_findings_that_are_forged_before_a_release_excuse_nothing_after_it(scene: Scene) -> None:
    rejected = await scene.settled(MALWARE)
    other = MATCH.model_copy(update={"message": "another signature"})
    assert rejected.verdict is not None
    scene.forge(rejected.id, verdict=rejected.verdict.model_copy(update={"findings": (MATCH, other)}))
    released = await release(scene, rejected.id)
    copy = scene.copy_of(released)
    assert copy is not None
    assert len(copy.metadata["findings"].split(",")) == 1


async def release(scene: Scene, upload: str) -> Any:
    record = await scene.record(upload)
    return await scene.parts.revision.release(record, scene.profiles.get("default"), by="grace", reason="a test file")


# --- records of before ---


async def test_what_the_service_of_before_withdrew_is_removed(scene: Scene) -> None:
    """It wrote the state, and no mark."""
    record = await scene.settled(CLEAN)
    scene.forge(record.id, state=State.WITHDRAWN, updated_at=1.0)
    assert await scene.deliver(events.withdrawal(record.id)) == Done()
    assert scene.bodies("accepted") == []
    late = scene.put(CLEAN)
    scene.forge(upload_of(late), owner="alice", state=State.WITHDRAWN, created_at=1.0, updated_at=1.0, place="none")
    assert await scene.deliver(events.notification(late)) == Done()
    assert scene.bodies("incoming") == scene.bodies("accepted") == []


async def test_a_record_of_before_is_settled_once_its_message_comes_again(scene: Scene) -> None:
    """The worker of before ended after it had recorded the verdict; its copies say nothing of findings."""
    for body, outcome in ((CLEAN, "accepted"), (MALWARE, "infected")):
        event = scene.put(body)
        waiting = [*scene.s3.stored["incoming", event.key]]
        await scene.deliver(events.notification(event))
        record = await scene.record(upload_of(event))
        copy = scene.copy_of(record)
        assert copy is not None
        copy.metadata.pop("findings", None)
        scene.s3.stored["incoming", event.key] = waiting
        scene.queue.sent.clear()
        assert await scene.deliver(events.notification(event)) == Done()
        assert (scene.told(outcome), scene.bodies("incoming")) == (1, [])
    assert (scene.bodies("accepted"), scene.bodies("quarantine")) == ([CLEAN], [MALWARE])
