"""`make audit` finds known holes, by a service or by a folder of advisories, and never passes for one that looked."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import advisories
import audit
import pytest

from tests.deployment import ROOT, unmeasured

Audit = Callable[..., tuple[int, str]]
FINE, FOUND, NOT_AUDITED = 0, 1, 3
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())


def advisory(folder: Path, **affected: Any) -> Path:
    """An OSV document about one package, in `folder`."""
    name = affected.pop("name", "aiohttp")
    about = {"package": {"ecosystem": "PyPI", "name": name}, **affected}
    told = {"id": "MADE-UP-1", "aliases": ["CVE-0000-1"], "modified": "2026-01-02T03:04:05Z", "affected": [about]}
    (folder / "MADE-UP-1.json").write_text(json.dumps(told))
    return folder


def ecosystem(*events: dict[str, str]) -> list[dict[str, Any]]:
    return [{"type": "ECOSYSTEM", "events": list(events)}]


HELD = PINS["aiohttp"]


@pytest.mark.parametrize(
    ("affected", "code"),
    [
        ({"ranges": ecosystem({"introduced": "0"}, {"fixed": "9999"})}, FOUND),
        ({"ranges": ecosystem({"introduced": "0"}, {"last_affected": HELD})}, FOUND),
        ({"ranges": ecosystem({"introduced": HELD})}, FOUND),
        ({"ranges": ecosystem({"fixed": "2"}, {"introduced": "0"}, {"introduced": "3"})}, FOUND),
        ({"versions": ["not-a-version", HELD]}, FOUND),
        ({"versions": [HELD], "name": "AioHTTP"}, FOUND),
        ({"ranges": ecosystem({"introduced": "0"}, {"fixed": HELD})}, FINE),
        ({"ranges": ecosystem({"introduced": "9999"})}, FINE),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, FINE),
        ({"versions": ["0.1"]}, FINE),
        ({"versions": [HELD], "name": "of-somebody-else"}, FINE),
    ],
)
def test_an_advisory_is_matched_by_its_ranges(tmp_path: Path, affected: dict[str, Any], code: int) -> None:
    snapshot = advisories.read(advisory(tmp_path, **affected))
    holes = [("aiohttp", HELD, "MADE-UP-1 CVE-0000-1")] if code == FOUND else []
    assert list(advisories.matching(PINS, snapshot)) == holes


@pytest.mark.server
def test_a_hole_is_found_without_any_service(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, ".ci/audit.py"],
        cwd=ROOT,
        env={**unmeasured(), "AIRLOCK_ADVISORIES": str(advisory(tmp_path, versions=[HELD]))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == FOUND, run.stdout + run.stderr
    assert f"FOUND: aiohttp {HELD} has a known hole: MADE-UP-1 CVE-0000-1" in run.stdout
    assert "by 1 advisories; the newest is of 2026-01-02" in run.stdout
    assert f"  aiohttp {HELD}: Apache-2.0" in run.stdout
    assert "  pytest " not in run.stdout


@pytest.fixture
def run_audit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Audit:
    """The audit in this process, with these variables; it returns the exit code and what was printed.

    Without `pip check`, which takes a second: the whole program is run once above.
    """
    monkeypatch.setattr(audit, "_inconsistent", list)
    for name in set(os.environ) - set(unmeasured()) | {"AIRLOCK_ADVISORIES"}:
        monkeypatch.delenv(name, raising=False)

    def run(**environment: str) -> tuple[int, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return audit.main(), capsys.readouterr().out

    return run


def test_an_advisory_for_another_version_is_no_hole(tmp_path: Path, run_audit: Audit) -> None:
    code, printed = run_audit(AIRLOCK_ADVISORIES=str(advisory(tmp_path, versions=["0.1"])))
    assert code == FINE
    assert "has a known hole" not in printed


def test_packages_that_do_not_fit_together_are_found(
    tmp_path: Path, run_audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_inconsistent", lambda: ["aiohttp 1 requires yarl 2, which is not installed."])
    code, printed = run_audit(AIRLOCK_ADVISORIES=str(advisory(tmp_path, versions=["0.1"])))
    assert code == FOUND
    assert "FOUND: aiohttp 1 requires yarl 2" in printed


def test_an_advisory_that_was_withdrawn_counts_for_nothing(tmp_path: Path) -> None:
    path = advisory(tmp_path, versions=[HELD]) / "MADE-UP-1.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "withdrawn": "2026-01-03T00:00:00Z"}))
    assert advisories.read(tmp_path) == advisories.Snapshot([], "2026-01-02T03:04:05Z")


def test_what_is_no_advisory_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("[]")
    with pytest.raises(ValueError, match=r"notes\.json"):
        advisories.read(tmp_path)


def test_a_folder_without_an_advisory_is_no_audit(tmp_path: Path, run_audit: Audit) -> None:
    code, printed = run_audit(AIRLOCK_ADVISORIES=str(tmp_path))
    assert code == NOT_AUDITED
    assert printed.splitlines()[-1].startswith("NOT AUDITED")


def fake_pip_audit(folder: Path, program: str) -> Path:
    (folder / "pip_audit").mkdir()
    (folder / "pip_audit" / "__init__.py").touch()
    (folder / "pip_audit" / "__main__.py").write_text(program)
    return folder


def answering(**more: Any) -> str:
    told = {"dependencies": [{"name": "aiohttp", "version": HELD, "vulns": []}, {"name": "lxml", **more}]}
    return f"print('''{json.dumps(told)}''')"


@pytest.mark.server
@pytest.mark.parametrize(
    ("program", "code", "told"),
    [
        (answering(version="1", vulns=[]), FINE, "Audited 2 pins."),
        (answering(version="1", vulns=[{"id": "CVE-0000-2"}]), FOUND, "FOUND: lxml 1 has a known hole: CVE-0000-2"),
        (answering(skip_reason="not found"), NOT_AUDITED, "1 of 2 packages are unknown there (lxml"),
        ("raise SystemExit('no name server')", NOT_AUDITED, "no name server"),
    ],
)
def test_only_an_answer_for_every_pin_is_an_audit(
    tmp_path: Path, run_audit: Audit, program: str, code: int, told: str
) -> None:
    """pip-audit itself passes what its service does not know."""
    found, printed = run_audit(PYTHONPATH=str(fake_pip_audit(tmp_path, program)))
    assert found == code, printed
    assert told in printed
    assert ("NOT AUDITED" in printed) == (code == NOT_AUDITED)
