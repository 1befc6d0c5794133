"""Settings of the OpenID provider: which ones the service refuses to start with. All errors are reported together."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from aws.settings import problems
from service.identity.oidc.claims import Trust
from service.settings import Settings
from tests.deployment import ROOT

BASE = {
    "REGION": "eu-central-1",
    "INCOMING_BUCKET": "incoming-test",
    "ACCEPTED_BUCKET": "accepted-test",
    "QUARANTINE_BUCKET": "quarantine-test",
    "PROFILES": str(ROOT / "airlock.toml"),
    "SECRETS": "s" * 32,
    "OIDC_ISSUER": "https://login.example.com/",
    "OIDC_AUDIENCE": "airlock",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in BASE.items():
        monkeypatch.setenv(f"AIRLOCK_{name}", value)
    monkeypatch.delenv("AIRLOCK_TOKENS", raising=False)


def trusted(**changes: str) -> Trust | None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in changes.items():
            patch.setenv(f"AIRLOCK_{name.upper()}", value)
        return Settings().oidc


def refused(**changes: str) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        trusted(**changes)
    return problems(caught.value)


def test_an_issuer_and_an_audience_are_enough_without_static_tokens() -> None:
    assert trusted() == Trust(
        issuer="https://login.example.com/",
        audience=frozenset({"airlock"}),
        algorithms=frozenset({"RS256", "ES256"}),
    )


def test_everything_can_be_set() -> None:
    assert trusted(
        oidc_issuer="http://127.0.0.1:9000/realm",
        oidc_audience='["airlock", "https://uploads.example.com"]',
        oidc_algorithms="EdDSA, PS512",
        oidc_jwks_url="https://keys.example.com/jwks?v=1",
        oidc_owner_claim="https://example.com/user",
        oidc_tenant_claim="org",
        oidc_scope_claim="scp",
        oidc_session_scope="airlock:sessions",
        oidc_owner_prefix="idp:",
        oidc_leeway="0",
    ) == Trust(
        issuer="http://127.0.0.1:9000/realm",
        audience=frozenset({"airlock", "https://uploads.example.com"}),
        algorithms=frozenset({"EdDSA", "PS512"}),
        jwks_url="https://keys.example.com/jwks?v=1",
        owner_claim="https://example.com/user",
        tenant_claim="org",
        scope_claim="scp",
        session_scope="airlock:sessions",
        owner_prefix="idp:",
        leeway=0,
    )


def test_owners_may_be_as_the_provider_names_them() -> None:
    trust = trusted(oidc_owner_prefix="none")
    assert trust
    assert trust.owner_prefix == ""


def test_without_an_issuer_no_token_is_accepted_and_nothing_else_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRLOCK_OIDC_ISSUER")
    monkeypatch.setenv("AIRLOCK_MODE", "dev")
    no_effect = "has no effect without AIRLOCK_OIDC_ISSUER"
    assert refused(oidc_tenant_claim="org") == [
        f"AIRLOCK_OIDC_AUDIENCE: {no_effect}",
        f"AIRLOCK_OIDC_TENANT_CLAIM: {no_effect}",
    ]
    monkeypatch.delenv("AIRLOCK_OIDC_AUDIENCE")
    assert trusted() is None


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example.com",
        "login.example.com",
        "ftp://login.example.com",
        "https://",
        "https://me:secret@login.example.com",
        "https://login.example.com#part",
        "https://login.example.com?x=1",
        "https://login example.com",
        "https://login.example.com:port",
        "https://[::1",
        "http://192.168.1.5",
        "HTTPS://login.example.com",
    ],
)
def test_an_issuer_is_an_address_over_tls(issuer: str) -> None:
    (line,) = refused(oidc_issuer=issuer)
    assert line.startswith("AIRLOCK_OIDC_ISSUER: must be a")
    assert "secret" not in line


@pytest.mark.parametrize("issuer", ["http://localhost:8080/realms/x", "http://127.0.0.1:5", "http://[::1]:5"])
def test_on_this_machine_an_issuer_needs_no_tls(issuer: str) -> None:
    assert trusted(oidc_issuer=issuer)


@pytest.mark.parametrize("algorithms", ["none", "HS256", "RS256,HS512", "rs256", "ES256K", '["RS256", "None"]'])
def test_only_algorithms_with_public_keys_can_be_accepted(algorithms: str) -> None:
    (line,) = refused(oidc_algorithms=algorithms)
    assert line.startswith("AIRLOCK_OIDC_ALGORITHMS[")


def test_an_audience_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRLOCK_OIDC_AUDIENCE")
    (line,) = refused()
    assert line.startswith("AIRLOCK_OIDC_AUDIENCE: is required with AIRLOCK_OIDC_ISSUER")


@pytest.mark.parametrize("prefix", ["oidc", ":", "o idc:", "a/b:", "x" * 32 + ":", "none:none", "*:"])
def test_a_prefix_is_a_word_and_a_colon(prefix: str) -> None:
    (line,) = refused(oidc_owner_prefix=prefix)
    assert line.startswith("AIRLOCK_OIDC_OWNER_PREFIX: must be")


def test_all_problems_come_together() -> None:
    errors = refused(
        oidc_issuer="http://login.example.com",
        oidc_algorithms="[]",
        oidc_jwks_url="http://keys.example.com",
        oidc_session_scope="two words",
        oidc_owner_prefix="x",
        oidc_leeway="121",
        port="-1",
    )
    named = [line.partition(":")[0].removeprefix("AIRLOCK_") for line in errors]
    assert named == [
        "OIDC_ISSUER",
        "OIDC_ALGORITHMS",
        "OIDC_JWKS_URL",
        "OIDC_SESSION_SCOPE",
        "OIDC_OWNER_PREFIX",
        "OIDC_LEEWAY",
        "PORT",
    ]
