"""Which settings the service refuses to start with. All errors are reported together."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from aws.settings import problems
from service.settings import Settings
from tests.deployment import ROOT
from tests.service.harness import tokens_file

BASE = {
    "REGION": "eu-central-1",
    "INCOMING_BUCKET": "incoming-test",
    "ACCEPTED_BUCKET": "accepted-test",
    "QUARANTINE_BUCKET": "quarantine-test",
    "PROFILES": str(ROOT / "airlock.toml"),
    "SECRETS": "s" * 32,
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("AIRLOCK_"):
            monkeypatch.delenv(name)
    (tmp_path / "tokens.toml").write_text(tokens_file())
    for name, value in BASE.items():
        monkeypatch.setenv(f"AIRLOCK_{name}", value)
    monkeypatch.setenv("AIRLOCK_TOKENS", str(tmp_path / "tokens.toml"))


def refused(**changes: str) -> list[str]:
    """The errors of settings with these changes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in changes.items():
            patch.setenv(f"AIRLOCK_{name.upper()}", value)
        with pytest.raises(ValidationError) as caught:
            Settings()
    return problems(caught.value)


def test_production_with_tokens_is_enough() -> None:
    settings = Settings()
    assert (settings.mode, settings.host, settings.port) == ("production", "127.0.0.1", 8080)


def test_production_needs_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRLOCK_TOKENS")
    assert refused() == ["AIRLOCK_TOKENS: is required in mode production, unless AIRLOCK_OIDC_ISSUER is set"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", ""])
def test_dev_is_refused_where_others_can_reach_it(host: str) -> None:
    if not host:
        return  # a blank variable counts as unset
    (line,) = refused(mode="dev", host=host)
    assert line.startswith("AIRLOCK_HOST: must be a loopback address in mode dev")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_dev_may_stay_on_this_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("AIRLOCK_MODE", "dev")
    monkeypatch.setenv("AIRLOCK_HOST", host)
    monkeypatch.delenv("AIRLOCK_TOKENS")
    assert Settings().tokens is None


def test_dev_may_listen_elsewhere_when_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRLOCK_MODE", "dev")
    monkeypatch.setenv("AIRLOCK_HOST", "0.0.0.0")
    monkeypatch.setenv("AIRLOCK_ALLOW_ANONYMOUS_REMOTE", "true")
    assert Settings().host == "0.0.0.0"


def test_production_may_listen_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRLOCK_HOST", "0.0.0.0")
    assert Settings().host == "0.0.0.0"


def test_all_problems_come_together(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[profiles.default]\ncontent_types = []\n")
    (tmp_path / "none.toml").write_text("")
    errors = refused(
        region="Not A Region",
        profiles=str(tmp_path / "bad.toml"),
        tokens=str(tmp_path / "none.toml"),
        port="70000",
        cors_origins="https://a.example/path",
        demo_page="true",
        web=str(tmp_path),
    )
    named = {line.partition(":")[0].partition("[")[0] for line in errors}
    assert named == {f"AIRLOCK_{name}" for name in ("REGION", "PROFILES", "TOKENS", "PORT", "CORS_ORIGINS", "WEB")}
    assert any("max_bytes" in line for line in errors)


@pytest.mark.parametrize("name", ["profiles", "tokens"])
def test_a_file_that_is_not_there_is_named(name: str) -> None:
    (line,) = refused(**{name: "/nowhere/file.toml"})
    assert line == f"AIRLOCK_{name.upper()}: /nowhere/file.toml cannot be read: No such file or directory"


def test_profiles_may_be_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "profiles.json"
    path.write_text('{"profiles": {"default": {"content_types": ["image/*"], "max_bytes": 5}}}')
    monkeypatch.setenv("AIRLOCK_PROFILES", str(path))
    assert Settings().profiles == path


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("https://a.example, http://localhost:3000/", ["https://a.example", "http://localhost:3000"]),
        ('["https://a.example"]', ["https://a.example"]),
        ("*", ["*"]),
    ],
)
def test_origins_are_a_list(monkeypatch: pytest.MonkeyPatch, value: str, origins: list[str]) -> None:
    monkeypatch.setenv("AIRLOCK_CORS_ORIGINS", value)
    assert Settings().cors_origins == origins


@pytest.mark.parametrize(("name", "value"), [("cors_origins", "*.a.example"), ("cors_headers", "x-good,no good")])
def test_a_wrong_item_of_a_list_is_named(name: str, value: str) -> None:
    (line,) = refused(**{name: value})
    assert line.startswith(f"AIRLOCK_{name.upper()}[{value.count(',')}]: ")


def test_any_origin_stands_alone() -> None:
    (line,) = refused(cors_origins="*,https://a.example")
    assert "alone" in line


@pytest.mark.parametrize("mode", ["production", "dev"])
def test_a_service_in_production_waits_for_the_load_balancer(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    assert Settings().unready_seconds == 15
    monkeypatch.setenv("AIRLOCK_MODE", mode)
    monkeypatch.setenv("AIRLOCK_UNREADY_SECONDS", "0")
    if mode == "production":
        (line,) = refused()
        assert line.startswith("AIRLOCK_UNREADY_SECONDS: must be above 0 in mode production")
    else:
        assert Settings().unready_seconds == 0
