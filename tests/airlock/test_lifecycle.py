"""The life of an upload: the table is the law, and what is final stays final."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from airlock import lifecycle
from airlock.lifecycle import TERMINAL, TRANSITIONS, IllegalStep, State, Step
from airlock.verdict import Outcome


class Life(RuleBasedStateMachine):
    """One upload to which anything happens, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.AWAITING_UPLOAD
        self.seen = [self.state]

    @rule(step=st.sampled_from(Step))
    def anything_happens(self, step: Step) -> None:
        if (self.state, step) in TRANSITIONS:
            self.take(step)
        else:
            with pytest.raises(IllegalStep, match=f"{self.state} cannot {step}"):
                lifecycle.advance(self.state, step)

    @rule(data=st.data())
    def something_allowed_happens(self, data: st.DataObject) -> None:
        """Reaches deeper than chance: a withdrawal, from which nothing leads on, is left to the other rule."""
        allowed = [step for step in Step if (self.state, step) in TRANSITIONS and step is not Step.WITHDRAW]
        if allowed:
            self.take(data.draw(st.sampled_from(allowed)))

    def take(self, step: Step) -> None:
        before, self.state = self.state, lifecycle.advance(self.state, step)
        self.seen.append(self.state)
        assert self.state is TRANSITIONS[before, step]
        if before in TERMINAL and self.state is not before:
            again = {State.FAILED, State.EXPIRED}
            changed = {Step.WITHDRAW, Step.REVOKE, Step.RELEASE}
            assert step in changed or (step is Step.CLAIM and before in again)

    @invariant()
    def a_verdict_follows_an_inspection(self) -> None:
        """Failing is the exception: a message that is received too often is given up before it is inspected."""
        if self.state in {State.ACCEPTED, State.REJECTED, State.INFECTED, State.UNSCANNABLE}:
            assert State.INSPECTING in self.seen

    @invariant()
    def withdrawn_is_for_good(self) -> None:
        assert State.WITHDRAWN not in self.seen or self.state is State.WITHDRAWN

    @invariant()
    def an_inspection_has_one_outcome(self) -> None:
        """What comes after it leads between accepted and quarantine, and never to a second inspection."""
        outcomes = {State.ACCEPTED, State.REJECTED, State.INFECTED, State.UNSCANNABLE}
        first = next((place for place, state in enumerate(self.seen) if state in outcomes), len(self.seen))
        later = [state for state in self.seen[first + 1 :] if state is not State.WITHDRAWN]
        assert set(later) <= {State.ACCEPTED, State.INFECTED}


TestLife = Life.TestCase


def test_every_state_can_be_reached_and_withdrawn() -> None:
    reached, before = {State.AWAITING_UPLOAD}, set[State]()
    while reached != before:
        before = set(reached)
        reached |= {after for (state, _), after in TRANSITIONS.items() if state in before}
    assert reached == set(State)
    assert all(lifecycle.advance(state, Step.WITHDRAW) is State.WITHDRAWN for state in State)


def test_every_step_can_be_taken() -> None:
    assert {step for _, step in TRANSITIONS} == set(Step)


def test_a_state_is_terminal_when_nothing_leaves_it_by_itself() -> None:
    leaving = {
        state: {step for (source, step), after in TRANSITIONS.items() if source is state and after is not state}
        for state in State
    }
    later = {Step.WITHDRAW, Step.CLAIM, Step.REVOKE, Step.RELEASE}
    assert {state for state in State if leaving[state] <= later} - {State.RECEIVED} == TERMINAL
    assert {state for state in TERMINAL if Step.CLAIM in leaving[state]} == {State.FAILED, State.EXPIRED}


def test_a_verdict_is_reached_from_an_inspection_and_changed_by_a_revocation_or_a_release_only() -> None:
    verdicts = {State.ACCEPTED, State.REJECTED, State.INFECTED, State.UNSCANNABLE}
    ways = {(state, step) for (state, step), after in TRANSITIONS.items() if after in verdicts}
    assert {step for state, step in ways if state is not State.INSPECTING} == {Step.REVOKE, Step.RELEASE}
    assert lifecycle.sources(Step.REVOKE) == {State.ACCEPTED}
    assert lifecycle.sources(Step.RELEASE) == verdicts - {State.ACCEPTED}


@pytest.mark.parametrize("step", Step)
def test_the_sources_of_a_step_are_where_it_can_be_taken(step: Step) -> None:
    for state in State:
        assert (state in lifecycle.sources(step)) == ((state, step) in TRANSITIONS)


@pytest.mark.parametrize("outcome", Outcome)
def test_an_inspection_ends_in_the_state_of_its_outcome(outcome: Outcome) -> None:
    assert lifecycle.advance(State.INSPECTING, outcome.step) is outcome.state
    assert outcome.state in TERMINAL


@pytest.mark.parametrize(
    ("now", "state"),
    [(1000, State.AWAITING_UPLOAD), (1059.9, State.AWAITING_UPLOAD), (1060, State.EXPIRED), (1061, State.EXPIRED)],
)
def test_without_a_record_an_upload_is_awaited_a_minute_longer_than_its_policy_lives(now: float, state: State) -> None:
    assert lifecycle.derived(1000, now) is state


def test_the_diagram_has_every_row_of_the_table() -> None:
    drawn = lifecycle.diagram().splitlines()
    assert drawn[0] == "stateDiagram-v2"
    assert "    [*] --> awaiting_upload" in drawn
    rows = {
        f"    {state} --> {after}: {step}" for (state, step), after in TRANSITIONS.items() if step is not Step.WITHDRAW
    }
    assert rows <= set(drawn)
    assert len(drawn) == len(rows) + 3
    assert "every state can be withdrawn" in drawn[1]


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[State.ACCEPTED, Step.CLAIM] = State.INSPECTING  # type: ignore[index]


@given(st.sampled_from(State), st.sampled_from(Step))
def test_a_step_is_taken_or_refused_and_nothing_else(state: State, step: Step) -> None:
    try:
        assert lifecycle.advance(state, step) in State
    except IllegalStep:
        assert (state, step) not in TRANSITIONS
