"""`airlock backfill`: the objects of a bucket are inspected, each once, whatever interrupts a run."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from tests.ops.backfill.source_bucket import OWNER, SourceBucket, each_has_one_verdict
from tests.ops.terminal import COMMAND, airlock, airlock_on_terminal
from tests.workers.harness import EICAR, PNG


async def test_every_object_that_the_profile_allows_gets_its_verdict(source: SourceBucket) -> None:
    good = await source.fill()
    before = await source.state()
    async with source.harness.working():
        ran = await source.run("--json")
        assert ran.code == 3, ran
        await each_has_one_verdict(source, good)
    *results, counted = ran.documents
    assert (counted["sent"], counted["refused"], counted["failed"]) == (26, 4, 0)
    assert counted["codes"] == {"content_type_not_allowed": 2, "size_too_large": 2}
    assert counted["bytes"] == sum(map(len, good.values())) + 2 * (len(EICAR) + 1)
    assert {each["key"] for each in results if each["outcome"] == "refused"} == {
        f"all/{name}" for name in ("20-text.txt", "21-text.txt", "30-large.png", "31-large.png")
    }
    assert await source.state() == before

    strange = next(record for record in await source.records() if record.filename == "päper #1.png")
    assert (strange.owner, strange.profile, strange.content_type) == (OWNER, "strict", "image/png")
    assert strange.declared_size == len(PNG) + len(b"strange")
    assert {each["upload"] for each in results if each["outcome"] == "sent"} == {r.id for r in await source.records()}


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_a_run_after_one_that_was_killed_sends_the_rest(source: SourceBucket) -> None:
    good = await source.fill()
    async with source.harness.working():
        process = await _started(source, "--json", "--rate", "25/s", "--concurrency", "3")
        for _ in range(12):
            await process.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
        process.kill()
        await process.communicate()
        # While a worker inspects an object, it has a record and is in incoming too.
        begun = {record.id for record in await source.records()}
        begun |= {key.rpartition("/")[2] for key, _ in await source.harness.incoming()}
        assert 0 < len(begun) < 26

        ran = await source.run("--json")
        counted = ran.documents[-1]
        assert ran.code == 3
        assert counted["done"] + counted["sent"] == 26
        assert counted["done"] >= 8
        await each_has_one_verdict(source, good)


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_objects_that_wait_for_their_inspection_are_not_sent_again(source: SourceBucket) -> None:
    good = await source.fill()
    assert (await source.run()).code == 3
    ran = await source.run("--json")
    assert (ran.documents[-1]["done"], ran.documents[-1]["sent"]) == (26, 0)
    assert len(await source.harness.incoming()) == 26
    async with source.harness.working():
        await each_has_one_verdict(source, good)


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_after_ctrl_c_a_run_continues_from_the_checkpoint(source: SourceBucket, tmp_path: Path) -> None:
    await source.fill()
    checkpoint = tmp_path / "checkpoint"
    process = await _started(source, "--json", "--rate", "25/s", "--concurrency", "2", "--checkpoint", checkpoint)
    for _ in range(8):
        await process.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    counted = json.loads(out.splitlines()[-1])
    assert (process.returncode, counted["interrupted"], err) == (130, True, b"")
    last = json.loads(checkpoint.read_text())["last"]
    assert last == counted["last"] >= "all/00.png"

    ran = await source.run("--json", "--checkpoint", checkpoint)
    assert all(each["key"] > last for each in ran.documents[:-1])
    assert len(await source.harness.incoming()) == 26
    assert not checkpoint.exists()


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_a_checkpoint_of_another_run_is_refused(source: SourceBucket, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    other = {"bucket": "other", "prefix": "", "owner": OWNER, "profile": "strict", "last": "k"}
    checkpoint.write_text(json.dumps(other))
    ran = await source.run("--checkpoint", checkpoint)
    assert (ran.code, "is the checkpoint of s3://other/" in ran.err) == (1, True)
    checkpoint.write_text("{}")
    assert "is not a checkpoint" in (await source.run("--checkpoint", checkpoint)).err


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_a_dry_run_sends_nothing_and_reports_the_same(source: SourceBucket) -> None:
    await source.fill()
    ran = await source.run("--dry-run")
    assert ran.code == 3
    assert "26  sent to inspection" in ran.out
    assert " 4  refused by the profile" in ran.out
    assert f"✗ all/30-large.png  size is {len(PNG) + 2048}; the profile 'strict' takes 1 to 1024 bytes" in ran.out
    assert "Dry run: nothing was sent." in ran.out
    assert await source.harness.incoming() == []


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_an_object_that_was_replaced_is_another_object(source: SourceBucket) -> None:
    await source.put("all/one.png", PNG)
    assert (await source.run()).code == 0
    await source.put("all/one.png", PNG + b"2")
    assert (await source.run("--json")).documents[-1]["sent"] == 1
    assert len(await source.harness.incoming()) == 2


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_folders_are_skipped_and_start_after_skips_keys(source: SourceBucket) -> None:
    for key, body in {"all/": b"", "all/a/": b"", "all/a/1.png": PNG, "all/b.png": PNG}.items():
        await source.put(key, body)
    counted = (await source.run("--json", "--start-after", "all/a/1.png")).documents[-1]
    assert (counted["sent"], counted["skipped"]) == (1, 0)
    counted = (await source.run("--json")).documents[-1]
    assert (counted["sent"], counted["done"], counted["skipped"], counted["last"]) == (1, 1, 2, "all/b.png")


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_an_empty_bucket_and_objects_in_an_archive_are_reported(source: SourceBucket) -> None:
    ran = await source.run()
    assert (ran.code, ran.out) == (0, f"No object found at s3://{source.bucket}/all/.\n")
    await source.harness.clients.s3.put_object(
        Bucket=source.bucket, Key="all/archived.png", Body=PNG, ContentType="image/png", StorageClass="GLACIER"
    )
    ran = await source.run()
    assert ran.code == 3
    assert "✗ all/archived.png  The object is in an archive tier: restore it first. (archived)\n" in ran.out


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_on_a_terminal_the_progress_is_shown(source: SourceBucket) -> None:
    await source.put("all/one.png", PNG)
    code, printed = await airlock_on_terminal(*source.arguments("--dry-run"), **source.environment)
    assert code == 0
    # A short run can end before the counts are drawn.
    assert "listing" in printed or "1 sent" in printed
    assert "Dry run: nothing was sent." in printed


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_wrong_buckets_profiles_and_rates_are_usage_errors(source: SourceBucket) -> None:
    settings = source.harness.settings
    for bucket in (settings.incoming_bucket, settings.accepted_bucket, settings.quarantine_bucket):
        ran = await airlock("backfill", f"s3://{bucket}", "--owner", "a", "--profile", "strict", **source.environment)
        assert (ran.code, "is Airlock's own" in ran.err) == (2, True), ran
    wrong = ["backfill", f"s3://{source.bucket}", "--owner", "a", "--profile"]
    assert "profile must be one of: default" in (await airlock(*wrong, "none", **source.environment)).err
    assert (await airlock(*wrong, "strict", "--rate", "fast", **source.environment)).code == 2
    others = ["backfill", f"s3://{source.bucket}", "--owner", "mallory", "--profile", "private"]
    with settings.profiles.open("a") as profiles:
        profiles.write('[profiles.private]\ncontent_types = ["*/*"]\nmax_bytes = 1\nowners = ["alice"]\n')
    refused = await airlock(*others, **source.environment)
    assert (refused.code, "the owner 'mallory' may not use the profile 'private'" in refused.err) == (2, True)
    assert (await airlock("backfill", "old", "--owner", "a", "--profile", "x", **source.environment)).code == 2


async def _started(source: SourceBucket, *more: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        *map(str, source.arguments(*more)),
        env={**os.environ, **source.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
