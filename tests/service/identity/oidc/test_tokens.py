"""The caller that a provider's token names, how long it is cached, and the service with both kinds of tokens."""

import asyncio
import hashlib
import pickle
from typing import Any

import pytest
from aiohttp import web

from airlock.profiles import Profiles
from service.identity.caller import Caller, InvalidToken
from service.identity.oidc import provider
from service.identity.oidc.jws import MAX_TOKEN
from service.identity.oidc.provider import COOLDOWN_SECONDS
from service.identity.oidc.tokens import CACHE_SECONDS, OidcVerifier
from service.identity.oidc.verified import VerifiedTokenCache
from service.server import MAX_HEADER
from tests.service.fakes import FakeClock
from tests.service.harness import TOKENS, Answer, ServiceHarness, settings
from tests.service.identity.conftest import ISSUER, opened, verifier
from tests.service.identity.provider import FIRST, JWKS, SECOND, OpenIdProvider, claims, compact


def token(**changes: Any) -> str:
    return compact(FIRST.header(), claims(ISSUER, **changes), FIRST.sign)


async def who(said: dict[str, Any], **trusted: Any) -> Caller:
    """The caller of a token with these claims."""
    async with verifier(FIRST, **trusted) as oidc:
        return await oidc.verify(token(**said))


async def test_an_owner_is_the_subject_behind_a_prefix() -> None:
    """So no user of the provider becomes the owner of a static token by taking its name there."""
    assert await who({"sub": "shop"}) == Caller("oidc:shop")
    assert (await who({"sub": "shop"}, owner_prefix="")).owner == "shop"
    assert (await who({"email": "a@b.example"}, owner_claim="email", owner_prefix="idp:")).owner == "idp:a@b.example"


async def test_a_tenant_is_part_of_the_owner() -> None:
    caller = await who({"sub": "alice", "org": "acme"}, tenant_claim="org")
    assert (caller.owner, caller.tenant) == ("oidc:acme/alice", "acme")
    assert (await who({"sub": "b/c", "org": "a"}, tenant_claim="org")).owner == "oidc:a/b/c"
    with pytest.raises(InvalidToken, match="'org' must not contain '/'"):
        await who({"sub": "c", "org": "a/b"}, tenant_claim="org")


@pytest.mark.parametrize("tenant", [None, "", 5, ["acme"], "a\nb", "t" * 129])
async def test_who_has_no_tenant_where_there_are_some_is_refused(tenant: Any) -> None:
    with pytest.raises(InvalidToken, match="'org'"):
        await who({"org": tenant}, tenant_claim="org")


@pytest.mark.parametrize(
    ("given", "scopes"),
    [("a b", {"a", "b"}), (" a  b ", {"a", "b"}), (["a", "b c"], {"a", "b c"}), ("", set()), (None, set())],
)
async def test_scopes_are_a_string_or_a_list(given: Any, scopes: set[str]) -> None:
    assert (await who({"scope": given})).scopes == scopes
    assert (await who({"scp": given, "scope": "other"}, scope_claim="scp")).scopes == scopes


async def test_the_audience_may_be_one_of_several() -> None:
    both = frozenset({"airlock", "airlock-staging"})
    for audience in (["account", "airlock-staging"], "airlock"):
        assert (await who({"aud": audience}, audience=both)).owner == "oidc:alice"


async def test_the_scope_for_sessions_lets_mint_for_users_of_the_provider_alone() -> None:
    back_end = await who({"scope": "other sessions"}, session_scope="sessions")
    assert back_end.may_create_sessions_for("oidc:bob")
    assert not back_end.may_create_sessions_for("shop")
    for caller in (await who({"scope": "other"}, session_scope="sessions"), await who({"scope": "sessions"})):
        assert not caller.may_create_sessions_for("oidc:bob")
        assert caller.may_create_sessions_for("oidc:alice")


@pytest.mark.parametrize("tenant", ["acme", "*", "a?me", "[a-z]", "a[!b]"])
async def test_with_a_tenant_it_is_for_owners_of_that_tenant(tenant: str) -> None:
    caller = await who({"org": tenant, "scope": "sessions"}, tenant_claim="org", session_scope="sessions")
    assert caller.may_create_sessions_for(f"oidc:{tenant}/bob")
    for other in ("oidc:bob", "oidc:other/bob", "oidc:acme2/bob", "oidc:a/bob", "oidc:ac/bob"):
        assert not caller.may_create_sessions_for(other)


async def test_a_token_is_known_after_it_was_verified_until_it_ends() -> None:
    clock = FakeClock()
    async with verifier(FIRST, clock=clock) as oidc:
        short, long = token(exp=clock.now() + 60), token()
        assert oidc.find(short) is None
        caller = await oidc.verify(short)
        assert oidc.find(short) is caller
        await oidc.verify(long)
        clock.advance(60 + 29)
        assert oidc.find(short) is caller
        clock.advance(1)
        assert oidc.find(short) is None
        with pytest.raises(InvalidToken, match="expired"):
            await oidc.verify(short)
        clock.advance(CACHE_SECONDS - 91)
        assert oidc.find(long)
        clock.advance(1)
        assert oidc.find(long) is None
        assert (await oidc.verify(long)).owner == "oidc:alice"


async def test_a_look_up_reads_nothing_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async with verifier(FIRST) as oidc:
        monkeypatch.setattr(hashlib, "sha256", None)
        assert oidc.find("a" * (MAX_TOKEN + 1)) is None


