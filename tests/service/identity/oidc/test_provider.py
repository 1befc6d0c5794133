"""A provider's keys are refreshed in the background, and kept while the provider is unavailable or sends garbage."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp import web

from airlock.errors import Unavailable
from service.identity.caller import InvalidToken
from service.identity.oidc import fetching, provider
from service.identity.oidc.jwks import MAX_KEYS, KeySet
from service.identity.oidc.provider import COOLDOWN_SECONDS, DISCOVERY, STALE_SECONDS
from service.identity.oidc.tokens import OidcVerifier
from tests.service.fakes import FakeClock
from tests.service.identity.conftest import opened
from tests.service.identity.provider import FIRST, JWKS, SECOND, Answer, OpenIdProvider, SigningKey, keys_document


def at_once(oidc: OidcVerifier, token: str) -> str:
    """The owner of a token that is verified without waiting."""
    try:
        oidc.verify(token).send(None)
    except StopIteration as done:
        return str(done.value.owner)
    raise AssertionError("it waits")


def says(body: bytes = b"", status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=headers)

    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


ELSEWHERE = JWKS + "/elsewhere"


async def torn(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"{")
    assert request.transport
    request.transport.close()
    return response


async def hangs(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def trickles(request: web.Request) -> web.StreamResponse:
    """Starts a response and never ends it."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"{")
    return await hangs(request)


KEYS = keys_document(FIRST)
BAD_KEYS: dict[str, Answer] = {
    "fails": says(KEYS, 500),
    "is not there": says(KEYS, 404),
    "redirects": says(KEYS, 302, {"Location": ELSEWHERE}),
    "has no content": says(b"", 204),
    "is empty": says(b""),
    "is garbage": says(b"\x00\xff<html>"),
    "is a page": says(b"<html>maintenance</html>"),
    "is compressed": says(b"\x1f\x8b\x08\x00", headers={"Content-Encoding": "gzip"}),
    "is cut": says(KEYS[:-5]),
    "is a list": says(b"[]"),
    "has no list of keys": says(b'{"keys": {}}'),
    "has its keys twice": says(b'{"keys": [], "keys": []}'),
    "has no keys": says(b'{"keys": []}'),
    "has private keys alone": says(keys_document(FIRST.jwk(private=True))),
    "has symmetric keys alone": says(keys_document({"kty": "oct", "k": "c2VjcmV0", "kid": "first", "alg": "HS256"})),
    "has weak keys alone": says(keys_document(SigningKey(bits=1024))),
    "has too many keys": says(keys_document(*[FIRST.jwk(kid=str(number)) for number in range(MAX_KEYS + 1)])),
    "is huge": says(b" " * (fetching.MAX_DOCUMENT + 1) + KEYS),
    "never ends": endless,
    "is torn": torn,
    "hangs": hangs,
    "trickles": trickles,
}


def document(change: Callable[[str], dict[str, Any]]) -> Answer:
    """A valid discovery document with one change, which is a function of the issuer."""

    async def answer(request: web.Request) -> web.StreamResponse:
        issuer = f"http://{request.host}"
        return web.json_response({"issuer": issuer, "jwks_uri": issuer + JWKS} | change(issuer))

    return answer


BAD_DISCOVERY: dict[str, Answer] = {
    "another issuer": document(lambda issuer: {"issuer": issuer + "/"}),
    "no address": document(lambda _: {"jwks_uri": None}),
    "an address without TLS": document(lambda _: {"jwks_uri": "http://keys.example.com/"}),
    "an address that is a file": document(lambda _: {"jwks_uri": "file:///etc/passwd"}),
    "an address with a password": document(lambda issuer: {"jwks_uri": issuer.replace("//", "//me:secret@") + JWKS}),
    "an address that is none": document(lambda _: {"jwks_uri": "http://[::1"}),
    "an address that nobody has": document(lambda _: {"jwks_uri": "http://127.0.0.1:1/keys"}),
    "no document": says(b"<html>"),
    "a failure": says(b"{}", 503),
}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], AbstractContextManager[None]]:
    """Shortens the timeout for providers that never respond; for the others it stays as it is."""

    @contextmanager
    def patient(bad: str) -> Iterator[None]:
        with monkeypatch.context() as patch:
            if bad in ("hangs", "trickles"):
                patch.setattr(fetching, "TIMEOUT_SECONDS", 0.2)
                patch.setattr(provider, "WAIT_SECONDS", 0.1)
            yield

    return patient


