from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aws.settings import problems
from workers.settings import Settings

PLACES: dict[str, Any] = {
    "region": "eu-central-1",
    "incoming_bucket": "in-coming",
    "accepted_bucket": "accepted",
    "quarantine_bucket": "quarantine",
    "secrets": "s" * 32,
}


def test_settings_that_are_not_given_have_defaults() -> None:
    settings = Settings(**PLACES)
    assert (settings.concurrency, settings.visibility, settings.max_attempts) == (16, 60, 5)
    assert (settings.drain_seconds, settings.poll_seconds, settings.health_port) == (25, 20, 0)
    assert (settings.clamd, settings.yara_rules, settings.spool_folder) == (None, None, None)
    assert (settings.parsers, settings.parser_memory) == (2, 1024)


def test_all_problems_are_reported_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"CONCURRENCY": "0", "VISIBILITY": "1", "CLAMD": "localhost:3310", "YARA_RULES": str(tmp_path / "none")}
    for name, value in wrong.items():
        monkeypatch.setenv(f"AIRLOCK_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings(**PLACES)
    reported = "\n".join(problems(caught.value))
    assert all(f"AIRLOCK_{name}:" in reported for name in wrong)


@pytest.mark.parametrize("clamd", ["tcp://clamd:3310", "tcp://[::1]:3310", "unix:///run/clamav/clamd.ctl"])
def test_an_address_of_a_clamd(clamd: str) -> None:
    assert Settings(**PLACES, clamd=clamd).clamd == clamd


@pytest.mark.parametrize("clamd", ["tcp://clamd", "tcp://clamd:0x", "tcp://clamd:99999", "unix://run/x", "clamd"])
def test_an_address_that_no_clamd_can_have(clamd: str) -> None:
    with pytest.raises(ValidationError, match="tcp://HOST:PORT or unix:///PATH"):
        Settings(**PLACES, clamd=clamd)
