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

    def __init__(self, *, unshare: int = 0, landlock: int = 0, filters: bool = True) -> None:
        self.filters = filters
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
            path = Path(f"/proc/self/fd/{folder}").resolve()
            assert rights == (0b1100 if path.is_dir() else 0b0100)
            self.readable.append(path)
            return 0
        if arguments[0] is None:
            return self._landlock
        self.ruled.append(arguments[0][: arguments[1].value])
        return os.open("/", os.O_RDONLY)


def _confined(monkeypatch: pytest.MonkeyPatch, kernel: FakeKernel) -> dict[int, tuple[int, int]]:
    limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: kernel)
    monkeypatch.setattr(confinement, "refuse_system_calls", lambda: kernel.filters)
    confinement.confine(1000)
    return limits


def test_limits_are_set_without_namespaces_landlock_and_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = FakeKernel(unshare=-1, landlock=-1, filters=False)
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


def test_threads_may_be_started_where_a_filter_refuses_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resource.RLIMIT_NPROC not in _confined(monkeypatch, FakeKernel())


@pytest.mark.parametrize(("version", "size"), [(1, 8), (3, 8), (4, 16), (5, 16), (6, 24), (7, 24)])
def test_landlock_is_used_by_its_version(monkeypatch: pytest.MonkeyPatch, version: int, size: int) -> None:
    kernel = FakeKernel(landlock=version)
    _confined(monkeypatch, kernel)
    assert kernel.unshared == [0x40000000]
    assert kernel.ruled == [struct.pack("<QQQ", 0b1_1111_1111_1111, 3, 3)[:size]]
    (rules,) = kernel.restricted
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(rules)


def test_only_the_folders_of_imports_and_random_numbers_can_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "path", ["", "/", str(tmp_path / "absent"), str(tmp_path)])
    kernel = FakeKernel(landlock=6)
    _confined(monkeypatch, kernel)
    libraries = {Path(each).resolve() for each in ("/lib", "/lib64", "/usr/lib", "/usr/local/lib")}
    devices = {Path("/dev/random"), Path("/dev/urandom")}
    assert {tmp_path.resolve(), *devices} <= set(kernel.readable) <= {tmp_path.resolve(), *libraries, *devices}


def _run(program: str, *, filters: bool = True) -> str:
    """What a confined process of another user prints, with or without a filter of system calls."""
    lines = [
        "import os, socket, threading; from workers.inspection.sandbox import confinement",
        "os.geteuid() or os.setuid(65534)",
        "" if filters else "confinement.refuse_system_calls = lambda: False",
        "confinement.confine(4 << 30)",
        program,
    ]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def test_without_a_filter_no_process_can_be_forked() -> None:
    assert _run("try: os.fork()\nexcept BlockingIOError: print('refused')", filters=False) == "refused\n"


@pytest.mark.parametrize(
    "attempt",
    [
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair()",
        "os.kill(os.getppid(), 0)",
        "os.kill(-1, 0)",
        "os.pidfd_open(os.getppid())",
    ],
)
def test_the_filter_refuses_processes_programs_sockets_and_signals(attempt: str) -> None:
    pytest.importorskip("pyseccomp")
    assert _run(f"try: {attempt}\nexcept PermissionError: print('refused')") == "refused\n"


def test_the_filter_lets_a_thread_run() -> None:
    started = "thread = threading.Thread(target=print, args=['runs']); thread.start(); thread.join()"
    assert _run(started) == "runs\n"


def test_random_numbers_can_be_read() -> None:
    assert _run("print(len(open('/dev/urandom', 'rb').read(8)))") == "8\n"


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
