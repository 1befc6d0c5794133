"""The event about a settled upload: CloudEvents 1.0, and the same text at every publication."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock import verdict_event
from airlock.intent import Intent
from airlock.lifecycle import Step
from airlock.verdict import Change, Engine, Finding, Outcome, Verdict
from tests.airlock.strategies import intents
from tests.airlock.test_verdict import verdicts

INTENT = Intent("ann", "default", "Grüße.pdf", "application/pdf", 7, None, {"note": "n"})
HOUR = timedelta(hours=1)
INSPECTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VERDICT = Verdict(
    outcome=Outcome.INFECTED,
    findings=(Finding(code="clamd_match", check="clamd", outcome=Outcome.INFECTED, message="Eicar"),),
    engines=(Engine(name="clamav", version="1.4", signatures_at=INSPECTED),),
    bytes=68,
    sha256="0" * 64,
    media_type="text/plain",
    inspected_at=INSPECTED,
)
PLACE = ("quarantine-bucket", "upload/v1", "v9")


def render(
    upload: str = "upload",
    version_id: str = "v1",
    intent: Intent = INTENT,
    verdict: Verdict = VERDICT,
    location: tuple[str, str, str] | None = PLACE,
    changes: Sequence[Change] = (),
) -> str:
    return verdict_event.render(
        upload=upload, version_id=version_id, intent=intent, verdict=verdict, location=location, changes=changes
    ).text


def event(text: str) -> dict[str, Any]:
    document = json.loads(text)
    assert isinstance(document, dict)
    return document


@given(intents(), verdicts, st.none() | st.just(PLACE))
def test_an_event_has_what_cloudevents_requires_and_says_it_again_in_the_same_words(
    intent: Intent, verdict: Verdict, location: tuple[str, str, str] | None
) -> None:
    text = render(intent=intent, verdict=verdict, location=location)
    assert text == render(intent=intent, verdict=verdict, location=location)
    document = event(text)
    assert document["specversion"] == "1.0"
    assert all(isinstance(document[name], str) and document[name] for name in ("id", "source", "type", "subject"))
    assert document["datacontenttype"] == "application/json"
    assert datetime.fromisoformat(document["time"]) == verdict.inspected_at
    assert Verdict.model_validate_json(json.dumps(document["data"]["verdict"])) == verdict


def test_an_event_tells_what_a_back_end_needs() -> None:
    document = event(render())
    assert document["type"] == "airlock.upload.infected"
    assert document["subject"] == "upload"
    assert document["time"] == "2026-01-02T03:04:05Z"
    data = document["data"]
    assert {name: data[name] for name in ("id", "owner", "profile", "filename", "content_type", "metadata")} == {
        "id": "upload",
        "owner": "ann",
        "profile": "default",
        "filename": "Grüße.pdf",
        "content_type": "application/pdf",
        "metadata": {"note": "n"},
    }
    assert data["verdict"]["findings"][0]["code"] == "clamd_match"
    assert data["location"] == {"bucket": PLACE[0], "key": PLACE[1], "version_id": PLACE[2]}


def test_each_change_of_a_verdict_is_an_event_of_its_own_that_tells_who_and_why() -> None:
    changes = [
        Change(step=Step.RELEASE, before=Outcome.INFECTED, by="ops", reason="false positive", at=INSPECTED + HOUR),
        Change(step=Step.REVOKE, before=Outcome.ACCEPTED, by="worker", reason="clamd_match", at=INSPECTED + 2 * HOUR),
    ]
    told = [event(render(changes=changes[:count])) for count in range(3)]
    assert len({each["id"] for each in told}) == 3
    assert [each["time"] for each in told] == [f"2026-01-02T0{hour}:04:05Z" for hour in (3, 4, 5)]
    assert "changes" not in told[0]["data"]
    assert told[2]["data"]["changes"][0] == {
        "step": "release",
        "before": "infected",
        "by": "ops",
        "reason": "false positive",
        "at": "2026-01-02T04:04:05Z",
    }


def test_deleted_bytes_have_no_location() -> None:
    assert event(render(location=None))["data"]["location"] is None


def test_the_id_is_of_the_upload_and_its_version() -> None:
    ids = {verdict_event.event_id(upload, version) for upload in ("a", "b") for version in ("1", "2")}
    assert len(ids) == 4
    assert verdict_event.event_id("a", "1") in ids
    assert event(render())["id"] == verdict_event.event_id("upload", "v1")


@given(
    st.tuples(st.text("ab\0", max_size=5), st.text("ab", max_size=5)),
    st.tuples(st.text("ab", max_size=5), st.text("ab", max_size=5)),
)
def test_no_two_uploads_share_an_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    same = verdict_event.event_id(*one) == verdict_event.event_id(*other)
    assert same == (one == other)


@pytest.mark.parametrize("offset", [-8, 0, 5.5])
def test_the_time_is_utc_wherever_the_verdict_was_given(offset: float) -> None:
    moved = VERDICT.model_copy(update={"inspected_at": INSPECTED.astimezone(timezone(timedelta(hours=offset)))})
    assert event(render(verdict=moved))["time"] == "2026-01-02T03:04:05Z"
