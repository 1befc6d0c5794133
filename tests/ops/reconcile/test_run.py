"""ops.reconcile over any number of keys: one page at a time, and nothing is kept of it but counts."""

import gc
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock.errors import Unavailable
from aws.dynamodb.record import Record
from aws.maintenance.listing import Version
from bench.reconcile.simulated import PAGE, Simulated, context, damaged, upload_of
from ops.command_line.throttle import ATTEMPTS, Throttle
from ops.reconcile.bloom_filter import BloomFilter
from ops.reconcile.discrepancy import SENTENCES, Discrepancy
from ops.reconcile.options import Options
from ops.reconcile.repairs import Repairs
from ops.reconcile.run import scan_all
from ops.reconcile.summary import MAX_EXAMPLES, Summary

KEYS = 20_000


def alive() -> int:
    """How many versions and records there are."""
    return sum(1 for one in gc.get_objects() if isinstance(one, Version | Record))


async def test_no_page_is_asked_for_before_the_one_before_it_was_worked_through() -> None:
    sent_before: dict[int, int] = {}
    asked: Counter[str] = Counter()

    def hear(place: str, page: int) -> None:
        assert page == asked[place]
        asked[place] += 1
        if place == "incoming":
            sent_before[page] = simulated.sent

    simulated = Simulated(KEYS, hear)
    run = context(simulated)
    await scan_all(run)
    # Whatever a page needs is sent before the next one is asked for.
    assert sent_before == {page: damaged(page * PAGE) for page in range(KEYS // PAGE)}
    assert asked == {"incoming": 20, "accepted": 2, "quarantine": 1, "table": 2}
    assert set(run.summary.counts) == {Discrepancy.MISSED, Discrepancy.STUCK, Discrepancy.UNFINISHED}
    assert sum(count.found for count in run.summary.counts.values()) == run.summary.repairs == damaged(KEYS)
    assert all(len(count.examples) == MAX_EXAMPLES for count in run.summary.counts.values())


async def test_nothing_is_kept_of_a_page_when_the_next_one_is_asked_for() -> None:
    most = 0

    def hear(_place: str, _page: int) -> None:
        nonlocal most
        most = max(most, alive())

    # What was there before is not looked at: that would take most of the time.
    gc.freeze()
    try:
        await scan_all(context(Simulated(KEYS, hear)))
    finally:
        gc.unfreeze()
    # The last page itself, and what was known of its keys.
    assert PAGE <= most <= 2 * PAGE + 10


async def test_a_dry_run_sends_nothing() -> None:
    simulated = Simulated(PAGE)
    run = context(simulated, Options(dry_run=True))
    await scan_all(run)
    assert (simulated.sent, run.summary.repairs, run.summary.of(Discrepancy.MISSED).left) == (0, 0, 11)


class Overflowing(Simulated):
    """A queue that nobody empties."""

    async def waiting(self) -> int:
        return self.sent


async def test_no_more_is_sent_than_the_queue_is_to_hold_and_a_little() -> None:
    simulated = Overflowing(0)
    run = context(simulated, Options(rate=float("inf"), backlog=2500))
    for number in range(6000):
        await run.repairs.send(Discrepancy.MISSED, str(number), "{}")
    await run.repairs.flush()
    assert 2500 < simulated.sent <= 3500
    assert run.summary.held_back
    assert run.summary.repairs == simulated.sent
    assert run.summary.of(Discrepancy.MISSED).left == 6000 - simulated.sent


@pytest.mark.parametrize("rate", [10, 200])
async def test_repairs_keep_to_their_rate(rate: int) -> None:
    clock = [100.0]

    async def sleep(seconds: float) -> None:
        clock[0] += seconds

    options, summary, simulated = Options(rate=rate), Summary(), Simulated(0)
    repairs = Repairs(simulated, options, summary, Throttle(rate, lambda: clock[0], sleep))
    for number in range(1000):
        await repairs.send(Discrepancy.MISSED, str(number), "{}")
    await repairs.flush()
    assert simulated.sent == 1000
    assert clock[0] - 100 == pytest.approx((1000 - 10) / rate)


async def test_what_comes_back_in_time_is_waited_for_and_what_does_not_is_told() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def away() -> int:
        if len(pauses) < failures:
            raise Unavailable("s3", "is unavailable")
        return 7

    throttle = Throttle(1, lambda: 0.0, sleep)
    failures = ATTEMPTS - 1
    assert await throttle.retry(away) == 7
    pauses.clear()
    failures += 1
    with pytest.raises(Unavailable):
        await throttle.retry(away)
    assert pauses == [1, 2, 4, 8]


@given(st.sets(st.text(max_size=20), max_size=50))
def test_what_was_seen_is_never_forgotten(names: set[str]) -> None:
    seen = BloomFilter(b"salt")
    for name in names:
        seen.add(name)
    assert all(name in seen for name in names)


def test_hardly_anything_else_is_taken_for_seen() -> None:
    seen = BloomFilter(b"salt")
    for number in range(20_000):
        seen.add(upload_of(number))
    assert sum(upload_of(number) in seen for number in range(20_000, 40_000)) == 0


def test_every_kind_has_its_sentence_and_the_page_names_it() -> None:
    assert set(SENTENCES) == set(Discrepancy)
    page = (Path(__file__).parents[3] / "docs" / "repair.md").read_text()
    assert all(f"`{discrepancy}`" in page for discrepancy in Discrepancy)
