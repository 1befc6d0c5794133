"""The calls that the service makes to the adapters, and no others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from airlock.callables import Clock, Sleep
from airlock.errors import Unavailable
from airlock.lifecycle import State
from airlock.policy import Credentials
from airlock.quotas import Subject, Usage, Window
from airlock.upload_session import Session
from aws.dynamodb.records import Page, Record

RandomBytes = Callable[[int], bytes]
"""Returns that many unpredictable bytes."""


class CredentialSource(Protocol):
    """The credentials that sign. `current` never waits, and raises Unavailable while there are none.

    `remaining` is in seconds.
    """

    def current(self) -> Credentials: ...
    def remaining(self, now: float) -> float: ...


class Records(Protocol):
    """The records of uploads. All raise Unavailable."""

    async def get(self, upload: str) -> Record | None: ...
    async def batch_get(self, uploads: Iterable[str]) -> Mapping[str, Record]: ...
    async def withdraw(self, upload: str, now: float) -> None: ...
    async def list(self, owner: str, *, state: State | None, cursor: str | None, limit: int) -> Page: ...
    async def ping(self) -> None: ...


class UploadSessions(Protocol):
    """What upload sessions have left. `spend` charges one upload of `most` bytes, or of fewer but at least `least` when
    less is left; it returns the bytes charged, or None when too little is left. Raises Unavailable.
    """

    async def spend(self, session: Session, least: int, most: int) -> int | None: ...


class UsageCounters(Protocol):
    """What owners and tenants used, on all replicas together. `add` counts each `part` of the replica `by` once,
    and returns the total, as `get` does. Raises Unavailable.
    """

    async def add(self, subject: Subject, window: Window, more: Usage, *, by: str, part: int) -> Usage: ...
    async def get(self, subject: Subject, window: Window) -> Usage: ...


class Objects(Protocol):
    """Presigned URLs that read one version of one object. `expires` is in seconds."""

    async def presign_get(
        self, bucket: str, key: str, version_id: str, *, content_disposition: str, content_type: str, expires: int
    ) -> str: ...


class Queue(Protocol):
    """The queue to the workers. Raises Unavailable."""

    async def send(self, queue_name: str, body: str, attributes: Mapping[str, str] | None = None) -> str: ...


class Dependencies(Protocol):
    """What calls need beside credentials. `problems` are those of now, or the last known after so many seconds."""

    def start(self) -> None: ...
    async def problems(self, seconds: float) -> Sequence[Unavailable]: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside of this process that the service uses, the clock and random bytes included."""

    credentials: CredentialSource
    records: Records
    sessions: UploadSessions
    objects: Objects
    queue: Queue
    counters: UsageCounters
    dependencies: Dependencies
    now: Clock
    sleep: Sleep
    random: RandomBytes
    s3_url: str
    """The address at which a browser reaches S3 (`scheme://host`), without a bucket."""
