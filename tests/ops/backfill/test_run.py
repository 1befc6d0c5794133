"""ops.backfill.run: what earlier runs sent is recognised, and failures are retried for a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from airlock.backfill import Sender
from airlock.backoff import Backoff
from airlock.errors import Unavailable
from airlock.upload_id import MAX_LIFETIME
from aws.s3.objects import Copied
from ops.backfill import run as run_module
from ops.backfill.assembly import assemble
from ops.backfill.options import Options
from ops.backfill.summary import Result, Status, Summary
from tests.ops.backfill.source_bucket import OWNER, SourceBucket
from tests.workers.harness import PNG


async def run_in_process(source: SourceBucket, change: Callable[[Any], object] = lambda run: None) -> Summary:
    """A run in this process, after `change` was applied to it."""
    harness = source.harness
    sender = Sender(OWNER, None, harness.profiles.get("strict"), [harness.secret])
    options = Options(source.bucket, "all/", sender, rate=1000, concurrency=4, dry_run=False)
    summary = Summary()
    run = assemble(
        harness.clients, harness.settings, options, summary=summary, stop=asyncio.Event(), on_result=lambda _: None
    )
    change(run)
    await run.run("")
    return summary


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_a_run_in_another_week_recognises_what_was_sent_in_this_one(source: SourceBucket) -> None:
    await source.put("all/one.png", PNG)
    assert (await run_in_process(source)).counts == {Status.SENT: 1}

    def later(run: Any) -> None:
        run.now = lambda: time.time() + MAX_LIFETIME + 60

    await source.put("all/two.png", PNG + b"2")
    assert (await run_in_process(source, later)).counts == {Status.DONE: 1, Status.SENT: 1}
    # A run of this week also recognises what was sent in the next one.
    assert (await run_in_process(source)).counts == {Status.DONE: 2}
    async with source.harness.working():
        await source.harness.idle()
    assert (await run_in_process(source)).counts == {Status.DONE: 2}
    assert len(await source.records()) == 2


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_a_failure_is_retried_and_many_in_a_row_end_the_run(
    source: SourceBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.command_line.throttle.ATTEMPTS", 3)
    monkeypatch.setattr("ops.command_line.throttle.BACKOFF", Backoff(first=0.01, longest=0.01))
    monkeypatch.setattr(run_module, "MAX_FAILURES_IN_A_ROW", 3)
    for number in range(9):
        await source.put(f"all/{number}.png", PNG + bytes([number]))
    refusals = {"all/0.png": 2, "all/1.png": 100}

    def overloaded(run: Any) -> None:
        copy: Callable[..., Awaitable[Copied]] = run.copier.objects.promote

        async def promote(source: Any, *args: Any, **described: Any) -> Copied:
            refusals[source.key] = refusals.get(source.key, 0) - 1
            if refusals[source.key] >= 0:
                raise Unavailable("s3", "CopyObject: SlowDown")
            return await copy(source, *args, **described)

        run.copier.objects.promote = promote

    summary = await run_in_process(source, overloaded)
    assert (summary.counts, summary.interrupted) == ({Status.SENT: 8, Status.FAILED: 1}, False)
    # A run that begins after this key misses nothing.
    assert summary.last == "all/0.png"

    for number in range(10, 30):
        await source.put(f"all/{number}.png", PNG + bytes([number]))
        refusals[f"all/{number}.png"] = 100
    summary = await run_in_process(source, overloaded)
    assert summary.interrupted
    assert 3 <= summary.counts[Status.FAILED] < 10


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_an_object_that_is_replaced_during_the_run_has_failed(source: SourceBucket) -> None:
    await source.put("all/one.png", PNG)
    results: list[Result] = []

    def replacing(run: Any) -> None:
        describe = run.copier.listing.describe

        async def replace_first(existing: Any) -> Any:
            await source.put("all/one.png", PNG + b"2")
            return await describe(existing)

        run.copier.listing.describe = replace_first
        run.on_result = results.append

    summary = await run_in_process(source, replacing)
    assert (summary.counts, summary.last) == ({Status.FAILED: 1}, "")
    assert [result.code for result in results] == ["changed"]