Quick = Callable[[str], AbstractContextManager[None]]


@pytest.mark.parametrize("bad", BAD_KEYS)
async def test_without_keys_no_token_is_accepted_or_called_invalid(
    openid: OpenIdProvider, clock: FakeClock, quick: Quick, bad: str
) -> None:
    openid.answers |= {JWKS: BAD_KEYS[bad], ELSEWHERE: says(KEYS)}
    async with opened(openid, clock) as oidc, asyncio.timeout(30):
        with quick(bad):
            await clock.asleep(1)
            assert not oidc.is_available()
            with pytest.raises(Unavailable, match="oidc"):
                await oidc.verify(openid.token())
            # An error that does not depend on the keys is still reported.
            with pytest.raises(InvalidToken):
                await oidc.verify(openid.token(aud="another"))
        del openid.answers[JWKS]
        clock.advance(COOLDOWN_SECONDS)
        assert (await oidc.verify(openid.token())).owner == "oidc:alice"
        assert oidc.is_available()


@pytest.mark.parametrize("bad", BAD_KEYS)
async def test_keys_that_are_held_are_used_whatever_the_provider_answers(
    openid: OpenIdProvider, clock: FakeClock, quick: Quick, bad: str
) -> None:
    async with opened(openid, clock) as oidc, asyncio.timeout(30):
        await clock.asleep(1)
        openid.answers[JWKS] = BAD_KEYS[bad]
        with quick(bad):
            clock.advance(1000)
            await openid.was_asked(JWKS, 2)
            # During the refresh, and after it has failed.
            for sub in ("alice", "bob"):
                assert at_once(oidc, openid.token(sub=sub)) == f"oidc:{sub}"
                await clock.asleep(1)
            clock.advance(COOLDOWN_SECONDS)
            with pytest.raises(InvalidToken, match="kid"):
                await oidc.verify(openid.token(key=SECOND))
        assert oidc.is_available()


@pytest.mark.parametrize("bad", BAD_DISCOVERY)
async def test_a_discovery_that_cannot_be_trusted_gives_no_keys(
    openid: OpenIdProvider, clock: FakeClock, bad: str
) -> None:
    openid.answers[DISCOVERY] = BAD_DISCOVERY[bad]
    async with opened(openid, clock) as oidc:
        await clock.asleep(1)
        with pytest.raises(Unavailable):
            await oidc.verify(openid.token())
    assert JWKS not in openid.asked


async def test_an_issuer_over_tls_does_not_lead_to_an_address_without(clock: FakeClock) -> None:
    async def fetch(url: str) -> fetching.Document:
        asked.append(url)
        return fetching.Document(b'{"issuer": "https://a.example", "jwks_uri": "http://127.0.0.1/keys"}', None)

    asked: list[str] = []
    keys = provider.Provider("https://a.example", None, fetch, now=clock.now, sleep=clock.sleep, random=bytes)
    async with keys:
        await clock.asleep(1)
        assert asked == ["https://a.example/.well-known/openid-configuration"]
        with pytest.raises(Unavailable):
            keys.keys()


async def test_a_provider_that_is_down_is_no_reason_not_to_start(openid: OpenIdProvider, clock: FakeClock) -> None:
    async with opened(openid, clock, jwks_url="http://127.0.0.1:1/keys") as oidc:
        await clock.asleep(1)
        with pytest.raises(Unavailable):
            await oidc.verify(openid.token())


async def test_an_address_of_keys_in_the_settings_needs_no_discovery(openid: OpenIdProvider, clock: FakeClock) -> None:
    async with opened(openid, clock, jwks_url=openid.issuer + JWKS) as oidc:
        assert (await oidc.verify(openid.token())).owner == "oidc:alice"
    assert openid.asked == {JWKS: 1}


