"""What a replica took is told to the table in the background: soon, once, and whatever happens to the table."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from airlock.errors import Unavailable
from airlock.quotas import DAY, MINUTE, Subject, Usage, Window
from service.quotas.usage_reporter import FLUSH_SECONDS, GRACE_SECONDS, LANES, LONGEST_PAUSE, Counter, Teller
from tests.service.twins import START, Ledger, Time

ADA = Subject("owner", "ada")
TODAY = Window.at(START, DAY)
AWAY = Unavailable("dynamodb", "no answer")


class Setting:
    def __init__(self) -> None:
        self.ledger, self.time = Ledger(), Time()
        self.ada = Counter(ADA, TODAY)

    def teller(self, name: bytes = b"one!") -> Teller:
        return Teller(self.ledger, now=self.time.now, sleep=self.time.sleep, random=lambda count: name)

    @asynccontextmanager
    async def running(self, name: bytes = b"one!") -> AsyncIterator[Teller]:
        teller = self.teller(name)
        async with teller.running(1):
            yield teller


@pytest.fixture
def here() -> Setting:
    return Setting()


async def test_the_first_charge_is_told_at_once_and_what_the_others_took_is_heard(here: Setting) -> None:
    here.ledger.sums[ADA, TODAY] = Usage(7, 700, 30)
    async with here.running() as teller:
        teller.take(here.ada, Usage(1, 100))
        assert here.ada.used == Usage(1, 100)
        await here.ledger.tried(1)
        assert here.ada.used == Usage(8, 800, 30)
        assert here.ada.settled


async def test_later_charges_are_told_together_one_interval_apart(here: Setting) -> None:
    async with here.running() as teller:
        teller.take(here.ada, Usage(1, 100))
        await here.ledger.tried(1)
        teller.take(here.ada, Usage(1, 100))
        await here.ledger.tried(2)
        for _ in range(10):
            teller.take(here.ada, Usage(1, 100))
        await here.time.asleep(1)
        assert here.ledger.tries == 2
        here.time.advance(FLUSH_SECONDS)
        await here.ledger.tried(3)
        assert here.ledger.told[-1] == (ADA, TODAY, Usage(10, 1000))
    assert here.ledger.sums[ADA, TODAY] == here.ada.used == Usage(12, 1200)
    assert here.ledger.tries == 3


async def test_a_new_subject_does_not_wait_for_the_round_of_the_others(here: Setting) -> None:
    other = Counter(Subject("owner", "eve"), TODAY)
    async with here.running() as teller:
        for tried in (1, 2):
            teller.take(here.ada, Usage(1))
            await here.ledger.tried(tried)
        await here.time.asleep(1)
        teller.take(other, Usage(1))
        await here.ledger.tried(3)
        assert other.settled


async def test_what_comes_while_one_part_is_on_its_way_is_another_part(here: Setting) -> None:
    here.ledger.open.clear()
    async with here.running() as teller:
        teller.take(here.ada, Usage(1, 10))
        await here.ledger.tried(1)
        teller.take(here.ada, Usage(1, 10))
        await here.time.asleep(1)
        assert here.ledger.tries == 1
        here.ledger.open.set()
        here.time.advance(FLUSH_SECONDS)
        await here.ledger.tried(2)
    assert here.ledger.told == [(ADA, TODAY, Usage(1, 10))] * 2
    assert here.ada.used == Usage(2, 20)


async def test_no_more_than_so_many_writes_are_under_way(here: Setting) -> None:
    counters = [Counter(Subject("owner", f"o{n}"), TODAY) for n in range(5 * LANES)]
    here.ledger.open.clear()
    async with here.running() as teller:
        for counter in counters:
            teller.take(counter, Usage(1))
        await here.ledger.tried(LANES)
        assert here.ledger.under_way == LANES
        here.ledger.open.set()
        await here.ledger.tried(len(counters))
    assert here.ledger.most_under_way == LANES
    assert all(here.ledger.sums[counter.subject, TODAY] == Usage(1) for counter in counters)


async def test_while_the_table_is_away_everything_is_kept_and_told_once_afterwards(
    here: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    here.ledger.away = AWAY
    async with here.running() as teller:
        teller.take(here.ada, Usage(1, 10))
        await here.ledger.tried(1)
        teller.take(here.ada, Usage(1, 10))
        for _ in range(4):
            await here.time.asleep(1)
            here.time.advance(LONGEST_PAUSE)
            await asyncio.sleep(0)
        assert here.ada.used == Usage(2, 20)
        assert not here.ada.settled
        assert here.ledger.told == []
        here.ledger.away = None
        tries = here.ledger.tries
        here.time.advance(LONGEST_PAUSE)
        await here.ledger.tried(tries + 1)
        here.time.advance(LONGEST_PAUSE)
    assert here.ledger.sums[ADA, TODAY] == here.ada.used == Usage(2, 20)
    warned = [record for record in caplog.records if "each replica counts for itself" in record.message]
    assert len(warned) == 1


async def test_with_the_table_away_not_every_counter_is_tried(here: Setting) -> None:
    here.ledger.away = AWAY
    async with here.running() as teller:
        for n in range(100 * LANES):
            teller.take(Counter(Subject("owner", f"o{n}"), TODAY), Usage(1))
        await here.ledger.tried(LANES)
        await here.time.asleep(1)
        assert here.ledger.tries <= 2 * LANES
        here.ledger.away = None
    assert len(here.ledger.told) == 100 * LANES


async def test_an_answer_that_is_lost_counts_nothing_twice(here: Setting) -> None:
    here.ledger.lost = AWAY
    async with here.running() as teller:
        teller.take(here.ada, Usage(1, 10))
        await here.ledger.tried(1)
        teller.take(here.ada, Usage(1, 10))
        here.ledger.lost = None
    assert here.ledger.told == [(ADA, TODAY, Usage(1, 10))] * 2
    assert here.ledger.sums[ADA, TODAY] == here.ada.used == Usage(2, 20)


async def test_whatever_goes_wrong_telling_goes_on(here: Setting) -> None:
    here.ledger.away = RuntimeError("a bug")
    async with here.running() as teller:
        teller.take(here.ada, Usage(1))
        await here.ledger.tried(1)
        here.ledger.away = None
        await here.time.asleep(1)
        here.time.advance(LONGEST_PAUSE)
        await here.ledger.tried(2)
        assert here.ada.settled


async def test_a_window_that_is_over_is_told_no_more(here: Setting) -> None:
    minute = Counter(ADA, Window.at(START, MINUTE))
    here.ledger.away = AWAY
    async with here.running() as teller:
        teller.take(minute, Usage(1))
        await here.ledger.tried(1)
        here.ledger.away = None
        here.time.advance(MINUTE + GRACE_SECONDS)
    assert here.ledger.told == []
    assert minute.settled


async def test_at_the_end_what_is_left_is_told(here: Setting) -> None:
    async with here.running() as teller:
        teller.take(here.ada, Usage(1, 10))
        await here.ledger.tried(1)
        teller.take(here.ada, Usage(1, 10))
        await here.ledger.tried(2)
        teller.take(here.ada, Usage(3, 30))
    assert here.ledger.sums[ADA, TODAY] == Usage(5, 50)


async def test_the_end_waits_no_longer_than_it_may(here: Setting, caplog: pytest.LogCaptureFixture) -> None:
    here.ledger.open.clear()
    teller = here.teller()
    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(10), teller.running(0.05):
            teller.take(here.ada, Usage(1))
            await here.ledger.tried(1)
    assert "not counted" in caplog.text
    assert here.ledger.told == []


async def test_a_part_that_was_on_its_way_at_the_end_is_counted_once(here: Setting) -> None:
    here.ledger.open.clear()
    async with here.running() as teller:
        teller.take(here.ada, Usage(1, 10))
        await here.ledger.tried(1)
        here.ledger.open.set()
    assert here.ledger.sums[ADA, TODAY] == Usage(1, 10)
