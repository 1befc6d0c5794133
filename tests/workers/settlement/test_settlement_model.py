"""Whatever fails between any two calls of any worker: the same end, and nothing untrue on the way there."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.workers.twins import ANSWERS, Answer, Attempt
from tests.workers.world import ATTEMPTS, KINDS, Kind, Letter, World
from workers.intake.disposition import Bury, Done, Retry

MOST_CALLS = 16
MOST_WORKERS = 3
NUMBERS = st.integers(0, 5)


class Settling(RuleBasedStateMachine):
    """Up to four versions of one key, three workers, and everything that can happen to them."""

    @initialize(
        kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3), withdrawn=st.booleans(), old=st.booleans()
    )
    def begin(self, kinds: list[Kind], withdrawn: bool, old: bool) -> None:
        self.world = World()
        self.working: list[Attempt] = []
        # Both end most of what could happen, so that there must be worlds without them.
        self.withdrawn, self.old = withdrawn, old
        for kind in kinds:
            self.world.store(kind)

    @precondition(lambda self: len(self.world.versions) < 4 and not self.world.late)
    @rule(kind=st.sampled_from(KINDS))
    def store(self, kind: Kind) -> None:
        self.world.store(kind)

    @precondition(lambda self: len(self.working) < MOST_WORKERS)
    @rule(number=NUMBERS, calls=st.integers(0, MOST_CALLS))
    def deliver(self, number: int, calls: int) -> None:
        letters = self.world.letters
        self.working.append(self.world.deliver(letters[number % len(letters)]))
        self._go(self.working[-1], calls)

    @precondition(lambda self: self.working)
    @rule(number=NUMBERS, answer=st.sampled_from(ANSWERS), calls=st.integers(0, MOST_CALLS))
    def go_on(self, number: int, answer: Answer, calls: int) -> None:
        attempt = self.working[number % len(self.working)]
        if attempt.waiting:
            attempt.go(answer)
            self.world.check()
        self._go(attempt, calls)

    @precondition(lambda self: self.working)
    @rule(number=NUMBERS, after=st.booleans())
    def kill(self, number: int, after: bool) -> None:
        attempt = self.working[number % len(self.working)]
        attempt.kill(after=after)
        self.world.check()
        self._go(attempt, 0)

    @precondition(lambda self: self.withdrawn)
    @rule()
    def withdraw(self) -> None:
        self.world.withdraw()

    @rule()
    def renew_signatures(self) -> None:
        self.world.renewed = True

    @rule(number=NUMBERS)
    def send_back(self, number: int) -> None:
        self.world.letters[number % len(self.world.letters)].receives = 0

    @rule(number=NUMBERS)
    def tire(self, number: int) -> None:
        """It was received so often that the next worker gives up."""
        self.world.letters[number % len(self.world.letters)].receives = ATTEMPTS

    @precondition(lambda self: self.old and not self.working)
    @rule()
    def pass_time(self) -> None:
        self.world.pass_time()

    @precondition(lambda self: self.world.late and not self.working)
    @rule()
    def forget(self) -> None:
        self.world.forget()

    def _go(self, attempt: Attempt, calls: int) -> None:
        for _ in range(calls):
            if attempt.ended:
                break
            attempt.go()
            self.world.check()
        if attempt.ended and attempt in self.working:
            self.working.remove(attempt)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        for attempt in self.working:
            attempt.kill()
        end(self.world)


Fault = Answer | Literal["killed before", "killed after"]
FAULTS: tuple[Fault, ...] = ("refused", "lost", "twice", "killed before", "killed after")
Story = tuple[tuple[Kind, ...], tuple[int, ...]]
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
# The profile `quick` takes some of all places.
STRIDE = 1 if settings().max_examples >= 100 else 4


def told(story: Story) -> Iterator[tuple[World, Attempt]]:
    """A new world, and one worker after the other at what is delivered in it; whoever takes them lets them work."""
    kinds, order = story
    world = World()
    for kind in kinds:
        world.store(kind)
    for number in order:
        if number < 0:
            world.withdraw()
        attempt = world.deliver(world.letters[number])
        yield world, attempt
        world.finish(attempt)
    end(world)


def calls(story: Story) -> int:
    """How many there are when nothing fails."""
    made = 0
    for world, attempt in told(story):
        while not attempt.ended:
            attempt.go()
            world.check()
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
        for world, attempt in told(story):
            while not attempt.ended:
                if passed == place:
                    fail(attempt, fault)
                else:
                    attempt.go()
                world.check()
                passed += 1


Begin = Callable[[], tuple[World, list[Letter]]]
"""A world, and a letter for each of the workers in it."""


def one_message() -> tuple[World, list[Letter]]:
    """It is delivered to two workers."""
    world = World()
    world.store("clean")
    return world, [world.letters[0], world.letters[0]]


def two_versions() -> tuple[World, list[Letter]]:
    """The second one is heard of first."""
    world = World()
    world.store("infected")
    world.store("clean")
    return world, [world.letters[1], world.letters[0]]


def gives_up() -> tuple[World, list[Letter]]:
    """It failed so often that the first worker gives up, while an operator has sent it to the second."""
    world, [letter, again] = one_message()
    began = until(world, world.deliver(letter), "inspect")
    began.kill()
    return world, [Letter(letter.body, receives=ATTEMPTS), again]


def withdrawn() -> tuple[World, list[Letter]]:
    """It is withdrawn while its notification is on its way."""
    world, [letter, _] = one_message()
    world.withdraw()
    return world, [letter, world.letters[1]]


def taken_from_a_slow_one() -> tuple[World, list[Letter]]:
    """The first is slow, so that the second gives up, while an operator has sent it to the third."""
    world, [letter, again] = one_message()
    return world, [letter, Letter(letter.body, receives=ATTEMPTS), again]


def stopped(begin: Begin, stride: int, before: tuple[int, ...] = ()) -> Iterator[tuple[World, list[Attempt]]]:
    """The workers, each stopped after some calls of its own: every combination, up to the end of each."""
    for calls in count(0, stride):
        world, letters = begin()
        most = (*before, calls)
        attempts = [went(world, world.deliver(letter), some) for letter, some in zip(letters, most, strict=False)]
        ended = attempts[-1].ended
        if len(attempts) == len(letters):
            yield world, attempts
        else:
            for attempt in attempts:
                attempt.kill()
            world.close()
            yield from stopped(begin, stride, most)
        if ended:
            break


# Of three there are many more combinations.
WAYS = [(one_message, STRIDE), (two_versions, STRIDE), (gives_up, STRIDE), (withdrawn, STRIDE)]
WAYS += [(taken_from_a_slow_one, 2 * STRIDE)]


@pytest.mark.parametrize(("begin", "stride"), WAYS)
def test_workers_that_get_in_each_others_way_at_any_calls_change_nothing(begin: Begin, stride: int) -> None:
    """The first is stopped at any of its calls, then the next at any of its own; then they go on."""
    for world, attempts in stopped(begin, stride):
        for attempt in attempts:
            world.finish(attempt)
        end(world)


def test_what_was_given_up_is_not_settled_after_it_was_claimed_again() -> None:
    """Whoever gives up has listed the slow worker's copy, to remove it."""
    world, [slow, tired, again] = taken_from_a_slow_one()
    copied = until(world, until(world, world.deliver(slow), "copy"), "update")
    gives_up = until(world, world.deliver(tired), "delete")
    claimed = until(world, world.deliver(again), "inspect")
    for attempt in (copied, gives_up, claimed):
        world.finish(attempt)
    assert isinstance(copied.task.result(), Retry)
    assert isinstance(gives_up.task.result(), Bury)
    assert isinstance(claimed.task.result(), Done)
    end(world)


def test_who_claimed_first_may_settle_while_another_inspects() -> None:
    """A notification that comes twice, or too early again, costs nobody the work of a long inspection."""
    world, [first, second] = one_message()
    copied = until(world, until(world, world.deliver(first), "copy"), "update")
    claimed = until(world, world.deliver(second), "inspect")
    for attempt in (copied, claimed):
        world.finish(attempt)
        assert attempt.task.result() == Done()
    end(world)


def until(world: World, attempt: Attempt, name: str) -> Attempt:
    """It, at its first call of that name."""
    while name not in [call.name for call in attempt.waiting]:
        attempt.go()
        world.check()
    return attempt


def went(world: World, attempt: Attempt, calls: int) -> Attempt:
    """It, after so many calls, or after its end."""
    for _ in range(calls):
        if not attempt.ended:
            attempt.go()
            world.check()
    return attempt


def end(world: World) -> None:
    """Everything comes once more without a fault, and then again."""
    try:
        world.redeliver()
        if not world.late:
            world.check_end()
        settled = world.everything()
        world.redeliver()
        assert world.everything() == settled, "a second redelivery changed something"
    finally:
        world.close()


TestSettling = Settling.TestCase
