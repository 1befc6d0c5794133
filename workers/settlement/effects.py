"""What a verdict causes outside its record: stored bytes, counted usage, published events."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from airlock.profile import Profile
from aws.dynamodb.records import Record
from workers.settlement.publishing import Publisher
from workers.settlement.storage import Storage


@dataclass(frozen=True, slots=True)
class Effects:
    """Each raises Unavailable, and can then be repeated. `count_accepted` counts an accepted upload once ever."""

    storage: Storage
    publisher: Publisher
    count_accepted: Callable[[Record], Awaitable[None]]

    async def announce(self, record: Record, profile: Profile) -> None:
        """Count the recorded verdict, then publish it: who reads the event finds the usage counted."""
        await self.count_accepted(record)
        await self.publisher.publish_verdict(record, profile)