async def test_the_first_request_waits_for_the_first_keys(openid: OpenIdProvider, clock: FakeClock) -> None:
    async with opened(openid, clock) as oidc:
        assert (await oidc.verify(openid.token())).owner == "oidc:alice"
        assert openid.asked[JWKS] == 1


async def test_a_new_key_is_trusted_without_a_restart(openid: OpenIdProvider, clock: FakeClock) -> None:
    async with opened(openid, clock) as oidc:
        await clock.asleep(1)
        openid.keys.append(SECOND)
        clock.advance(COOLDOWN_SECONDS)
        assert (await oidc.verify(openid.token(key=SECOND))).owner == "oidc:alice"
        assert at_once(oidc, openid.token(exp=clock.now() + 1)) == "oidc:alice"


async def test_many_tokens_of_unknown_keys_cost_one_refresh(openid: OpenIdProvider, clock: FakeClock) -> None:
    async with opened(openid, clock) as oidc:
        await clock.asleep(1)
        assert openid.asked[JWKS] == 1
        for asked in (2, 3):
            clock.advance(COOLDOWN_SECONDS)
            for _ in range(2):
                tokens = [openid.token(header={"kid": f"unknown-{number}"}) for number in range(20)]
                answers = await asyncio.gather(*map(oidc.verify, tokens), return_exceptions=True)
                assert all(isinstance(answer, InvalidToken) for answer in answers)
            assert openid.asked[JWKS] == asked


async def test_tokens_with_invalid_claims_cause_no_request_to_the_provider(
    openid: OpenIdProvider, clock: FakeClock
) -> None:
    async with opened(openid, clock) as oidc:
        await clock.asleep(1)
        clock.advance(COOLDOWN_SECONDS)
        for changes in ({"exp": 1}, {"aud": "another"}, {"iss": "https://another.example"}):
            with pytest.raises(InvalidToken):
                await oidc.verify(openid.token(key=SECOND, **changes))
        assert openid.asked[JWKS] == 1


