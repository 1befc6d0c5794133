"""Whatever fails between any two calls of any worker: the same end, and nothing untrue on the way there."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.workers.fakes import ANSWERS, Answer, Attempt
from tests.workers.settlement.model import ATTEMPTS, OBJECT_KINDS, Notification, ObjectKind, UploadModel
from workers.intake.disposition import Bury, Done, Retry

MOST_CALLS = 16
MOST_WORKERS = 3
NUMBERS = st.integers(0, 5)


class Settling(RuleBasedStateMachine):
    """Up to four versions of one key, three workers, and everything that can happen to them."""

    @initialize(
        kinds=st.lists(st.sampled_from(OBJECT_KINDS), min_size=1, max_size=3),
        withdrawn=st.booleans(),
        old=st.booleans(),
    )
    def begin(self, kinds: list[ObjectKind], withdrawn: bool, old: bool) -> None:
        self.model = UploadModel()
        self.working: list[Attempt] = []
        # Both end most of what could happen, so that there must be worlds without them.
        self.withdrawn, self.old = withdrawn, old
        for kind in kinds:
            self.model.store(kind)

    @precondition(lambda self: len(self.model.versions) < 4 and not self.model.late)
    @rule(kind=st.sampled_from(OBJECT_KINDS))
    def store(self, kind: ObjectKind) -> None:
        self.model.store(kind)

    @precondition(lambda self: len(self.working) < MOST_WORKERS)
    @rule(number=NUMBERS, calls=st.integers(0, MOST_CALLS))
    def deliver(self, number: int, calls: int) -> None:
        notifications = self.model.notifications
        self.working.append(self.model.deliver(notifications[number % len(notifications)]))
        self._go(self.working[-1], calls)

    @precondition(lambda self: self.working)
    @rule(number=NUMBERS, answer=st.sampled_from(ANSWERS), calls=st.integers(0, MOST_CALLS))
    def go_on(self, number: int, answer: Answer, calls: int) -> None:
        attempt = self.working[number % len(self.working)]
        if attempt.waiting:
            attempt.go(answer)
            self.model.check()
        self._go(attempt, calls)

    @precondition(lambda self: self.working)
    @rule(number=NUMBERS, after=st.booleans())
    def kill(self, number: int, after: bool) -> None:
        attempt = self.working[number % len(self.working)]
        attempt.kill(after=after)
        self.model.check()
        self._go(attempt, 0)

    @precondition(lambda self: self.withdrawn)
    @rule()
    def withdraw(self) -> None:
        self.model.withdraw()

    @rule()
    def renew_signatures(self) -> None:
        self.model.renewed = True

    @rule(number=NUMBERS)
    def send_back(self, number: int) -> None:
        self.model.notifications[number % len(self.model.notifications)].receives = 0

    @rule(number=NUMBERS)
    def tire(self, number: int) -> None:
        """It was received so often that the next worker gives up."""
        self.model.notifications[number % len(self.model.notifications)].receives = ATTEMPTS

    @precondition(lambda self: self.old and not self.working)
    @rule()
    def pass_time(self) -> None:
        self.model.pass_time()

    @precondition(lambda self: self.model.late and not self.working)
    @rule()
    def forget(self) -> None:
        self.model.forget()

    def _go(self, attempt: Attempt, calls: int) -> None:
        for _ in range(calls):
            if attempt.ended:
                break
            attempt.go()
            self.model.check()
        if attempt.ended and attempt in self.working:
            self.working.remove(attempt)

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        for attempt in self.working:
            attempt.kill()
        end(self.model)


Fault = Answer | Literal["killed before", "killed after"]
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
# The profile `quick` takes some of all the calls.
STRIDE = 1 if settings().max_examples >= 100 else 4


def told(story: Story) -> Iterator[tuple[UploadModel, Attempt]]:
    """A new model, and one worker after the other at what is delivered in it; whoever takes them lets them work."""
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
    end(model)


def calls(story: Story) -> int:
    """How many there are when nothing fails."""
    made = 0
    for model, attempt in told(story):
        while not attempt.ended:
            attempt.go()
            model.check()
            made += 1
    return made


def fail(attempt: Attempt, fault: Fault) -> None:
    """Do that with the call at which it stands."""
    match fault:
        case "killed before" | "killed after":
            attempt.kill(after=fault == "killed after")
        case _:
            attempt.go(fault)


@pytest.mark.parametrize("story", STORIES, ids=str)
@pytest.mark.parametrize("fault", FAULTS)
def test_from_every_call_that_fails_redelivery_reaches_the_same_end(story: Story, fault: Fault) -> None:
    for place in range(0, calls(story), STRIDE):
        passed = 0
        for model, attempt in told(story):
            while not attempt.ended:
                if passed == place:
                    fail(attempt, fault)
                else:
                    attempt.go()
                model.check()
                passed += 1


Begin = Callable[[], tuple[UploadModel, list[Notification]]]
"""A model, and a notification for each of its workers."""


def one_message() -> tuple[UploadModel, list[Notification]]:
    """It is delivered to two workers."""
    model = UploadModel()
    model.store("clean")
    return model, [model.notifications[0], model.notifications[0]]


def two_versions() -> tuple[UploadModel, list[Notification]]:
    """The second one is heard of first."""
    model = UploadModel()
    model.store("infected")
    model.store("clean")
    return model, [model.notifications[1], model.notifications[0]]


def gives_up() -> tuple[UploadModel, list[Notification]]:
    """It failed so often that the first worker gives up, while an operator has sent it to the second."""
    model, [notification, again] = one_message()
    began = until(model, model.deliver(notification), "inspect")
    began.kill()
    return model, [Notification(notification.body, receives=ATTEMPTS), again]


def withdrawn() -> tuple[UploadModel, list[Notification]]:
    """It is withdrawn while its notification is on its way."""
    model, [notification, _] = one_message()
    model.withdraw()
    return model, [notification, model.notifications[1]]


def taken_from_a_slow_one() -> tuple[UploadModel, list[Notification]]:
    """The first is slow, so that the second gives up, while an operator has sent it to the third."""
    model, [notification, again] = one_message()
    return model, [notification, Notification(notification.body, receives=ATTEMPTS), again]


def stopped(begin: Begin, stride: int, before: tuple[int, ...] = ()) -> Iterator[tuple[UploadModel, list[Attempt]]]:
    """The workers, each stopped after some calls of its own: every combination, up to the end of each."""
    for calls in count(0, stride):
        model, notifications = begin()
        most = (*before, calls)
        attempts = [
            went(model, model.deliver(notification), some)
            for notification, some in zip(notifications, most, strict=False)
        ]
        ended = attempts[-1].ended
        if len(attempts) == len(notifications):
            yield model, attempts
        else:
            for attempt in attempts:
                attempt.kill()
            model.close()
            yield from stopped(begin, stride, most)
        if ended:
            break


# Of three there are many more combinations.
WAYS = [(one_message, STRIDE), (two_versions, STRIDE), (gives_up, STRIDE), (withdrawn, STRIDE)]
WAYS += [(taken_from_a_slow_one, 2 * STRIDE)]


@pytest.mark.parametrize(("begin", "stride"), WAYS)
def test_workers_that_get_in_each_others_way_at_any_calls_change_nothing(begin: Begin, stride: int) -> None:
    """The first is stopped at any of its calls, then the next at any of its own; then they go on."""
    for model, attempts in stopped(begin, stride):
        for attempt in attempts:
            model.finish(attempt)
        end(model)


def test_what_was_given_up_is_not_settled_after_it_was_claimed_again() -> None:
    """Whoever gives up has listed the slow worker's copy, to remove it."""
    model, [slow, tired, again] = taken_from_a_slow_one()
    copied = until(model, until(model, model.deliver(slow), "copy"), "update")
    gives_up = until(model, model.deliver(tired), "delete")
    claimed = until(model, model.deliver(again), "inspect")
    for attempt in (copied, gives_up, claimed):
        model.finish(attempt)
    assert isinstance(copied.task.result(), Retry)
    assert isinstance(gives_up.task.result(), Bury)
    assert isinstance(claimed.task.result(), Done)
    end(model)


def test_who_claimed_first_may_settle_while_another_inspects() -> None:
    """A notification that comes twice, or too early again, costs nobody the work of a long inspection."""
    model, [first, second] = one_message()
    copied = until(model, until(model, model.deliver(first), "copy"), "update")
    claimed = until(model, model.deliver(second), "inspect")
    for attempt in (copied, claimed):
        model.finish(attempt)
        assert attempt.task.result() == Done()
    end(model)


def until(model: UploadModel, attempt: Attempt, name: str) -> Attempt:
    """It, at its first call of that name."""
    while name not in [call.name for call in attempt.waiting]:
        attempt.go()
        model.check()
    return attempt


def went(model: UploadModel, attempt: Attempt, calls: int) -> Attempt:
    """It, after so many calls, or after its end."""
    for _ in range(calls):
        if not attempt.ended:
            attempt.go()
            model.check()
    return attempt


def end(model: UploadModel) -> None:
    """Everything comes once more without a fault, and then again."""
    try:
        model.redeliver()
        if not model.late:
            model.check_end()
        settled = model.everything()
        model.redeliver()
        assert model.everything() == settled, "a second redelivery changed something"
    finally:
        model.close()


TestSettling = Settling.TestCase
