"""`python -m workers.inspection.sandbox.fork_server MEMORY MODULE...`: the process from which children are forked.

It imports the modules once, so that a child is there within milliseconds, and sees no byte of any object. The worker
asks on the socket that is its standard input: each packet has two sockets with it, the new child's and its lifeline.
On the lifeline the worker is told the child's process id, and in the end its exit code; when the worker lets go of it,
the child is killed. The server ends when the worker has closed the first socket and all children have ended.
"""

import gc
import importlib
import os
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NoReturn

from workers.inspection.sandbox.child import serve
from workers.inspection.sandbox.confinement import confine

LIFELINE_PACKET = struct.Struct("i")
"""A packet of a lifeline: first the process id, then the exit code, which is negative for a signal."""


class ForkServer:
    """Forks for the worker at the other end of `control`; each child gets `memory` bytes of address space."""

    def __init__(self, control: socket.socket, memory: int) -> None:
        self._control = control
        self._memory = memory
        self._lifelines: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serve until the worker has gone and all children have ended."""
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
                lifeline.close()  # the worker sees both sockets end
                return
            if pid == 0:
                become_child(connection.fileno(), self._memory)
        self._lifelines[pid] = lifeline
        self._watch(lifeline, lambda: self._kill(pid))
        _tell(lifeline, pid)

    def _kill(self, pid: int) -> None:
        if pid in self._lifelines:  # it may have been reaped a moment ago, and the id be somebody else's
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
                _tell(lifeline, os.waitstatus_to_exitcode(status))


def _tell(lifeline: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):  # the worker has gone
        lifeline.send(LIFELINE_PACKET.pack(number))


def become_child(connection: int, memory: int) -> NoReturn:
    """Keep nothing of the server but its memory, give up all rights, and answer on that descriptor until its end."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(connection, 0)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        confine(memory)
        serve(socket.socket(fileno=0))
    finally:
        os._exit(0)


def load(modules: Iterable[str]) -> None:
    """Import them, for every child to come. What cannot be imported is told by the child that is asked for it."""
    for module in modules:
        with suppress(Exception):
            importlib.import_module(module)
    # A collection in a child would write to all of the memory that it shares: gc.freeze in Python's library reference.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    # Whoever stops all processes of a container or a service means the worker, which still drains, and then ends this.
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    load(sys.argv[2:])
    ForkServer(socket.socket(fileno=0), int(sys.argv[1])).run()
