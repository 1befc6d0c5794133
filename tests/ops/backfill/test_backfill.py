"""`airlock backfill`: what a bucket holds already goes through inspection, once, whatever interrupts it."""

import asyncio
import json
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airlock.backfill import Sender
from airlock.backoff import Backoff
from airlock.errors import Unavailable
from airlock.lifecycle import State
from airlock.upload_id import MAX_LIFETIME
from aws.dynamodb.records import Record
from aws.s3.objects import Copied
from aws.settings import AwsSettings
from ops.backfill import run as run_module
from ops.backfill.assembly import assemble
from ops.backfill.options import Options
from ops.backfill.summary import Status, Summary
from ops.dev.emulator import ACCOUNT
from tests.deployment import keys_of
from tests.ops.terminal import COMMAND, Ran, airlock
from tests.workers.harness import EICAR, PNG, WorkerHarness, harness_in

OWNER = "archive"
STRANGE = "all/ü b+c&d=%20/päper #1.png"


@dataclass
class Old:
    """A bucket that was there before Airlock, and the deployment that is to inspect what is in it."""

    harness: WorkerHarness
    bucket: str

    async def put(self, key: str, body: bytes, content_type: str = "image/png") -> None:
        await self.harness.clients.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    async def fill(self) -> dict[str, bytes]:
        """30 objects, of which the profile `strict` takes 26; two of these are infected. Returns the 24 good ones."""
        good = {f"all/{number:02}.png": PNG + bytes([number]) for number in range(23)} | {STRANGE: PNG + b"strange"}
        for key, body in good.items():
            await self.put(key, body)
        for number in range(2):
            await self.put(f"all/1{number}-bad.png", EICAR + bytes([number]))
            await self.put(f"all/2{number}-text.txt", b"text", "text/plain")
            await self.put(f"all/3{number}-large.png", PNG + bytes(2048))
        return good

    async def state(self) -> list[tuple[str, str, str]]:
        listed = await self.harness.clients.s3.list_objects_v2(Bucket=self.bucket)
        return [(item["Key"], item["ETag"], str(item["LastModified"])) for item in listed.get("Contents", [])]

    @property
    def environment(self) -> dict[str, str]:
        """As the operator's user."""
        return {**self.harness.environment(), **keys_of("operator", self.harness.settings).environment()}

    def arguments(self, *more: str | Path) -> list[str | Path]:
        return ["backfill", f"s3://{self.bucket}/all/", "--owner", OWNER, "--profile", "strict", *more]

    async def run(self, *more: str | Path) -> Ran:
        return await airlock(*self.arguments(*more), **self.environment)

    async def records(self) -> list[Record]:
        return (await self.harness.records.list(OWNER, limit=100)).records


@pytest.fixture(params=["", "Enabled"], ids=["unversioned", "versioned"])
def versioning(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
async def old(deployment: AwsSettings, tmp_path: Path, versioning: str) -> AsyncIterator[Old]:
    async with harness_in(deployment, tmp_path) as harness:
        bucket = f"old-{secrets.token_hex(4)}"
        s3: Any = harness.clients.s3
        await s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": deployment.region})
        if versioning:
            await s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": versioning})
        await s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_readable(bucket, deployment.incoming_bucket)))
        yield Old(harness, bucket)


def _readable(bucket: str, deployment: str) -> dict[str, Any]:
    """What docs/repair.md says that the operator needs on the source."""
    who = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{deployment}-operator"}
    objects = {"Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": f"arn:aws:s3:::{bucket}/*"}
    listing = {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": who, **each} for each in (objects, listing)],
    }


async def _each_has_one_verdict(old: Old, good: dict[str, bytes]) -> None:
    await old.harness.idle()
    records = await old.records()
    assert Counter(record.state for record in records) == {State.ACCEPTED: 24, State.INFECTED: 2}
    assert {record.overwrites for record in records} == {0}
    assert sorted((await old.harness.accepted()).values()) == sorted(good.values())
    assert len(await old.harness.versions(old.harness.settings.accepted_bucket)) == 24
    assert await old.harness.incoming() == []


