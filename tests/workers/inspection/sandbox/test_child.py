"""The child's side, run in this process, so that its coverage is measured."""

import array
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.workers.inspection.sandbox.hostile import packed
from tests.workers.inspection.sandbox.test_sandbox import HOSTILE
from workers.inspection.sandbox import child
from workers.inspection.sandbox.frames import LARGEST, ExaminationRequest, FrameType


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The worker's end of a socket at whose other end a child serves, which keeps no limit of computing."""
    monkeypatch.setattr(child, "allow_seconds", lambda *_: None)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    serving = threading.Thread(target=child.serve, args=(theirs, ["landlock"]))
    serving.start()
    assert ours.recv(LARGEST) == bytes([FrameType.READY]) + b'["landlock"]'
    with ours:
        yield ours
    serving.join()
    theirs.close()


def _ask(worker: socket.socket, text: str, parser: str = HOSTILE) -> list[bytes]:
    copy = os.memfd_create("copy")
    os.write(copy, text.encode())
    os.lseek(copy, 0, os.SEEK_SET)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [copy]))
    request = ExaminationRequest({"text": parser}, (), len(text), 1, 1, {"archive_ratio": 7})
    worker.sendmsg([request.encode()], [rights])
    os.close(copy)
    packets = [worker.recv(LARGEST + 1)]
    while packets[-1][0] not in (FrameType.DONE, FrameType.SPENT, FrameType.FAILED):
        packets.append(worker.recv(LARGEST + 1))
    return packets


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("!many 2", [FrameType.FINDING, FrameType.FINDING, FrameType.EXAMINED, FrameType.DONE]),
        ("!exceed", [FrameType.FINDING, FrameType.FINDING, FrameType.DONE]),
        ("!raise key", [FrameType.FINDING, FrameType.SPENT]),
        ("!raise recursion", [FrameType.FINDING, FrameType.SPENT]),
        ("!raise memory", [FrameType.FINDING, FrameType.SPENT]),
        ("!raise import", [FrameType.FAILED]),
        ("!raise environment", [FrameType.FAILED]),
        ("!raise permission", [FrameType.FAILED]),
        (
            packed(a="x"),
            [FrameType.MEMBER_START, FrameType.MEMBER_DATA, FrameType.MEMBER_END, FrameType.EXAMINED, FrameType.DONE],
        ),
    ],
)
def test_every_request_is_answered_to_its_end(worker: socket.socket, text: str, kinds: list[FrameType]) -> None:
    for _ in range(2):
        assert [packet[0] for packet in _ask(worker, text)] == [FrameType.READING, *kinds]


def test_a_parser_that_cannot_be_imported_is_reported(worker: socket.socket) -> None:
    *_, last = _ask(worker, "", "workers.inspection.parsers.absent")
    assert last == bytes([FrameType.FAILED]) + b"No module named 'workers.inspection.parsers.absent'"


def test_bytes_that_no_examiner_may_examine_are_identified_alone(worker: socket.socket) -> None:
    reading, done = _ask(worker, "\0\1\2\3")
    assert reading[1:] == b'["application/octet-stream", 0, 0, false]'
    assert done == bytes([FrameType.DONE])


def test_a_large_piece_is_cut(worker: socket.socket) -> None:
    text = "x" * (2 * LARGEST + 1)
    sizes = [len(packet) - 1 for packet in _ask(worker, packed(a=text)) if packet[0] == FrameType.MEMBER_DATA]
    assert sizes == [LARGEST, LARGEST, 1]
