"""What an attacker tries who has taken over a child. An attempt that is refused raises OSError, or ends the child.

`ATTEMPTS` has them by name. Each takes a `Surroundings`: what there is to reach.
"""

import ctypes
import fcntl
import mmap
import os
import platform
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

_LIBC = ctypes.CDLL(None, use_errno=True)
_X86 = platform.machine() == "x86_64"
_NUMBERS: Mapping[str, tuple[int, int]] = {  # on x86-64, and on 64-bit ARM
    **{name: (number, arm) for name, number, arm in (("shmget", 29, 194), ("semget", 64, 190), ("msgget", 68, 186))},
    **{
        name: (number, arm) for name, number, arm in (("ptrace", 101, 117), ("mq_open", 240, 180), ("keyctl", 250, 219))
    },
    **{name: (number, arm) for name, number, arm in (("unshare", 272, 97), ("setns", 308, 268), ("mount", 165, 40))},
    **{name: (number, arm) for name, number, arm in (("process_vm_readv", 310, 270), ("bpf", 321, 280))},
    **{name: (number, arm) for name, number, arm in (("perf_event_open", 298, 241), ("userfaultfd", 323, 282))},
    **{
        name: (number, arm)
        for name, number, arm in (("execveat", 322, 281), ("personality", 135, 92), ("clone", 56, 220))
    },
    **{name: (number, arm) for name, number, arm in (("inotify_init1", 294, 26), ("fanotify_init", 300, 262))},
    **{
        name: (number, arm)
        for name, number, arm in (("prlimit64", 302, 261), ("capget", 125, 90), ("openat2", 437, 437))
    },
    **{name: (number, number) for name, number in (("io_uring_setup", 425), ("pidfd_getfd", 438), ("clone3", 435))},
}


class Surroundings(NamedTuple):
    """What there is to reach: a port, sockets and a file of the test's, and processes of the child's own user."""

    port: int
    unix_socket: str
    abstract_socket: str
    secret: str
    worker: int


