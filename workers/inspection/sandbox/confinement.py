"""What a child gives up before it sees a byte of anybody's: memory, files, processes' privileges and the network.

The limits are always kept. The rest is done where the kernel and the container allow it: Landlock and a network
namespace of its own (landlock(7), unshare(2), prctl(2)).
"""

import ctypes
import math
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress

OPEN_FILES = 64

# Where shared libraries are; Python's own and ours are in the folders of sys.path.
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/local/lib")

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
# The same numbers on every architecture (linux/include/uapi/asm-generic/unistd.h).
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446
_PATH_BENEATH = 1
# All of the first version's rights to files, and of them reading files and folders.
_FILES = 0b1_1111_1111_1111
_READING = 0b1100
_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def confine(memory: int) -> None:
    """Give it all up, for good. `memory` is the bytes of address space."""
    for what, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        resource.setrlimit(what, (limit, limit))
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    # It is for users only: root is not bound by it.
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    _landlock(libc)


def allow_seconds(seconds: int) -> None:
    """Let the process compute for `seconds` from now on; then it is ended by SIGXCPU."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = math.ceil(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, hard))


def _landlock(libc: ctypes.CDLL) -> None:
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, 1)
    attributes = struct.pack("<QQQ", _FILES, _BIND_AND_CONNECT, _ABSTRACT_SOCKETS_AND_SIGNALS)
    # The structure grew: version 4 added the network, version 6 the scopes.
    known = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(known), 0) if version > 0 else -1
    if rules >= 0:
        for folder in _readable():
            rule = struct.pack("<Qi", _READING, folder)
            libc.syscall(_LANDLOCK_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
            os.close(folder)
        libc.syscall(_LANDLOCK_RESTRICT_SELF, rules, 0)
        os.close(rules)


def _readable() -> Iterator[int]:
    """Descriptors of the folders from which something is still to be imported: not of `/`, where keys lie about too."""
    for folder in {*_LIBRARIES, *sys.path} - {"", "/"}:
        with suppress(OSError):
            yield os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
