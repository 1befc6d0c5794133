"""The pages load nothing from elsewhere, and their Content-Security-Policy enforces it."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from airlock.profiles import Profiles
from service.pages import STATIC, content_security_policy
from tests.service.harness import ServiceHarness, settings


@pytest.fixture
def web(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<!doctype html><title>Demo</title>")
    (tmp_path / "demo.js").write_text("export {};")
    (tmp_path / ".hidden").write_text("secret")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "kind"), [("/docs", "text/html"), ("/docs/docs.js", "javascript"), ("/docs/docs.css", "text/css")]
)
async def test_the_documents_page_needs_nothing_from_elsewhere(service: ServiceHarness, path: str, kind: str) -> None:
    answer = await service.ask("GET", path, owner=None)
    assert answer.status == 200
    assert kind in answer.headers["Content-Type"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    security = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in security
    assert "unsafe" not in security
    assert "connect-src 'self';" in security
    assert not re.findall(rb"https?://|<script>|<style>| style=| on\w+=", answer.body)


def test_the_documents_page_refers_to_files_that_are_there() -> None:
    page = (STATIC / "docs.html").read_text()
    for name in re.findall(r"docs/([\w.]+)", page):
        assert (STATIC / name).is_file()


async def test_without_the_demo_page_there_is_none(service: ServiceHarness) -> None:
    assert (await service.ask("GET", "/", owner=None)).status == 404
    assert (await service.ask("GET", "/web/demo.js", owner=None)).status == 404


async def test_the_demo_page_may_talk_to_us_and_to_the_storage(profiles: Profiles, web: Path) -> None:
    async with ServiceHarness(settings(demo_page=True, web=web), profiles) as service:
        page = await service.ask("GET", "/", owner=None)
        script = await service.ask("GET", "/web/demo.js", owner=None)
        assert (await service.ask("GET", "/web/.hidden", owner=None)).status == 404
        assert (await service.ask("GET", "/web/..%2findex.html", owner=None)).status == 404
    assert b"Demo" in page.body
    security = page.headers["Content-Security-Policy"]
    assert "connect-src 'self' https://incoming-test.s3.eu-central-1.amazonaws.com https://accepted-test.s3" in security
    assert (script.status, script.body) == (200, b"export {};")


async def test_the_demo_page_may_talk_to_an_emulator(profiles: Profiles, web: Path) -> None:
    changed = settings(demo_page=True, web=web, endpoint_url="http://127.0.0.1:4566", addressing="path")
    async with ServiceHarness(changed, profiles) as service:
        page = await service.ask("GET", "/", owner=None)
    assert "connect-src 'self' http://127.0.0.1:4566;" in page.headers["Content-Security-Policy"]


def test_a_policy_names_each_source_once() -> None:
    assert content_security_policy("http://a", "http://a").count("http://a") == 1


async def test_in_mode_dev_no_token_is_needed(profiles: Profiles) -> None:
    changed = settings(mode="dev", secrets=[SecretStr("x" * 32)])
    async with ServiceHarness(changed, profiles) as service:
        created = await service.create(owner=None)
        assert created["upload"]["fields"]["x-amz-meta-owner"] == "anonymous"
        assert (await service.ask("GET", created["links"]["self"], owner=None)).status == 200
        assert (await service.ask("GET", created["links"]["self"])).status == 404
        wrong = await service.ask("GET", "/v1/uploads", owner=None, headers={"Authorization": "Bearer x"})
        assert wrong.status == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/uploads", 201),
        ("GET", "/v1/uploads", 200),
        ("GET", "/api/get-presigned-policy?filename=a.png", 200),
        ("GET", "/docs", 200),
        ("GET", "/docs/docs.js", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/healthz", 200),
        ("GET", "/v1/uploads/none", 404),
        ("GET", "/<script>", 404),
        ("PUT", "/v1/uploads", 405),
    ],
)
async def test_no_answer_may_be_taken_for_another_kind_of_thing(
    service: ServiceHarness, method: str, path: str, status: int
) -> None:
    body: dict[str, Any] = {"json": {"filename": "a.png"}} if method == "POST" else {}
    answer = await service.ask(method, path, **body)
    assert answer.status == status
    assert answer.headers.getall("X-Content-Type-Options") == ["nosniff"]  # type: ignore[attr-defined]
