"""No parser of hostile input raises anything but an error of ours. `make fuzz` runs much longer."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

SEEDS = Path(__file__).parent / "seeds"


def seeds(name: str) -> list[bytes]:
    """The first inputs of a target's fuzzer, and those on which it has once failed."""
    return [path.read_bytes() for path in sorted((SEEDS / name).iterdir())]


@st.composite
def changed(draw: st.DrawFn, known: list[bytes]) -> bytes:
    """A known input with a part of it replaced."""
    whole = draw(st.sampled_from(known))
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, len(whole)))
    return whole[:start] + draw(st.binary(max_size=40) | st.text(max_size=20).map(str.encode)) + whole[end:]


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_it_raises_no_error_but_ours(name: str) -> None:
    known = seeds(name)
    assert known

    @given(changed(known) | st.binary(max_size=300))
    def tried(data: bytes) -> None:
        TARGETS[name](data)

    for each in known:
        TARGETS[name](each)
    tried()


def test_every_folder_of_seeds_is_a_targets() -> None:
    assert {path.name for path in SEEDS.iterdir()} == set(TARGETS)
