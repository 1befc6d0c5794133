"""The filter of system calls of an examiner's process (seccomp(2)), for good: threads yes, processes and sockets no.

It names what is refused and lets the rest through: the libraries of formats use a wide and changing set of calls, and a
refused one would be blamed on the file. What is left reaches nothing: files are Landlock's and the resource limits' to
refuse. A refused call fails with EPERM; clone3, whose flags a filter cannot see, with ENOSYS, so that the C library
falls back to clone.
"""

import errno
import os
from typing import Any

# It looks for the library by running programs, which a confined process cannot: so it is loaded before that.
try:
    import pyseccomp  # type: ignore[import-untyped]
except (ImportError, OSError, RuntimeError):
    pyseccomp = None

_CLONE_THREAD = 0x10000

# Programs and other processes; the network; memory and messages that are shared; the kernel's keys, modules and
# tracing; namespaces and mounts; calls through a ring, which no filter sees.
_REFUSED = (
    *("execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise"),
    *("tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kcmp"),
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"),
    *("shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semtimedop", "semctl"),
    *("mq_open", "mq_unlink", "add_key", "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff"),
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsmount"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "open_by_handle_at", "name_to_handle_at", "quotactl"),
    *("personality", "acct", "syslog", "settimeofday", "clock_settime", "adjtimex", "sethostname", "setdomainname"),
)


def refuse_system_calls() -> bool:
    """Install the filter; False where the kernel or the library libseccomp is missing."""
    if pyseccomp is None:
        return False
    try:
        refusing = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
        _add_rules(refusing, pyseccomp)
        refusing.load()
    except (OSError, RuntimeError, ValueError):
        return False
    return True


def _add_rules(refusing: Any, library: Any) -> None:
    refused = library.ERRNO(errno.EPERM)
    for name in _REFUSED:
        _add(refusing, refused, name)
    refusing.add_rule(library.ERRNO(errno.ENOSYS), "clone3")
    refusing.add_rule(refused, "clone", library.Arg(0, library.MASKED_EQ, _CLONE_THREAD, 0))
    for name in ("kill", "tgkill"):
        refusing.add_rule(refused, name, library.Arg(0, library.NE, os.getpid()))


def _add(refusing: Any, action: int, name: str) -> None:
    try:
        refusing.add_rule(action, name)
    except (OSError, ValueError):  # a call that this architecture or this version of the library does not know
        return
