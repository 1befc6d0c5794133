"""The fork server, controlled by a test in place of the worker. With the worker it is tested in test_sandbox."""

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.workers.inspection.sandbox.hostile import packed
from tests.workers.inspection.sandbox.test_sandbox import HOSTILE
from workers.inspection.sandbox.fork_server import LIFELINE_NUMBER, ForkServer
from workers.inspection.sandbox.frames import LARGEST, ExaminationRequest, FrameType

pytestmark = pytest.mark.server

TIMEOUT = 30
PROGRAM = "workers.inspection.sandbox.child"


class RunningServer(NamedTuple):
    """A fork server, and the socket by which it is asked."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket


def _pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(TIMEOUT)
    return ours, theirs


@pytest.fixture
def server() -> Iterator[RunningServer]:
    ours, theirs = _pair()
    command = [
        sys.executable,
        "-m",
        "workers.inspection.sandbox.fork_server",
        str(1 << 30),
        PROGRAM,
        "no.such.module",
        HOSTILE,
    ]
    with theirs:
        process = subprocess.Popen(command, stdin=theirs.fileno())
    with ours:
        yield RunningServer(process, ours)
    try:
        assert process.wait(TIMEOUT) == 0
    finally:
        process.kill()
        process.wait()


class ForkedChild:
    """A child of the server's, at the other end of its two sockets."""

    def __init__(self, server: RunningServer) -> None:
        self.connection, its_connection = _pair()
        self.lifeline, its_lifeline = _pair()
        with its_connection, its_lifeline:
            socket.send_fds(server.control, [b"f"], [its_connection.fileno(), its_lifeline.fileno()])
        self.pid = self.number()
        assert self.connection.recv(LARGEST)[0] == FrameType.READY

    def number(self) -> int:
        return int(LIFELINE_NUMBER.unpack(self.lifeline.recv(LIFELINE_NUMBER.size))[0])

    def ask(self, text: str) -> None:
        copy = os.memfd_create("copy")
        os.write(copy, text.encode())
        os.lseek(copy, 0, os.SEEK_SET)
        request = ExaminationRequest({"text": HOSTILE}, (), len(text), 1, 1, {})
        socket.send_fds(self.connection, [request.encode()], [copy])
        os.close(copy)

    def frame(self) -> int:
        """The type of the next frame that is neither a reading nor its end."""
        while (kind := self.connection.recv(LARGEST)[0]) in (FrameType.READING, FrameType.EXAMINED):
            pass
        return kind

    def gone(self) -> bool:
        return not Path(f"/proc/{self.pid}").exists() and self.lifeline.recv(LIFELINE_NUMBER.size) == b""

    def close(self) -> None:
        self.connection.close()
        self.lifeline.close()


def test_a_child_answers_and_ends_with_its_socket(server: RunningServer) -> None:
    child = ForkedChild(server)
    child.ask(packed(a=""))
    assert [child.frame() for _ in range(3)] == [
        FrameType.MEMBER_START,
        FrameType.MEMBER_END,
        FrameType.DONE,
    ]
    child.connection.close()
    assert child.number() == 0
    assert child.gone()
    child.close()


@pytest.mark.parametrize(("text", "code"), [("!loop", -signal.SIGXCPU), ("!abort", -signal.SIGSEGV), ("!leave", 0)])
def test_the_exit_code_of_a_child_is_sent(server: RunningServer, text: str, code: int) -> None:
    child = ForkedChild(server)
    child.ask(text)
    assert child.number() == code
    assert child.gone()
    child.close()


def test_a_child_is_killed_when_its_lifeline_is_closed_and_others_are_not(server: RunningServer) -> None:
    one, other = ForkedChild(server), ForkedChild(server)
    one.ask("!wait")
    one.lifeline.shutdown(socket.SHUT_WR)
    assert one.number() == -signal.SIGKILL
    assert one.gone()
    other.ask("!many 0")
    assert other.frame() == FrameType.DONE
    one.close()
    other.close()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_stop_a_container_ends_neither_server_nor_child(
    server: RunningServer, number: signal.Signals
) -> None:
    child = ForkedChild(server)
    os.kill(child.pid, number)
    os.kill(server.process.pid, number)
    child.ask("!many 0")
    assert child.frame() == FrameType.DONE
    ForkedChild(server).close()
    child.close()


def test_a_busy_child_goes_on_when_the_control_socket_is_closed(server: RunningServer) -> None:
    child = ForkedChild(server)
    server.control.close()
    child.ask("!many 0")
    assert child.frame() == FrameType.DONE
    assert server.process.poll() is None
    child.close()


def test_children_end_with_the_worker(server: RunningServer) -> None:
    child = ForkedChild(server)
    child.ask("!wait")
    child.close()
    server.control.close()
    assert server.process.wait(TIMEOUT) == 0
    assert not Path(f"/proc/{child.pid}").exists()


def test_where_no_process_can_be_forked_both_sockets_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    before = signal.getsignal(signal.SIGCHLD)
    (control, its_control), (connection, its_connection), (lifeline, its_lifeline) = _pair(), _pair(), _pair()
    with control, its_connection, its_lifeline:
        socket.send_fds(control, [b"f"], [its_connection.fileno(), its_lifeline.fileno()])
    try:
        ForkServer(its_control, os._exit).run()
    finally:
        signal.signal(signal.SIGCHLD, before)
    with connection, lifeline:
        assert connection.recv(1) == lifeline.recv(1) == b""
