"""Targets for an OpenID provider's tokens: the text of one, the claims of one that is signed, the provider's keys."""

import base64
import json
import re
from collections.abc import Coroutine
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.identity.caller import Caller, InvalidToken
from service.identity.oidc.claims import Trust
from service.identity.oidc.jwks import ALGORITHMS, KeySet
from service.identity.oidc.provider import Provider
from service.identity.oidc.strict_json import Malformed
from service.identity.oidc.tokens import OidcVerifier

NOW = 1_790_000_000.0
TRUST = Trust(
    "https://id.example",
    frozenset({"airlock"}),
    frozenset(ALGORITHMS),
    tenant_claim="tid",
    session_scope="sessions",
)
_SIGNER = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
_PUBLIC = base64.urlsafe_b64encode(_SIGNER.public_key().public_bytes_raw()).rstrip(b"=").decode()
_PUBLISHED = KeySet.parse(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": _PUBLIC}]}).encode())


def token(data: bytes) -> None:
    """A token, which the provider did not sign."""
    text = data.decode("utf-8", "surrogateescape")
    oidc = _oidc()
    assert oidc.find(text) is None
    try:
        _done(oidc.verify(text))
    except InvalidToken:
        return
    raise AssertionError("the provider did not sign this token")


def signed_claims(data: bytes) -> None:
    """The claims of a token that the provider signed."""
    parts = b'{"alg":"EdDSA","kid":"one"}', data
    signed = b".".join(map(_encoded, parts))
    text = b".".join([signed, _encoded(_SIGNER.sign(signed))]).decode()
    oidc = _oidc()
    try:
        caller = _done(oidc.verify(text))
    except InvalidToken:
        return
    assert re.fullmatch(r"oidc:[^/]+/[^\x00-\x1f\x7f-\x9f]+", caller.owner, re.DOTALL)
    assert len(caller.owner) <= 128
    assert json.loads(data)["iss"] == TRUST.issuer
    assert oidc.find(text) == caller


def published_keys(data: bytes) -> None:
    """The document of a provider's keys, and a signature that is verified with each of them."""
    try:
        keys = KeySet.parse(data)
    except Malformed:
        return
    for key in keys.keys:
        for algorithm in filter(key.fits, ALGORITHMS):
            key.signed(algorithm, b"never signed", data[:64])


def _oidc() -> OidcVerifier:
    """A verifier that has the key of `_SIGNER`, and has just fetched the keys, so that it does not fetch them again."""
    provider = Provider(TRUST.issuer, None, _nothing, now=lambda: NOW, sleep=_nothing, random=bytes)
    provider.newest, provider.usable_until, provider._refreshed_at = _PUBLISHED, NOW + 3600, NOW
    return OidcVerifier(TRUST, provider, now=lambda: NOW)


async def _nothing(*_: Any) -> Any:
    raise AssertionError("a target must not wait")


def _done(work: Coroutine[Any, Any, Caller]) -> Caller:
    """The result of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        caller: Caller = end.value
        return caller
    raise AssertionError("the coroutine waits")


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
