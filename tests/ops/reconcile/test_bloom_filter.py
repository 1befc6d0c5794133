"""ops.reconcile.bloom_filter: it holds every name that was added, and hardly any other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reconcile.simulated import upload_of
from ops.reconcile.bloom_filter import BloomFilter


@pytest.mark.long
@given(st.sets(st.text(max_size=20), max_size=50))
def test_every_name_that_was_added_is_in_it(names: set[str]) -> None:
    seen = BloomFilter(b"salt")
    for name in names:
        seen.add(name)
    assert all(name in seen for name in names)


def test_hardly_any_other_name_is_in_it() -> None:
    seen = BloomFilter(b"salt")
    for number in range(20_000):
        seen.add(upload_of(number))
    assert sum(upload_of(number) in seen for number in range(20_000, 40_000)) == 0
