import asyncio
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from airlock.errors import Unavailable
from tests.debian import not_here
from workers.inspection.spool import Spool


async def _read(spool: Spool, size: int = 7) -> bytes:
    return b"".join([chunk async for chunk in spool.chunks(size)])


def _place(spool: Spool) -> str:
    return str(Path(f"/proc/self/fd/{spool.fd}").readlink())


def _descriptors() -> set[str]:
    return {str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()}


@pytest.mark.parametrize("in_memory", [0, 10, 15, 1000])
async def test_what_was_written_is_read_back_from_memory_and_from_disk(tmp_path: Path, in_memory: int) -> None:
    body = os.urandom(100)
    with Spool(tmp_path, in_memory=in_memory) as spool:
        for start in range(0, 100, 5):
            await spool.write(body[start : start + 5])
        assert spool.size == 100
        assert await _read(spool) == body
        assert _place(spool).startswith("/memfd:" if in_memory == 1000 else str(tmp_path))
        assert list(tmp_path.iterdir()) == []  # it has no name at any time


async def test_an_empty_one_is_empty() -> None:
    with Spool() as spool:
        assert await _read(spool) == b""


@pytest.mark.parametrize("in_memory", [0, 1000])
async def test_readers_have_their_own_position_and_cannot_write(tmp_path: Path, in_memory: int) -> None:
    with Spool(tmp_path, in_memory=in_memory) as spool:
        await spool.write(b"abcdef")
        first, second = spool.reader(), spool.reader()
        try:
            assert os.read(first, 4) == b"abcd"
            assert os.read(second, 6) == b"abcdef"
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.write(first, b"x")
        finally:
            os.close(first)
            os.close(second)
        if in_memory:  # the seal holds for every descriptor of it
            with pytest.raises(Unavailable, match="not permitted"):
                await spool.write(b"x")


async def test_closing_frees_it_and_can_be_repeated(tmp_path: Path) -> None:
    spool = Spool(tmp_path, in_memory=0)
    await spool.write(b"x")
    spool.close()
    spool.close()
    assert spool.fd == -1
    assert not any(str(tmp_path) in each for each in _descriptors())
    with pytest.raises(Unavailable):
        spool.reader()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=False, capture_output=True
    )
    if made.returncode:
        not_here("only root can mount")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


async def test_a_full_disk_is_unavailable_and_is_given_back(small_disk: Path) -> None:
    for _ in range(2):
        with Spool(small_disk, in_memory=1000) as spool:
            await spool.write(bytes(512 * 1024))
            with pytest.raises(Unavailable, match="spool: No space left"):
                await spool.write(bytes(1024 * 1024))
        assert os.statvfs(small_disk).f_bfree == os.statvfs(small_disk).f_blocks


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
async def test_whatever_the_machine_refuses_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    with Spool(tmp_path, in_memory=3) as spool:
        monkeypatch.setattr(os, "write", refuse)
        for body in (b"abc", b"abcd"):  # in memory, on disk
            with pytest.raises(Unavailable, match="spool"):
                await spool.write(body)
    monkeypatch.setattr(os, "memfd_create", refuse)
    with pytest.raises(Unavailable, match="spool"):
        Spool(tmp_path)


async def test_a_folder_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    with Spool(tmp_path / "gone", in_memory=0) as spool, pytest.raises(Unavailable, match="No such file"):
        await spool.write(b"x")


async def test_a_write_that_was_cancelled_does_not_reach_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, in_memory=0)
    await spool.write(b"x")
    spool._lock.acquire()  # its thread is about to begin
    writing = asyncio.create_task(spool.write(b"hostile"))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    spool._lock.release()
    spool.close()
    other = (tmp_path / "other").open("wb")
    await asyncio.get_running_loop().shutdown_default_executor()
    other.close()
    assert (tmp_path / "other").read_bytes() == b""


async def test_a_copy_that_lost_its_end_is_unavailable(tmp_path: Path) -> None:
    with Spool(tmp_path, in_memory=0) as spool:
        await spool.write(b"abcdef")
        os.ftruncate(spool.fd, 3)
        with pytest.raises(Unavailable, match="shorter"):
            await _read(spool)
