"""The calls that a reconcile run makes, so that it can run over simulated buckets and tables."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from aws.dynamodb.record import Record
from aws.maintenance.inventory import Description, OpenUpload, Version
from aws.maintenance.inventory import Mark as BucketMark
from aws.maintenance.record_scan import Kept
from aws.maintenance.record_scan import Mark as TableMark


class BucketInventory(Protocol):
    """What the buckets hold: see `aws.maintenance.inventory.Inventory`."""

    async def versions(
        self, bucket: str, prefix: str, after: BucketMark | None = None
    ) -> tuple[list[Version], BucketMark | None]: ...

    async def open_uploads(
        self, bucket: str, prefix: str, after: BucketMark | None = None
    ) -> tuple[list[OpenUpload], BucketMark | None]: ...

    async def abort(self, bucket: str, upload: OpenUpload) -> None: ...

    async def holds(self, bucket: str, key: str, version_id: str) -> bool: ...

    async def describe(self, bucket: str, version: Version) -> Description | None: ...


class VersionDeleter(Protocol):
    """Deletes one version of an object for good: see `aws.s3.objects.Objects`."""

    async def delete(self, bucket: str, key: str, version_id: str) -> None: ...


class TableScan(Protocol):
    """Reads the whole table: see `aws.maintenance.record_scan.RecordScan`."""

    async def page(self, after: TableMark | None = None) -> tuple[list[Kept], TableMark | None]: ...

    async def forget(self, kept: Kept) -> bool: ...


class RecordReader(Protocol):
    """Reads records by upload id: see `aws.dynamodb.records.Records`."""

    async def batch_get(self, uploads: Iterable[str]) -> dict[str, Record]: ...

    async def get(self, upload: str) -> Record | None: ...


class MessageQueue(Protocol):
    """Sends to the queue of objects: see `aws.maintenance.outbox.Outbox`."""

    async def send(self, bodies: Sequence[str]) -> None: ...

    async def waiting(self) -> int: ...
