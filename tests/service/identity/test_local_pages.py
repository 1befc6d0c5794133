"""In mode dev a page of another site gets nothing done without a token."""

import pytest
from pydantic import SecretStr

from airlock.errors import Refused
from airlock.origins import Origins
from airlock.profiles import Profiles
from service.identity.local_pages import LocalPages
from tests.service.harness import ServiceHarness, settings

LOCAL = "127.0.0.1:8080"
ALLOWED = [
    {},
    {"Content-Type": "application/json"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Host": "localhost:8080"},
    {"Host": "[::1]:8080"},
    {"Host": "airlock.localhost"},
    {"Origin": "http://127.0.0.1:8080"},
    {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://[::1]:3000"},
    {"Origin": "https://app.example"},
    {"Origin": "https://pr-7.preview.example.com"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]
REFUSED = [
    {"Origin": "https://evil.example"},
    {"Origin": "https://evil.example", "Content-Type": "application/json"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "http://localhost.evil.example:8080"},
    {"Origin": "http://[::1"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "Text/Plain; charset=utf-8"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"},
    {"Host": "evil.example:8080"},
    {"Host": ""},
]


@pytest.mark.parametrize("headers", ALLOWED)
def test_programs_and_pages_of_this_machine_need_no_token(headers: dict[str, str]) -> None:
    LocalPages(Origins(["https://app.example", "https://*.preview.example.com"])).require({"Host": LOCAL, **headers})


@pytest.mark.parametrize("headers", REFUSED)
def test_other_pages_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Refused, match="AIRLOCK_CORS_ORIGINS"):
        LocalPages(Origins(["https://app.example", "https://*.preview.example.com"])).require(
            {"Host": LOCAL, **headers}
        )


def test_a_service_that_others_may_reach_is_called_by_its_own_pages() -> None:
    there = {"Host": "10.0.0.7:8080"}
    pages = LocalPages(Origins([]), remote=True)
    pages.require(there)
    pages.require({**there, "Origin": "http://10.0.0.7:8080"})
    with pytest.raises(Refused):
        pages.require({**there, "Origin": "https://evil.example"})


def test_all_origins_can_be_let_in() -> None:
    LocalPages(Origins(["*"])).require({"Host": LOCAL, "Origin": "https://any.example"})


async def test_a_foreign_page_makes_no_anonymous_upload(profiles: Profiles) -> None:
    """With a token it may: then it is the token that decides."""
    async with ServiceHarness(settings(mode="dev", secrets=[SecretStr("x" * 32)]), profiles) as service:
        foreign = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
        for method, path in (
            ("POST", "/v1/uploads"),
            ("POST", "/v1/sessions"),
            ("GET", "/api/get-presigned-policy?filename=a.png"),
        ):
            answer = await service.ask(method, path, owner=None, headers=foreign, data=b'{"filename": "a.png"}')
            assert (answer.status, answer.json["code"]) == (401, "unauthenticated"), path
            own = {**foreign, "Origin": service.url}
            assert (await service.ask(method, path, owner=None, headers=own, data=b"{}")).status != 401, path
        asked = b'{"filename": "a.png"}'
        assert (await service.ask("POST", "/v1/uploads", headers=foreign, data=asked)).status == 201
