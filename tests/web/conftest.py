"""A browser, and a fake service for it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.debian import needs
from tests.web.fake_service import FakeService

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # It tells its vendor which forms a page has, whatever stands above: it is to find nobody but this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The machine's own Chromium, never a downloaded one."""
    [executable] = needs("chromium")
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
async def fake_service() -> AsyncIterator[FakeService]:
    """A service and a storage that fail on demand."""
    async with FakeService() as servers:
        yield servers
