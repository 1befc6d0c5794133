import pytest

from workers.intake.disposition import Bury, Done, Outcome, Retry, gravest


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], Done()),
        ([Done(), Done()], Done()),
        ([Done(), Bury("a"), Done(), Bury("b"), Bury("a")], Bury("a; b")),
        ([Bury("a"), Retry(2), Done(), Retry(7)], Retry(7)),
    ],
)
def test_the_gravest_outcome_decides(outcomes: list[Outcome], expected: Outcome) -> None:
    assert gravest(outcomes) == expected
