"""A replica's usage is reported to the table in the background: soon, exactly once, and also after failures."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from airlock.errors import Unavailable
from airlock.quotas import DAY, MINUTE, Subject, Usage, Window
from service.quotas.usage_reporter import (
    BACKOFF,
    FLUSH_SECONDS,
    GRACE_SECONDS,
    MAX_CONCURRENT_WRITES,
    Counter,
    UsageReporter,
)
from tests.service.fakes import START, FakeClock, FakeCounters

ADA = Subject("owner", "ada")
TODAY = Window.at(START, DAY)
AWAY = Unavailable("dynamodb", "no answer")


class Setting:
    def __init__(self) -> None:
        self.counters, self.clock = FakeCounters(), FakeClock()
        self.ada = Counter(ADA, TODAY)

    def reporter(self, name: bytes = b"one!") -> UsageReporter:
        return UsageReporter(self.counters, now=self.clock.now, sleep=self.clock.sleep, random=lambda count: name)

    @asynccontextmanager
    async def running(self, name: bytes = b"one!") -> AsyncIterator[UsageReporter]:
        reporter = self.reporter(name)
        async with reporter.running(1):
            yield reporter


@pytest.fixture
def here() -> Setting:
    return Setting()


async def test_the_first_charge_is_reported_at_once_and_the_usage_of_others_is_read(here: Setting) -> None:
    here.counters.sums[ADA, TODAY] = Usage(7, 700, 30)
    async with here.running() as reporter:
        reporter.report(here.ada, Usage(1, 100))
        assert here.ada.used == Usage(1, 100)
        await here.counters.called(1)
        assert here.ada.used == Usage(8, 800, 30)
        assert here.ada.reported


async def test_later_charges_are_reported_together_one_interval_apart(here: Setting) -> None:
    async with here.running() as reporter:
        reporter.report(here.ada, Usage(1, 100))
        await here.counters.called(1)
        reporter.report(here.ada, Usage(1, 100))
        await here.counters.called(2)
        for _ in range(10):
            reporter.report(here.ada, Usage(1, 100))
        await here.clock.asleep(1)
        assert here.counters.calls == 2
        here.clock.advance(FLUSH_SECONDS)
        await here.counters.called(3)
        assert here.counters.added[-1] == (ADA, TODAY, Usage(10, 1000))
    assert here.counters.sums[ADA, TODAY] == here.ada.used == Usage(12, 1200)
    assert here.counters.calls == 3


async def test_a_new_subject_does_not_wait_for_the_flush_of_the_others(here: Setting) -> None:
    other = Counter(Subject("owner", "eve"), TODAY)
    async with here.running() as reporter:
        for tried in (1, 2):
            reporter.report(here.ada, Usage(1))
            await here.counters.called(tried)
        await here.clock.asleep(1)
        reporter.report(other, Usage(1))
        await here.counters.called(3)
        assert other.reported


async def test_usage_while_a_part_is_in_flight_is_another_part(here: Setting) -> None:
    here.counters.open.clear()
    async with here.running() as reporter:
        reporter.report(here.ada, Usage(1, 10))
        await here.counters.called(1)
        reporter.report(here.ada, Usage(1, 10))
        await here.clock.asleep(1)
        assert here.counters.calls == 1
        here.counters.open.set()
        here.clock.advance(FLUSH_SECONDS)
        await here.counters.called(2)
    assert here.counters.added == [(ADA, TODAY, Usage(1, 10))] * 2
    assert here.ada.used == Usage(2, 20)


async def test_no_more_than_so_many_writes_are_under_way(here: Setting) -> None:
    counters = [Counter(Subject("owner", f"o{n}"), TODAY) for n in range(5 * MAX_CONCURRENT_WRITES)]
    here.counters.open.clear()
    async with here.running() as reporter:
        for counter in counters:
            reporter.report(counter, Usage(1))
        await here.counters.called(MAX_CONCURRENT_WRITES)
        assert here.counters.under_way == MAX_CONCURRENT_WRITES
        here.counters.open.set()
        await here.counters.called(len(counters))
    assert here.counters.most_under_way == MAX_CONCURRENT_WRITES
    assert all(here.counters.sums[counter.subject, TODAY] == Usage(1) for counter in counters)


async def test_while_the_table_is_unavailable_everything_is_kept_and_reported_once_afterwards(
    here: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    here.counters.error = AWAY
    async with here.running() as reporter:
        reporter.report(here.ada, Usage(1, 10))
        await here.counters.called(1)
        reporter.report(here.ada, Usage(1, 10))
        for _ in range(4):
            await here.clock.asleep(1)
            here.clock.advance(BACKOFF.longest)
            await asyncio.sleep(0)
        assert here.ada.used == Usage(2, 20)
        assert not here.ada.reported
        assert here.counters.added == []
        here.counters.error = None
        tries = here.counters.calls
        here.clock.advance(BACKOFF.longest)
        await here.counters.called(tries + 1)
        here.clock.advance(BACKOFF.longest)
    assert here.counters.sums[ADA, TODAY] == here.ada.used == Usage(2, 20)
    warned = [record for record in caplog.records if "each replica counts for itself" in record.message]
    assert len(warned) == 1


async def test_with_the_table_unavailable_not_every_counter_is_tried(here: Setting) -> None:
    here.counters.error = AWAY
    async with here.running() as reporter:
        for n in range(100 * MAX_CONCURRENT_WRITES):
            reporter.report(Counter(Subject("owner", f"o{n}"), TODAY), Usage(1))
        await here.counters.called(MAX_CONCURRENT_WRITES)
        await here.clock.asleep(1)
        assert here.counters.calls <= 2 * MAX_CONCURRENT_WRITES
        here.counters.error = None
    assert len(here.counters.added) == 100 * MAX_CONCURRENT_WRITES


async def test_an_answer_that_is_lost_counts_nothing_twice(here: Setting) -> None:
    here.counters.lost_answer = AWAY
    async with here.running() as reporter:
        reporter.report(here.ada, Usage(1, 10))
        await here.counters.called(1)
        reporter.report(here.ada, Usage(1, 10))
        here.counters.lost_answer = None
    assert here.counters.added == [(ADA, TODAY, Usage(1, 10))] * 2
    assert here.counters.sums[ADA, TODAY] == here.ada.used == Usage(2, 20)


async def test_whatever_goes_wrong_reporting_goes_on(here: Setting) -> None:
    here.counters.error = RuntimeError("a bug")
    async with here.running() as reporter:
        reporter.report(here.ada, Usage(1))
        await here.counters.called(1)
        here.counters.error = None
        await here.clock.asleep(1)
        here.clock.advance(BACKOFF.longest)
        await here.counters.called(2)
        assert here.ada.reported


async def test_a_window_that_is_over_is_not_reported(here: Setting) -> None:
    minute = Counter(ADA, Window.at(START, MINUTE))
    here.counters.error = AWAY
    async with here.running() as reporter:
        reporter.report(minute, Usage(1))
        await here.counters.called(1)
        here.counters.error = None
        here.clock.advance(MINUTE + GRACE_SECONDS)
    assert here.counters.added == []
    assert minute.reported


async def test_at_the_end_what_is_left_is_reported(here: Setting) -> None:
    async with here.running() as reporter:
        reporter.report(here.ada, Usage(1, 10))
        await here.counters.called(1)
        reporter.report(here.ada, Usage(1, 10))
        await here.counters.called(2)
        reporter.report(here.ada, Usage(3, 30))
    assert here.counters.sums[ADA, TODAY] == Usage(5, 50)


async def test_the_end_waits_no_longer_than_it_may(here: Setting, caplog: pytest.LogCaptureFixture) -> None:
    here.counters.open.clear()
    reporter = here.reporter()
    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(10), reporter.running(0.05):
            reporter.report(here.ada, Usage(1))
            await here.counters.called(1)
    assert "not reported" in caplog.text
    assert here.counters.added == []


async def test_a_part_that_was_in_flight_at_the_end_is_counted_once(here: Setting) -> None:
    here.counters.open.clear()
    async with here.running() as reporter:
        reporter.report(here.ada, Usage(1, 10))
        await here.counters.called(1)
        here.counters.open.set()
    assert here.counters.sums[ADA, TODAY] == Usage(1, 10)
