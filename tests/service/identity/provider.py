"""An OpenID provider for tests, on this machine: keys, tokens, and ways to misbehave."""

import asyncio
import base64
import functools
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWS
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from service.identity.oidc.provider import DISCOVERY
from tests.service.fakes import START

AUDIENCE = "airlock"
JWKS = "/keys"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


Part = Mapping[str, Any] | bytes


def compact(header: Part, payload: Part, sign: Callable[[bytes], bytes]) -> str:
    """A token of any header and payload, signed by `sign`."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signed = ".".join(map(encoded, parts))
    return f"{signed}.{encoded(sign(signed.encode()))}"


@functools.cache
def private_key(algorithm: str, number: int = 0, bits: int = 2048) -> Any:
    """The same key for the same arguments: generating an RSA key takes long."""
    if algorithm.startswith("ES"):
        return ec.generate_private_key({"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True)
class SigningKey:
    """One key of a provider."""

    kid: str | None = "first"
    algorithm: str = "RS256"
    number: int = 0
    bits: int = 2048

    @property
    def private(self) -> Any:
        return private_key(self.algorithm, self.number, self.bits)

    @property
    def pem(self) -> bytes:
        return bytes(self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    @property
    def der(self) -> bytes:
        return bytes(self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def jwk(self, *, private: bool = False, **changes: Any) -> dict[str, Any]:
        """The key as a member of the provider's JWKS document; None removes a member."""
        of = {"R": RSAAlgorithm, "P": RSAAlgorithm, "E": ECAlgorithm}.get(self.algorithm[0])
        made: Any = OKPAlgorithm if of is None or self.algorithm == "EdDSA" else of
        document = made.to_jwk(self.private if private else self.private.public_key(), as_dict=True)
        document.pop("key_ops", None)
        document |= {"kid": self.kid, "use": "sig", "alg": self.algorithm, **changes}
        return {name: value for name, value in document.items() if value is not None}

    def sign(self, message: bytes) -> bytes:
        return PyJWS().get_algorithm_by_name(self.algorithm).sign(message, self.private)

    def header(self, **changes: Any) -> dict[str, Any]:
        header = {"typ": "JWT", "alg": self.algorithm, "kid": self.kid, **changes}
        return {name: value for name, value in header.items() if value is not None}


FIRST = SigningKey()
SECOND = SigningKey("second", number=1)
CURVE = SigningKey("curve", "ES256")


def claims(issuer: str, **changes: Any) -> dict[str, Any]:
    """Claims that are valid at START; None removes one."""
    usual = {"iss": issuer, "aud": AUDIENCE, "sub": "alice", "iat": int(START), "exp": int(START) + 3600}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def keys_document(*keys: Any) -> bytes:
    return json.dumps({"keys": [key.jwk() if isinstance(key, SigningKey) else key for key in keys]}).encode()


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class OpenIdProvider:
    """Serves its discovery document and its keys. `answers` replaces the response of a path; `asked` counts."""

    keys: list[Any] = field(default_factory=lambda: [FIRST])
    max_age: int | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    issuer: str = ""

    async def __aenter__(self) -> Self:
        self._someone = asyncio.Condition()
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        # A request that hangs is not waited for at the end.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        self.issuer = f"{'https' if self.tls else 'http'}://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def token(self, *, key: SigningKey = FIRST, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        return compact(key.header(**header or {}), claims(self.issuer, **changes), key.sign)

    async def was_asked(self, path: str, times: int) -> None:
        """Return once `path` was requested that often."""
        async with self._someone:
            await self._someone.wait_for(lambda: self.asked.get(path, 0) >= times)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        async with self._someone:
            self.asked[request.path] = self.asked.get(request.path, 0) + 1
            self._someone.notify_all()
        if answer := self.answers.get(request.path):
            return await answer(request)
        if request.path == DISCOVERY:
            return web.json_response({"issuer": self.issuer, "jwks_uri": self.issuer + JWKS})
        if request.path != JWKS:
            raise web.HTTPNotFound
        headers = {} if self.max_age is None else {"Cache-Control": f"public, max-age={self.max_age}"}
        return web.Response(body=keys_document(*self.keys), headers=headers, content_type="application/json")
