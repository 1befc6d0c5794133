"""`python -m workers.inspection.sandbox.fork_server MEMORY MODULE...`: the process that forks the parsers' processes.

How it works:

1. It imports MODULES once. A fork shares them, so a new process is ready within milliseconds. It never reads an object.
2. Its standard input is the control socket. A packet on it requests a child and brings two sockets: the child's
   connection to the worker, and the child's lifeline.
3. It forks. The child keeps its connection alone, gives up its rights (`confinement`) and serves (`child`). What all
   children give up is prepared once, and what no child can open any more is opened before (`preparation`).
4. On the lifeline it sends the child's process id, and at the child's end the exit code. When the worker closes the
   lifeline, it kills the child. Only this process kills by process id: it reaps the children itself, so it knows that
   an id is still the child's.
5. When the worker has closed the control socket and all children have ended, it ends. If it is killed, the kernel kills
   the children (PR_SET_PDEATHSIG).

It has one thread: a thread that holds a lock during a fork would leave it locked in the child for ever.
"""

import functools
import gc
import importlib
import os
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NoReturn

from workers.inspection.sandbox.child import serve
from workers.inspection.sandbox.confinement import Confinement, close_all_but
from workers.inspection.sandbox.preparation import open_late

LIFELINE_NUMBER = struct.Struct("i")
"""On a lifeline: first the process id, then the exit code, which is negative for a signal."""


class ForkServer:
    """Forks for the worker at the other end of `control`. A child goes on in `become_child`, with its connection."""

    def __init__(self, control: socket.socket, become_child: Callable[[int], NoReturn]) -> None:
        self._control = control
        self._become_child = become_child
        self._lifelines: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serve until the worker has closed the control socket and all children have ended."""
        ended, wakeup = socket.socketpair()
        with ended, wakeup, self._control, self._selector:
            ended.setblocking(False)
            wakeup.setblocking(False)
            signal.signal(signal.SIGCHLD, lambda *_: None)
            signal.set_wakeup_fd(wakeup.fileno())
            self._watch(ended, lambda: self._reap(ended))
            self._watch(self._control, self._fork)
            while self._lifelines or self._watched(self._control):
                for key, _ in self._selector.select():
                    key.data()
            signal.set_wakeup_fd(-1)

    def _watch(self, what: socket.socket, act: Callable[[], None]) -> None:
        self._selector.register(what, selectors.EVENT_READ, act)

    def _watched(self, what: socket.socket) -> bool:
        return what in self._selector.get_map()

    def _fork(self) -> None:
        packet, sockets, _, _ = socket.recv_fds(self._control, 1, 2)
        if not packet:
            self._selector.unregister(self._control)
            return
        connection, lifeline = (socket.socket(fileno=each) for each in sockets)
        with connection:
            try:
                pid = os.fork()
            except OSError:
                lifeline.close()  # so both sockets are closed, which the worker notices
                return
            if pid == 0:
                self._become_child(connection.fileno())
        self._lifelines[pid] = lifeline
        self._watch(lifeline, lambda: self._kill(pid))
        _send(lifeline, pid)

    def _kill(self, pid: int) -> None:
        if pid in self._lifelines:  # else it was reaped just now, and the id may be another process's
            self._selector.unregister(self._lifelines[pid])
            os.kill(pid, signal.SIGKILL)

    def _reap(self, ended: socket.socket) -> None:
        with suppress(BlockingIOError):
            while ended.recv(4096):
                pass
        while self._lifelines:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            with self._lifelines.pop(pid) as lifeline:
                if self._watched(lifeline):
                    self._selector.unregister(lifeline)
                _send(lifeline, os.waitstatus_to_exitcode(status))


def _send(lifeline: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):  # the worker has ended
        lifeline.send(LIFELINE_NUMBER.pack(number))


def become_child(confinement: Confinement, kept: Sequence[int], connection: int) -> NoReturn:
    """In the child: give up all rights, and serve until the connection ends.

    Of all descriptors it keeps `connection`, and `kept`, which libraries need.
    """
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(connection, 0)
        close_all_but([*kept, *confinement.descriptors])
        serve(socket.socket(fileno=0), confinement.give_up())
    finally:
        os._exit(0)


def load(modules: Iterable[str]) -> Sequence[int]:
    """Import `modules` for all children, and open what they open late; returns the descriptors that libraries keep.

    A module that cannot be imported is reported by the child that is asked for it.
    """
    for module in modules:
        with suppress(Exception):
            importlib.import_module(module)
    kept = open_late()
    # Else a garbage collection in a child would write to all shared memory, which copies it (see gc.freeze's page).
    gc.collect()
    gc.freeze()
    return kept


if __name__ == "__main__":
    # A signal to all processes of a container is for the worker, which drains and then closes the control socket.
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    # Before the libraries, which may start threads: a process with threads cannot enter namespaces.
    prepared = Confinement(int(sys.argv[1]))
    kept_descriptors = load(sys.argv[2:])
    ForkServer(socket.socket(fileno=0), functools.partial(become_child, prepared, kept_descriptors)).run()
