"""Landlock (landlock(7)): which files a process may read; no port, no signal and no abstract socket is in its reach."""

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress

# What libraries read besides: qpdf takes random numbers from there to open AES-256 files.
_DEVICES = ("/dev/urandom", "/dev/random")

# Where shared libraries are. Python's modules and ours are in the folders of sys.path.
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/local/lib")

# The same numbers on every architecture (linux/include/uapi/asm-generic/unistd.h).
_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_PATH_BENEATH = 1
# All rights to files of Landlock's first version, and those among them to read files and list folders.
_FILES = 0b1_1111_1111_1111
_READ_FILE, _READ_FOLDER = 0b0100, 0b1000
_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def make_rules() -> int | None:
    """A descriptor of the rules; None where the kernel has no Landlock, or refuses it."""
    libc = ctypes.CDLL(None)
    version = libc.syscall(_CREATE_RULESET, None, 0, 1)
    attributes = struct.pack("<QQQ", _FILES, _BIND_AND_CONNECT, _ABSTRACT_SOCKETS_AND_SIGNALS)
    # The structure grew with the versions: 4 added the network, 6 added the scopes.
    known = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(known), 0) if version > 0 else -1
    if rules < 0:
        return None
    for path, rights in _readable():
        libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("<Qi", rights, path), 0)
        os.close(path)
    return int(rules)


def restrict(rules: int) -> bool:
    """Apply the rules to this process, for good. It needs PR_SET_NO_NEW_PRIVS. False where the kernel refuses."""
    return bool(ctypes.CDLL(None).syscall(_RESTRICT_SELF, rules, 0) == 0)


def _readable() -> Iterator[tuple[int, int]]:
    """Descriptors of what may be read, with the rights: devices, and folders of imports. Never `/`, which is all."""
    for device in _DEVICES:
        with suppress(OSError):
            yield os.open(device, os.O_PATH | os.O_CLOEXEC), _READ_FILE
    for folder in {*_LIBRARIES, *sys.path} - {"", "/"}:
        with suppress(OSError):
            yield os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), _READ_FILE | _READ_FOLDER
