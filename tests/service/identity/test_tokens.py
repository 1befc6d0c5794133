"""Static tokens: only their digests are held, and a wrong file is refused with every error."""

import hashlib

import pytest

from airlock.errors import Refused
from service.identity.caller import Caller
from service.identity.callers import Callers
from service.identity.tokens import StaticTokens, TokensError

DIGEST = hashlib.sha256(b"secret").hexdigest()


def row(owner: str = "shop", digest: str = DIGEST, more: str = "") -> str:
    return f'[[tokens]]\nowner = "{owner}"\nsha256 = "{digest}"\n{more}\n'


def load(text: str) -> Callers:
    return Callers(StaticTokens.load(text))


def owner(callers: Callers, header: str) -> str:
    found = callers.identify({"Authorization": header})
    assert isinstance(found, Caller)
    return found.owner


@pytest.mark.parametrize("header", ["Bearer secret", "bearer secret", "BEARER  secret "])
def test_a_token_is_known_by_its_digest(header: str) -> None:
    assert owner(load(row()), header) == "shop"


def test_an_owner_may_have_several_tokens() -> None:
    other = hashlib.sha256(b"other").hexdigest().upper()
    callers = load(row() + row(digest=other))
    assert callers.identify({"Authorization": "Bearer other"}) == callers.identify({"Authorization": "Bearer secret"})


def test_the_digest_is_no_token() -> None:
    with pytest.raises(Refused, match="unauthenticated"):
        load(row()).identify({"Authorization": f"Bearer {DIGEST}"})


def test_every_token_is_compared_whichever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the time taken would reveal the position of a token in the file."""
    compared: list[bytes] = []
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in "abc"]
    callers = load("".join(row(digest=digest) for digest in digests))

    def compare(known: bytes, given: bytes) -> bool:
        compared.append(known)
        return known == given

    monkeypatch.setattr("service.identity.tokens.hmac.compare_digest", compare)
    assert owner(callers, "Bearer a") == "shop"
    assert len(compared) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "tokens: Field required"),
        ("tokens = []", "tokens: List should have at least 1 item"),
        ("nonsense", "is not TOML"),
        (row(digest="short"), "tokens.0.sha256"),
        (row(owner=""), "tokens.0.owner"),
        (row(owner="a\\nb"), "tokens.0.owner"),
        (row(more='token = "secret"'), "tokens.0.token: Extra inputs"),
        (row(more='profiles = "*"'), "tokens.0.profiles"),
        (row() + row(), "the same sha256"),
    ],
)
def test_a_wrong_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(TokensError) as caught:
        StaticTokens.load(text)
    assert message in str(caught.value)
    assert "short" not in str(caught.value)
