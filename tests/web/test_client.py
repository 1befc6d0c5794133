"""web/airlock.js, in a browser, against a service that fails on demand."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.web.fake_service import FakeService, problem, storage_error

pytestmark = pytest.mark.asyncio(loop_scope="session")

UPLOAD = """async options => {
  const { upload, AirlockError } = await import("/web/airlock.js");
  const seen = { states: [], progress: [] };
  const file = new File(["hello hello!"], "a b.txt", { type: "text/plain" });
  window.stop = new AbortController();
  try {
    seen.status = await upload(file, {
      ...options,
      signal: window.stop.signal,
      onState: ({ state }) => seen.states.push(state),
      onProgress: progress => seen.progress.push(progress),
    });
  } catch (error) {
    const { name, message, code, detail, field, status } = error;
    seen.error = { name, message, code, detail, field, status, ours: error instanceof AirlockError };
  }
  return seen;
}"""

LONG_PAUSE = """window.pause = new Promise(begun => {
  const real = window.setTimeout;
  window.setTimeout = (then, ms) => { if (ms >= 1000) begun(ms); return real(then, ms); };
});"""

RESULT_AT_ONCE = """async () => {
  let seen = null;
  window.result.then(result => { seen = result; });
  window.stop.abort();
  for (let turn = 0; turn < 100; turn += 1) await null;
  return seen;
}"""


async def upload(page: Page, fake_service: FakeService, **options: Any) -> dict[str, Any]:
    await page.goto(fake_service.address)
    seen: dict[str, Any] = await page.evaluate(UPLOAD, options)
    return seen


async def test_a_file_is_asked_for_sent_and_followed_to_its_verdict(page: Page, fake_service: FakeService) -> None:
    seen = await upload(page, fake_service, profile="avatar", metadata={"note": "n"}, token="t0ken")
    assert fake_service.asked == [
        {
            "profile": "avatar",
            "filename": "a b.txt",
            "content_type": "text/plain",
            "size": 12,
            "metadata": {"note": "n"},
        }
    ]
    assert fake_service.tokens == ["Bearer t0ken"]
    assert seen["states"] == ["awaiting_upload", "inspecting", "accepted"]
    assert seen["status"]["verdict"]["sha256"] == "9f" * 32
    assert seen["progress"][-1] == {"loaded": 12, "total": 12, "stored": True}
    assert all(0 <= progress["loaded"] <= 12 for progress in seen["progress"])


async def test_the_form_has_every_field_of_the_policy_and_then_the_file(page: Page, fake_service: FakeService) -> None:
    await upload(page, fake_service)
    assert fake_service.posted == [
        [
            ("key", "incoming/u1"),
            ("Content-Type", "text/plain"),
            ("x-amz-meta-filename", "a%20b"),
            ("policy", "cA=="),
            ("file", b"hello hello!"),
        ]
    ]


async def test_a_verdict_against_the_file_is_an_answer_and_not_an_error(page: Page, fake_service: FakeService) -> None:
    finding = {"code": "yara_match", "check": "yara", "message": "It matches."}
    fake_service.verdict |= {"outcome": "infected", "findings": [finding]}
    seen = await upload(page, fake_service)
    assert seen["status"]["state"] == "infected"
    assert seen["status"]["verdict"]["findings"] == [finding]


async def test_a_refusal_tells_code_detail_field_and_status_and_is_not_asked_again(
    page: Page, fake_service: FakeService
) -> None:
    fake_service.service_answers.append(problem(413, "too_large", "It is too large."))
    seen = await upload(page, fake_service)
    assert seen["error"] == {
        "name": "AirlockError",
        "message": "It is too large.",
        "code": "too_large",
        "detail": "It is too large.",
        "field": "size",
        "status": 413,
        "ours": True,
    }
    assert len(fake_service.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_service_that_asks_for_patience_is_asked_again(
    page: Page, fake_service: FakeService, status: int
) -> None:
    fake_service.service_answers += [problem(status, "busy", "Later.", **{"Retry-After": "0"})] * 2
    seen = await upload(page, fake_service)
    assert seen["status"]["state"] == "accepted"
    assert len(fake_service.asked) == 3


async def test_who_would_have_to_wait_for_long_is_told_at_once(page: Page, fake_service: FakeService) -> None:
    fake_service.service_answers.append(
        problem(429, "too_many_requests", "The limit is reached.", **{"Retry-After": "3600"})
    )
    seen = await upload(page, fake_service)
    assert (seen["error"]["code"], seen["error"]["detail"]) == ("too_many_requests", "The limit is reached.")
    assert len(fake_service.asked) == 1


async def test_patience_ends_after_five_attempts(page: Page, fake_service: FakeService) -> None:
    fake_service.service_answers += [problem(503, "unavailable", "Later.", **{"Retry-After": "0"})] * 9
    seen = await upload(page, fake_service)
    assert (seen["error"]["code"], seen["error"]["status"]) == ("unavailable", 503)
    assert len(fake_service.asked) == 5


async def test_a_service_that_falters_while_it_is_followed_is_asked_again(
    page: Page, fake_service: FakeService
) -> None:
    fake_service.status_answers.append(problem(503, "unavailable", "Later.", **{"Retry-After": "0"}))
    seen = await upload(page, fake_service)
    assert seen["status"]["state"] == "accepted"


async def test_a_lost_connection_is_tried_again(page: Page, fake_service: FakeService) -> None:
    lost: list[str] = []

    async def lose_once(route: Any) -> None:
        if lost:
            await route.continue_()
        else:
            lost.append(route.request.url)
            await route.abort("connectionreset")

    await page.route("**/bucket", lose_once)
    seen = await upload(page, fake_service)
    assert seen["status"]["state"] == "accepted"
    assert len(lost) == 1


async def test_a_refusal_of_the_storage_carries_its_own_words(page: Page, fake_service: FakeService) -> None:
    fake_service.storage_answers.append(
        storage_error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum")
    )
    seen = await upload(page, fake_service)
    assert seen["error"]["code"] == "storage_refused"
    assert seen["error"]["status"] == 400
    assert "EntityTooLarge" in seen["error"]["detail"]
    assert "exceeds the maximum" in seen["error"]["detail"]
    assert seen["states"] == ["awaiting_upload"]


async def test_an_answer_that_is_not_json_is_an_error_and_no_crash(page: Page, fake_service: FakeService) -> None:
    fake_service.service_answers.append(storage_error(200, "x", "y"))
    seen = await upload(page, fake_service)
    assert (seen["error"]["code"], seen["error"]["ours"]) == ("unexpected_answer", True)


async def test_aborting_while_sending_rejects_with_the_signals_reason(page: Page, fake_service: FakeService) -> None:
    fake_service.storage_may_answer.clear()
    await page.goto(fake_service.address)
    await page.evaluate(f"() => {{ window.result = ({UPLOAD})({{}}); }}")
    await fake_service.storage_was_asked.wait()
    await page.evaluate("() => window.stop.abort()")
    seen = await page.evaluate("() => window.result")
    assert (seen["error"]["name"], seen["error"]["ours"]) == ("AbortError", False)


async def test_aborting_ends_the_wait_before_another_attempt(page: Page, fake_service: FakeService) -> None:
    fake_service.service_answers.append(problem(503, "unavailable", "Later.", **{"Retry-After": "3600"}))
    await page.add_init_script(LONG_PAUSE)
    await page.goto(fake_service.address)
    await page.evaluate(f"() => {{ window.result = ({UPLOAD})({{}}); }}")
    assert await page.evaluate("() => window.pause") == 60_000
    seen = await page.evaluate(RESULT_AT_ONCE)
    assert seen["error"]["name"] == "AbortError"
    assert len(fake_service.asked) == 1
