"""A day of tries: soon at first, rarer later, never more than SQS can hide a message for."""

from hypothesis import given
from hypothesis import strategies as st

from workers.deliveries.schedule import DAY, LONGEST_PAUSE, TRIES, pause


def lower(low: float, _: float) -> float:
    return low


def upper(_: float, high: float) -> float:
    return high


def test_a_delivery_is_tried_eight_times_in_a_day() -> None:
    elapsed, tries = 0.0, [0.0]
    while (wait := pause(elapsed, lower)) is not None:
        elapsed += wait
        tries.append(elapsed)
    assert len(tries) <= len(TRIES) + 1
    assert tries[1] == 5
    assert tries[-1] == DAY


@given(st.floats(0, 2 * DAY), st.floats(0, 10 * DAY), st.floats(1, 1.1))
def test_a_pause_is_within_what_sqs_hides_and_ends_with_the_day(elapsed: float, asked: float, drawn: float) -> None:
    wait = pause(elapsed, lambda *_: drawn, asked=asked)
    if elapsed >= DAY:
        assert wait is None
    else:
        assert wait is not None
        assert 1 <= wait <= LONGEST_PAUSE


def test_what_a_receiver_asks_for_is_heeded_within_the_day() -> None:
    assert pause(0, lower, asked=60) == 60
    assert pause(100, lower, asked=1) == TRIES[2] - 100
    assert pause(DAY - 50, lower, asked=1000) == 50
    assert pause(0, upper) == 5.5
