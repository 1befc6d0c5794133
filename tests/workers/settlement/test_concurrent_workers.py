"""Several workers at one upload, each stopped at any of its calls while another works: the same end."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.workers.fakes.attempt import Attempt
from tests.workers.settlement.model import ATTEMPTS, Notification, ObjectKind, UploadModel
from tests.workers.settlement.test_faults import STRIDE
from workers.intake.disposition import Bury, Done, Retry

Begin = Callable[[], tuple[UploadModel, list[Notification]]]
"""A model, and a notification for each of its workers."""


def one_message(kind: ObjectKind = "clean") -> tuple[UploadModel, list[Notification]]:
    """The same message is delivered to two workers."""
    model = UploadModel()
    model.store(kind)
    return model, [model.notifications[0], model.notifications[0]]


def two_versions() -> tuple[UploadModel, list[Notification]]:
    """The notification of the second version comes first."""
    model = UploadModel()
    model.store("infected")
    model.store("clean")
    return model, [model.notifications[1], model.notifications[0]]


def gives_up() -> tuple[UploadModel, list[Notification]]:
    """The first worker gives up after many attempts, while an operator has redriven the message to the second."""
    model, [notification, again] = one_message()
    began = model.go_until(model.deliver(notification), "inspect")
    began.kill()
    return model, [Notification(notification.body, receives=ATTEMPTS), again]


def withdrawn() -> tuple[UploadModel, list[Notification]]:
    """The upload is withdrawn before its notification was delivered."""
    model, [notification, _] = one_message()
    model.withdraw()
    return model, [notification, model.notifications[1]]


def slow_worker(kind: ObjectKind = "clean") -> tuple[UploadModel, list[Notification]]:
    """The first worker is slow, so the second gives up, while an operator has redriven the message to the third."""
    model, [notification, again] = one_message(kind)
    return model, [notification, Notification(notification.body, receives=ATTEMPTS), again]


def stopped(begin: Begin, stride: int, before: tuple[int, ...] = ()) -> Iterator[tuple[UploadModel, list[Attempt]]]:
    """The workers, each stopped after some calls of its own: every combination, up to the end of each."""
    for calls in count(0, stride):
        model, notifications = begin()
        most = (*before, calls)
        attempts = [
            model.go(model.deliver(notification), some) for notification, some in zip(notifications, most, strict=False)
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


# With three workers there are many more combinations.
CASES = [(one_message, STRIDE), (two_versions, STRIDE), (gives_up, STRIDE), (withdrawn, STRIDE)]
CASES += [(slow_worker, 2 * STRIDE)]


@pytest.mark.long
@pytest.mark.parametrize(("begin", "stride"), CASES)
def test_workers_stopped_at_any_calls_reach_the_same_end(begin: Begin, stride: int) -> None:
    """The first is stopped at any of its calls, then the next at any of its own; then all go on."""
    for model, attempts in stopped(begin, stride):
        for attempt in attempts:
            model.finish(attempt)
        model.end()


def test_an_attempt_that_was_given_up_settles_nothing_after_the_upload_was_claimed_again() -> None:
    """The worker that gives up has listed the slow worker's copy in quarantine, to remove it."""
    model, [slow, last, again] = slow_worker("infected")
    copied = model.go_until(model.go_until(model.deliver(slow), "copy"), "update")
    giving_up = model.go_until(model.deliver(last), "delete")
    claimed = model.go_until(model.deliver(again), "inspect")
    for attempt in (copied, giving_up, claimed):
        model.finish(attempt)
    assert isinstance(copied.task.result(), Retry)
    assert isinstance(giving_up.task.result(), Bury)
    assert isinstance(claimed.task.result(), Done)
    model.end()


def test_the_first_claim_may_settle_while_a_second_inspects() -> None:
    """A message that is delivered twice does not waste a long inspection."""
    model, [first, second] = one_message()
    copied = model.go_until(model.go_until(model.deliver(first), "copy"), "update")
    claimed = model.go_until(model.deliver(second), "inspect")
    for attempt in (copied, claimed):
        model.finish(attempt)
        assert attempt.task.result() == Done()
    model.end()
