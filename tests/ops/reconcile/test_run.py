"""ops.reconcile.run over any number of keys: one page at a time, of which only counts are kept."""

import gc
from collections import Counter

from aws.dynamodb.record import Record
from aws.maintenance.listing import Version
from bench.reconcile.simulated import PAGE, Simulated, context, damaged
from ops.reconcile.discrepancy import Discrepancy
from ops.reconcile.options import Options
from ops.reconcile.run import scan_all
from ops.reconcile.summary import MAX_EXAMPLES

KEYS = 20_000


def in_memory() -> int:
    """How many versions and records are in memory."""
    return sum(1 for one in gc.get_objects() if isinstance(one, Version | Record))


async def test_a_page_is_read_when_the_repairs_of_the_one_before_are_sent() -> None:
    sent_before: dict[int, int] = {}
    read: Counter[str] = Counter()

    def on_page(place: str, page: int) -> None:
        assert page == read[place]
        read[place] += 1
        if place == "incoming":
            sent_before[page] = simulated.sent

    simulated = Simulated(KEYS, on_page)
    run = context(simulated)
    await scan_all(run)
    assert sent_before == {page: damaged(page * PAGE) for page in range(KEYS // PAGE)}
    assert read == {"incoming": 20, "accepted": 2, "quarantine": 1, "table": 2}
    assert set(run.summary.counts) == {Discrepancy.MISSED, Discrepancy.STUCK, Discrepancy.UNFINISHED}
    assert sum(count.found for count in run.summary.counts.values()) == run.summary.repairs == damaged(KEYS)
    assert all(len(count.examples) == MAX_EXAMPLES for count in run.summary.counts.values())


async def test_of_a_page_nothing_is_kept_when_the_next_one_is_read() -> None:
    most = 0

    def on_page(_place: str, _page: int) -> None:
        nonlocal most
        most = max(most, in_memory())

    # Objects from before the test are not searched: that would take most of the time.
    gc.freeze()
    try:
        await scan_all(context(Simulated(KEYS, on_page)))
    finally:
        gc.unfreeze()
    # The last page, and its records.
    assert PAGE <= most <= 2 * PAGE + 10


async def test_a_dry_run_sends_nothing() -> None:
    simulated = Simulated(PAGE)
    run = context(simulated, Options(dry_run=True))
    await scan_all(run)
    assert (simulated.sent, run.summary.repairs, run.summary.of(Discrepancy.MISSED).left) == (0, 0, 11)