async def test_a_request_waits_for_a_new_key_for_a_while(
    openid: OpenIdProvider, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(openid, clock) as oidc, asyncio.timeout(30):
        await clock.asleep(1)
        openid.answers[JWKS] = hangs
        monkeypatch.setattr(provider, "WAIT_SECONDS", 0.3)
        clock.advance(COOLDOWN_SECONDS)
        waiting = asyncio.create_task(oidc.verify(openid.token(key=SECOND)))
        await openid.was_asked(JWKS, 2)
        # Other requests continue meanwhile.
        assert at_once(oidc, openid.token()) == "oidc:alice"
        assert not waiting.done()
        # It fails WAIT_SECONDS after it began at the latest, however long the provider takes.
        with pytest.raises(InvalidToken, match="kid"):
            await waiting


async def test_a_removed_key_is_not_trusted_after_the_refresh(openid: OpenIdProvider, clock: FakeClock) -> None:
    openid.keys = [FIRST, SECOND]
    async with opened(openid, clock) as oidc:
        await clock.asleep(1)
        gone, stays = openid.token(exp=clock.now() + 9999), openid.token(key=SECOND, exp=clock.now() + 9999)
        clock.advance(COOLDOWN_SECONDS)
        at_once(oidc, gone)
        at_once(oidc, stays)
        openid.keys = [SECOND]
        with pytest.raises(InvalidToken):
            await oidc.verify(openid.token(header={"kid": "unknown"}))
        assert oidc.find(gone) is None
        assert oidc.find(stays) is not None
        with pytest.raises(InvalidToken):
            await oidc.verify(gone)


async def test_another_key_under_the_same_kid_takes_its_place(openid: OpenIdProvider, clock: FakeClock) -> None:
    async with opened(openid, clock) as oidc:
        await clock.asleep(1)
        old, new = openid.token(), openid.token(key=SigningKey("first", number=1))
        at_once(oidc, old)
        openid.keys = [SigningKey("first", number=1)]
        clock.advance(1000)
        await clock.asleep(1)
        assert at_once(oidc, new) == "oidc:alice"
        assert oidc.find(old) is None
        with pytest.raises(InvalidToken):
            await oidc.verify(old)


async def test_keys_are_not_used_for_ever_without_the_provider(openid: OpenIdProvider, clock: FakeClock) -> None:
    async with opened(openid, clock) as oidc:
        await clock.asleep(1)
        openid.answers[JWKS] = says(status=500)
        clock.advance(STALE_SECONDS - 10)
        await clock.asleep(1)
        token = openid.token(exp=clock.now() + 3600)
        assert at_once(oidc, token) == "oidc:alice"
        clock.advance(10)
        await clock.asleep(1)
        assert not oidc.is_available()
        assert oidc.find(token) is None
        with pytest.raises(Unavailable, match="too old"):
            await oidc.verify(token)


def pause(clock: FakeClock) -> float:
    ((end, _),) = clock._sleepers
    return end - clock.now()


@pytest.mark.parametrize(
    ("max_age", "chance", "seconds"),
    [
        (None, b"\xff\xff", 900),
        (None, b"\0\0", 810),
        (0, b"\xff\xff", 300),
        (0, b"\0\0", 300),
        (1000, b"\xff\xff", 1000),
        (10**8, b"\xff\xff", 3600),
        (10**8, b"\0\0", 3240),
    ],
)
async def test_keys_are_fetched_anew_when_the_provider_says_within_bounds(
    openid: OpenIdProvider, clock: FakeClock, max_age: int | None, chance: bytes, seconds: float
) -> None:
    openid.max_age = max_age
    async with opened(openid, clock, random=lambda _: chance):
        await clock.asleep(1)
        assert pause(clock) == pytest.approx(seconds)
        clock.advance(seconds)
        await clock.asleep(1)
        assert openid.asked == {DISCOVERY: 2, JWKS: 2}


async def test_a_refresh_that_fails_is_tried_again_later_each_time(openid: OpenIdProvider, clock: FakeClock) -> None:
    openid.answers[JWKS] = says(status=500)
    pauses = []
    async with opened(openid, clock, random=lambda _: b"\xff\xff"):
        for _ in range(8):
            await clock.asleep(1)
            pauses.append(pause(clock))
            clock.advance(pauses[-1])
        await clock.asleep(1)
        del openid.answers[JWKS]
        clock.advance(60)
        await clock.asleep(1)
        assert pause(clock) == 900
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_whatever_a_document_makes_a_library_throw_the_refreshing_goes_on(
    openid: OpenIdProvider, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def throw(_: bytes) -> KeySet:
        raise RuntimeError("the modulus is secret-of-the-provider")

    with monkeypatch.context() as patch:
        patch.setattr(KeySet, "parse", throw)
        async with opened(openid, clock) as oidc:
            await clock.asleep(1)
            assert "RuntimeError" in caplog.text
            assert "secret" not in caplog.text
            patch.undo()
            clock.advance(COOLDOWN_SECONDS)
            await clock.asleep(1)
            assert at_once(oidc, openid.token()) == "oidc:alice"


async def test_new_keys_and_failures_are_logged(
    openid: OpenIdProvider, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with opened(openid, clock):
        await clock.asleep(1)
        openid.answers[JWKS] = says(b"secret", 500)
        clock.advance(1000)
        await clock.asleep(1)
    messages = [record.getMessage() for record in caplog.records if record.name == "service.identity.oidc.provider"]
    assert messages[0] == "the OpenID provider's keys changed"
    assert messages[1].endswith("/keys responded with status 500; the old keys are still used")
    assert len(messages) == 2


async def test_it_ends_at_once_while_the_provider_hangs(openid: OpenIdProvider, clock: FakeClock) -> None:
    openid.answers[DISCOVERY] = hangs
    async with asyncio.timeout(5), opened(openid, clock):
        await openid.was_asked(DISCOVERY, 1)
