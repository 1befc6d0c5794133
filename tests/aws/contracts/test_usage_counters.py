"""`service.ports.UsageCounters`: the total of what all replicas add, in which each part is counted once."""

import time
from collections.abc import AsyncIterator

import pytest

from airlock.errors import Unavailable
from airlock.quotas import DAY, MINUTE, Subject, Usage, Window
from aws.clients import connect
from aws.dynamodb.usage_counters import UsageCounters as Adapter
from aws.settings import AwsSettings
from service.ports import UsageCounters
from tests.service.fakes import FakeCounters

# Today: a server that deletes expired items would delete older counters.
NOW = time.time()
TODAY, MINUTE_NOW = Window.at(NOW, DAY), Window.at(NOW, MINUTE)
ADA = Subject("owner", "ada")


@pytest.fixture
async def counters(settings_or_fake: AwsSettings | None) -> AsyncIterator[UsageCounters]:
    if settings_or_fake is None:
        yield FakeCounters()
        return
    async with connect(settings_or_fake, services=("dynamodb",)) as clients:
        yield Adapter(clients.dynamodb, settings_or_fake.table)


async def test_the_total_holds_what_every_replica_added(counters: UsageCounters) -> None:
    assert await counters.get(ADA, TODAY) == Usage()
    assert await counters.add(ADA, TODAY, Usage(2, 100), by="one", part=1) == Usage(2, 100)
    assert await counters.add(ADA, TODAY, Usage(1, 50), by="two", part=1) == Usage(3, 150)
    assert await counters.add(ADA, TODAY, Usage(-1, -50), by="one", part=7) == Usage(2, 100)
    assert await counters.get(ADA, TODAY) == Usage(2, 100)


async def test_a_part_that_is_sent_twice_is_counted_once(counters: UsageCounters) -> None:
    await counters.add(ADA, TODAY, Usage(2, 100), by="one", part=5)
    assert await counters.add(ADA, TODAY, Usage(2, 100), by="one", part=5) == Usage(2, 100)
    assert await counters.add(ADA, TODAY, Usage(9, 900), by="one", part=4) == Usage(2, 100)
    assert await counters.add(ADA, TODAY, Usage(1, 1), by="one", part=6) == Usage(3, 101)


async def test_subjects_and_windows_are_counted_apart(counters: UsageCounters) -> None:
    await counters.add(ADA, TODAY, Usage(1), by="one", part=1)
    others = [
        (Subject("tenant", "ada"), TODAY),
        (ADA, MINUTE_NOW),
        (ADA, Window.at(NOW + DAY, DAY)),
        (Subject("owner", f"ada#{TODAY.label}"), TODAY),
        (Subject("owner", "Ada"), TODAY),
    ]
    for number, (subject, window) in enumerate(others, 2):
        assert await counters.add(subject, window, Usage(number), by="one", part=1) == Usage(number)


async def test_a_name_of_any_characters_has_a_counter_of_its_own(counters: UsageCounters) -> None:
    for name in ("☃" * 128, "\U0001f600" * 128, "a b/#%?", "é", "e\u0301"):
        assert await counters.add(Subject("owner", name), TODAY, Usage(1), by="one", part=1) == Usage(1)


async def test_a_table_that_cannot_be_reached_is_unavailable(settings_or_fake: AwsSettings | None) -> None:
    if settings_or_fake is None:
        fake = FakeCounters(error=Unavailable("dynamodb", "cannot be reached"))
        with pytest.raises(Unavailable):
            await fake.add(ADA, TODAY, Usage(1), by="one", part=1)
        return
    async with connect(settings_or_fake, services=("dynamodb",)) as clients:
        with pytest.raises(Unavailable):
            await Adapter(clients.dynamodb, "no-such-table").add(ADA, TODAY, Usage(1), by="one", part=1)
