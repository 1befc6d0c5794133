"""Programs of Debian packages that tests start: `.ci/debian-packages` installs them."""

import os
import shutil

import pytest

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
"""Debian's servers are not on everybody's PATH."""


def needs(*programs: str) -> list[str]:
    """The paths of programs. Where one is missing, the test is skipped; in CI it fails."""
    found = {program: shutil.which(program, path=PATH) for program in programs}
    if missing := [program for program, path in found.items() if path is None]:
        not_here(f"not installed: {', '.join(missing)} (see .ci/debian-packages)")
    return [path for path in found.values() if path]


def not_here(reason: str) -> None:
    """Skip the test, because this machine lacks what it needs; fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
