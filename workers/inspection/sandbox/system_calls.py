"""The filter of system calls of a child (seccomp(2)): a list of what examiners need. It holds where nothing else does.

How it works:

1. The fork server has libseccomp write the filter once, as a program of the kernel (`compile_filter`). It takes some
   milliseconds, and each child installs the program by one call (`Filter.install`).
2. A call of `_ALLOWED` is done. Those of `_ALLOWED_WITH` are done with the named arguments alone.
3. A call of `_REFUSED` fails: libraries try it, and go on without. So a child opens no file at all: what libraries open
   late is opened before (`preparation`).
4. Any other call, and any call by another architecture's numbers, ends the child by SIGSYS. No examiner makes one, so
   the worker takes it for a fault of the environment, or an attack; never for a property of the file.

A call by one pointer (`clone3`, `openat2`) is never allowed: a filter sees numbers, not what they point to.
"""

import ctypes
import errno
import mmap
import os
import resource
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# It looks for the library by running programs, which a confined process cannot: so it is loaded before that.
try:
    import pyseccomp  # type: ignore[import-untyped]
except (ImportError, OSError, RuntimeError):
    pyseccomp = None

_LIBC = ctypes.CDLL(None)
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_INSTRUCTION_BYTES = 8

_ALLOWED: Sequence[str] = (
    # Descriptors that it has.
    *("read", "readv", "pread64", "preadv", "lseek", "write", "writev", "close", "dup", "fstat", "poll", "ppoll"),
    *("getsockname", "getpeername", "getsockopt"),
    # Its own memory, threads and end.
    *("brk", "munmap", "mremap", "madvise", "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "exit", "exit_group"),
    # What time it is, who it is, and random numbers.
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times", "getrusage"),
    *("getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "sysinfo", "getrandom"),
)


class Condition(NamedTuple):
    """The argument of this number (from 0), after `& mask`, is `value`."""

    argument: int
    value: int
    mask: int = 2**64 - 1


_F_DUPFD_CLOEXEC = 1030
_PR_SET_NAME = 15
_PR_SET_VMA = 0x53564D41  # the C library names the stacks of threads by it
_AT_EMPTY_PATH = 0x1000
# What pthread_create asks for: CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID.
# musl adds CLONE_DETACHED, which does nothing.
_THREAD = Condition(0, 0x3D0F00, 2**64 - 1 - 0x400000)
_TO_THE_WORKER = Condition(0, 0)
_NOT_EXECUTABLE = Condition(2, 0, mmap.PROT_EXEC)
_ITSELF = Condition(0, 0)

_ALLOWED_WITH: Sequence[tuple[str, Sequence[Condition]]] = (
    *((name, (_TO_THE_WORKER,)) for name in ("sendto", "sendmsg", "recvfrom", "recvmsg")),
    *((name, (_NOT_EXECUTABLE,)) for name in ("mmap", "mprotect")),
    *(("fcntl", (Condition(1, each),)) for each in (0, 1, 2, 3, _F_DUPFD_CLOEXEC)),  # F_DUPFD, F_GETFD, SETFD, GETFL
    *(("prctl", (Condition(0, each),)) for each in (_PR_SET_NAME, _PR_SET_VMA)),
    ("clone", (_THREAD,)),
    ("newfstatat", (Condition(3, _AT_EMPTY_PATH),)),  # fstat() of the C library before 2.39
    ("prlimit64", (_ITSELF, Condition(1, resource.RLIMIT_CPU))),
    ("prlimit64", (_ITSELF, Condition(2, 0))),  # reads a limit
)

_REFUSED: Mapping[str, int] = {
    **dict.fromkeys(
        (
            *("open", "openat", "creat", "stat", "lstat", "access", "faccessat", "readlink", "readlinkat", "statfs"),
            *("getcwd", "getdents64", "memfd_create", "uname"),
            # abort() calls it, and then ends the process in another way.
            *("tgkill", "tkill"),
        ),
        errno.EPERM,
    ),
    # The C library has another way where the kernel does not know these.
    **dict.fromkeys(("clone3", "statx", "openat2", "faccessat2", "close_range", "membarrier"), errno.ENOSYS),
    "ioctl": errno.ENOTTY,  # asked of every file that Python opens
}
_REFUSED_WITH: Sequence[tuple[str, Condition]] = (
    *((name, Condition(2, mmap.PROT_EXEC, mmap.PROT_EXEC)) for name in ("mmap", "mprotect")),
    ("newfstatat", Condition(3, 0)),  # stat()
    ("newfstatat", Condition(3, 0x100)),  # lstat(): AT_SYMLINK_NOFOLLOW
)


def compile_filter() -> "Filter | None":
    """The filter; None where libseccomp is missing or does not know this machine."""
    if pyseccomp is None:
        return None
    try:
        made = pyseccomp.SyscallFilter(pyseccomp.KILL_PROCESS)
        add_rules(made)
        return Filter(exported(made))
    except (OSError, RuntimeError, ValueError):
        return None


def add_rules(made: Any) -> None:
    """Add the lists to a filter of pyseccomp's that ends the process at any other call."""
    made.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    for name in _ALLOWED:
        _add(made, pyseccomp.ALLOW, name)
    for name, conditions in _ALLOWED_WITH:
        _add(made, pyseccomp.ALLOW, name, *conditions)
    for name, number in _REFUSED.items():
        _add(made, pyseccomp.ERRNO(number), name)
    for name, condition in _REFUSED_WITH:
        _add(made, pyseccomp.ERRNO(errno.EPERM), name, condition)


def exported(made: Any) -> bytes:
    """The instructions of a filter of pyseccomp's."""
    with os.fdopen(os.memfd_create("filter"), "w+b") as file:
        made.export_bpf(file)
        file.seek(0)
        return file.read()


class Filter:
    """A program that is ready to be installed, in whichever process this one forks."""

    def __init__(self, program: bytes) -> None:
        self._instructions = ctypes.create_string_buffer(program, len(program))
        address = ctypes.addressof(self._instructions)
        self._header = struct.pack("HP", len(program) // _INSTRUCTION_BYTES, address)

    def install(self) -> bool:
        """Apply it to this process, for good. It needs PR_SET_NO_NEW_PRIVS. False where the kernel refuses."""
        return bool(_LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._header, 0, 0) == 0)


def _add(made: Any, action: int, name: str, *conditions: Condition) -> None:
    arguments = [pyseccomp.Arg(each.argument, pyseccomp.MASKED_EQ, each.mask, each.value) for each in conditions]
    try:
        made.add_rule(action, name, *arguments)
    except (OSError, ValueError):  # a call that this version of the library does not know, so it ends the process
        return
