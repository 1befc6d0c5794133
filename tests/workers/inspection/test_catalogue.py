import asyncio
import importlib.util
from pathlib import Path

import pytest

from airlock.errors import Unavailable
from airlock.profiles import Profiles
from tests.workers.test_settings import PLACES
from workers.inspection import catalogue
from workers.inspection.parsers import pdf
from workers.settings import Settings

ALL = ("size", "checksum", "media_type", "yara", "clamd")


def _profiles(*checks: str) -> Profiles:
    tables = {
        name: {"content_types": ["*/*"], "unexamined": ["*/*"], "max_bytes": 1, "checks": list(checks)}
        for name in ("default", "other")
    }
    return Profiles.model_validate({"profiles": tables})


def test_every_check_that_is_named_is_made_once() -> None:
    made = catalogue.build(_profiles(*ALL), Settings(**PLACES, clamd="tcp://clamd:3310"), float)
    assert tuple(made) == ("size", "checksum", "yara", "clamd", "content")
    assert all(made[name].name == name for name in made)


def test_every_check_that_cannot_be_made_is_named_and_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.yar").write_text("rule")
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "magika" else found(name))
    with pytest.raises(catalogue.Misconfigured) as caught:
        catalogue.build(_profiles(*ALL, "magic"), Settings(**PLACES, yara_rules=tmp_path), float)
    message = str(caught.value)
    assert "'magic' (in default, other): unknown check" in message
    assert "'clamd' (in default, other): AIRLOCK_CLAMD is not set" in message
    assert "bad.yar:1:" in message
    assert "magika" in message


def test_what_no_profile_names_need_not_be_configured() -> None:
    assert set(catalogue.build(_profiles("size", "checksum"), Settings(**PLACES), float)) == {
        "size",
        "checksum",
        "content",
    }


def test_an_examiner_without_its_library_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MODULES", ("os.path", "not_there.at_all"))
    with pytest.raises(catalogue.Misconfigured, match=r"'pdf' .*: the Python package not_there is not installed"):
        catalogue.build(_profiles("size", "checksum", "pdf"), Settings(**PLACES), lambda: 0.0)


async def test_the_greatest_age_of_definitions_comes_from_the_settings() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\0")
        writer.write(b"ClamAV 1.4.6/27800/Thu Jan  1 00:00:00 1970\0")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    days, profiles = 86400.0, _profiles("size", "checksum", "clamd")
    async with server:
        for max_age in (0, 8):
            settings = Settings(**PLACES, clamd=address, clamd_max_age=max_age)
            assert await catalogue.build(_profiles("size", "checksum", "clamd"), settings, lambda: 8 * days)[
                "clamd"
            ].ready()
        settings = Settings(**PLACES, clamd=address)
        with pytest.raises(Unavailable, match="8 days old; AIRLOCK_CLAMD_MAX_AGE is 7"):
            await catalogue.build(profiles, settings, lambda: 8 * days)["clamd"].ready()
