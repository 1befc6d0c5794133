"""A record is the same after it was written as an item."""

from dataclasses import replace
from datetime import UTC
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock.lifecycle import State, Step
from airlock.verdict import Change, Engine, Finding, Outcome, Verdict
from aws.dynamodb.record import ATTRIBUTES, Location, Place, Record, from_item, to_item

texts = st.text(st.characters(codec="utf-8"), max_size=20)
times = st.floats(0, 4e9)
sizes = st.integers(0, 5 * 10**12)
moments = st.datetimes(timezones=st.just(UTC))
findings = st.builds(Finding, code=texts, check=texts, outcome=st.sampled_from(Outcome), message=texts)
engines = st.builds(Engine, name=texts, version=texts, signatures_at=st.none() | moments)
verdicts = st.builds(
    Verdict,
    outcome=st.sampled_from(Outcome),
    findings=st.lists(findings, max_size=2).map(tuple),
    engines=st.lists(engines, max_size=2).map(tuple),
    checks=st.lists(texts, max_size=2).map(tuple),
    bytes=sizes,
    sha256=st.none() | texts,
    media_type=st.none() | texts,
    inspected_at=moments,
)
steps = st.sampled_from((Step.REVOKE, Step.RELEASE))
changes = st.builds(Change, step=steps, before=st.sampled_from(Outcome), by=texts, reason=texts, at=moments)
records = st.builds(
    Record,
    id=texts.filter(lambda text: "#" not in text),
    owner=texts,
    state=st.sampled_from(State),
    created_at=times,
    updated_at=times,
    profile=texts,
    filename=texts,
    content_type=texts,
    size=sizes,
    version_id=texts,
    etag=texts,
    sequencer=texts,
    attempts=sizes,
    declared_size=st.none() | sizes,
    declared_sha256=st.none() | texts,
    metadata=st.dictionaries(texts, texts, max_size=3),
    verdict=st.none() | verdicts,
    place=st.sampled_from(get_args(Place)),
    location=st.none() | st.builds(Location, texts, texts, texts),
    event_id=st.none() | texts,
    overwrites=sizes,
    overwritten_at=st.none() | times,
    changes=st.lists(changes, max_size=2).map(tuple),
    moving_from=st.none() | st.builds(Location, texts, texts, texts),
    expires_at=st.none() | sizes,
)


@given(records)
def test_a_record_is_read_back_as_it_was_written(record: Record) -> None:
    assert from_item(to_item(record)) == record


UPLOAD = f"{'ab' * 8}{1_700_000_000:08x}{900:06x}{'cd' * 15}"
MARKED = {"id": {"S": UPLOAD}, "withdrawn_at": {"N": "1700000020.5"}}


def test_what_the_service_wrote_into_a_record_can_only_mean_that_it_is_withdrawn() -> None:
    record = Record(id=UPLOAD, owner="ada", state=State.ACCEPTED, created_at=1, updated_at=2, place="accepted")
    marked = replace(record, state=State.WITHDRAWN, updated_at=1700000020.5, withdrawn_at=1700000020.5)
    assert from_item({**to_item(record), **MARKED}) == marked


def test_an_upload_that_was_withdrawn_before_its_object_is_known_by_its_id_alone() -> None:
    assert from_item(MARKED) == Record(
        id=UPLOAD,
        owner="",
        state=State.WITHDRAWN,
        created_at=1_700_000_000,
        updated_at=1700000020.5,
        place="none",
        withdrawn_at=1700000020.5,
    )


@pytest.mark.parametrize("mark", [{"S": "soon"}, {"L": []}, {"NULL": True}, {"N": "-1"}, {"N": "1E+125"}])
def test_a_withdrawal_is_read_whatever_its_mark_is(mark: dict[str, Any]) -> None:
    read = from_item({"id": {"S": UPLOAD}, "withdrawn_at": mark})
    assert read is not None
    assert read.state is State.WITHDRAWN


@pytest.mark.parametrize("item", [{"id": {"S": UPLOAD}}, {**MARKED, "id": {"S": "no upload id"}}])
def test_an_item_in_which_nothing_is_recorded_is_no_record(item: dict[str, Any]) -> None:
    assert from_item(item) is None


@pytest.mark.parametrize("upload", ["session#0123", "usage#owner#ada#20261122", "backfill#run"])
def test_an_item_of_something_else_is_no_record_whatever_was_written_into_it(upload: str) -> None:
    forged = Record(id=upload, owner="ada", state=State.ACCEPTED, created_at=1, updated_at=1)
    assert from_item(to_item(forged)) is None


def test_every_field_has_an_attribute_of_its_own() -> None:
    assert set(ATTRIBUTES) == set(Record.__dataclass_fields__)
    assert len({attribute.name for attribute in ATTRIBUTES.values()}) == len(ATTRIBUTES)


def test_the_table_and_the_record_agree_on_the_keys() -> None:
    """What `airlock provision` makes is what the adapter reads."""
    from ops.provision import table

    names = {attribute.name for attribute in ATTRIBUTES.values()}
    keys = {part["AttributeName"] for part in table.KEY + table.INDEX_KEY}
    assert keys | {table.EXPIRY} <= names
