"""Verdicts: which objection decides, and text that reads back as the same verdict."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock import verdict
from airlock.verdict import Engine, Finding, Outcome, Verdict

GRAVEST_FIRST = [Outcome.FAILED, Outcome.INFECTED, Outcome.REJECTED, Outcome.UNSCANNABLE, Outcome.ACCEPTED]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
moments = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the zone is drawn beside it
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
findings = st.builds(Finding, code=text, check=text, outcome=st.sampled_from(Outcome), message=text)
engines = st.builds(Engine, name=text, version=text, signatures_at=st.none() | moments)
verdicts = st.builds(
    Verdict,
    outcome=st.sampled_from(Outcome),
    findings=st.lists(findings, max_size=3).map(tuple),
    engines=st.lists(engines, max_size=3).map(tuple),
    checks=st.lists(text, max_size=3).map(tuple),
    bytes=st.integers(0, 5 * 1024**3),
    sha256=st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
    media_type=st.none() | text,
    inspected_at=moments,
)


def finding(outcome: Outcome) -> Finding:
    return Finding(code="c", check="k", outcome=outcome, message="m")


@pytest.mark.parametrize(("one", "other"), list(product(Outcome, Outcome)))
def test_of_two_findings_the_graver_decides(one: Outcome, other: Outcome) -> None:
    graver = min(one, other, key=GRAVEST_FIRST.index)
    assert verdict.decide([finding(one), finding(other)]) is graver


@pytest.mark.parametrize("order", list(permutations([Outcome.UNSCANNABLE, Outcome.INFECTED, Outcome.REJECTED])))
def test_infected_outranks_rejected_outranks_unscannable_in_any_order(order: tuple[Outcome, ...]) -> None:
    assert verdict.decide(finding(outcome) for outcome in order) is Outcome.INFECTED


def test_no_finding_at_all_is_accepted() -> None:
    assert verdict.decide([]) is Outcome.ACCEPTED


@given(st.lists(findings))
def test_only_what_nobody_objects_to_is_accepted(found: list[Finding]) -> None:
    objections = [each for each in found if each.outcome is not Outcome.ACCEPTED]
    assert (verdict.decide(found) is Outcome.ACCEPTED) == (not objections)


@given(verdicts)
def test_a_verdict_reads_back_from_its_json(original: Verdict) -> None:
    assert Verdict.from_json(original.to_json()) == original
    assert "\n" not in original.to_json()


@given(st.text())
def test_other_text_is_no_verdict(text: str) -> None:
    with pytest.raises(ValueError, match="Verdict"):
        Verdict.from_json(text)


@given(verdicts)
def test_a_verdict_with_an_unknown_part_is_refused(original: Verdict) -> None:
    """A newer writer's evidence must not be dropped in silence."""
    with pytest.raises(ValueError, match="extra"):
        Verdict.from_json('{"extra":1,' + original.to_json()[1:])
