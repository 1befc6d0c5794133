"""What an attacker with the service role's keys tries by messages, and by what an operator is made to believe."""

from dataclasses import replace
from typing import Any

import pytest

from airlock import events
from airlock.lifecycle import State, Step
from airlock.verdict import Outcome
from aws.dynamodb.record import Location
from tests.workers.settlement.attacker import CLEAN, MALWARE, MATCH, NOWHERE, VERDICT, Scene, changed, upload_of
from workers.intake.disposition import Bury, Done
from workers.settlement.revision import NotPossible
from workers.settlement.storage import NotACopy


@pytest.fixture
def scene() -> Scene:
    return Scene()


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
