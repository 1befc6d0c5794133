import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest
import pytest_asyncio

from airlock.errors import Unavailable
from workers.inspection.readings import ExaminerFinding
from workers.inspection.sandbox.frames import (
    ExaminationEnd,
    ExaminationRequest,
    Examined,
    FoundBy,
    FoundReading,
    Frame,
    MemberData,
    MemberEnd,
    MemberStart,
)
from workers.inspection.sandbox.pool import Sandbox
from workers.inspection.spool import IN_MEMORY, Spool

pytestmark = pytest.mark.server

HOSTILE = "tests.workers.inspection.sandbox.hostile"
MEMORY = 512 * 1024**2


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    made = Sandbox(children=1, memory=MEMORY)
    yield made
    await made.close()
    assert servers() == []


def children() -> list[int]:
    """The processes that this one's fork servers have forked and that still are, zombies too."""
    return [child for server in servers() for child in _children_of(server)]


FORK_SERVER = b"workers.inspection.sandbox.fork_server"


def servers() -> list[int]:
    """The fork servers that this process has started and that still are, zombies too."""
    return [pid for pid in _children_of(os.getpid()) if (line := _command(pid)) == b"" or FORK_SERVER in line]


def _children_of(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(entry.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.parent.name))
    return found


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b"gone"


async def ask(sandbox: Sandbox, text: str, *, in_memory: int = IN_MEMORY, **limits: int) -> list[Frame]:
    with Spool(in_memory=in_memory) as spool:
        await spool.write(text.encode())
        frames = sandbox.examine(spool, request(spool.size, **limits))
        return [frame async for frame in frames if not isinstance(frame, FoundReading | Examined)]


def request(size: int, **limits: int) -> ExaminationRequest:
    """A request that lets the hostile examiner examine texts."""
    return ExaminationRequest(
        {"text": HOSTILE}, (), size, limits.pop("parse_seconds", 30), {"archive_ratio": 7, **limits}
    )


def found(frames: list[Frame]) -> list[str]:
    return [frame.finding.code for frame in frames if isinstance(frame, FoundBy)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("!loop", "timed_out"),
        ("!wait", "timed_out"),
        ("!allocate", "limits_exceeded"),
        ("!abort", "limits_exceeded"),
        ("!leave", "limits_exceeded"),
        ("!raise key", "limits_exceeded"),
        ("!raise recursion", "limits_exceeded"),
        ("!garbage ff", "limits_exceeded"),
        ("!garbage 02", "limits_exceeded"),
        *(
            (f"!garbage {(kind + body.encode()).hex()}", "limits_exceeded")
            for kind, body in (
                (b"\2", "[1,2,3]"),
                (b"\2", "{}"),
                (b"\2", '["text","code",1]'),
                (b"\2", '["text"," ","x"]'),
                (b"\x09", '["text/plain",0,0]'),
                (b"\x09", '["<b>/x",0,0,false]'),
                (b"\x09", '["text/plain","0",0,false]'),
                (b"\x0a", '["text/plain",1]'),
            )
        ),
    ],
)
async def test_a_parser_that_fails_is_a_finding_and_the_next_object_is_read(
    sandbox: Sandbox, text: str, code: str
) -> None:
    frames = await ask(sandbox, text, parse_seconds=1 if code == "timed_out" else 60)
    assert found(frames) == [code]
    assert isinstance(frames[-1], ExaminationEnd)
    assert children() == []
    assert found(await ask(sandbox, "!many 1")) == ["script"]


async def test_a_limit_of_the_parser_is_reported_and_its_process_goes_on(sandbox: Sandbox) -> None:
    first, limit, done = await ask(sandbox, "!exceed")
    assert isinstance(first, FoundBy)
    assert first.finding.message.startswith("first\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[2Jxxx")
    assert len(first.finding.message) == 401
    assert limit == FoundBy("text", ExaminerFinding("limits_exceeded", "more than 7"))
    assert isinstance(done, ExaminationEnd)
    (child,) = children()
    await ask(sandbox, "!exceed")
    assert children() == [child]


async def test_findings_before_a_timeout_are_kept(sandbox: Sandbox) -> None:
    frames = await ask(sandbox, "!late", parse_seconds=1)
    assert found(frames) == ["script", "timed_out"]


async def test_cpu_time_is_limited_while_the_worker_does_not_wait(sandbox: Sandbox) -> None:
    with Spool() as spool:
        await spool.write(b"!spin")
        async with aclosing(sandbox.examine(spool, request(spool.size, parse_seconds=1))) as frames:
            assert isinstance(await anext(frames), FoundReading)
            assert isinstance(await anext(frames), FoundBy)
            (child,) = children()
            while child in children() and _state(child) != "Z":  # noqa: ASYNC110 # the kernel ends it
                await asyncio.sleep(0.01)
            assert await anext(frames) == FoundBy(
                "", ExaminerFinding("timed_out", "The examination did not finish within 1 s.")
            )


