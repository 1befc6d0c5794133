"""What an examiner's process gives up before it reads a byte of an object: memory, files, privileges and the network.

The resource limits are always set. A network namespace of its own, Landlock and a filter of system calls are used where
the kernel and the container allow them (getrlimit(2), prctl(2), unshare(2), landlock(7), seccomp(2)).
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

from workers.inspection.sandbox.system_calls import refuse_system_calls

OPEN_FILES = 64

# What libraries read besides: qpdf takes random numbers from there to open AES-256 files.
_DEVICES = ("/dev/urandom", "/dev/random")

# Where shared libraries are. Python's modules and ours are in the folders of sys.path.
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
# All rights to files of Landlock's first version, and those among them to read files and list folders.
_FILES = 0b1_1111_1111_1111
_READ_FILE, _READ_FOLDER = 0b0100, 0b1000
_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def confine(memory: int) -> None:
    """Give up all rights of this process, for good. `memory` is the limit of its address space, in bytes."""
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
    _landlock(libc)
    if not refuse_system_calls():
        # No new process, and no thread either, which some decoders need. The kernel does not apply this limit to root.
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def allow_seconds(seconds: int) -> None:
    """Allow `seconds` of CPU time from now on; after them the kernel ends the process with SIGXCPU."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = math.ceil(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, hard))


def _landlock(libc: ctypes.CDLL) -> None:
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, 1)
    attributes = struct.pack("<QQQ", _FILES, _BIND_AND_CONNECT, _ABSTRACT_SOCKETS_AND_SIGNALS)
    # The structure grew with the versions: 4 added the network, 6 added the scopes.
    known = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(known), 0) if version > 0 else -1
    if rules >= 0:
        for path, rights in _readable():
            rule = struct.pack("<Qi", rights, path)
            libc.syscall(_LANDLOCK_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
            os.close(path)
        libc.syscall(_LANDLOCK_RESTRICT_SELF, rules, 0)
        os.close(rules)


def _readable() -> Iterator[tuple[int, int]]:
    """Descriptors of what may be read, with the rights: devices, and folders of imports. Never `/`, which is all."""
    for device in _DEVICES:
        with suppress(OSError):
            yield os.open(device, os.O_PATH | os.O_CLOEXEC), _READ_FILE
    for folder in {*_LIBRARIES, *sys.path} - {"", "/"}:
        with suppress(OSError):
            yield os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), _READ_FILE | _READ_FOLDER
