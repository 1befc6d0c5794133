"""Draws docs/demo.png, the picture in the README: `python -m tests.web.demo_picture [FILE]`.

Chromium shows the demo page of a running `airlock dev` after three files got their verdicts.
"""

import asyncio
import io
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from PIL import Image, ImageFilter
from playwright.async_api import Browser, async_playwright, expect

from tests.ops.terminal import dev
from tests.web.conftest import FLAGS
from tests.web.handling import Given, drop, row
from tests.web.samples import EICAR, HTML_AS_PNG

PICTURE = Path(__file__).parents[2] / "docs" / "demo.png"
VERDICT_MS = 60_000


def photo() -> Given:
    """A JPEG as large as a camera's."""
    noise = Image.effect_noise((3000, 2000), 90).filter(ImageFilter.GaussianBlur(2))
    image = Image.merge("RGB", (noise, noise.rotate(180), Image.linear_gradient("L").resize(noise.size)))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=88)
    return Given("Harbour at dawn.jpg", "image/jpeg", content.getvalue())


def packed() -> Given:
    """A zip with the EICAR test file in it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "The invoices of this month.\n" * 40)
        archive.writestr("march/eicar.txt", EICAR.content)
    return Given("Invoices.zip", "application/zip", content.getvalue())


FILES = {
    "rejected": Given("Passport.png", HTML_AS_PNG.type, HTML_AS_PNG.content),
    "infected": packed(),
    "accepted": photo(),
}


async def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with dev(Path(folder)) as running, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            await draw(browser, running.address, target)
            await browser.close()


async def draw(browser: Browser, address: str, target: Path) -> None:
    context = await browser.new_context(viewport={"width": 880, "height": 800}, device_scale_factor=1.5)
    page = await context.new_page()
    await page.goto(f"{address}/")
    for state, given in FILES.items():
        await drop(page, given)
        await expect(row(page, given.name)).to_have_attribute("data-state", state, timeout=VERDICT_MS)
    taken = Image.open(io.BytesIO(await page.screenshot(full_page=True)))
    # A palette halves it, and nobody sees the difference.
    taken.convert("RGB").quantize(256).save(target, optimize=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE))
