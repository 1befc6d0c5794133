"""Namespaces (namespaces(7)), an empty root folder (chroot(2)), and the end of all capabilities (capabilities(7))."""

import ctypes
import os
import struct
import tempfile
from contextlib import suppress

_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_APART = _CLONE_NEWNET | _CLONE_NEWIPC
_PR_CAPBSET_DROP = 24
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION = 0x20080522
_CAPABILITIES = 64


def enter_namespaces() -> bool:
    """Give this process, and all that it forks, an empty network and memory that no other process shares.

    False where the container allows no user namespace and the process is not root. It needs a process of one thread.
    """
    libc = ctypes.CDLL(None)
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWUSER | _APART, _APART))


def empty_folder() -> int | None:
    """A descriptor of a folder without a name, in which nobody can make anything; None where none can be made."""
    with suppress(OSError), tempfile.TemporaryDirectory() as path:
        return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return None


def enter_root(folder: int) -> bool:
    """Make `folder` the root of all paths of this process; False where it has no right to."""
    try:
        os.fchdir(folder)
        os.chroot(".")
    except OSError:
        return False
    return True


def drop_capabilities() -> None:
    """Drop all capabilities of this process, and of what it could ever run. Nothing is left to do without any."""
    libc = ctypes.CDLL(None)
    for capability in range(_CAPABILITIES):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    libc.capset(struct.pack("Ii", _CAPABILITY_VERSION, 0), bytes(24))