@pytest.mark.parametrize("in_memory", [0, IN_MEMORY])
async def test_a_parser_reaches_neither_the_network_nor_files_nor_the_worker(sandbox: Sandbox, in_memory: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reached = set(found(await ask(sandbox, f"!reach {port}", in_memory=in_memory)))
    assert not Path(f"/tmp/airlock-{port}").exists()
    assert reached.isdisjoint({"fill", "open_many", "overwrite", *(["map"] if in_memory else [])})
    # Where the kernel or the container has no namespaces and no Landlock, these are left to their configuration.
    if os.geteuid() == 0:
        assert reached == set()


async def test_a_parser_sees_none_of_the_worker_s_environment(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-children")
    (finding, _) = await ask(sandbox, "!environment")
    assert isinstance(finding, FoundBy)
    assert "AWS" not in finding.finding.message


async def test_a_parser_has_no_descriptor_of_the_fork_server() -> None:
    sandbox = Sandbox(children=2)
    waiting = asyncio.create_task(ask(sandbox, "!wait", parse_seconds=60))
    while not children():  # noqa: ASYNC110 # it is there some turns later
        await asyncio.sleep(0.01)
    (finding, _) = await ask(sandbox, "!descriptors")
    assert isinstance(finding, FoundBy)
    # Its socket, two that lead nowhere, and the copy.
    assert finding.finding.message == "0 1 2 3"
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await sandbox.close()


async def test_members_come_in_pieces(sandbox: Sandbox) -> None:
    text = "x" * 100_000
    frames = await ask(sandbox, f'!pack {{"a": "{text}", "b\\u001b": ""}}')
    assert frames[0] == MemberStart("a")
    assert b"".join(frame.data for frame in frames if isinstance(frame, MemberData)) == text.encode()
    assert frames[-4:-1] == [MemberEnd(), MemberStart("b\N{REPLACEMENT CHARACTER}"), MemberEnd()]


async def test_a_parser_waits_until_its_members_are_read(sandbox: Sandbox) -> None:
    with Spool() as spool:
        await spool.write(b"!bomb")
        async with aclosing(sandbox.examine(spool, request(spool.size, parse_seconds=60))) as frames:
            assert isinstance(await anext(frames), FoundReading)
            assert await anext(frames) == MemberStart("zeros")
            (child,) = children()
            while _state(child) != "S":  # noqa: ASYNC110 # it stops when the socket is full
                await asyncio.sleep(0.01)
            assert isinstance(await anext(frames), MemberData)
    assert children() == []


def _state(pid: int) -> str:
    """The state of a process by proc_pid_stat(5); one that has gone counts as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


async def test_a_cancelled_examination_leaves_no_process(sandbox: Sandbox) -> None:
    asking = asyncio.create_task(ask(sandbox, "!loop"))
    while not children():  # noqa: ASYNC110 # it is there some turns later
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert children() == []


async def test_a_process_is_replaced_after_so_many_examinations() -> None:
    sandbox = Sandbox(children=1, requests=2)
    used = []
    for _ in range(4):
        await ask(sandbox, "!many 0")
        used.append(tuple(children()))
    await sandbox.close()
    assert used[1] == used[3] == ()
    assert () != used[0] != used[2] != ()


async def test_the_fork_server_is_replaced_after_so_many_forks() -> None:
    sandbox = Sandbox(children=2, requests=1, forks=2)
    sandbox.ready()
    first = servers()
    working = asyncio.create_task(ask(sandbox, "!wait", parse_seconds=60))
    for _ in range(2):
        await ask(sandbox, "!many 0")
    assert len(first) == 1
    assert set(servers()) > set(first)  # it has a child that works still
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    while first[0] in servers() and _state(first[0]) != "Z":  # noqa: ASYNC110 # it ends with its last child
        await asyncio.sleep(0.01)
    await sandbox.close()
    assert servers() == []


async def test_a_fork_server_that_was_killed_is_unavailable_and_then_replaced(sandbox: Sandbox) -> None:
    with Spool() as spool:
        await spool.write(b"!wait")
        frames = sandbox.examine(spool, request(spool.size, parse_seconds=60))
        await anext(frames)  # it has begun
        (first,) = servers()
        os.kill(first, signal.SIGKILL)
        with pytest.raises(Unavailable, match="the fork server has ended"):
            await anext(frames)
    assert found(await ask(sandbox, "!many 1")) == ["script"]
    (second,) = servers()
    os.kill(second, signal.SIGKILL)
    while sandbox._idle[0].alive or _state(second) != "Z":  # noqa: ASYNC110 # the kernel ends them
        await asyncio.sleep(0.01)
    assert found(await ask(sandbox, "!many 1")) == ["script"]


async def test_two_parse_at_once_and_a_third_waits() -> None:
    sandbox = Sandbox(children=2)
    asking = [asyncio.create_task(ask(sandbox, "!wait", parse_seconds=60)) for _ in range(3)]
    while len(children()) < 2:  # noqa: ASYNC110 # they are there some turns later
        await asyncio.sleep(0.01)
    third = asyncio.create_task(ask(sandbox, "!many 0"))
    await asyncio.sleep(0.2)
    assert len(children()) == 2
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert found(await third) == []
    await sandbox.close()
    assert children() == []


async def test_an_idle_process_that_died_is_replaced(sandbox: Sandbox) -> None:
    await ask(sandbox, "!many 0")
    os.kill(children()[0], 9)
    while sandbox._idle[0].alive:  # noqa: ASYNC110 # the fork server reports its end
        await asyncio.sleep(0.01)
    assert found(await ask(sandbox, "!many 1")) == ["script"]


async def test_without_a_parser_or_a_process_it_is_unavailable(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fault in ("import", "environment"):
        with pytest.raises(Unavailable, match="an examiner lacks what it needs"):
            await ask(sandbox, f"!raise {fault}")
        assert children() == []
    await sandbox.close()
    monkeypatch.setattr("sys.executable", "/bin/true")
    with pytest.raises(Unavailable, match="does not answer after its start"):
        await ask(sandbox, "!many 0")
    await sandbox.close()
    monkeypatch.setattr("sys.executable", "/nowhere")
    with pytest.raises(Unavailable, match="the fork server cannot be started"):
        sandbox.ready()
    with pytest.raises(Unavailable, match="the fork server cannot be started"):
        await ask(sandbox, "!many 0")
    spool = Spool()
    spool.close()
    with pytest.raises(Unavailable, match="spool"):
        await anext(sandbox.examine(spool, request(0)))
