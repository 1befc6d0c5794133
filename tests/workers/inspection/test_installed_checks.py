"""The check of docs/extend.md, as a package that is really installed."""

import asyncio
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from airlock.profiles import Profiles
from airlock.verdict import Outcome
from tests.deployment import unmeasured
from tests.workers.inspection.subjects import scan
from tests.workers.test_settings import PLACES
from workers.inspection import catalogue
from workers.inspection.checks.port import Check
from workers.settings import Settings

PAGE = (Path(__file__).parents[3] / "docs" / "extend.md").read_text()


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def _install(folder: Path, source: str, offers: dict[str, str]) -> None:
    """A wheel of one module, through pip."""
    wheel = folder / "plain_name-1.0-py3-none-any.whl"
    about = "plain_name-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("plain_name.py", source)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: plain-name\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        lines = "".join(f"{name} = {place}\n" for name, place in offers.items())
        archive.writestr(f"{about}/entry_points.txt", f"[airlock.checks]\n{lines}")
        archive.writestr(f"{about}/RECORD", "")
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], env=unmeasured(), check=True)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "plain_name", raising=False)
    return tmp_path


def _build(*names: str) -> Mapping[str, Check]:
    table = {"content_types": ["*/*"], "unexamined": ["*/*"], "max_bytes": 1, "checks": ["size", "checksum", *names]}
    profiles = Profiles.model_validate({"profiles": {"default": table}})
    return catalogue.build(profiles, Settings(**PLACES), lambda: 0.0)


@pytest.mark.slow
async def test_a_check_in_an_installed_package_is_found_and_runs(installed: Path) -> None:
    offers = tomllib.loads(_block("toml"))["project"]["entry-points"]["airlock.checks"]
    await asyncio.to_thread(_install, installed, _block("python"), offers)
    check = _build("plain_name")["plain_name"]
    assert (await scan(check, b"x", filename="plain.txt")).findings == ()
    (finding,) = (await scan(check, b"x", filename="naïve.txt")).findings
    assert (finding.code, finding.outcome) == ("name", Outcome.REJECTED)


@pytest.mark.slow
def test_a_check_that_cannot_be_used_stops_the_start(installed: Path) -> None:
    source = "def broken(settings): raise KeyError('x')\ndef other(settings): return settings"
    offers = {"broken": "plain_name:broken", "absent": "plain_name:absent", "misnamed": "plain_name:other"}
    _install(installed, source, offers)
    with pytest.raises(catalogue.Misconfigured) as caught:
        _build("broken", "absent", "misnamed", "unknown")
    message = str(caught.value)
    assert "plain_name:broken cannot be used: KeyError" in message
    assert "plain_name:absent cannot be used: AttributeError" in message
    assert "plain_name:other makes a check with another name" in message
    assert re.search(r"'unknown' .*unknown check; the known ones are size.*misnamed", message)


def test_the_page_shows_it_in_twenty_lines() -> None:
    assert len([line for line in _block("python").splitlines() if line]) <= 20