async def test_every_object_that_the_profile_takes_gets_its_verdict(old: Old) -> None:
    good = await old.fill()
    before = await old.state()
    async with old.harness.working():
        ran = await old.run("--json")
        assert ran.code == 3, ran
        await _each_has_one_verdict(old, good)
    *told, counted = ran.documents
    assert (counted["sent"], counted["refused"], counted["failed"]) == (26, 4, 0)
    assert counted["codes"] == {"content_type_not_allowed": 2, "size_too_large": 2}
    assert counted["bytes"] == sum(map(len, good.values())) + 2 * (len(EICAR) + 1)
    assert {each["key"] for each in told if each["outcome"] == "refused"} == {
        f"all/{name}" for name in ("20-text.txt", "21-text.txt", "30-large.png", "31-large.png")
    }
    assert await old.state() == before

    strange = next(record for record in await old.records() if record.filename == "päper #1.png")
    assert (strange.owner, strange.profile, strange.content_type) == (OWNER, "strict", "image/png")
    assert strange.declared_size == len(PNG) + len(b"strange")
    assert {each["upload"] for each in told if each["outcome"] == "sent"} == {r.id for r in await old.records()}


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_a_run_that_is_killed_half_way_is_gone_on_with(old: Old) -> None:
    good = await old.fill()
    async with old.harness.working():
        process = await _started(old, "--json", "--rate", "25/s", "--concurrency", "3")
        for _ in range(12):
            await process.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
        process.kill()
        await process.communicate()
        # What the worker is at has a record and is in incoming too.
        begun = {record.id for record in await old.records()}
        begun |= {key.rpartition("/")[2] for key, _ in await old.harness.incoming()}
        assert 0 < len(begun) < 26

        ran = await old.run("--json")
        counted = ran.documents[-1]
        assert ran.code == 3
        assert counted["done"] + counted["sent"] == 26
        assert counted["done"] >= 8
        await _each_has_one_verdict(old, good)


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_what_nobody_looked_at_yet_is_not_sent_again(old: Old) -> None:
    good = await old.fill()
    assert (await old.run()).code == 3
    ran = await old.run("--json")
    assert (ran.documents[-1]["done"], ran.documents[-1]["sent"]) == (26, 0)
    assert len(await old.harness.incoming()) == 26
    async with old.harness.working():
        await _each_has_one_verdict(old, good)


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_ctrl_c_ends_it_and_the_checkpoint_leads_on(old: Old, tmp_path: Path) -> None:
    await old.fill()
    note = tmp_path / "far"
    process = await _started(old, "--json", "--rate", "25/s", "--concurrency", "2", "--checkpoint", note)
    for _ in range(8):
        await process.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    counted = json.loads(out.splitlines()[-1])
    assert (process.returncode, counted["interrupted"], err) == (130, True, b"")
    last = json.loads(note.read_text())["last"]
    assert last == counted["last"] >= "all/00.png"

    ran = await old.run("--json", "--checkpoint", note)
    assert all(each["key"] > last for each in ran.documents[:-1])
    assert len(await old.harness.incoming()) == 26
    assert not note.exists()


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_a_checkpoint_of_another_run_is_refused(old: Old, tmp_path: Path) -> None:
    note = tmp_path / "far"
    note.write_text(json.dumps({"bucket": "other", "prefix": "", "owner": OWNER, "profile": "strict", "last": "k"}))
    ran = await old.run("--checkpoint", note)
    assert (ran.code, "is the checkpoint of s3://other/" in ran.err) == (1, True)
    note.write_text("{}")
    assert "is not a checkpoint" in (await old.run("--checkpoint", note)).err


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_a_dry_run_sends_nothing_and_tells_the_same(old: Old) -> None:
    await old.fill()
    ran = await old.run("--dry-run")
    assert ran.code == 3
    assert "26  sent to inspection" in ran.out
    assert " 4  refused by the profile" in ran.out
    assert f"✗ all/30-large.png  size is {len(PNG) + 2048}; the profile 'strict' takes 1 to 1024 bytes" in ran.out
    assert "Dry run: nothing was sent." in ran.out
    assert await old.harness.incoming() == []


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_what_is_replaced_is_another_object(old: Old) -> None:
    await old.put("all/one.png", PNG)
    assert (await old.run()).code == 0
    await old.put("all/one.png", PNG + b"2")
    assert (await old.run("--json")).documents[-1]["sent"] == 1
    assert len(await old.harness.incoming()) == 2


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_folders_are_no_objects_and_keys_can_be_skipped(old: Old) -> None:
    for key, body in {"all/": b"", "all/a/": b"", "all/a/1.png": PNG, "all/b.png": PNG}.items():
        await old.put(key, body)
    counted = (await old.run("--json", "--start-after", "all/a/1.png")).documents[-1]
    assert (counted["sent"], counted["skipped"]) == (1, 0)
    counted = (await old.run("--json")).documents[-1]
    assert (counted["sent"], counted["done"], counted["skipped"], counted["last"]) == (1, 1, 2, "all/b.png")


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_what_cannot_be_is_a_usage_error(old: Old) -> None:
    settings = old.harness.settings
    for bucket in (settings.incoming_bucket, settings.accepted_bucket, settings.quarantine_bucket):
        ran = await airlock("backfill", f"s3://{bucket}", "--owner", "a", "--profile", "strict", **old.environment)
        assert (ran.code, "is Airlock's own" in ran.err) == (2, True), ran
    wrong = ["backfill", f"s3://{old.bucket}", "--owner", "a", "--profile"]
    assert "profile must be one of: default" in (await airlock(*wrong, "none", **old.environment)).err
    assert (await airlock(*wrong, "strict", "--rate", "fast", **old.environment)).code == 2
    assert (await airlock("backfill", "old", "--owner", "a", "--profile", "x", **old.environment)).code == 2


