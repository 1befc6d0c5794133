"""The calls to the kernel. What the kernel then refuses is tested in test_sandbox."""

import ctypes
import os
import resource
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workers.inspection.sandbox import confinement


class FakeKernel:
    """A C library over a fake kernel: it gives the results that it was made with, and records the calls."""

    def __init__(self, *, unshare: int = 0, landlock: int = 0) -> None:
        self._unshare = unshare
        self._landlock = landlock
        self.unshared: list[int] = []
        self.ruled: list[bytes] = []
        self.readable: list[Path] = []
        self.restricted: list[int] = []
        self.options: list[int] = []

    def prctl(self, option: int, *_: int) -> int:
        self.options.append(option)
        return 0

    def unshare(self, flags: int) -> int:
        self.unshared.append(flags)
        return self._unshare

    def syscall(self, number: int, *arguments: Any) -> int:
        if number == 446:
            self.restricted.append(arguments[0])
            return 0
        if number == 445:
            rights, folder = struct.unpack("<Qi", arguments[2])
            assert rights == 0b1100
            self.readable.append(Path(f"/proc/self/fd/{folder}").resolve())
            return 0
        if arguments[0] is None:
            return self._landlock
        self.ruled.append(arguments[0][: arguments[1].value])
        return os.open("/", os.O_RDONLY)


def _confined(monkeypatch: pytest.MonkeyPatch, kernel: FakeKernel) -> dict[int, tuple[int, int]]:
    limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: kernel)
    confinement.confine(1000)
    return limits


def test_limits_are_set_without_namespaces_and_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = FakeKernel(unshare=-1, landlock=-1)
    limits = _confined(monkeypatch, kernel)
    assert limits == {
        resource.RLIMIT_AS: (1000, 1000),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_NOFILE: (64, 64),
        resource.RLIMIT_NPROC: (0, 0),
    }
    assert 38 in kernel.options  # PR_SET_NO_NEW_PRIVS
    assert kernel.unshared == [0x40000000, 0x50000000]
    assert kernel.restricted == []


@pytest.mark.parametrize(("version", "size"), [(1, 8), (3, 8), (4, 16), (5, 16), (6, 24), (7, 24)])
def test_landlock_is_used_by_its_version(monkeypatch: pytest.MonkeyPatch, version: int, size: int) -> None:
    kernel = FakeKernel(landlock=version)
    _confined(monkeypatch, kernel)
    assert kernel.unshared == [0x40000000]
    assert kernel.ruled == [struct.pack("<QQQ", 0b1_1111_1111_1111, 3, 3)[:size]]
    (rules,) = kernel.restricted
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(rules)


def test_only_the_folders_of_imports_can_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", ["", "/", str(tmp_path / "absent"), str(tmp_path)])
    kernel = FakeKernel(landlock=6)
    _confined(monkeypatch, kernel)
    libraries = {Path(each).resolve() for each in ("/lib", "/lib64", "/usr/lib", "/usr/local/lib")}
    assert {tmp_path.resolve()} <= set(kernel.readable) <= {tmp_path.resolve(), *libraries}


def test_no_process_can_be_forked() -> None:
    program = (
        "import os; from workers.inspection.sandbox.confinement import confine\n"
        "os.geteuid() or os.setuid(65534)\n"
        "confine(1 << 30)\n"
        "try: os.fork()\n"
        "except BlockingIOError: print('refused')"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "refused\n"


def test_the_cpu_time_is_counted_from_now_on() -> None:
    program = (
        "import resource; from workers.inspection.sandbox.confinement import *; "
        "allow_seconds(7); print(resource.getrlimit(0))"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    soft, hard = map(int, done.stdout.strip("()\n").split(","))
    assert 8 <= soft < 60  # starting takes some of the first second
    assert hard == resource.getrlimit(resource.RLIMIT_CPU)[1]
