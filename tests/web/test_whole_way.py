"""Chromium, `airlock dev` and nothing pretended: from a dropped file to its verdict and back as a download."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from tests.ops.terminal import Dev
from tests.web.handling import Given, choose, drop, progress_seen, row, slow_down
from tests.web.samples import EICAR, HTML_AS_PNG, png

pytestmark = pytest.mark.asyncio(loop_scope="session")

ARTICLE = Path(__file__).with_name("article.html")
VERDICT_MS = 60_000  # the first inspection loads its engines, on a machine that may be busy

SETTLED = """async id => {
  for (let state = "awaiting_upload"; ; ) {
    const status = await (await fetch(`/v1/uploads/${id}?wait=20&state=${state}`)).json();
    state = status.state;
    if (status.verdict) return status;
  }
}"""


async def test_the_articles_client_works_unchanged(page: Page, airlock_dev: Dev) -> None:
    """fetch the policy, append every field and then the file, POST, expect 204."""
    given = png("photo.png", 32)
    await page.goto(
        airlock_dev.address + "/healthz"
    )  # the service's origin, without the demo page's Content-Security-Policy
    await page.set_content(ARTICLE.read_text())
    payload = FilePayload(name=given.name, mimeType=given.type, buffer=given.content)
    await page.set_input_files("#file", payload)
    answer = await page.evaluate("() => upload(document.getElementById('file').files[0])")
    assert answer["status"] == 204
    status = await page.evaluate(SETTLED, answer["key"].rpartition("/")[2])
    assert (status["state"], status["verdict"]["media_type"]) == ("accepted", "image/png")
    assert status["size"] == len(given.content)


async def test_a_dropped_picture_is_sent_inspected_accepted_and_comes_back_the_same(
    page: Page, airlock_dev: Dev
) -> None:
    given = png("holiday.png", 700)
    await page.goto(airlock_dev.address + "/")
    await slow_down(page, 1_000_000)
    await drop(page, given)
    assert await progress_seen(page), "the bar jumped from nothing to all"
    mine = row(page, given.name)
    await expect(mine).to_have_attribute("data-state", "accepted", timeout=VERDICT_MS)
    assert await downloaded(page, given.name) == given.content
    await mine.get_by_text("Evidence").click()
    await expect(mine.get_by_text("image/png by image")).to_be_visible()


async def test_chosen_files_are_accepted_side_by_side(page: Page, airlock_dev: Dev) -> None:
    texts = [Given(f"note {n}.txt", "text/plain", f"Dear reader, this is note {n}.\n".encode()) for n in range(6)]
    await page.goto(airlock_dev.address + "/")
    await choose(page, *texts)
    await expect(page.get_by_text("6 files, 6 accepted")).to_be_visible(timeout=VERDICT_MS)
    assert await downloaded(page, "note 4.txt") == texts[4].content


async def test_eicar_is_infected_and_cannot_be_downloaded(page: Page, airlock_dev: Dev) -> None:
    await page.goto(airlock_dev.address + "/")
    await drop(page, EICAR)
    mine = row(page, EICAR.name)
    await expect(mine).to_have_attribute("data-state", "infected", timeout=VERDICT_MS)
    await expect(mine.locator(".findings")).to_contain_text("EICAR", ignore_case=True)
    await expect(mine.get_by_role("link", name="Download")).to_be_hidden()
    await mine.get_by_text("Evidence").click()
    await expect(mine.get_by_role("definition").filter(has_text="yara")).to_be_visible()


async def test_html_that_calls_itself_a_picture_is_rejected_and_says_why(page: Page, airlock_dev: Dev) -> None:
    await page.goto(airlock_dev.address + "/")
    await drop(page, HTML_AS_PNG)
    mine = row(page, HTML_AS_PNG.name)
    await expect(mine).to_have_attribute("data-state", "rejected", timeout=VERDICT_MS)
    await expect(mine.locator(".findings")).to_contain_text("media_type_mismatch")


async def test_what_the_profile_does_not_take_is_refused_before_anything_is_sent(page: Page, airlock_dev: Dev) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method + " " + request.url))
    await page.goto(airlock_dev.address + "/")
    await page.get_by_role("radio", name="Avatar").check()
    await drop(page, Given("note.txt", "text/plain", b"not a picture"))
    await expect(row(page, "note.txt")).to_have_attribute("data-state", "refused")
    posts = [request for request in sent if request.startswith("POST")]
    assert len(posts) == 1
    assert posts[0].endswith("/v1/uploads")


async def test_a_hostile_file_name_survives_the_whole_way_as_text(page: Page, airlock_dev: Dev) -> None:
    given = png('<img src=x onerror=document.title=1> & "ümläut" 日本.png', 8)
    await page.goto(airlock_dev.address + "/")
    await drop(page, given)
    await expect(row(page, given.name)).to_have_attribute("data-state", "accepted", timeout=VERDICT_MS)
    assert await downloaded(page, given.name) == given.content
    assert await page.title() == "Airlock"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_picture_of_the_page(browser: Browser, airlock_dev: Dev, scheme: Any, tmp_path: Path) -> None:
    page = await browser.new_page(color_scheme=scheme, viewport={"width": 960, "height": 900})
    await page.goto(airlock_dev.address + "/")
    await page.screenshot(path=tmp_path / f"{scheme}-empty.png", full_page=True)
    await drop(page, png("holiday.png", 64), EICAR, HTML_AS_PNG)
    for outcome in ("accepted", "infected", "rejected"):
        await expect(page.locator(f"[data-state={outcome}]")).to_be_visible(timeout=VERDICT_MS)
    await page.locator("[data-state=accepted]").get_by_text("Evidence").click()
    await page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)
    await page.close()


async def downloaded(page: Page, name: str) -> bytes:
    """The bytes that the row's link gives."""
    async with page.expect_download() as download:
        await row(page, name).get_by_role("link", name="Download").click()
    return Path(await (await download.value).path()).read_bytes()
