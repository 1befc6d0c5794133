"""A bucket from before Airlock, and the deployment that inspects its objects."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from airlock.lifecycle import State
from aws.dynamodb.records import Record
from tests.deployment import keys_of
from tests.ops.terminal import Ran, airlock
from tests.workers.harness import EICAR, PNG, WorkerHarness

OWNER = "archive"

STRANGE = "all/ü b+c&d=%20/päper #1.png"


@dataclass
class SourceBucket:
    """A bucket from before Airlock, and the deployment that inspects its objects."""

    harness: WorkerHarness
    bucket: str

    async def put(self, key: str, body: bytes, content_type: str = "image/png") -> None:
        await self.harness.clients.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    async def fill(self) -> dict[str, bytes]:
        """Store 30 objects: the profile `strict` allows 26, of which two are infected. Returns the 24 harmless ones."""
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
        """The environment of the operator's user."""
        return {**self.harness.environment(), **keys_of("operator", self.harness.settings).environment()}

    def arguments(self, *more: str | Path) -> list[str | Path]:
        return ["backfill", f"s3://{self.bucket}/all/", "--owner", OWNER, "--profile", "strict", *more]

    async def run(self, *more: str | Path) -> Ran:
        return await airlock(*self.arguments(*more), **self.environment)

    async def records(self) -> list[Record]:
        return (await self.harness.records.list(OWNER, limit=100)).records


async def each_has_one_verdict(source: SourceBucket, good: dict[str, bytes]) -> None:
    await source.harness.idle()
    records = await source.records()
    assert Counter(record.state for record in records) == {State.ACCEPTED: 24, State.INFECTED: 2}
    assert {record.overwrites for record in records} == {0}
    assert sorted((await source.harness.accepted()).values()) == sorted(good.values())
    assert len(await source.harness.versions(source.harness.settings.accepted_bucket)) == 24
    assert await source.harness.incoming() == []
