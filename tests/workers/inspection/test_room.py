"""Objects that are inspected at once share the room for their copies: each that fits alone gets its turn."""

import asyncio
import contextlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from airlock.errors import DoesNotFit, Outage
from airlock.verdict import Outcome
from tests.simulated_loop import simulate
from tests.workers.inspection.corpus.sample_inspector import Sample, sample_inspector
from workers.inspection.inspector import Inspector
from workers.inspection.room import Room
from workers.inspection.spool import Spool


async def _inspected(room: Room, size: int, members: Sequence[int], turns: list[int], number: int) -> None:
    """As the queue does it: an object that finds no room comes again later."""
    while True:
        try:
            async with room.share(size) as share:
                for member in members:
                    await share.take(member)
                    await asyncio.sleep(1)
        except Outage:
            await asyncio.sleep(2 + number)
        else:
            turns.append(number)
            return


def test_objects_that_each_fit_alone_all_get_their_turn() -> None:
    turns: list[int] = []

    async def all_at_once() -> None:
        room = Room(64)
        await asyncio.gather(*(_inspected(room, 15, [15, 15, 30], turns, number) for number in range(4)))
        assert room.free == 64

    simulate(all_at_once())
    assert sorted(turns) == [0, 1, 2, 3]
    assert turns[0] == 0


@pytest.mark.parametrize(("size", "members"), [(65, []), (20, [64, 1])])
def test_what_can_never_fit_is_told_at_once(size: int, members: list[int]) -> None:
    room = Room(64)
    with pytest.raises(DoesNotFit, match=r"room for 64 \(AIRLOCK_SPOOL_SIZE\)"):
        simulate(_inspected(room, size, members, [], 0))
    assert room.free == 64


def test_a_large_object_gets_its_turn_beside_many_small_ones_or_waits_in_the_queue() -> None:
    async def large() -> None:
        room = Room(64)
        async with room.share(10):
            with pytest.raises(Outage):
                async with room.share(60):
                    pytest.fail("there is no room")
            small = [asyncio.create_task(_inspected(room, 10, [5], [], number)) for number in range(20)]
        async with room.share(60):
            assert room.free < 10
        await asyncio.gather(*small)

    simulate(large())


async def test_a_copy_takes_room_once_it_is_on_disk_and_gives_it_back() -> None:
    room = Room(100)
    async with room.share(0) as share:
        with Spool(in_memory=10, share=share) as small:
            await small.write(bytes(10))
            assert room.free == 100
        with Spool(in_memory=10, share=share) as large:
            await large.write(bytes(6))
            await large.write(bytes(6))
            assert room.free == 88
            await large.write(bytes(8))
            assert room.free == 80
        assert room.free == 100


async def test_what_an_object_reserved_is_not_counted_twice() -> None:
    room = Room(100)
    async with room.share(60) as share:
        assert room.free == 40
        await share.take(50)
        assert room.free == 40
        await share.take(20)
        assert room.free == 30
    assert room.free == 100


def _archive(number: int) -> Sample:
    """A zip of 1.5 MiB, whose member needs as much again."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("notes.txt", f"{number} ".encode() * (3 * 2**18))
    return Sample("notes.zip", "application/zip", body.getvalue())


@pytest.mark.slow
async def test_archives_that_each_fit_are_all_accepted_where_they_do_not_fit_together(tmp_path: Path) -> None:
    names = ("size", "checksum", "media_type", "archive", "text")
    async with sample_inspector(tmp_path, None, names) as made:
        made.inspector = Inspector(made.checks, lambda: 0.0, tmp_path, Room(4 * 2**20, entrance_seconds=0.05))

        async def inspected(number: int) -> Outcome:
            while True:
                with contextlib.suppress(Outage):
                    return (await made.inspect(_archive(number))).outcome
                await asyncio.sleep(0.05)

        async with asyncio.timeout(60):
            outcomes = await asyncio.gather(*(inspected(number) for number in range(4)))
    assert outcomes == [Outcome.ACCEPTED] * 4
