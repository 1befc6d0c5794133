"""ops.reconcile.repairs: no more is sent than the queue may hold, and no faster than the rate."""

import pytest

from bench.reconcile.simulated import Simulated, context
from ops.command_line.throttle import Throttle
from ops.reconcile.discrepancy import Discrepancy
from ops.reconcile.options import Options
from ops.reconcile.repairs import Repairs
from ops.reconcile.summary import Summary


class NeverEmptied(Simulated):
    """A queue from which no worker receives."""

    async def waiting(self) -> int:
        return self.sent


async def test_sending_ends_when_the_queue_is_full() -> None:
    simulated = NeverEmptied(0)
    run = context(simulated, Options(rate=float("inf"), backlog=2500))
    for number in range(6000):
        await run.repairs.send(Discrepancy.MISSED, str(number), "{}")
    await run.repairs.flush()
    assert 2500 < simulated.sent <= 3500
    assert run.summary.held_back
    assert run.summary.repairs == simulated.sent
    assert run.summary.of(Discrepancy.MISSED).left == 6000 - simulated.sent


@pytest.mark.parametrize("rate", [10, 200])
async def test_repairs_keep_to_the_rate(rate: int) -> None:
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
