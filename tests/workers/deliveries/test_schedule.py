"""The attempts of one day: soon at first, less often later, never later than SQS can hide a message."""

from hypothesis import given
from hypothesis import strategies as st

from workers.deliveries.schedule import ATTEMPTS, DAY, LONGEST_PAUSE, next_pause


def lower(low: float, _: float) -> float:
    return low


def upper(_: float, high: float) -> float:
    return high


def test_a_delivery_is_tried_eight_times_in_a_day() -> None:
    elapsed, attempts = 0.0, [0.0]
    while (wait := next_pause(elapsed, lower)) is not None:
        elapsed += wait
        attempts.append(elapsed)
    assert len(attempts) <= len(ATTEMPTS) + 1
    assert attempts[1] == 5
    assert attempts[-1] == DAY


@given(st.floats(0, 2 * DAY), st.floats(0, 10 * DAY), st.floats(1, 1.1))
def test_a_pause_is_within_what_sqs_hides_and_ends_with_the_day(
    elapsed: float, retry_after: float, drawn: float
) -> None:
    wait = next_pause(elapsed, lambda *_: drawn, retry_after=retry_after)
    if elapsed >= DAY:
        assert wait is None
    else:
        assert wait is not None
        assert 1 <= wait <= LONGEST_PAUSE


def test_the_pause_that_a_receiver_asks_for_is_obeyed_within_the_day() -> None:
    assert next_pause(0, lower, retry_after=60) == 60
    assert next_pause(100, lower, retry_after=1) == ATTEMPTS[2] - 100
    assert next_pause(DAY - 50, lower, retry_after=1000) == 50
    assert next_pause(0, upper) == 5.5
