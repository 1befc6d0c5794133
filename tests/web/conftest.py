"""Chromium, and a service to point it at."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.web.fake import Fake

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The machine's own Chromium, never a downloaded one."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        reason = "no Chromium on the PATH (Debian: apt install chromium)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A tab of its own; the test fails if a script of the page does."""
    context = await browser.new_context(viewport={"width": 960, "height": 900}, accept_downloads=True)
    tab = await context.new_page()
    failures: list[str] = []
    tab.on("pageerror", lambda error: failures.append(str(error)))
    # Holds back the system's dialog from now on; `expect_file_chooser` alone may come too late for a key press.
    tab.on("filechooser", lambda _: None)
    yield tab
    await context.close()
    assert failures == []


@pytest_asyncio.fixture(loop_scope="session")
async def fake() -> AsyncIterator[Fake]:
    """A service that misbehaves on demand."""
    async with Fake() as servers:
        yield servers


@pytest.fixture(scope="session")
def airlock_dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `airlock dev`, started as its users start it: emulator, service and worker."""
    said = tmp_path_factory.mktemp("dev") / "stderr"
    command = [sys.executable, "-m", "ops", "dev", "--port", "0"]
    with (
        said.open("wb") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=ROOT) as dev,
    ):
        assert dev.stdout is not None
        line = dev.stdout.readline()
        if "http://" not in line:
            dev.kill()
            pytest.fail(f"`airlock dev` did not start; it said:\n{said.read_text()}")
        yield line[line.index("http://") :].strip().rstrip("/") + "/"
        dev.send_signal(signal.SIGINT)
