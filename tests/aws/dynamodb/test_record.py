"""A record is the same after it was written as an item."""

from datetime import UTC
from typing import get_args

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
    id=texts,
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


def test_every_field_has_an_attribute_of_its_own() -> None:
    assert set(ATTRIBUTES) == set(Record.__dataclass_fields__)
    assert len({attribute.name for attribute in ATTRIBUTES.values()}) == len(ATTRIBUTES)


def test_the_table_and_the_record_agree_on_the_keys() -> None:
    """What `airlock provision` makes is what the adapter reads."""
    from ops.provision import table

    names = {attribute.name for attribute in ATTRIBUTES.values()}
    keys = {part["AttributeName"] for part in table.KEY + table.INDEX_KEY}
    assert keys | {table.EXPIRY} <= names
