"""Chance in advance is as good as chance at once."""

import os

from hypothesis import given
from hypothesis import strategies as st

from service.chance import Pool


class Counting:
    """A source whose bytes tell how many came before them."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, count: int) -> bytes:
        start = sum(self.asked)
        self.asked.append(count)
        return bytes((start + number) % 256 for number in range(count))


@given(st.lists(st.integers(0, 40), max_size=6))
def test_no_byte_is_given_out_twice(counts: list[int]) -> None:
    pool = Pool(Counting(), fetched=16)
    given_out = [pool(count) for count in counts]
    assert [len(piece) for piece in given_out] == counts
    told = b"".join(given_out)
    assert len(set(told)) == len(told)


def test_the_source_is_asked_seldom() -> None:
    source = Counting()
    pool = Pool(source, fetched=64)
    for _ in range(16):
        pool(8)
    assert source.asked == [64, 64]


def test_more_than_is_fetched_at_once_can_be_had() -> None:
    assert len(Pool(os.urandom, fetched=8)(100)) == 100
