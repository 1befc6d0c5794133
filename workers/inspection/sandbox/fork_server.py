"""`python -m workers.inspection.sandbox.fork_server MEMORY PROGRAM ARGUMENT...`: the process that forks children.

How it works:

1. It lets PROGRAM (`server_process.Program`) import and open once all that a child needs. A fork shares it, so a new
   process is ready within milliseconds. It never reads an object.
2. Its standard input is the control socket. A packet on it requests a child and brings two sockets: the child's
   connection to the worker, and the child's lifeline.
3. It forks. The child keeps its connection alone, gives up its rights (`confinement`) and serves. What
   children can inherit, the server gives up once.
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
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from workers.inspection.sandbox.confinement import Confinement, Missing, close_all_but

LIFELINE_NUMBER = struct.Struct("i")
"""On a lifeline: first the process id, then the exit code, which is negative for a signal."""


Serve = Callable[[socket.socket, Sequence[Missing]], None]
"""What a child does: it answers on its socket until that ends. It gets the layers that are not to be had."""


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


def become_child(serve: Serve, confinement: Confinement, kept: Sequence[int], connection: int) -> NoReturn:
    """In the child: give up all rights, and serve until the connection ends.

    Of all descriptors it keeps `connection`, and `kept`, which libraries need.
    """
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(connection, 0)
        close_all_but(kept)
        serve(socket.socket(fileno=0), confinement.give_up())
    finally:
        os._exit(0)


def main(memory: int, module: str, arguments: Sequence[str]) -> None:
    """Prepare the program `module`, and fork it on request."""
    # Before the libraries, which may start threads: a process with threads cannot enter namespaces.
    confinement = Confinement(memory)
    program = importlib.import_module(module)
    kept = program.prepare(arguments)
    confinement.give_up_shared()
    # Else a garbage collection in a child would write to all shared memory, which copies it (see gc.freeze's page).
    gc.collect()
    gc.freeze()
    become = functools.partial(become_child, program.serve, confinement, kept)
    ForkServer(socket.socket(fileno=0), become).run()


if __name__ == "__main__":
    # A signal to all processes of a container is for the worker, which drains and then closes the control socket.
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
