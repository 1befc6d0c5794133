"""The filter as the kernel reads it, on every architecture: a program of classic BPF, run here."""

import errno
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from workers.inspection.sandbox import system_calls
from workers.inspection.sandbox.system_calls import add_rules, exported

pyseccomp = pytest.importorskip("pyseccomp")

KILL, ALLOW = 0x80000000, 0x7FFF0000
ARCHITECTURES: Mapping[str, int] = {"x86_64": pyseccomp.Arch.X86_64, "aarch64": pyseccomp.Arch.AARCH64}
HIGHEST = 480


def _filter(architecture: int) -> Sequence[tuple[int, int, int, int]]:
    made = pyseccomp.SyscallFilter(pyseccomp.KILL_PROCESS)
    if architecture != pyseccomp.system_arch():
        made.add_arch(architecture)
        made.remove_arch(pyseccomp.Arch.NATIVE)
    add_rules(made)
    return list(struct.iter_unpack("<HBBI", exported(made)))


def _answer(program: Sequence[tuple[int, int, int, int]], architecture: int, number: int, *arguments: int) -> int:
    """What the kernel would do: bpf(4), seccomp(2). The filter uses these instructions only."""
    data = struct.pack("<iIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    at = accumulator = 0
    while True:
        code, then, otherwise, value = program[at]
        at += 1
        match code:
            case 0x20:  # load a word
                (accumulator,) = struct.unpack_from("<I", data, value)
            case 0x54:  # and
                accumulator &= value
            case 0x05:  # jump
                at += value
            case 0x15 | 0x25 | 0x35:  # jump if equal, greater, greater or equal
                holds = {0x15: accumulator == value, 0x25: accumulator > value, 0x35: accumulator >= value}[code]
                at += then if holds else otherwise
            case _:  # 0x06: return
                return value


def _number(architecture: int, name: str) -> int:
    return int(pyseccomp.resolve_syscall(architecture, name))


@pytest.fixture(params=ARCHITECTURES)
def machine(request: pytest.FixtureRequest) -> tuple[int, Any]:
    """An architecture, and its filter as a function of a call's name and arguments."""
    architecture = ARCHITECTURES[request.param]
    program = _filter(architecture)
    return architecture, lambda name, *arguments: _answer(
        program, architecture, _number(architecture, name), *arguments
    )


def test_only_the_calls_on_the_lists_return(machine: tuple[int, Any]) -> None:
    architecture, _ = machine
    program = _filter(architecture)
    listed = {*system_calls._ALLOWED, *dict(system_calls._ALLOWED_WITH), *system_calls._REFUSED}
    returning = {number for number in range(HIGHEST) if _answer(program, architecture, number) != KILL}
    assert returning <= {_number(architecture, name) for name in listed}
    assert {_number(architecture, name) for name in ("read", "futex", "exit_group")} <= returning


def test_numbers_of_another_architecture_end_the_process(machine: tuple[int, Any]) -> None:
    architecture, _ = machine
    program = _filter(architecture)
    for other in (pyseccomp.Arch.X86, pyseccomp.Arch.ARM, *({*ARCHITECTURES.values()} - {architecture})):
        assert {_answer(program, other, number) for number in range(HIGHEST)} == {KILL}
    # The x32 ABI has the architecture of x86-64, and numbers above this bit.
    assert {_answer(program, architecture, 0x40000000 + number) for number in range(HIGHEST)} == {KILL}


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("mmap", (0, 4096, 3), ALLOW),
        ("mmap", (0, 4096, 7), 0x50000 + errno.EPERM),
        ("mprotect", (0, 4096, 4), 0x50000 + errno.EPERM),
        ("clone", (0x3D0F00,), ALLOW),
        ("clone", (0x3D0F00 | 0x10000000,), KILL),  # CLONE_NEWUSER
        ("clone", (17,), KILL),  # SIGCHLD: a process
        ("clone3", (), 0x50000 + errno.ENOSYS),
        ("sendmsg", (0,), ALLOW),
        ("sendmsg", (3,), KILL),
        ("fcntl", (0, 3), ALLOW),
        ("fcntl", (0, 8), KILL),  # F_SETOWN
        ("prctl", (15,), ALLOW),
        ("prctl", (22,), KILL),  # PR_SET_SECCOMP
        ("prlimit64", (0, 0, 1), ALLOW),
        ("prlimit64", (0, 7, 1), KILL),
        ("prlimit64", (1, 0, 0), KILL),
        ("newfstatat", (3, 0, 0, 0x1000), ALLOW),
        ("newfstatat", (3, 0, 0, 0), 0x50000 + errno.EPERM),
        ("openat", (), 0x50000 + errno.EPERM),
        ("ioctl", (0, 0x5412), 0x50000 + errno.ENOTTY),
        ("socket", (1, 1), KILL),
        ("execve", (), KILL),
        ("ptrace", (), KILL),
        ("tgkill", (1, 1, 6), 0x50000 + errno.EPERM),
    ],
)
def test_what_a_call_may_be_given(machine: tuple[int, Any], name: str, arguments: tuple[int, ...], answer: int) -> None:
    assert machine[1](name, *arguments) == answer
