"""ops.dev.workspace: which files a run leaves, and who may read them."""

import subprocess
from pathlib import Path

import pytest

from ops.dev.workspace import InUseError, secret, workspace, write_environment


def test_a_temporary_folder_is_removed_and_a_given_one_kept(tmp_path: Path) -> None:
    with workspace(None) as temporary, workspace(tmp_path / "kept") as kept:
        (kept / "object").touch()
        assert temporary.is_dir()
    assert not temporary.exists()
    assert (kept / "object").exists()


def test_a_folder_is_used_by_one_run_at_a_time(tmp_path: Path) -> None:
    with workspace(tmp_path), pytest.raises(InUseError), workspace(tmp_path):
        pass
    with workspace(tmp_path):
        pass


def test_the_secret_stays_the_same_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    assert secret(tmp_path) == secret(tmp_path)
    assert len(secret(tmp_path)) >= 32
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_a_shell_reads_the_environment_as_it_was_written(tmp_path: Path) -> None:
    file = write_environment(tmp_path, {"A": "it's $HOME; two words"})
    write_environment(tmp_path, {"A": "it's $HOME; three words now"})
    printed = subprocess.check_output(["sh", "-c", f'. "{file}"; printf %s "$A"'], text=True)
    assert printed == "it's $HOME; three words now"
    assert file.stat().st_mode & 0o077 == 0
