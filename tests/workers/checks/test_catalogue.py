from pathlib import Path

import pytest

from airlock.profiles import Profiles
from tests.workers.test_settings import PLACES
from workers.checks import catalogue, model
from workers.settings import Settings

ALL = ("size", "checksum", "media_type", "yara", "clamd")


def _profiles(*checks: str) -> Profiles:
    tables = {name: {"content_types": ["*/*"], "max_bytes": 1, "checks": list(checks)} for name in ("default", "other")}
    return Profiles.model_validate({"profiles": tables})


def test_every_check_that_is_named_is_made_once() -> None:
    made = catalogue.build(_profiles(*ALL), Settings(**PLACES, clamd="tcp://clamd:3310"), float)
    assert tuple(made) == ALL
    assert all(made[name].name == name for name in ALL)


def test_what_cannot_be_made_stops_the_start_and_all_of_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.yar").write_text("rule")
    monkeypatch.setattr(model, "installed", lambda: False)
    with pytest.raises(catalogue.Misconfigured) as caught:
        catalogue.build(_profiles(*ALL, "magic"), Settings(**PLACES, yara_rules=tmp_path), float)
    told = str(caught.value)
    assert "'magic' (in default, other): there is no such check" in told
    assert "'clamd' (in default, other): AIRLOCK_CLAMD is not set" in told
    assert "bad.yar:1:" in told
    assert "magika" in told


def test_what_no_profile_names_need_not_be_configured() -> None:
    assert set(catalogue.build(_profiles("size", "checksum"), Settings(**PLACES), float)) == {"size", "checksum"}
