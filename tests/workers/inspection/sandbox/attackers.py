"""`python -m tests.workers.inspection.sandbox.attackers USER LAYERS SURROUNDINGS`: attacks out of confined processes.

It becomes `USER` (a number), switches off the layers that are not among LAYERS, and forks a process for each attempt,
which gives up its rights as a child does. It prints the names of the attempts that succeeded, as JSON; with `numbers`
as SURROUNDINGS, the system calls outside of the lists that did not end their process; with `missing`, the layers that
are not to be had here.
"""

import functools
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import pyseccomp  # type: ignore[import-untyped]

from tests.workers.inspection.sandbox.attacks import _LIBC, ATTEMPTS, Surroundings
from workers.inspection.sandbox import confinement, system_calls
from workers.inspection.sandbox.confinement import Confinement

HIGHEST = 480
"""No kernel of today has a system call with a higher number."""


def outcome(prepared: Confinement, attempt: Callable[[], object]) -> int:
    """The exit code of an attempt: 0 where it returns, 1 where it raises, negative where a signal ends its process."""
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            prepared.give_up()
            confinement.allow_seconds(30, 60)
            attempt()
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def successes(prepared: Confinement, at: Surroundings) -> Sequence[str]:
    """The attempts that were not refused: they neither raised, nor did the kernel end their process by SIGSYS."""
    outcomes = {name: outcome(prepared, functools.partial(attempt, at)) for name, attempt in ATTEMPTS.items()}
    return [name for name, code in outcomes.items() if code not in (1, -signal.SIGSYS)]


def surviving_numbers(prepared: Confinement) -> Sequence[str]:
    """The calls that are not on a list, and whose process goes on. Those of the x32 ABI are on none."""
    listed = {*system_calls._ALLOWED, *dict(system_calls._ALLOWED_WITH), *system_calls._REFUSED}
    numbers = [number for number in range(HIGHEST) if _name(number) not in listed]
    return [
        f"{number} {_name(number)}"
        for number in (*numbers, 0x40000000, 0x40000000 + 41)
        if outcome(prepared, functools.partial(_LIBC.syscall, number, 0, 0, 0, 0, 0, 0)) >= 0
    ]


def _name(number: int) -> str:
    try:
        return str(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, number).decode())
    except ValueError:
        return ""


def _switch_off(layers: str) -> None:
    for layer, names in (
        ("filter", ("compile_filter",)),
        ("landlock", ("make_rules",)),
        ("namespaces", ("empty_folder", "enter_namespaces")),
    ):
        for name in names if layer not in layers else ():
            setattr(confinement, name, lambda: None)


def _prepared() -> Confinement:
    made = Confinement(4 << 30)
    made.give_up_shared()
    return made


def main(user: int, layers: str, surroundings: str) -> None:
    if user:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    _switch_off(layers)
    if surroundings == "numbers":
        json.dump(surviving_numbers(_prepared()), sys.stdout)
        return
    if surroundings == "missing":
        json.dump(_prepared().give_up(), sys.stdout)
        return
    # The worker, whose fork server attacks it.
    at = Surroundings(*json.loads(surroundings))._replace(worker=os.getpid())
    if pid := os.fork():
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    os.chdir(os.path.dirname(at.secret))  # noqa: PTH120 # the module has no other use for a Path
    json.dump(successes(_prepared(), at), sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
