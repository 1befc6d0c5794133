"""One fault at any call of a story, then redelivery: the same end."""

from collections.abc import Iterator
from typing import Literal

import pytest
from hypothesis import settings

from tests.workers.fakes.attempt import Attempt, CallResult
from tests.workers.settlement.model import ObjectKind, UploadModel

Fault = CallResult | Literal["killed before", "killed after"]
FAULTS: tuple[Fault, ...] = ("refused", "lost", "twice", "killed before", "killed after")
Story = tuple[tuple[ObjectKind, ...], tuple[int, ...]]
"""What is stored, and in which order the notifications of it come; -1 is a withdrawal."""
STORIES: tuple[Story, ...] = (
    (("clean",), (0, 0)),
    (("rejected",), (0,)),
    (("clean", "infected"), (0, 1)),
    (("clean", "infected"), (1, 0)),
    (("infected", "clean", "clean"), (2, 0, 1)),
    (("foreign", "clean", "infected"), (2, 1, 0)),
    (("clean",), (-1, 0)),
    (("clean", "clean"), (1, -1, 0)),
)
# The profile `quick` tries one call in four.
STRIDE = 1 if settings().max_examples >= 100 else 4


def play(story: Story) -> Iterator[tuple[UploadModel, Attempt]]:
    """A model and an attempt for each message. The caller may work on the attempt; then it is finished."""
    kinds, order = story
    model = UploadModel()
    for kind in kinds:
        model.store(kind)
    for number in order:
        if number < 0:
            model.withdraw()
        attempt = model.deliver(model.notifications[number])
        yield model, attempt
        model.finish(attempt)
    model.end()


def calls(story: Story) -> int:
    """How many there are when nothing fails."""
    made = 0
    for model, attempt in play(story):
        while not attempt.ended:
            model.go(attempt, 1)
            made += 1
    return made


def fail(attempt: Attempt, fault: Fault) -> None:
    """Let the call at which the attempt waits fail."""
    match fault:
        case "killed before" | "killed after":
            attempt.kill(after=fault == "killed after")
        case _:
            attempt.go(fault)


@pytest.mark.long
@pytest.mark.parametrize("story", STORIES, ids=str)
@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_fault_at_any_call_redelivery_reaches_the_same_end(story: Story, fault: Fault) -> None:
    for failing in range(0, calls(story), STRIDE):
        number = 0
        for model, attempt in play(story):
            while not attempt.ended:
                if number == failing:
                    fail(attempt, fault)
                else:
                    attempt.go()
                model.check()
                number += 1
