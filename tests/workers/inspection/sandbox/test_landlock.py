"""The calls to the kernel. What the kernel then refuses is tested in test_attacks."""

import ctypes
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from workers.inspection.sandbox import landlock


class FakeKernel:
    """A C library over a fake kernel with Landlock of this version. It records the calls."""

    def __init__(self, version: int) -> None:
        self._version = version
        self.ruled: list[bytes] = []
        self.readable: list[Path] = []

    def syscall(self, number: int, *arguments: Any) -> int:
        if number == 445:
            rights, folder = struct.unpack("<Qi", arguments[2])
            path = Path(f"/proc/self/fd/{folder}").resolve()
            assert rights == (0b1100 if path.is_dir() else 0b0100)
            self.readable.append(path)
            return 0
        if arguments[0] is None:
            return self._version
        self.ruled.append(arguments[0][: arguments[1].value])
        return 7


@pytest.mark.parametrize(("version", "size"), [(1, 8), (3, 8), (4, 16), (5, 16), (6, 24), (7, 24)])
def test_landlock_is_used_by_its_version(monkeypatch: pytest.MonkeyPatch, version: int, size: int) -> None:
    kernel = FakeKernel(version)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: kernel)
    assert landlock.make_rules() == 7
    assert kernel.ruled == [struct.pack("<QQQ", 0b1_1111_1111_1111, 3, 3)[:size]]


def test_a_kernel_without_it_gives_no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: FakeKernel(-1))
    assert landlock.make_rules() is None


def test_only_the_folders_of_imports_and_random_numbers_can_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "path", ["", "/", str(tmp_path / "absent"), str(tmp_path)])
    kernel = FakeKernel(6)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: kernel)
    before = len(list(Path("/proc/self/fd").iterdir()))
    landlock.make_rules()
    libraries = {Path(each).resolve() for each in ("/lib", "/lib64", "/usr/lib", "/usr/local/lib")}
    devices = {Path("/dev/random"), Path("/dev/urandom")}
    assert {tmp_path.resolve(), *devices} <= set(kernel.readable) <= {tmp_path.resolve(), *libraries, *devices}
    assert len(list(Path("/proc/self/fd").iterdir())) == before
