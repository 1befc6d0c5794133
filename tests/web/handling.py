"""Ways to handle the demo page as a person would."""

import base64
from dataclasses import dataclass

from playwright.async_api import FilePayload, Locator, Page


@dataclass(frozen=True)
class Given:
    """A file that somebody has on the desktop."""

    name: str
    type: str
    content: bytes


DROP = """files => {
  const transfer = new DataTransfer();
  for (const [name, type, base64] of files) {
    transfer.items.add(new File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], name, { type }));
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""

PROGRESS = """() => new Promise(done => {
  const seen = [];
  const bar = document.querySelector("progress");
  const look = () => {
    if (bar.value > 0 && bar.value < 1 && seen.at(-1) !== bar.value) seen.push(bar.value);
    if (bar.value === 1 || seen.length === 3) done(seen); else requestAnimationFrame(look);
  };
  look();
})"""


async def drop(page: Page, *files: Given) -> None:
    """Drag files over the page and let them go."""
    await page.evaluate(DROP, [[f.name, f.type, base64.b64encode(f.content).decode()] for f in files])


async def choose(page: Page, *files: Given) -> None:
    """Press the button and choose files in the system's dialog."""
    async with page.expect_file_chooser() as dialog:
        await page.get_by_role("button", name="Choose files").click()
    chooser = await dialog.value
    await chooser.set_files([FilePayload(name=f.name, mimeType=f.type, buffer=f.content) for f in files])


def row(page: Page, name: str) -> Locator:
    """The row of the file of that name."""
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name, exact=True))


async def slow_down(page: Page, bytes_a_second: int) -> None:
    """Let the network send that much and no more."""
    session = await page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    await session.send("Network.emulateNetworkConditions", limits)


async def progress_seen(page: Page) -> list[float]:
    """Values that the newest row's bar showed between nothing and all."""
    return list(await page.evaluate(PROGRESS))