def call(name: str, *arguments: object) -> int:
    """A system call by its number; raises OSError."""
    result = int(_LIBC.syscall(_NUMBERS[name][0 if _X86 else 1], *arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _connect(kind: int, address: object) -> None:
    with socket.socket(kind) as made:
        made.connect(address)  # type: ignore[arg-type] # each family has its own


def _look(path: str) -> None:
    if _LIBC.fstatat(0, path.encode(), ctypes.create_string_buffer(256), 0x1000) != 0:  # AT_EMPTY_PATH
        raise OSError(ctypes.get_errno(), path)


def _alarm_the_worker(at: Surroundings) -> None:
    """Have the kernel send the worker a signal whenever the socket can be read (fcntl(2), F_SETOWN)."""
    fcntl.fcntl(0, fcntl.F_SETOWN, at.worker)


def _run_from_memory(_: Surroundings) -> None:
    program = os.memfd_create("x")
    os.write(program, Path("/bin/true").read_bytes())
    call("execveat", program, b"", None, None, 0x1000)


def _ignore_the_end_of_time(_: Surroundings) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if resource.getrlimit(resource.RLIMIT_CPU)[1] != resource.RLIM_INFINITY:
        raise PermissionError


def _capabilities(_: Surroundings) -> None:
    held = bytearray(24)
    call("capget", (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_char * 24).from_buffer(held))
    if not any(held):
        raise PermissionError


def _read_memory_of(pid: int) -> None:
    local = (ctypes.c_void_p * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8)
    # Without an address to read there is nothing to find, but the kernel asks for the right to read first.
    call("process_vm_readv", pid, local, 1, local, 1, 0)


ATTEMPTS: Mapping[str, Callable[[Surroundings], object]] = {
    "tcp": lambda at: _connect(socket.AF_INET, ("127.0.0.1", at.port)),
    "clamd": lambda at: _connect(socket.AF_UNIX, at.unix_socket),
    "abstract_socket": lambda at: _connect(socket.AF_UNIX, "\0" + at.abstract_socket),
    "packets": lambda _: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "netlink": lambda _: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12),  # NETLINK_NETFILTER
    "vsock": lambda _: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM),
    "socketpair": lambda _: socket.socketpair(),
    "shared_memory": lambda _: call("shmget", 0x41, 4096, 0o1600),
    "semaphores": lambda _: call("semget", 0x41, 1, 0o1600),
    "messages": lambda _: call("msgget", 0x41, 0o1600),
    "posix_messages": lambda _: call("mq_open", b"airlock", os.O_CREAT | os.O_RDWR, 0o600, None),
    "posix_shared_memory": lambda _: os.open("/dev/shm/airlock", os.O_CREAT | os.O_RDWR),
    "memory_file": lambda _: os.memfd_create("x"),
    "read": lambda at: Path(at.secret).read_bytes(),
    "read_here": lambda at: Path(Path(at.secret).name).read_bytes(),
    "read_by_openat2": lambda at: call("openat2", -100, at.secret.encode(), (ctypes.c_uint64 * 3)(), 24),
    "look": lambda at: Path(at.secret).stat(),
    # The C library asks so for what is open. The filter sees the flag, and not the path.
    "look_through_an_empty_path": lambda at: _look(at.secret),
    "list": lambda at: list(Path(at.secret).parent.iterdir()),
    "write": lambda at: Path(at.secret + ".new").touch(),
    "environment": lambda at: Path(f"/proc/{at.worker}/environ").read_bytes(),
    "memory_of_the_worker": lambda at: os.open(f"/proc/{at.worker}/mem", os.O_RDONLY),
    "processes": lambda _: list(Path("/proc").iterdir()),
    "execute": lambda _: os.execv("/bin/true", ["true"]),
    "spawn": lambda _: os.posix_spawn("/bin/true", ["true"], {}),
    "execute_from_memory": _run_from_memory,
    "fork": lambda _: os.fork() or os._exit(0),
    "clone_into_a_namespace": lambda _: (
        call("clone", 0x10000000 | signal.SIGCHLD, None, None, None, None) or os._exit(0)
    ),
    "clone3": lambda _: call("clone3", (ctypes.c_uint64 * 8)(0, 0, 0, 0, signal.SIGCHLD), 64) or os._exit(0),
    "namespaces": lambda _: call("unshare", 0x10000000),
    "enter_a_namespace": lambda at: call("setns", os.pidfd_open(at.worker), 0x40000000),
    "mount": lambda _: call("mount", b"x", b"/tmp", b"tmpfs", 0, None),
    "kill": lambda at: os.kill(at.worker, 0),
    "kill_all": lambda _: os.kill(-1, 0),
    "kill_by_descriptor": lambda at: signal.pidfd_send_signal(os.pidfd_open(at.worker), 0),
    "alarm": _alarm_the_worker,
    "renice": lambda at: os.setpriority(os.PRIO_PROCESS, at.worker, 5),
    "pin": lambda at: os.sched_setaffinity(at.worker, os.sched_getaffinity(0)),
    "limit": lambda at: resource.prlimit(at.worker, resource.RLIMIT_NOFILE),
    "limit_of_its_own": _ignore_the_end_of_time,
    "trace": lambda at: call("ptrace", 0x4206, at.worker, None, None),  # PTRACE_SEIZE
    "trace_itself": lambda _: call("ptrace", 0, 0, None, None),
    "read_memory": lambda at: _read_memory_of(at.worker),
    "take_a_descriptor": lambda at: call("pidfd_getfd", os.pidfd_open(at.worker), 0, 0),
    "capabilities": _capabilities,
    "become": lambda _: os.setuid(0 if os.getuid() else 65534),
    "rings": lambda _: call("io_uring_setup", 8, (ctypes.c_char * 120)()),
    "keys": lambda _: call("keyctl", 0, -3, 1),
    "bpf": lambda _: call("bpf", 5, (ctypes.c_char * 120)(), 120),
    "events": lambda _: call("perf_event_open", (ctypes.c_uint32 * 32)(1, 128), 0, -1, -1, 0),
    "faults": lambda _: call("userfaultfd", 1),
    "notify": lambda _: call("inotify_init1", 0),
    "notify_all": lambda _: call("fanotify_init", 0, 0),
    "personality": lambda _: call("personality", 0xFFFFFFFF),
    "code": lambda _: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "terminal": lambda _: fcntl.ioctl(0, 0x5412, b"x"),  # TIOCSTI
}


@contextmanager
def surroundings(folder: Path | None = None) -> Iterator[Surroundings]:
    """Everything is there, may be reached by any user, and lies in the working directory of who asks."""
    with TemporaryDirectory(dir=folder) as made, socket.create_server(("127.0.0.1", 0)) as server:
        Path(made).chmod(0o777)
        secret = Path(made) / "credentials"
        secret.write_text("aws_secret_access_key = not-for-children")
        with socket.socket(socket.AF_UNIX) as unix, socket.socket(socket.AF_UNIX) as abstract:
            unix.bind(f"{made}/clamd.sock")
            Path(f"{made}/clamd.sock").chmod(0o777)
            abstract.bind(f"\0airlock-{os.getpid()}")
            unix.listen()
            abstract.listen()
            yield Surroundings(
                server.getsockname()[1], f"{made}/clamd.sock", f"airlock-{os.getpid()}", str(secret), os.getpid()
            )
