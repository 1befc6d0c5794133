import pytest

from workers.intake.disposition import Bury, Disposition, Done, Retry, gravest


@pytest.mark.parametrize(
    ("dispositions", "expected"),
    [
        ([], Done()),
        ([Done(), Done()], Done()),
        ([Done(), Bury("a"), Done(), Bury("b"), Bury("a")], Bury("a; b")),
        ([Bury("a"), Retry(2), Done(), Retry(7)], Retry(7)),
    ],
)
def test_the_gravest_disposition_decides(dispositions: list[Disposition], expected: Disposition) -> None:
    assert gravest(dispositions) == expected
