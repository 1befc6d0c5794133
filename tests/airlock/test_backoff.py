"""Pauses grow, have an end, and are drawn as the jitter says."""

import random

import pytest

from airlock.backoff import Backoff


def longest(_: float, high: float) -> float:
    return high


def shortest(low: float, _: float) -> float:
    return low


def test_pauses_grow_until_the_longest() -> None:
    backoff = Backoff(first=0.5, longest=10, growth=3)
    assert [backoff.most(failures) for failures in range(1, 6)] == [0.5, 1.5, 4.5, 10, 10]


@pytest.mark.parametrize(("jitter", "low"), [(0, 4), (0.5, 2), (1, 0)])
def test_jitter_is_the_part_of_a_pause_that_is_drawn(jitter: float, low: float) -> None:
    backoff = Backoff(first=1, longest=60, jitter=jitter)
    assert backoff.pause(3, shortest) == low
    assert backoff.pause(3, longest) == 4
    assert low <= backoff.pause(3, random.uniform) <= 4


def test_any_number_of_failures_has_a_pause() -> None:
    assert Backoff(first=1, longest=60, growth=6).pause(10**6, longest) == 60