async def test_the_tokens_used_last_are_known_and_none_is_held_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async with verifier(FIRST) as oidc:
        oidc._cache = VerifiedTokenCache(size=2)
        first, second, third = (token(sub=name) for name in ("a", "b", "c"))
        for each in (first, second):
            await oidc.verify(each)
        assert oidc.find(first)
        await oidc.verify(third)
        assert [bool(oidc.find(each)) for each in (first, second, third)] == [True, False, True]
        assert len(oidc._cache) == 2
        held = pickle.dumps(list(oidc._cache._by_digest))
        assert first.encode() not in held
        assert first.rpartition(".")[2].encode() not in held


def bearing(text: str) -> dict[str, Any]:
    return {"owner": None, "headers": {"Authorization": f"Bearer {text}"}}


def served(profiles: Profiles, oidc: OidcVerifier, clock: FakeClock) -> ServiceHarness:
    """A service that accepts both kinds of tokens. Its profile `documents` requires a scope."""
    scoped = profiles.profiles["documents"].model_copy(update={"scopes": ("documents:write",)})
    wanted = profiles.model_copy(update={"profiles": {**profiles.profiles, "documents": scoped}})
    return ServiceHarness(settings(), wanted, clock=clock, oidc=oidc)


async def create(service: ServiceHarness, text: str, **fields: Any) -> Answer:
    return await service.ask("POST", "/v1/uploads", json={"filename": "a.pdf", **fields}, **bearing(text))


async def test_both_kinds_of_tokens_are_served_side_by_side(
    openid: OpenIdProvider, profiles: Profiles, clock: FakeClock
) -> None:
    async with opened(openid, clock, tenant_claim="org") as oidc, served(profiles, oidc, clock) as service:
        static = await create(service, TOKENS["shop"])
        alice, bob = (openid.token(sub=name, org="acme") for name in ("alice", "bob"))
        made = await create(service, alice)
        assert (static.status, made.status) == (201, 201)
        fields = made.json["upload"]["fields"]
        assert (fields["x-amz-meta-owner"], fields["x-amz-meta-tenant"]) == ("oidc:acme/alice", "acme")
        # Not found for another user, nor for the owner of the same name with a static token.
        path = f"/v1/uploads/{made.json['id']}"
        for text, status in ((alice, 200), (bob, 404), (TOKENS["shop"], 404)):
            assert (await service.ask("GET", path, **bearing(text))).status == status
        namesake = openid.token(sub="shop", org="acme")
        assert (await service.ask("GET", f"/v1/uploads/{static.json['id']}", **bearing(namesake))).status == 404
    assert not any(text.encode() in line for text in (alice, bob) for line in service.lines)


async def test_a_profile_is_for_who_has_its_scopes(
    openid: OpenIdProvider, profiles: Profiles, clock: FakeClock
) -> None:
    async with opened(openid, clock) as oidc, served(profiles, oidc, clock) as service:
        without = await create(service, openid.token(scope="documents:read"), profile="documents")
        assert (without.status, without.json["code"]) == (403, "profile_forbidden")
        scope = openid.token(scope="documents:read documents:write")
        assert (await create(service, scope, profile="documents")).status == 201


async def test_a_refused_token_is_answered_by_the_rules_of_bearer_tokens(
    openid: OpenIdProvider, profiles: Profiles, clock: FakeClock
) -> None:
    async with opened(openid, clock) as oidc, served(profiles, oidc, clock) as service:
        refused = [openid.token(exp=1), openid.token(aud="x"), openid.token(key=SECOND), "a.b.c", "unknown"]
        for text in (*refused, "x" * (MAX_TOKEN + 1), f"{'x' * (MAX_HEADER - 100)}.y.z"):
            answer = await create(service, text)
            assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
            assert text not in answer.body.decode()
        none = await service.ask("POST", "/v1/uploads", owner=None, json={"filename": "a.png"})
        assert (none.status, none.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_without_keys_the_service_tells_so_and_serves_static_tokens(
    openid: OpenIdProvider, profiles: Profiles, clock: FakeClock
) -> None:
    async def fails(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    openid.answers[JWKS] = fails
    async with opened(openid, clock) as oidc, served(profiles, oidc, clock) as service:
        away = await create(service, openid.token())
        assert (away.status, away.headers["Retry-After"]) == (503, "5")
        assert away.json["detail"] == "The OpenID provider is unavailable"
        ready = await service.ask("GET", "/readyz", owner=None)
        assert (ready.status, ready.json["away"]) == (200, ["oidc"])
        assert (await create(service, TOKENS["shop"])).status == 201
        assert (await create(service, openid.token(exp=1))).status == 401
        del openid.answers[JWKS]
        clock.advance(COOLDOWN_SECONDS)
        assert (await create(service, openid.token())).status == 201
        assert (await service.ask("GET", "/readyz", owner=None)).json["away"] == []


@pytest.mark.slow
async def test_a_provider_that_hangs_delays_no_token_whose_key_is_held(
    openid: OpenIdProvider, profiles: Profiles, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with opened(openid, clock) as oidc, served(profiles, oidc, clock) as service:
        assert (await create(service, openid.token())).status == 201
        openid.answers[JWKS] = hangs
        clock.advance(COOLDOWN_SECONDS)
        monkeypatch.setattr(provider, "WAIT_SECONDS", 1)
        unknown = asyncio.create_task(create(service, openid.token(key=SECOND)))
        await openid.was_asked(JWKS, 2)
        for number in range(5):
            assert (await create(service, openid.token(sub=f"user-{number}"))).status == 201
        assert not unknown.done()
        assert (await unknown).status == 401
