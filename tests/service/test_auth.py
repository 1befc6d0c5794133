"""Tokens: only their digests are kept, and a file that is wrong is refused with every problem."""

import hashlib

import pytest

from airlock.errors import Refused
from service.auth import Callers, TokensError

DIGEST = hashlib.sha256(b"secret").hexdigest()


def row(owner: str = "shop", digest: str = DIGEST, more: str = "") -> str:
    return f'[[tokens]]\nowner = "{owner}"\nsha256 = "{digest}"\n{more}\n'


@pytest.mark.parametrize("header", ["Bearer secret", "bearer secret", "BEARER  secret "])
def test_a_token_is_known_by_its_digest(header: str) -> None:
    assert Callers.load(row()).identify(header).owner == "shop"


def test_an_owner_may_have_several_tokens() -> None:
    other = hashlib.sha256(b"other").hexdigest().upper()
    callers = Callers.load(row() + row(digest=other))
    assert callers.identify("Bearer other") == callers.identify("Bearer secret")


def test_the_digest_is_no_token() -> None:
    with pytest.raises(Refused, match="unauthenticated"):
        Callers.load(row()).identify(f"Bearer {DIGEST}")


def test_every_token_is_compared_whichever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the time that it takes would tell where in the file a token stands."""
    compared: list[bytes] = []
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in "abc"]
    callers = Callers.load("".join(row(digest=digest) for digest in digests))

    def compare(known: bytes, given: bytes) -> bool:
        compared.append(known)
        return known == given

    monkeypatch.setattr("service.auth.hmac.compare_digest", compare)
    assert callers.identify("Bearer a").owner == "shop"
    assert len(compared) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "tokens: Field required"),
        ("tokens = []", "tokens: List should have at least 1 item"),
        ("nonsense", "is not TOML"),
        (row(digest="short"), "tokens.0.sha256"),
        (row(owner=""), "tokens.0.owner"),
        (row(owner="a\\nb"), "tokens.0.owner"),
        (row(more='token = "secret"'), "tokens.0.token: Extra inputs"),
        (row(more='profiles = "*"'), "tokens.0.profiles"),
        (row() + row(), "twice"),
    ],
)
def test_a_wrong_file_is_refused(text: str, told: str) -> None:
    with pytest.raises(TokensError) as caught:
        Callers.load(text)
    assert told in str(caught.value)
    assert "short" not in str(caught.value)
