"""ops.dead_letters.display: ages."""

import pytest

from ops.dead_letters.display import age


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (3 * 86400, "3 d")]
)
def test_an_age_has_the_largest_unit_of_which_there_are_two(seconds: float, shown: str) -> None:
    assert age(seconds) == shown
