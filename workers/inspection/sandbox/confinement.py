"""What a child gives up before it reads a byte of an object: memory, files, processes, privileges and the network.

Four layers, each of which holds alone as far as it can: resource limits (getrlimit(2)), namespaces, Landlock, and a
filter of system calls. The limits are always set, the others where the kernel and the container allow them. The filter
is the one that refuses most, and that containers allow: see `Missing`.
"""

import ctypes
import math
import os
import resource
import signal
from collections.abc import Sequence
from typing import Literal

from workers.inspection.sandbox.landlock import make_rules, restrict
from workers.inspection.sandbox.namespaces import drop_capabilities, empty_folder, enter_namespaces, enter_root
from workers.inspection.sandbox.system_calls import compile_filter

OPEN_FILES = 64

Missing = Literal["seccomp", "landlock", "namespaces", "empty root"]
"""A layer that is not to be had here."""

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38


class Confinement:
    """Made by the fork server while it has one thread; `memory` is the limit of a child's address space, in bytes.

    What children can inherit, the fork server gives up itself, once: it needs no file and no right either. What is left
    for each child takes a few calls.
    """

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._filter = compile_filter()
        self._root = empty_folder()
        self._missing: list[Missing] = [] if enter_namespaces() else ["namespaces"]

    def give_up_shared(self) -> None:
        """In the fork server, once it has opened all that it needs: give up files, capabilities and new privileges."""
        _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        rules = make_rules()
        if self._root is None or not enter_root(self._root):
            self._missing.append("empty root")
        drop_capabilities()
        if rules is None or not restrict(rules):
            self._missing.append("landlock")
        _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        for each in (rules, self._root):
            if each is not None:
                os.close(each)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    def give_up(self) -> Sequence[Missing]:
        """In the child: give up the rest, for good. Returns the layers that are not to be had."""
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (self._memory, self._memory))
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
        if self._filter is not None and self._filter.install():
            return self._missing
        # No new process, and no thread either, which some decoders need. The kernel does not apply it to root.
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        return ["seccomp", *self._missing]


def close_all_but(kept: Sequence[int]) -> None:
    """Close every descriptor from 3 on, except `kept`."""
    first = 3
    for each in sorted(kept):
        os.closerange(first, each)
        first = max(first, each + 1)
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def allow_seconds(seconds: int, lifetime: int) -> None:
    """Allow `seconds` of CPU time from now on; after them the kernel ends the process with SIGXCPU.

    A process that was taken over may ignore that, and may allow itself more: so the first call says for how many
    seconds it may run in all (`lifetime`). After them, and a second more, the kernel ends it with SIGKILL.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = math.ceil(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY:
        hard = used + lifetime + 1
    resource.setrlimit(resource.RLIMIT_CPU, (min(used + seconds, hard - 1), hard))
