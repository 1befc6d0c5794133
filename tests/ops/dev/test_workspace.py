"""ops.dev.workspace: what a run leaves behind, and for whom."""

import subprocess
from pathlib import Path

import pytest

from ops.dev.workspace import InUseError, secret, workspace, write_environment


def test_a_temporary_folder_goes_and_a_given_one_stays(tmp_path: Path) -> None:
    with workspace(None) as temporary, workspace(tmp_path / "kept") as kept:
        (kept / "object").touch()
        assert temporary.is_dir()
    assert not temporary.exists()
    assert (kept / "object").exists()


def test_a_folder_is_worked_in_once_at_a_time(tmp_path: Path) -> None:
    with workspace(tmp_path), pytest.raises(InUseError), workspace(tmp_path):
        pass
    with workspace(tmp_path):
        pass


def test_the_secret_is_the_same_ever_after_and_for_its_owner_only(tmp_path: Path) -> None:
    assert secret(tmp_path) == secret(tmp_path)
    assert len(secret(tmp_path)) >= 32
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_a_shell_reads_the_environment_as_it_was_written(tmp_path: Path) -> None:
    file = write_environment(tmp_path, {"A": "it's $HOME; two words"})
    write_environment(tmp_path, {"A": "it's $HOME; three words now"})
    printed = subprocess.check_output(["sh", "-c", f'. "{file}"; printf %s "$A"'], text=True)
    assert printed == "it's $HOME; three words now"
    assert file.stat().st_mode & 0o077 == 0
