"""S3 in memory, as far as a worker uses it."""

import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Any

from tests.workers.fakes.attempt import called, refusal


@dataclass(frozen=True)
class Version:
    """A stored object."""

    id: str
    body: bytes
    metadata: dict[str, str] = field(default_factory=dict)
    content_type: str = ""

    @property
    def etag(self) -> str:
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()


class FakeS3:
    """Versions by (bucket, key), oldest first."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], list[Version]] = {}
        self._numbers = itertools.count(1)

    def put(self, bucket: str, key: str, body: bytes, metadata: dict[str, str], content_type: str) -> Version:
        made = Version(f"v{next(self._numbers)}", body, metadata, content_type)
        self.stored.setdefault((bucket, key), []).append(made)
        return made

    def find(self, bucket: str, key: str, version_id: str) -> Version | None:
        return next((each for each in self.stored.get((bucket, key), ()) if each.id == version_id), None)

    def all_in(self, bucket: str) -> list[tuple[str, Version]]:
        """(key, version) of everything in a bucket."""
        return [(key, each) for (place, key), versions in self.stored.items() if place == bucket for each in versions]

    async def head_bucket(self, *, Bucket: str) -> Any:  # noqa: N803
        return await called("ask", dict)

    async def get_object(self, *, Bucket: str, Key: str, VersionId: str, IfMatch: str | None = None) -> Any:  # noqa: N803
        def read() -> Any:
            found = self._pinned(Bucket, Key, VersionId, IfMatch, "GetObject")
            return {
                "Body": Stream(found.body),
                "ContentLength": len(found.body),
                "ETag": f'"{found.etag}"',
                "VersionId": found.id,
                "ContentType": found.content_type,
                "Metadata": found.metadata,
            }

        return await called("open", read)

    async def head_object(self, *, Bucket: str, Key: str, VersionId: str) -> Any:  # noqa: N803
        def read() -> Any:
            found = self._pinned(Bucket, Key, VersionId, None, "HeadObject")
            return {"ETag": f'"{found.etag}"', "ContentLength": len(found.body), "Metadata": found.metadata}

        return await called("describe", read)

    async def copy_object(self, *, CopySource: Any, CopySourceIfMatch: str, **to: Any) -> Any:  # noqa: N803
        def copy() -> Any:
            source = (CopySource["Bucket"], CopySource["Key"], CopySource["VersionId"])
            found = self._pinned(*source, CopySourceIfMatch, "CopyObject")
            made = self.put(to["Bucket"], to["Key"], found.body, to.get("Metadata", {}), to["ContentType"])
            answer = {"VersionId": made.id, "CopyObjectResult": {"ETag": f'"{made.etag}"'}}
            return answer | {"ResponseMetadata": {"RetryAttempts": 0}}

        return await called("copy", copy)

    async def list_object_versions(self, *, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        def read() -> Any:
            keys = sorted(key for place, key in self.stored if place == Bucket and key.startswith(Prefix))
            versions = [(key, each) for key in keys for each in reversed(self.stored[Bucket, key])]
            listed = [
                {"Key": key, "VersionId": each.id, "ETag": f'"{each.etag}"', "Size": len(each.body)}
                for key, each in versions
            ]
            return {"Versions": listed}

        return await called("list", read)

    async def delete_object(self, *, Bucket: str, Key: str, VersionId: str) -> Any:  # noqa: N803
        return await called("delete", lambda: self._remove(Bucket, Key, {VersionId}))

    async def delete_objects(self, *, Bucket: str, Delete: Any) -> Any:  # noqa: N803
        keys = {each["Key"] for each in Delete["Objects"]}
        assert len(keys) == 1, "versions of one key are deleted at once"
        wanted = {each["VersionId"] for each in Delete["Objects"]}
        return await called("delete", lambda: self._remove(Bucket, keys.pop() if keys else "", wanted))

    def _pinned(self, bucket: str, key: str, version_id: str, etag: str | None, operation: str) -> Version:
        found = self.find(bucket, key, version_id)
        if found is None:
            raise refusal("NoSuchVersion", operation)
        if etag is not None and etag != f'"{found.etag}"':
            raise refusal("PreconditionFailed", operation)
        return found

    def _remove(self, bucket: str, key: str, wanted: set[str]) -> Any:
        left = [each for each in self.stored.get((bucket, key), ()) if each.id not in wanted]
        self.stored[bucket, key] = left
        return {}


class Stream:
    """The body of a response."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self, size: int) -> bytes:
        def take() -> bytes:
            part, self._body = self._body[:size], self._body[size:]
            return part

        return await called("read", take)

    def close(self) -> None:
        """There is no connection to close."""
