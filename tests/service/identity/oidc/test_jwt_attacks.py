"""Tokens of an attacker or a careless provider: none is accepted, and all are refused in the same way."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwt import PyJWS

from airlock.errors import CATALOGUE, Refused
from service.identity.caller import InvalidToken
from service.identity.oidc.jwks import KeySet
from service.identity.oidc.jws import MAX_TOKEN
from tests.service.fakes import START, FakeClock
from tests.service.identity.conftest import ISSUER, verifier
from tests.service.identity.provider import CURVE, FIRST, SECOND, SigningKey, claims, compact, encoded, keys_document

CLAIMS = claims(ISSUER)
VALID = compact(FIRST.header(), CLAIMS, FIRST.sign)


def signed(header: dict[str, Any] | None = None, payload: Any = None, key: SigningKey = FIRST, **changes: Any) -> str:
    """A token that the key really signed."""
    body = payload if payload is not None else claims(ISSUER, **changes)
    return compact(key.header(**header or {}), body, key.sign)


def unsigned(spelling: Any) -> str:
    return compact(FIRST.header(alg=spelling), CLAIMS, lambda _: b"")


def by_secret(secret: bytes, bits: int = 256) -> str:
    """HMAC with a public key as the secret: valid where the alg of the token decides how a key is used."""
    digest = {256: hashlib.sha256, 384: hashlib.sha384, 512: hashlib.sha512}[bits]
    return compact(FIRST.header(alg=f"HS{bits}"), CLAIMS, lambda message: hmac.digest(secret, message, digest))


def altered(**changes: Any) -> str:
    """Other claims under the signature of VALID."""
    header, _, signature = VALID.split(".")
    return f"{header}.{encoded(json.dumps(CLAIMS | changes).encode())}.{signature}"


def raw(payload: str) -> str:
    """A signed payload as it is written here."""
    return signed(payload=payload.replace("ISS", ISSUER).encode())


def with_signature(change: Callable[[bytes], bytes], token: str = VALID) -> str:
    first, _, signature = token.rpartition(".")
    decoded = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return f"{first}.{encoded(change(decoded))}"


def nested() -> str:
    return signed({"cty": "JWT"}, payload=VALID.encode())


STRANGER = SigningKey("first", number=7)
OWN_JWK = STRANGER.jwk()
COMMON = '"iss": "ISS", "aud": "airlock", "sub": "alice"'

ATTACKS = {
    **{f"alg {spelling!r}": unsigned(spelling) for spelling in ("none", "None", "NONE", "nOnE", "", " none", "none\0")},
    **{f"alg {odd!r}": unsigned(odd) for odd in (["RS256"], {"alg": "RS256"}, 256, True)},
    "no alg": unsigned(None),
    "alg none over a real signature": f"{unsigned('none').rpartition('.')[0]}.{VALID.rpartition('.')[2]}",
    "HS256 with the key as PEM": by_secret(FIRST.pem),
    "HS256 with the key as PEM without its last newline": by_secret(FIRST.pem.strip()),
    "HS256 with the key as DER": by_secret(FIRST.der),
    "HS256 with the key as JWK": by_secret(json.dumps(FIRST.jwk()).encode()),
    "HS256 with the modulus": by_secret(FIRST.jwk()["n"].encode()),
    "HS256 with nothing": by_secret(b""),
    "HS512 with the key as PEM": by_secret(FIRST.pem, 512),
    "HS384 with the key as DER": by_secret(FIRST.der, 384),
    "an algorithm that is not accepted": compact(
        FIRST.header(alg="RS512"), CLAIMS, lambda m: PyJWS().get_algorithm_by_name("RS512").sign(m, FIRST.private)
    ),
    "alg in small letters": signed({"alg": "rs256"}),
    "another kid": signed({"kid": "third"}),
    "no kid, of several keys": signed({"kid": None}),
    "the kid of another key": signed({"kid": "second"}),
    "an empty kid": signed({"kid": ""}),
    "a kid that is a path": signed({"kid": "../../../../dev/null"}),
    "a kid that is a path, signed with what is there": compact(
        FIRST.header(alg="HS256", kid="/dev/null"), CLAIMS, lambda m: hmac.digest(b"", m, "sha256")
    ),
    "a kid that is SQL": signed({"kid": "x' UNION SELECT 'secret' --"}),
    "a kid that is a command": signed({"kid": "first|whoami"}),
    "a kid that is an address": signed({"kid": "https://evil.example/key"}),
    "a kid that is a number": signed({"kid": 1}),
    "a kid that is a list": signed({"kid": ["first"]}),
    "a kid that is null": compact(b'{"alg": "RS256", "kid": null}', CLAIMS, FIRST.sign),
    "a very long kid": signed({"kid": "k" * 5000}),
    "another issuer": signed(iss="https://login.example.com/other"),
    "the issuer and a slash": signed(iss=ISSUER + "/"),
    "an issuer that only begins so": signed(iss=ISSUER + ".evil.example"),
    "a list of issuers": signed(iss=[ISSUER]),
    "no issuer": signed(iss=None),
    "another audience": signed(aud="someone-else"),
    "other audiences": signed(aud=["someone-else", "airlock2"]),
    "an audience that only contains ours": signed(aud="not-airlock"),
    "audiences in one string": signed(aud="airlock someone-else"),
    "no audience": signed(aud=None),
    "an empty list of audiences": signed(aud=[]),
    "an audience that is an object": signed(aud={"airlock": True}),
    "a list with more than strings": signed(aud=["airlock", 1]),
    "expired": signed(exp=START - 31),
    "expired just now": signed(exp=START - 30),
    "not valid yet": signed(nbf=START + 31),
    "made in the future": signed(iat=START + 31),
    "no end": signed(exp=None),
    "an end that is text": signed(exp=str(int(START) + 3600)),
    "an end that is true": signed(exp=True),
    "an end that is a list": signed(exp=[START + 3600]),
    "an end that is null": raw(f'{{{COMMON}, "exp": null}}'),
    "an end that is NaN": raw(f'{{{COMMON}, "exp": NaN}}'),
    "an end that is Infinity": raw(f'{{{COMMON}, "exp": Infinity}}'),
    "an end that is 1e999": raw(f'{{{COMMON}, "exp": 1e999}}'),
    "an end that is 1e300": raw(f'{{{COMMON}, "exp": 1e300}}'),
    "an end of 200 digits": raw(f'{{{COMMON}, "exp": {"9" * 200}}}'),
    "an end of 5000 digits": raw(f'{{{COMMON}, "exp": {"9" * 5000}}}'),
    "an end before all time": signed(exp=-1),
    "a beginning that is text": signed(nbf="0"),
    "a beginning that is true": signed(nbf=True),
    "a making that is null": raw(f'{{{COMMON}, "exp": {START + 60}, "iat": null}}'),
    "an end that stands twice": raw(f'{{{COMMON}, "exp": 1, "exp": {START + 60}}}'),
    "an owner that stands twice": raw(f'{{{COMMON}, "exp": {START + 60}, "sub": "bob"}}'),
    "an alg that stands twice": compact(b'{"alg": "none", "alg": "RS256", "kid": "first"}', CLAIMS, FIRST.sign),
    "a token in a token": nested(),
    "a payload that is a list": signed(payload=b"[]"),
    "a payload that is text": signed(payload=b'"alice"'),
    "a payload that is nothing": signed(payload=b""),
    "a payload that is no UTF-8": signed(payload=b"\xff\xfe{}"),
    "a payload in UTF-16": signed(payload=json.dumps(CLAIMS).encode("utf-16")),
    "a payload nested deep": signed(payload=b"[" * 3000 + b"]" * 3000),
    "a header nested deep": compact(b'{"a":' * 1000 + b"1" + b"}" * 1000, CLAIMS, FIRST.sign),
    "a header that is a list": compact(b"[]", CLAIMS, FIRST.sign),
    "an embedded key": signed({"jwk": OWN_JWK}, key=STRANGER),
    "an embedded key under a kid of its own": signed({"jwk": OWN_JWK, "kid": "mine"}, key=STRANGER),
    "an address of keys": signed({"jku": "https://evil.example/keys"}, key=STRANGER),
    "an address of a certificate": signed({"x5u": "https://evil.example/cert"}, key=STRANGER),
    "a certificate": signed({"x5c": [base64.b64encode(STRANGER.der).decode()]}, key=STRANGER),
    "extensions that must be understood": signed({"crit": ["exp"]}),
    "an empty list of extensions": signed({"crit": []}),
    "a payload that is not encoded": signed({"b64": False, "crit": ["b64"]}),
    "a logout token": signed({"typ": "logout+jwt"}),
    "a typ that is a list": signed({"typ": ["JWT"]}),
    "another key of the same kid": signed(key=STRANGER),
    "ES256 with the key of RSA": compact(CURVE.header(kid="first"), CLAIMS, CURVE.sign),
    "RS256 with the key of a curve": compact(FIRST.header(kid="curve"), CLAIMS, FIRST.sign),
    "ES256 with r and s of zero": compact(CURVE.header(), CLAIMS, lambda _: bytes(64)),
    "ES256 with r and s of the order": compact(
        CURVE.header(),
        CLAIMS,
        lambda _: bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") * 2,
    ),
    "ES256 as DER": compact(CURVE.header(), CLAIMS, lambda _: bytes.fromhex("3006020101020101")),
    "ES256 with no signature": compact(CURVE.header(), CLAIMS, lambda _: b""),
    "no signature": f"{VALID.rpartition('.')[0]}.",
    "a signature cut short": with_signature(lambda signature: signature[:-1]),
    "half a signature": with_signature(lambda signature: signature[:128]),
    "a signature and one byte": with_signature(lambda signature: signature + b"\0"),
    "a signature of zeros": with_signature(lambda signature: bytes(len(signature))),
    "a signature with one bit turned": with_signature(lambda signature: bytes([signature[0] ^ 1]) + signature[1:]),
    "another owner under a true signature": altered(sub="bob"),
    "a later end under a true signature": altered(exp=START + 10**6),
    "too long": signed(padding="x" * MAX_TOKEN),
    "far too long": "a." * 2 + "b" * 10**6,
    "not base64": VALID.replace(".", ".!", 1),
    "base64 of the other alphabet": VALID.rpartition(".")[0] + ".+/+/",
    "base64 with padding": VALID + "==",
    "a line break in it": VALID[:50] + "\n" + VALID[50:],
    "two parts": VALID.rpartition(".")[0],
    "four parts": VALID + ".x",
    "five parts, as an encrypted one": VALID + ".x.x",
    "dots only": "..",
    "nothing": "",
    "no ASCII": "é" + VALID,
    "bytes that are no UTF-8": "\udcff" + VALID,
    "no owner": signed(sub=None),
    "an empty owner": signed(sub=""),
    "an owner that is a number": signed(sub=7),
    "an owner that is a list": signed(sub=["alice"]),
    "an owner with a line break": signed(sub="alice\nbob"),
    "an owner with half a character": raw(f'{{{COMMON.replace("alice", chr(92) + "ud800")}, "exp": {START + 60}}}'),
    "a very long owner": signed(sub="a" * 129),
    "an owner too long with its prefix": signed(sub="a" * 126),
    "scopes that are an object": signed(scope={"a": 1}),
    "scopes that are numbers": signed(scope=[1]),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_it_is_refused_and_the_refusal_quotes_nothing_of_it(attack: str) -> None:
    await refuses(ATTACKS[attack], FIRST, SECOND, CURVE)


@pytest.mark.parametrize("attack", [name for name in ATTACKS if "alg" in name or "256" in name or "HS" in name])
async def test_keys_that_name_no_algorithm_do_not_help(attack: str) -> None:
    await refuses(ATTACKS[attack], *(key.jwk(alg=None) for key in (FIRST, SECOND, CURVE)))


async def refuses(token: str, *keys: Any) -> None:
    async with verifier(*keys) as oidc:
        assert oidc.find(token) is None
        with pytest.raises(InvalidToken) as caught:
            await oidc.verify(token)
        assert oidc.find(token) is None
    refused = caught.value
    assert (refused.code, CATALOGUE[refused.code].status) == ("unauthenticated", 401)
    assert len(refused.detail) < 120
    for secret in ("alice", "evil", "someone-else", "whoami", "UNION", VALID[-40:]):
        assert secret not in refused.detail


@pytest.mark.parametrize("key", [FIRST, SECOND, CURVE])
async def test_the_same_tokens_without_the_attack_are_accepted(key: SigningKey) -> None:
    async with verifier(FIRST, SECOND, CURVE) as oidc:
        assert (await oidc.verify(signed(key=key))).owner == "oidc:alice"


LISTED: dict[str, Any] = {
    "its use is to encrypt": FIRST.jwk(use="enc"),
    "its operations are others": FIRST.jwk(key_ops=["encrypt"]),
    "its operations are a number": FIRST.jwk(key_ops=1),
    "its alg is another": FIRST.jwk(alg="RS512"),
    "its alg is a shared secret's": FIRST.jwk(alg="HS256"),
    "its type is another": FIRST.jwk(kty="EC"),
    "its curve is unknown": CURVE.jwk(kid="first", crv="P-999"),
    "it has 1024 bits": SigningKey(bits=1024).jwk(),
    "it is private": FIRST.jwk(private=True),
    "it is a shared secret": {"kty": "oct", "kid": "first", "k": encoded(FIRST.pem), "alg": "RS256"},
    "it has no modulus": FIRST.jwk(n=None),
    "its modulus is a number": FIRST.jwk(n=5),
    "its modulus is not base64": FIRST.jwk(n="!"),
    "its exponent is 1": FIRST.jwk(e="AQ"),
    "its exponent is even": FIRST.jwk(e="Ag"),
    "its kid is a number": FIRST.jwk(kid=1),
    "its kid is another": FIRST.jwk(kid="other"),
    "it is text": "first",
}


@pytest.mark.parametrize("wrong", LISTED)
async def test_a_key_is_used_for_nothing_else_than_it_is_listed_for(wrong: str) -> None:
    listed = LISTED[wrong]
    token = compact(SigningKey(bits=1024).header(), CLAIMS, SigningKey(bits=1024).sign) if "1024" in wrong else VALID
    async with verifier(CURVE, listed) as oidc:
        with pytest.raises(InvalidToken):
            await oidc.verify(token)
        assert (await oidc.verify(signed(key=CURVE))).owner == "oidc:alice"


async def test_a_shared_secret_in_the_list_signs_nothing() -> None:
    listed = {"kty": "oct", "kid": "shared", "k": encoded(b"s" * 32), "alg": "HS256"}
    token = compact(
        {"alg": "HS256", "kid": "shared"}, CLAIMS, lambda message: hmac.digest(b"s" * 32, message, "sha256")
    )
    async with verifier(FIRST, listed) as oidc:
        with pytest.raises(InvalidToken):
            await oidc.verify(token)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "EdDSA", "PS256"])
async def test_every_family_of_algorithms_can_be_accepted(algorithm: str) -> None:
    key = SigningKey("key", algorithm)
    async with verifier(key, algorithms=frozenset({algorithm})) as oidc:
        token = signed(key=key)
        assert (await oidc.verify(token)).owner == "oidc:alice"
        with pytest.raises(InvalidToken):
            await oidc.verify(with_signature(lambda signature: signature[:-1] + bytes([signature[-1] ^ 1]), token))


async def test_a_key_that_names_no_algorithm_is_for_those_of_its_type() -> None:
    listed = CURVE.jwk(alg=None, use=None)
    async with verifier(listed) as oidc:
        assert (await oidc.verify(signed(key=CURVE))).owner == "oidc:alice"
        with pytest.raises(InvalidToken, match="alg"):
            await oidc.verify(compact(FIRST.header(kid="curve"), CLAIMS, FIRST.sign))


async def test_the_only_key_need_not_be_named() -> None:
    async with verifier(FIRST) as oidc:
        assert (await oidc.verify(signed({"kid": None}))).owner == "oidc:alice"


async def test_time_has_its_leeway_and_no_more() -> None:
    clock = FakeClock()
    async with verifier(FIRST, clock=clock) as oidc:
        for name, at in (("exp", START - 29), ("nbf", START + 30), ("iat", START + 30), ("exp", START + 0.5)):
            await oidc.verify(signed(payload=CLAIMS | {name: at}))
    async with verifier(FIRST, clock=clock, leeway=0) as oidc:
        for name, at in (("exp", START), ("nbf", START + 1), ("iat", START + 1)):
            with pytest.raises(InvalidToken, match=name):
                await oidc.verify(signed(payload=CLAIMS | {name: at}))


@given(st.data())
async def test_whatever_is_changed_in_a_valid_token_it_is_refused(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(VALID) - 1))
    length = data.draw(st.integers(0, 3))
    new = data.draw(st.text(st.characters(min_codepoint=1, max_codepoint=0x17F), max_size=3))
    changed = VALID[:place] + new + VALID[place + length :]
    if changed == VALID:
        return
    async with verifier(FIRST, SECOND) as oidc:
        assert (await oidc.verify(VALID)).owner == "oidc:alice"
        assert oidc.find(changed) is None
        with pytest.raises(InvalidToken):
            await oidc.verify(changed)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "scope", "tenant", "alg", "kid", "typ", "crit"])


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}", fullmatch=True))
async def test_any_text_is_refused_and_nothing_else_happens(text: str) -> None:
    async with verifier(FIRST, SECOND) as oidc:
        with pytest.raises(Refused):
            await oidc.verify(text)


@given(st.dictionaries(NAMES, JSON, max_size=4), st.dictionaries(NAMES, JSON, max_size=4))
async def test_any_claims_that_are_signed_are_accepted_or_refused(header: Any, payload: Any) -> None:
    """A provider's mistakes are as harmless as an attacker's."""
    async with verifier(FIRST, SECOND, tenant_claim="tenant") as oidc:
        token = compact(FIRST.header() | header, {**CLAIMS, "tenant": "acme"} | payload, FIRST.sign)
        try:
            caller = await oidc.verify(token)
        except InvalidToken:
            return
        assert caller.owner.startswith(f"oidc:{caller.tenant}/")


@given(st.dictionaries(st.sampled_from(["kty", "n", "e", "crv", "x", "y", "alg", "use", "kid", "key_ops"]), JSON))
def test_any_key_in_the_list_is_taken_or_skipped(changes: dict[str, Any]) -> None:
    for key in (FIRST.jwk(), CURVE.jwk()):
        found = KeySet.parse(keys_document(SECOND, key | changes))
        assert len(found.keys) + found.skipped == 2