async def _started(old: Old, *more: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        *map(str, old.arguments(*more)),
        env={**os.environ, **old.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _within(old: Old, change: Callable[[Any], object] = lambda run: None) -> Summary:
    """A run in this process."""
    harness = old.harness
    sender = Sender(OWNER, None, harness.profiles.get("strict"), [harness.secret])
    options = Options(old.bucket, "all/", sender, rate=1000, concurrency=4, dry_run=False)
    summary = Summary()
    run = assemble(
        harness.clients, harness.settings, options, summary=summary, stop=asyncio.Event(), on_result=lambda _: None
    )
    change(run)
    await run.run("")
    return summary


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_a_run_in_another_week_knows_what_was_sent_in_this_one(old: Old) -> None:
    await old.put("all/one.png", PNG)
    assert (await _within(old)).counts == {Status.SENT: 1}

    def later(run: Any) -> None:
        run.now = lambda: time.time() + MAX_LIFETIME + 60

    await old.put("all/two.png", PNG + b"2")
    assert (await _within(old, later)).counts == {Status.DONE: 1, Status.SENT: 1}
    # And this week's runs know of the next one's.
    assert (await _within(old)).counts == {Status.DONE: 2}
    async with old.harness.working():
        await old.harness.idle()
    assert (await _within(old)).counts == {Status.DONE: 2}
    assert len(await old.records()) == 2


@pytest.mark.parametrize("versioning", ["Enabled"])
async def test_a_moment_of_too_much_is_waited_out_and_no_more_than_some_failures_in_a_row_are(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.command_line.throttle.ATTEMPTS", 3)
    monkeypatch.setattr("ops.command_line.throttle.BACKOFF", Backoff(first=0.01, longest=0.01))
    monkeypatch.setattr(run_module, "MAX_FAILURES_IN_A_ROW", 3)
    for number in range(9):
        await old.put(f"all/{number}.png", PNG + bytes([number]))
    refusals = {"all/0.png": 2, "all/1.png": 100}

    def busy(run: Any) -> None:
        copy: Callable[..., Awaitable[Copied]] = run.copier.objects.promote

        async def promote(source: Any, *args: Any, **described: Any) -> Copied:
            refusals[source.key] = refusals.get(source.key, 0) - 1
            if refusals[source.key] >= 0:
                raise Unavailable("s3", "CopyObject: SlowDown")
            return await copy(source, *args, **described)

        run.copier.objects.promote = promote

    summary = await _within(old, busy)
    assert (summary.counts, summary.interrupted) == ({Status.SENT: 8, Status.FAILED: 1}, False)
    # Whoever goes on from there misses nothing.
    assert summary.last == "all/0.png"

    for number in range(10, 30):
        await old.put(f"all/{number}.png", PNG + bytes([number]))
        refusals[f"all/{number}.png"] = 100
    summary = await _within(old, busy)
    assert summary.interrupted
    assert 3 <= summary.counts[Status.FAILED] < 10
