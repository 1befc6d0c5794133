"""Settings: all problems at once, without secrets; a blank variable is unset."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from aws.settings import AwsSettings, problems

LONG = "0123456789abcdef0123456789abcdef"
GOOD = {
    "AIRLOCK_REGION": "eu-central-1",
    "AIRLOCK_INCOMING_BUCKET": "one-incoming",
    "AIRLOCK_ACCEPTED_BUCKET": "one.accepted",
    "AIRLOCK_QUARANTINE_BUCKET": "one-quarantine",
    "AIRLOCK_SECRETS": LONG,
}


def read(monkeypatch: pytest.MonkeyPatch, **changed: str) -> AwsSettings:
    for name, value in {**GOOD, **{f"AIRLOCK_{name.upper()}": value for name, value in changed.items()}}.items():
        monkeypatch.setenv(name, value)
    return AwsSettings()


def refused(monkeypatch: pytest.MonkeyPatch, **changed: str) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(monkeypatch, **changed)
    return problems(caught.value)


def test_defaults_fill_what_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch)
    assert (settings.endpoint_url, settings.s3_url, settings.addressing) == (None, None, "virtual")
    assert (settings.incoming_prefix, settings.table) == ("incoming", "airlock-uploads")
    assert (settings.queue, settings.dead_letter_queue) == ("airlock-objects", "airlock-dead-letters")
    assert settings.profiles == Path("airlock.toml")


@pytest.mark.parametrize("blank", ["", "  ", "\t"])
def test_a_blank_variable_is_unset(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    assert read(monkeypatch, endpoint_url=blank, table=blank).table == "airlock-uploads"
    assert refused(monkeypatch, region=blank) == ["AIRLOCK_REGION: Field required"]


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        (LONG, [LONG]),
        (f"{LONG}, {LONG[::-1]} ,", [LONG, LONG[::-1]]),
        (json.dumps([LONG, LONG + ",x"]), [LONG, LONG + ",x"]),
    ],
)
def test_secrets_are_a_json_list_or_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, secrets: list[str]
) -> None:
    assert [secret.get_secret_value() for secret in read(monkeypatch, secrets=text).secrets] == secrets


@pytest.mark.parametrize("text", [f'["{LONG}"', '["short-but-secret"]', f"{LONG},short-but-secret", "[]", ","])
def test_a_wrong_secret_is_refused_and_never_shown(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(monkeypatch, secrets=text)
    shown = str(caught.value) + "".join(problems(caught.value))
    assert "secrets" in shown
    assert LONG not in shown
    assert "short-but-secret" not in shown


def test_a_broken_json_list_is_refused_by_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = "AIRLOCK_SECRETS: must be a JSON list of strings, or strings separated by commas"
    assert refused(monkeypatch, secrets=f'["{LONG}"') == [rule]


def test_settings_do_not_show_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LONG not in repr(read(monkeypatch))


def test_secrets_may_be_given_as_values(monkeypatch: pytest.MonkeyPatch) -> None:
    read(monkeypatch)
    monkeypatch.delenv("AIRLOCK_SECRETS")
    assert AwsSettings(secrets=[SecretStr(LONG)]).secrets == [SecretStr(LONG)]


def test_all_problems_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    found = refused(
        monkeypatch,
        region="Frankfurt",
        incoming_bucket="No_Such",
        quarantine_bucket="one.accepted",
        dead_letter_queue="airlock-objects",
        endpoint_url="localhost:4566",
        profiles="rules.yaml",
        secrets="short",
    )
    assert [line.split(":")[0] for line in found] == [
        "AIRLOCK_REGION",
        "AIRLOCK_ENDPOINT_URL",
        "AIRLOCK_INCOMING_BUCKET",
        "AIRLOCK_QUARANTINE_BUCKET",
        "AIRLOCK_DEAD_LETTER_QUEUE",
        "AIRLOCK_PROFILES",
        "AIRLOCK_SECRETS",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accepted_bucket", "one-incoming"),
        ("accepted_bucket", "a..b"),
        ("accepted_bucket", "-ab"),
        ("accepted_bucket", "ab"),
        ("accepted_bucket", "xn--abc"),
        ("incoming_prefix", "/incoming"),
        ("incoming_prefix", "in//coming"),
        ("incoming_prefix", "incoming/"),
        ("queue", "objects.fifo"),
        ("table", "no"),
        ("addressing", "global"),
        ("endpoint_url", "ftp://host"),
        ("endpoint_url", "http://user:password@host"),
        ("endpoint_url", "http://host/path"),
        ("public_s3_url", "https://host?query"),
        ("profiles", "rules"),
    ],
)
def test_a_value_that_aws_would_refuse_is_refused_here(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    (problem,) = refused(monkeypatch, **{name: value})
    assert problem.startswith(f"AIRLOCK_{name.upper()}: ")
    assert "password" not in problem


def test_a_bucket_cannot_be_a_subdomain_of_an_ip_address(monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = refused(monkeypatch, endpoint_url="http://127.0.0.1:4566")
    assert problem.startswith("AIRLOCK_ADDRESSING: must be path")
    assert read(monkeypatch, endpoint_url="http://127.0.0.1:4566/", addressing="path").s3_url == "http://127.0.0.1:4566"


def test_the_browser_is_sent_to_the_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, endpoint_url="http://s3.internal:9000", public_s3_url="https://files.example.org")
    assert settings.s3_url == "https://files.example.org"


def test_settings_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: Any = read(monkeypatch)
    with pytest.raises(ValidationError):
        settings.region = "us-east-1"


def test_a_problem_inside_a_list_names_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(monkeypatch, secrets="[1]") == ["AIRLOCK_SECRETS[0]: Input should be a valid string"]
    with pytest.raises(ValidationError) as caught:
        AwsSettings.model_validate("no settings")
    assert problems(caught.value)[0].startswith("AIRLOCK_")
