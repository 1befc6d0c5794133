"""ops.dev.programs and ops.dev.child: children are started, read, waited for and stopped."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from ops.dev.child import ChildProcess
from ops.dev.programs import ProgramError, program, readable, until_one_ends, until_serving

pytestmark = pytest.mark.server

TALKS = "print('hello', flush=True); import time; time.sleep(600)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('ready', flush=True)
time.sleep(600)
"""


def python(name: str, code: str, grace: float = 10) -> Any:
    return program(name, [sys.executable, "-c", code], os.environ, grace=grace)


async def first_line(capsys: pytest.CaptureFixture[str]) -> str:
    printed = ""
    while "\n" not in printed:
        await asyncio.sleep(0.01)
        printed += capsys.readouterr().err
    return printed


async def test_each_line_is_printed_after_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    async with python("worker", "print('x' * 100_000); print('last', end='')") as child:
        await child.process.wait()
    printed = capsys.readouterr().err
    assert printed.startswith(" worker │ xxx")
    assert printed.endswith(" worker │ last\n")
    assert printed.count("x") == 100_000


async def test_a_child_is_stopped_with_sigterm(capsys: pytest.CaptureFixture[str]) -> None:
    async with python("worker", TALKS) as child:
        assert child.ending == "still running"
        assert await first_line(capsys) == " worker │ hello\n"
    assert child.ending == "SIGTERM"


async def test_a_child_that_ignores_sigterm_is_killed(capsys: pytest.CaptureFixture[str]) -> None:
    async with python("worker", STUBBORN, grace=0.05) as child:
        await first_line(capsys)
    assert child.ending == "SIGKILL"


async def test_a_ctrl_c_in_the_terminal_does_not_reach_a_child() -> None:
    async with python("worker", TALKS) as child:
        assert os.getpgid(child.process.pid) == child.process.pid
        assert os.getsid(child.process.pid) == child.process.pid


async def test_a_child_that_ends_is_reported_with_its_exit_code() -> None:
    async with python("worker", TALKS) as first, python("service", "raise SystemExit(7)") as second:
        with pytest.raises(ProgramError, match="the service ended: exit 7"):
            await until_one_ends([first, second])
        assert first.running


async def test_a_child_that_ends_before_it_serves_is_reported() -> None:
    async with python("service", "raise SystemExit(2)") as child:
        with pytest.raises(ProgramError, match="the service ended: exit 2"):
            await until_serving(["http://127.0.0.1:9/"], [child], 60)


async def test_a_page_that_is_never_ready_is_named() -> None:
    with pytest.raises(ProgramError, match=r"not ready after 0 s: http://127.0.0.1:9/"):
        await until_serving(["http://127.0.0.1:9/"], [], 0.05)


async def test_a_page_is_ready_when_it_responds_with_200(
    aiohttp_server: Callable[[web.Application], Awaitable[Any]],
) -> None:
    statuses = [503, 500, 200]

    async def ready(_: web.Request) -> web.Response:
        return web.Response(status=statuses.pop(0))

    application = web.Application()
    application.router.add_get("/readyz", ready)
    server = await aiohttp_server(application)
    await until_serving([str(server.make_url("/readyz"))], [], 60)
    assert statuses == []


async def test_a_child_that_has_ended_can_be_stopped() -> None:
    child = await ChildProcess.start("x", ["true"], env=os.environ, output=asyncio.subprocess.DEVNULL)
    await child.process.wait()
    await child.stop(1)
    assert child.ending == "exit 0"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain text", "plain text"),
        ("[1, 2]", "[1, 2]"),
        ('{"a": 1}', '{"a": 1}'),
        ('{"timestamp":"t","level":"INFO","logger":"l","message":"request","status":201}', "request status=201"),
        ('{"level":"ERROR","message":"broke","exc_info":"Traceback\\n  x"}', "ERROR broke\nTraceback\n  x"),
        ('{"level":"INFO","message":"name \\u001b[2J"}', "name �[2J"),
    ],
)
def test_a_log_line_is_made_readable(line: str, shown: str) -> None:
    assert readable(line) == shown
