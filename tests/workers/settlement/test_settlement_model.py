"""Whatever fails between any two calls of any worker, the end is the same, and nothing untrue is seen on the way."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.workers.fakes.attempt import CALL_RESULTS, Attempt, CallResult
from tests.workers.settlement.model import ATTEMPTS, OBJECT_KINDS, ObjectKind, UploadModel

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
        # After a withdrawal, or late, little can happen any more: some runs are to have neither.
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
    @rule(number=NUMBERS, result=st.sampled_from(CALL_RESULTS), calls=st.integers(0, MOST_CALLS))
    def go_on(self, number: int, result: CallResult, calls: int) -> None:
        attempt = self.working[number % len(self.working)]
        if attempt.waiting:
            attempt.go(result)
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
    def redrive(self, number: int) -> None:
        self.model.notifications[number % len(self.model.notifications)].receives = 0

    @rule(number=NUMBERS)
    def use_up_attempts(self, number: int) -> None:
        """The next worker that receives the message gives up."""
        self.model.notifications[number % len(self.model.notifications)].receives = ATTEMPTS

    @precondition(lambda self: self.old and not self.working)
    @rule()
    def pass_time(self) -> None:
        self.model.pass_time()

    @precondition(lambda self: self.model.late and not self.working)
    @rule()
    def remove_record(self) -> None:
        self.model.remove_record()

    def _go(self, attempt: Attempt, calls: int) -> None:
        self.model.go(attempt, calls)
        if attempt.ended and attempt in self.working:
            self.working.remove(attempt)

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        for attempt in self.working:
            attempt.kill()
        self.model.end()


TestSettling = pytest.mark.without_coverage(Settling.TestCase)
