"""A deployment of any size that is made up page by page: what it holds is a matter of counting, and nothing is kept."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from airlock.lifecycle import State
from airlock.profiles import Profiles
from aws.dynamodb.record import Location, Record
from aws.maintenance.listing import Description, ListingCursor, OpenUpload, Version
from aws.maintenance.table_scan import TableItem
from aws.settings import AwsSettings
from ops.command_line.throttle import Throttle
from ops.reconcile.bloom_filter import BloomFilter
from ops.reconcile.context import Context
from ops.reconcile.options import Options
from ops.reconcile.repairs import Repairs
from ops.reconcile.summary import Summary

PAGE = 1000
NOW = 2_000_000_000.0
HOUR = 3600
LIFETIME = 900
PROFILES = Profiles.load('[profiles.default]\ncontent_types = ["*/*"]\nunexamined = ["*/*"]\nmax_bytes = "1 MiB"\n')
METADATA = {"owner": "alice", "profile": "default", "filename": "photo.png"}

# Of so many keys in incoming one was never announced, one stopped in its inspection, and one in its settlement. It is
# prime, so that the repairs of a page do not come in whole batches.
PERIOD = 97
MISSED, STUCK, UNFINISHED = 3, 5, 7


def damaged(count: int) -> int:
    """How many of the first `count` keys need a repair."""
    whole, rest = divmod(count, PERIOD)
    return 3 * whole + sum(kind < rest for kind in (MISSED, STUCK, UNFINISHED))


def upload_of(number: int) -> str:
    """The text of an upload id: of the right form, issued an hour ago, signed by nobody."""
    issued = int(NOW - HOUR)
    return (number.to_bytes(8, "big") + issued.to_bytes(4, "big") + LIFETIME.to_bytes(3, "big")).hex() + "0" * 30


class Simulated:
    """`count` keys in incoming, and a tenth as many accepted objects and items of the table.

    `asked` hears the name of each page before it is made.
    """

    def __init__(self, count: int, asked: Callable[[str, int], object] = lambda _place, _page: None) -> None:
        self.count = count
        self.sent = 0
        self._asked = asked

    async def versions(
        self, bucket: str, prefix: str, after: ListingCursor | None = None
    ) -> tuple[list[Version], ListingCursor | None]:
        total = {"incoming": self.count, "accepted": self.count // 10}.get(bucket, 0)
        return self._page(bucket, total, after, lambda number: self._version(bucket, prefix, number))

    async def items(self, after: Any = None) -> tuple[list[TableItem], Any]:
        return self._page("table", self.count // 10, after, self._item)

    async def open_uploads(
        self, bucket: str, prefix: str, after: ListingCursor | None = None
    ) -> tuple[list[OpenUpload], ListingCursor | None]:
        return [], None

    async def abort(self, bucket: str, upload: OpenUpload) -> None:
        raise NotImplementedError

    async def has_version(self, bucket: str, key: str, version_id: str) -> bool:
        return True

    async def describe_version(self, bucket: str, version: Version) -> Description:
        return Description(version.version_id, "image/png", METADATA)

    async def delete(self, bucket: str, key: str, version_id: str) -> None:
        raise NotImplementedError

    async def delete_expired(self, item: TableItem) -> bool:
        raise NotImplementedError

    async def batch_get(self, uploads: Iterable[str]) -> dict[str, Record]:
        return {record.id: record for record in self._records(uploads)}

    async def get(self, upload: str) -> Record | None:
        return next(self._records([upload]), None)

    async def send(self, bodies: Sequence[str]) -> None:
        self.sent += len(bodies)

    async def waiting(self) -> int:
        return 0

    def _page(self, place: str, total: int, after: Any, make: Callable[[int], Any]) -> tuple[list[Any], Any]:
        start = int(after["at"]) if after else 0
        self._asked(place, start // PAGE)
        end = min(start + PAGE, total)
        return [make(number) for number in range(start, end)], {"at": str(end)} if end < total else None

    def _version(self, bucket: str, prefix: str, number: int) -> Version:
        if bucket == "incoming":
            return Version(prefix + upload_of(number), f"v{number}", "0" * 32, 10, NOW - HOUR)
        return Version(self._accepted(number).key, f"v{number}", "0" * 32, 10, NOW - HOUR)

    def _accepted(self, number: int) -> Location:
        return Location("accepted", f"2033/05/{upload_of(self.count + number)}.png", f"v{number}")

    def _item(self, number: int) -> TableItem:
        return TableItem(upload_of(self.count + number), self._record(self.count + number), int(NOW + HOUR))

    def _records(self, uploads: Iterable[str]) -> Iterator[Record]:
        for upload in uploads:
            number = int(upload[:16], 16)
            if number >= self.count or number % PERIOD != MISSED:
                yield self._record(number)

    def _record(self, number: int) -> Record:
        settled = number >= self.count
        done = settled or number % PERIOD == UNFINISHED
        old = done or number % PERIOD == STUCK
        return Record(
            id=upload_of(number),
            owner="alice",
            state=State.ACCEPTED if done else State.INSPECTING,
            created_at=NOW - HOUR,
            updated_at=NOW - HOUR if old else NOW - 1,
            profile="default",
            filename="photo.png",
            content_type="image/png",
            version_id=f"v{number}",
            place="accepted" if done else "incoming",
            location=self._accepted(number - self.count) if settled else None,
        )


def context(place: Simulated, options: Options | None = None) -> Context:
    """A run over a simulated place, at full speed."""
    options = options or Options(rate=float("inf"))
    summary = Summary(dry_run=options.dry_run)
    throttle = Throttle(options.rate, lambda: 0.0, _no_pause)
    settings = AwsSettings(
        region="eu-central-1",
        incoming_bucket="incoming",
        accepted_bucket="accepted",
        quarantine_bucket="quarantine",
        profiles=Path("airlock.toml"),
        secrets=[SecretStr("0" * 32)],
    ).model_copy(update={"secrets": []})
    return Context(
        settings=settings,
        profiles=PROFILES,
        options=options,
        now=lambda: NOW,
        listing=place,
        objects=place,
        table=place,
        records=place,
        repairs=Repairs(place, options, summary, throttle),
        throttle=throttle,
        summary=summary,
        accepted=BloomFilter(bytes(16)),
        on_progress=lambda _place, _count: None,
    )


async def _no_pause(_seconds: float) -> None:
    """At full speed."""
