"""An OpenID provider on loopback, for as long as the bench runs: one RSA key, and tokens as large as usual ones."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

AUDIENCE = "https://uploads.example.com"
KID = "bench-2026-01"


class Provider:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def documents(self) -> dict[str, bytes]:
        listed = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True) | {"kid": KID, "use": "sig", "alg": "RS256"}
        discovery = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        return {
            "/.well-known/openid-configuration": orjson.dumps(discovery),
            "/keys": orjson.dumps({"keys": [listed]}),
        }

    def token(self, number: int) -> str:
        """A token of one user, valid for an hour, with the claims that providers usually add."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": [AUDIENCE, "account"],
            "sub": f"5f8c1a52-9d3e-4b7a-8c61-{number:012x}",
            "iat": now,
            "exp": now + 3600,
            "jti": f"{number:032x}",
            "azp": "web",
            "scope": "openid profile email uploads:write",
            "name": f"User {number}",
            "email": f"user-{number}@example.com",
            "realm_access": {"roles": ["default-roles", "offline_access", "uma_authorization"]},
        }
        return jwt.encode(claims, self._key, "RS256", {"kid": KID, "typ": "at+jwt"})


@contextmanager
def serving() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = documents.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")
    documents = provider.documents()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
