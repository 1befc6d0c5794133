"""`airlock reconcile`: what the command prints, and runs that meet a full queue, each other, or an outage."""

import asyncio
import time
from pathlib import Path

import pytest

from airlock.errors import Unavailable
from ops.reconcile.discrepancy import Discrepancy
from ops.reconcile.run import reconcile
from ops.reconcile.summary import Summary
from tests.deployment import connected_as, keys_of
from tests.deployment_pool import Pool
from tests.ops.reconcile.steps import HOUR, VISIBILITY, claimed, found, recorded, run, run_worker
from tests.ops.terminal import airlock, airlock_on_terminal, airlock_without_pauses
from tests.workers.harness import PNG, WorkerHarness, harness_in


async def test_nothing_is_sent_to_a_full_queue(deployment_pool: Pool, tmp_path: Path) -> None:
    """The messages that wait may be the notifications that seem to be missing."""
    # In a deployment of its own: elsewhere the worker of an earlier test may still receive these messages.
    async with harness_in(await deployment_pool.make(), tmp_path) as harness:
        for _ in range(5):
            await harness.send("{}")
        await harness.put(PNG)
        summary = await run(harness, backlog=2)
        assert (summary.held_back, summary.of(Discrepancy.MISSED).left) == (True, 1)
        ran = await airlock("reconcile", "--grace", "0s", "--backlog", "2", **environment(harness))
        assert ran.code == 0
        assert "The queue is too full to send more messages: run the command again later.\n" in ran.out
        summary = await run(harness, backlog=20)
        assert (summary.held_back, summary.of(Discrepancy.MISSED).left) == (False, 0)


async def test_runs_at_the_same_time_as_each_other_and_a_worker_do_no_harm(harness: WorkerHarness) -> None:
    sent = [await harness.put(PNG) for _ in range(12)]
    await claimed(harness, sent[0])
    await recorded(harness, await claimed(harness, sent[1]))
    async with harness.working(visibility=VISIBILITY):
        await asyncio.gather(*(run(harness) for _ in range(3)))
        for each in sent:
            await harness.settled(each)
        await harness.idle()
    assert await found(harness) == {}
    assert await harness.incoming() == []
    assert len(await harness.versions(harness.settings.accepted_bucket)) == 12
    assert len({event["id"] for event in await harness.events(12)}) == 12


async def test_an_outage_ends_a_run_and_the_next_one_repairs_what_is_left(harness: WorkerHarness) -> None:
    for _ in range(12):
        await harness.put(PNG)
    summary, pauses = Summary(), []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    without_queue = harness.settings.model_copy(update={"queue": "nowhere"})
    async with connected_as(keys_of("operator", harness.settings), harness.settings) as clients:
        with pytest.raises(Unavailable, match="sqs"):
            await reconcile(clients, without_queue, now=lambda: time.time() + HOUR, sleep=sleep, summary=summary)
    assert (summary.of(Discrepancy.MISSED).found, summary.repairs) == (10, 0)
    assert pauses == [1, 2, 4, 8]
    assert (await run(harness)).of(Discrepancy.MISSED).repaired == 12


def environment(harness: WorkerHarness) -> dict[str, str]:
    """That of an operator's pod: without AIRLOCK_SECRETS."""
    variables = {name: value for name, value in harness.environment().items() if name != "AIRLOCK_SECRETS"}
    return {**variables, **keys_of("operator", harness.settings).environment()}


async def test_the_command_prints_what_it_found_and_repaired(harness: WorkerHarness) -> None:
    sent = await harness.put(PNG)
    ran = await airlock("reconcile", "--grace", "0s", "--dry-run", "--json", **environment(harness))
    assert (ran.code, ran.err) == (0, "")
    [document] = ran.documents
    assert document["kinds"]["missed"] == {
        "found": 1,
        "repaired": 0,
        "left": 1,
        "examples": [f"{harness.settings.incoming_bucket}/{sent.key}?versionId={sent.version_id}"],
    }
    assert (document["dry_run"], document["finished"]) == (True, True)
    ran = await airlock("reconcile", "--grace", "0s", "--dry-run", **environment(harness))
    assert ran.out.endswith("Dry run: nothing was changed.\n")
    ran = await airlock("reconcile", "--grace", "0s", **environment(harness))
    assert (ran.code, ran.err) == (0, "")
    assert "versions in incoming (1)" in ran.out
    assert "missed: an object in incoming that was never inspected" in ran.out
    assert sent.key in ran.out
    await run_worker(harness)
    ran = await airlock("reconcile", **environment(harness))
    assert (ran.code, "Nothing to repair." in ran.out) == (0, True)


async def test_on_a_terminal_the_progress_is_shown(harness: WorkerHarness) -> None:
    code, printed = await airlock_on_terminal("reconcile", "--only", "incoming", **environment(harness))
    assert code == 0
    assert "versions in incoming" in printed.partition("Scanned")[0]


async def test_a_wrong_option_is_exit_2_and_an_outage_exit_1(harness: WorkerHarness) -> None:
    ran = await airlock("reconcile", "--grace", "soon", **environment(harness))
    assert (ran.code, "must be a number and one of s, m, h, d" in ran.err) == (2, True)
    missing = {**environment(harness), "AIRLOCK_TABLE": "missing"}
    ran = await airlock_without_pauses("reconcile", "--only", "records", **missing)
    assert (ran.code, "Scanned nothing." in ran.out) == (1, True)
    assert ran.err.startswith("Error: dynamodb")
