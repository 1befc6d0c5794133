"""What a process has left that gave up its rights. What it can no longer reach is tested in test_attacks."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workers.inspection.sandbox.confinement import OPEN_FILES

pytestmark = pytest.mark.server

LAYERS = {
    "seccomp": "confinement.compile_filter = lambda: None",
    "landlock": "confinement.make_rules = lambda: None",
    "namespaces": "confinement.enter_namespaces = lambda: False",
    "empty root": "confinement.empty_folder = lambda: None",
}


def _run(program: str, *without: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program in a confined process of another user, without some layers."""
    lines = [
        "import os, resource, signal, sys, threading; from workers.inspection.sandbox import confinement",
        before,
        "os.geteuid() or os.setuid(65534)",
        *(LAYERS[layer] for layer in without),
        "made = confinement.Confinement(4 << 30); made.give_up_shared(); missing = made.give_up()",
        program,
    ]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def _value(program: str, *without: str) -> Any:
    done = _run(program, *without)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


def test_what_is_missing_is_told() -> None:
    assert _value("print(missing)", "landlock", "empty root") == ["empty root", "landlock"]
    assert _value("print(missing)", "seccomp", "namespaces", "empty root") == ["seccomp", "namespaces", "empty root"]


def test_the_limits_hold_without_any_other_layer() -> None:
    kinds = "RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_NOFILE"
    program = f"print([resource.getrlimit(getattr(resource, each))[1] for each in {kinds}])"
    assert _value(program, *LAYERS) == [4 << 30, 0, 0, OPEN_FILES]


def test_without_a_filter_no_process_can_be_forked() -> None:
    assert _run("try: os.fork()\nexcept BlockingIOError: print('refused')", "seccomp").stdout == "refused\n"


def test_the_filter_lets_a_thread_run() -> None:
    started = "thread = threading.Thread(target=print, args=['runs']); thread.start(); thread.join()"
    assert _run(started).stdout == "runs\n"


def test_a_crash_of_a_c_library_ends_the_process_by_another_signal_than_the_filter_s() -> None:
    assert _run("os.abort()").returncode == -signal.SIGSEGV


def test_what_no_examiner_calls_ends_the_process() -> None:
    assert _run("os.fork()").returncode == -signal.SIGSYS


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_no_capability_is_left_in_any_set() -> None:
    # The file is opened before the rights are given up, and read after.
    done = _run("print(status.read(4096).decode())", before="status = open('/proc/thread-self/status', 'rb', 0)")
    sets = [line.split() for line in done.stdout.splitlines() if line.startswith(("Cap", "NoNewPrivs"))]
    assert dict(sets) == {
        **dict.fromkeys(("CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"), "0" * 16),
        "NoNewPrivs:": "1",
    }


def test_the_cpu_time_is_counted_from_now_on_and_no_process_can_allow_itself_more() -> None:
    program = """
confinement.allow_seconds(7, 20)
first = resource.getrlimit(resource.RLIMIT_CPU)
confinement.allow_seconds(40, 400)
print([first, resource.getrlimit(resource.RLIMIT_CPU)])
"""
    (soft, hard), again = _value(program)
    assert 8 <= soft < 60  # starting takes some of the first second
    assert hard == soft + 14
    assert again == (hard - 1, hard)


@pytest.mark.slow
def test_a_process_that_ignores_the_end_of_its_time_is_killed() -> None:
    program = "confinement.allow_seconds(1, 1)\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"
    assert _run(program).returncode == -signal.SIGKILL
