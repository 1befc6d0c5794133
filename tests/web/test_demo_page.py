"""The demo page by itself: what it shows, to whom, and what it leaves out. The service behind it is a stand-in."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web.fake_service import FakeService, problem
from tests.web.handling import Given, choose, drop, progress_seen, row, slow_down

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTE = Given("note.txt", "text/plain", b"hello hello!")

CONTRAST = """selectors => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  const over = (color, below) => {
    canvas.fillStyle = below; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return `rgb(${[...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)].join(" ")})`;
  };
  const behind = element => element === null ? "white"
    : over(getComputedStyle(element).backgroundColor, behind(element.parentElement));
  const light = color => {
    const [r, g, b] = color.match(/\\d+/g).map(n => n / 255)
      .map(n => n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return Object.fromEntries(selectors.map(selector => {
    const element = document.querySelector(selector), back = behind(element);
    const [a, b] = [light(over(getComputedStyle(element).color, back)), light(back)];
    return [selector, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  }));
}"""

NAMELESS = """() => [...document.querySelectorAll("button, input:not([hidden]), a, progress")]
  .filter(e => !(e.textContent.trim() || e.labels?.length || e.getAttribute("aria-label")))
  .map(e => e.outerHTML)"""


async def test_a_dropped_file_shows_progress_then_its_verdict_and_evidence(
    page: Page, fake_service: FakeService
) -> None:
    await page.goto(fake_service.address)
    await slow_down(page, 1_000_000)
    await drop(page, Given("big.txt", "text/plain", bytes(1_500_000)))
    assert await progress_seen(page), "the bar jumped from nothing to all"
    mine = row(page, "big.txt")
    await expect(mine.get_by_text("Accepted")).to_be_visible()
    await mine.get_by_text("Evidence big.txt · magika 1.0.3 · yara-x 1.23.0").click()
    for fact in ("9f" * 32, "text/plain", "magika 1.0.3", "yara-x 1.23.0, signatures of 12 Nov 2026", "u1"):
        await expect(mine.get_by_role("definition").filter(has_text=fact)).to_be_visible()


async def test_the_stages_follow_each_other(page: Page, fake_service: FakeService) -> None:
    fake_service.storage_may_answer.clear()
    fake_service.inspection_may_end.clear()
    await page.goto(fake_service.address)
    await choose(page, NOTE)
    mine = row(page, "note.txt")
    await expect(mine).to_have_attribute("data-state", "awaiting_upload")
    await expect(mine.get_by_role("button", name="Cancel note.txt")).to_be_visible()
    fake_service.storage_may_answer.set()
    await expect(mine).to_have_attribute("data-state", "inspecting")
    await expect(mine.get_by_role("button", name="Cancel note.txt")).to_be_hidden()
    fake_service.inspection_may_end.set()
    await expect(mine).to_have_attribute("data-state", "accepted")
    said = page.get_by_role("log", name="Progress of uploads").get_by_role("paragraph")
    await expect(said).to_have_text(
        [f"note.txt: {word}." for word in ("Asking", "Sending", "Awaiting", "Inspecting", "Accepted")]
    )


async def test_findings_are_sentences_and_are_read_out(page: Page, fake_service: FakeService) -> None:
    finding = {"code": "media_type_mismatch", "check": "media_type", "message": "the bytes are text/html"}
    fake_service.verdict |= {"outcome": "rejected", "findings": [finding]}
    await page.goto(fake_service.address)
    await drop(page, NOTE)
    mine = row(page, "note.txt")
    await expect(mine.get_by_text("Rejected", exact=True)).to_be_visible()
    await expect(mine.get_by_text("The bytes are text/html.")).to_be_visible()
    await expect(mine.get_by_text("media_type · media_type_mismatch")).to_be_visible()
    await expect(mine.get_by_role("link", name="Download")).to_be_hidden()
    await expect(page.get_by_role("log")).to_contain_text("note.txt: Rejected. The bytes are text/html.")


async def test_cancelling_while_sending_stops_it_and_withdraws_it(page: Page, fake_service: FakeService) -> None:
    fake_service.storage_may_answer.clear()
    await page.goto(fake_service.address)
    await drop(page, NOTE)
    async with page.expect_response(lambda response: response.request.method == "DELETE"):
        await row(page, "note.txt").get_by_role("button", name="Cancel").click()
    await expect(row(page, "note.txt").get_by_text("Cancelled")).to_be_visible()
    await expect(row(page, "note.txt").get_by_role("button", name="Try again")).to_be_focused()
    assert fake_service.withdrawn == ["u1"]


async def test_a_refusal_is_explained_and_can_be_tried_again(page: Page, fake_service: FakeService) -> None:
    fake_service.service_answers.append(problem(413, "too_large", "It is larger than the profile allows."))
    await page.goto(fake_service.address)
    await drop(page, NOTE)
    mine = row(page, "note.txt")
    await expect(mine.get_by_text("It is larger than the profile allows.")).to_be_visible()
    await mine.get_by_role("button", name="Try again").click()
    await expect(mine.get_by_text("Accepted")).to_be_visible()


async def test_a_service_that_asks_for_a_token_gets_one_also_for_the_download(
    page: Page, fake_service: FakeService
) -> None:
    fake_service.service_answers.append(problem(401, "unauthorized", "A token is needed."))
    await page.goto(fake_service.address)
    await drop(page, NOTE)
    await page.get_by_label("Bearer token").fill("t0ken")
    mine = row(page, "note.txt")
    await mine.get_by_role("button", name="Try again").click()
    async with page.expect_download() as download:
        await mine.get_by_role("link", name="Download").click()
    path = await (await download.value).path()
    assert path.read_bytes() == NOTE.content
    assert fake_service.tokens == [None, "Bearer t0ken", "Bearer t0ken"]


async def test_many_files_are_all_sent_and_finished_ones_can_be_cleared(page: Page, fake_service: FakeService) -> None:
    await page.goto(fake_service.address)
    names = [f"{number}.txt" for number in range(9)]
    await choose(page, *(Given(name, "text/plain", name.encode()) for name in names))
    await expect(page.get_by_text("9 files, 9 accepted")).to_be_visible()
    await expect(page.locator(".name")).to_have_text(names)
    await page.get_by_role("button", name="Clear finished").click()
    await expect(page.get_by_role("heading", name="What happens to a file")).to_be_visible()
    await expect(page.get_by_role("button", name="Choose files")).to_be_focused()


async def test_the_keyboard_is_enough(page: Page, fake_service: FakeService) -> None:
    await page.goto(fake_service.address)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Choose files")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("radio", name="Avatar")).to_be_checked()
    await page.keyboard.press("Shift+Tab")
    async with page.expect_file_chooser() as dialog:
        await page.keyboard.press("Enter")
    await (await dialog.value).set_files({"name": "me.png", "mimeType": "image/png", "buffer": b"png"})
    await expect(row(page, "me.png").get_by_text("Accepted")).to_be_visible()
    assert fake_service.asked[0]["profile"] == "avatar"
    for target in ("radio", "summary", "button", "link"):
        await page.keyboard.press("Tab")
        outline = await page.evaluate("""() => {
          const at = document.activeElement, shown = at.matches("input[type=radio]") ? at.nextElementSibling : at;
          return [at.role ?? at.type ?? "", at.localName, getComputedStyle(shown).outlineStyle];
        }""")
        assert outline[2] == "solid", f"no focus ring on the {target}"
    async with page.expect_download():
        await page.keyboard.press("Enter")


async def test_controls_and_regions_have_names(page: Page, fake_service: FakeService) -> None:
    fake_service.storage_may_answer.clear()
    await page.goto(fake_service.address)
    await drop(page, NOTE)
    for role, name in (
        ("banner", None),
        ("main", None),
        ("group", "Profile"),
        ("region", "Add files"),
        ("region", "Uploads"),
        ("progressbar", "Sending note.txt"),
        ("button", "Cancel note.txt"),
        ("log", "Progress of uploads"),
    ):
        found: Any = page.get_by_role(role, **({"name": name} if name else {}))  # type: ignore[arg-type]
        await expect(found).to_have_count(1)
    assert await page.evaluate(NAMELESS) == []
    fake_service.storage_may_answer.set()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<img src=x onerror=document.title='hit'>.png", "<img src=x onerror=document.title='hit'>.png"),
        ("photo\u202egnp.exe", "photo\ufffdgnp.exe"),
    ],
)
async def test_a_hostile_file_name_is_only_text(page: Page, fake_service: FakeService, name: str, shown: str) -> None:
    fake_service.verdict |= {
        "findings": [{"code": "<b>", "check": "<i>", "message": f"About {name}"}],
        "outcome": "rejected",
    }
    await page.goto(fake_service.address)
    await drop(page, Given(name, "image/png", b"x"))
    await expect(page.locator("[data-state=rejected] .name")).to_have_text(shown)
    assert await page.locator("main img, main b, main i").count() == 0
    assert await page.title() == "Airlock"


async def test_nothing_is_loaded_from_elsewhere_and_nothing_inline_runs(page: Page, fake_service: FakeService) -> None:
    asked: list[str] = []
    blocked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: blocked.append(line.text))
    await page.goto(fake_service.address)
    await drop(page, NOTE)
    await expect(row(page, "note.txt").get_by_text("Accepted")).to_be_visible()
    ours = (fake_service.address, str(fake_service.storage.make_url("/")))
    assert [url for url in asked if not url.startswith(ours)] == []
    assert blocked == []
    assert await page.locator("script:not([src]), style, [style], [onclick]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_both_colour_schemes_can_be_read(
    browser: Browser, fake_service: FakeService, scheme: Any, tmp_path: Path
) -> None:
    fake_service.verdict |= {"outcome": "rejected", "findings": [{"code": "c", "check": "k", "message": "No"}]}
    page = await browser.new_page(color_scheme=scheme, viewport={"width": 960, "height": 900})
    await page.goto(fake_service.address)
    await drop(page, NOTE)
    await expect(row(page, "note.txt").get_by_text("Rejected", exact=True)).to_be_visible()
    await page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)
    texts = ["h1", ".masthead p", ".invitation", ".or", "#choose", ".hint", "summary", ".tally", "#clear"]
    texts += [".segments input:checked + span", ".segments input:not(:checked) + span", ".name", ".facts", ".badge"]
    contrast = await page.evaluate(CONTRAST, [*texts, ".sentence", ".findings p", ".source"])
    assert {text: ratio for text, ratio in contrast.items() if ratio < 4.5} == {}
    ground = await page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(244, 246, 247)", "dark": "rgb(14, 19, 22)"}[scheme]
    await page.close()


async def test_a_narrow_screen_needs_no_sideways_scrolling(browser: Browser, fake_service: FakeService) -> None:
    page = await browser.new_page(viewport={"width": 320, "height": 700})
    await page.goto(fake_service.address)
    await drop(page, Given("x" * 200 + ".txt", "text/plain", b"x"))
    await expect(page.locator("[data-state=accepted]")).to_be_visible()
    await page.get_by_text("Evidence").click()
    assert await page.evaluate("() => document.documentElement.scrollWidth") == 320
    await page.close()
