"""Objects, as the worker reads, copies and deletes them: on the fake S3 of its tests, and on the emulator.

moto does not enforce the conditions.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pytest

from airlock.errors import VersionGone
from aws.clients import connect
from aws.s3.objects import Objects, Pinned
from aws.settings import AwsSettings
from tests.workers.fakes.s3 import FakeS3

KEYS = ["plain", "a b+c%20d", "ünï/☃/🎉"]


class Put(Protocol):
    """Stores one version."""

    def __call__(self, key: str, body: bytes, **metadata: str) -> Awaitable[Pinned]: ...


@dataclass(frozen=True)
class Store:
    """Two empty buckets. `put` stores in `incoming`; `read` gives the bytes of a version."""

    objects: Objects
    incoming: str
    accepted: str
    put: Put
    read: Callable[[str, str, str], Awaitable[bytes]]


@pytest.fixture(params=["fake", pytest.param("buckets", id="emulator", marks=pytest.mark.server)])
def buckets_or_fake(request: pytest.FixtureRequest) -> AwsSettings | None:
    if request.param == "fake":
        return None
    settings: AwsSettings = request.getfixturevalue("buckets")
    return settings


@pytest.fixture
async def store(buckets_or_fake: AwsSettings | None) -> AsyncIterator[Store]:
    if buckets_or_fake is None:
        yield _fake()
        return
    async with connect(buckets_or_fake, services=("s3",)) as clients:
        s3, bucket = clients.s3, buckets_or_fake.incoming_bucket

        async def put(key: str, body: bytes, **metadata: str) -> Pinned:
            made = await s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/html", Metadata=metadata)
            return Pinned(bucket, key, made["VersionId"], made["ETag"].strip('"'), len(body))

        async def read(where: str, key: str, version_id: str) -> bytes:
            return await (await s3.get_object(Bucket=where, Key=key, VersionId=version_id))["Body"].read()

        yield Store(Objects(s3), bucket, buckets_or_fake.accepted_bucket, put, read)


def _fake() -> Store:
    s3 = FakeS3()
    client: Any = s3

    async def put(key: str, body: bytes, **metadata: str) -> Pinned:
        made = s3.put("incoming", key, body, metadata, "text/html")
        return Pinned("incoming", key, made.id, made.etag, len(body))

    async def read(where: str, key: str, version_id: str) -> bytes:
        found = s3.find(where, key, version_id)
        assert found is not None
        return found.body

    return Store(Objects(client), "incoming", "accepted", put, read)


@pytest.fixture
def objects(store: Store) -> Objects:
    return store.objects


async def body_of(objects: Objects, pinned: Pinned) -> bytes:
    async with objects.open(pinned.bucket, pinned.key, pinned.version_id, pinned.etag) as body:
        return b"".join([chunk async for chunk in body.chunks(4)])


@pytest.mark.parametrize("key", KEYS)
async def test_a_version_is_read_after_it_was_overwritten(store: Store, objects: Objects, key: str) -> None:
    first = await store.put(key, b"the first", owner="a%20b")
    await store.put(key, b"the second")
    async with objects.open(first.bucket, key, first.version_id, first.etag) as body:
        assert (body.size, body.etag, body.version_id) == (9, first.etag, first.version_id)
        assert (body.content_type, body.metadata) == ("text/html", {"owner": "a%20b"})
        assert [chunk async for chunk in body.chunks(4)] == [b"the ", b"firs", b"t"]
    async with objects.open(first.bucket, key, first.version_id) as body:
        assert body.etag == first.etag


async def test_an_object_that_is_not_the_pinned_one_is_gone(store: Store, objects: Objects) -> None:
    pinned = await store.put("key", b"bytes")
    for wrong in (replace(pinned, etag="0" * 32), replace(pinned, key="another")):
        with pytest.raises(VersionGone):
            await body_of(objects, wrong)
        with pytest.raises(VersionGone):
            await objects.promote(wrong, store.accepted, "copy", content_type="text/plain")
    await objects.delete(pinned.bucket, "key", pinned.version_id)
    with pytest.raises(VersionGone):
        await body_of(objects, pinned)
    assert await objects.versions(store.accepted, "copy") == []


@pytest.mark.parametrize("metadata", [None, {"airlock-upload": "1"}])
async def test_promotion_copies_the_bytes_and_nothing_that_the_uploader_chose(
    store: Store, objects: Objects, metadata: dict[str, str] | None
) -> None:
    pinned = await store.put("key", b"inspected", owner="a")
    await store.put("key", b"stored later")
    made = await objects.promote(pinned, store.accepted, "copy", content_type="image/png", metadata=metadata)
    assert not made.repeated
    assert await store.read(store.accepted, "copy", made.version_id) == b"inspected"
    async with objects.open(store.accepted, "copy", made.version_id, made.etag) as body:
        assert (body.content_type, body.metadata) == ("image/png", metadata or {})


async def test_promotion_twice_stores_two_versions(store: Store, objects: Objects) -> None:
    pinned = await store.put("key", b"inspected")
    first, second = [await objects.promote(pinned, store.accepted, "copy", content_type="image/png") for _ in range(2)]
    assert sorted(await objects.versions(store.accepted, "copy")) == sorted([first.version_id, second.version_id])


async def test_deleting_removes_that_version_only_and_may_be_repeated(store: Store, objects: Objects) -> None:
    first, second = await store.put("key", b"1"), await store.put("key", b"2")
    for _ in range(2):
        await objects.delete(store.incoming, "key", first.version_id)
    assert await objects.versions(store.incoming, "key") == [second.version_id]
    await objects.delete(store.incoming, "never stored", first.version_id)


async def test_deleting_all_versions_leaves_keys_with_the_same_beginning(store: Store, objects: Objects) -> None:
    for _ in range(3):
        await store.put("key", b"x")
    other = await store.put("key2", b"x")
    assert await objects.delete_all_versions(store.incoming, "key") == 3
    assert await objects.versions(store.incoming, "key") == []
    assert await objects.versions(store.incoming, "key2") == [other.version_id]
    assert await objects.delete_all_versions(store.incoming, "key") == 0


async def test_earlier_versions_come_oldest_first(store: Store, objects: Objects) -> None:
    made = [await store.put("key", str(number).encode()) for number in range(4)]
    await store.put("key/2", b"x")
    assert await objects.earlier(store.incoming, "key", made[2].version_id) == made[:2]
    assert await objects.earlier(store.incoming, "key", made[0].version_id) == []


async def test_of_several_keys_that_begin_alike_those_that_are_there_are_listed_and_deleted(
    store: Store, objects: Objects
) -> None:
    one, two = await store.put("key", b"1"), await store.put("key.png", b"2")
    other = await store.put("key.svg", b"x")
    keys = {"key", "key.jpg", "key.png", "key.zip"}
    assert await objects.versions_of(store.incoming, keys) == {"key": [one.version_id], "key.png": [two.version_id]}
    assert await objects.delete_all_versions(store.incoming, *keys) == 2
    assert await objects.versions_of(store.incoming, {*keys, "key.svg"}) == {"key.svg": [other.version_id]}
