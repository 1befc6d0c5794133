"""The calls that a reconcile run makes, so that it can run over simulated buckets and tables."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from aws.dynamodb.record import Record
from aws.maintenance.listing import Description, ListingCursor, OpenUpload, Version
from aws.maintenance.table_scan import TableCursor, TableItem


class BucketListing(Protocol):
    """What the buckets hold: see `aws.maintenance.listing.Listing`."""

    async def versions(
        self, bucket: str, prefix: str, after: ListingCursor | None = None
    ) -> tuple[list[Version], ListingCursor | None]: ...

    async def open_uploads(
        self, bucket: str, prefix: str, after: ListingCursor | None = None
    ) -> tuple[list[OpenUpload], ListingCursor | None]: ...

    async def abort(self, bucket: str, upload: OpenUpload) -> None: ...

    async def has_version(self, bucket: str, key: str, version_id: str) -> bool: ...

    async def describe_version(self, bucket: str, version: Version) -> Description: ...


class VersionDeleter(Protocol):
    """Deletes one version of an object for good: see `aws.s3.objects.Objects`."""

    async def delete(self, bucket: str, key: str, version_id: str) -> None: ...


class ItemScan(Protocol):
    """Reads the whole table: see `aws.maintenance.table_scan.TableScan`."""

    async def items(self, after: TableCursor | None = None) -> tuple[list[TableItem], TableCursor | None]: ...

    async def delete_expired(self, item: TableItem) -> bool: ...


class RecordReader(Protocol):
    """Reads records by upload id: see `aws.dynamodb.records.Records`."""

    async def batch_get(self, uploads: Iterable[str]) -> dict[str, Record]: ...

    async def get(self, upload: str) -> Record | None: ...


class MessageQueue(Protocol):
    """Sends to the queue of objects: see `aws.maintenance.bulk_sender.BulkSender`."""

    async def send(self, bodies: Sequence[str]) -> None: ...

    async def waiting(self) -> int: ...
