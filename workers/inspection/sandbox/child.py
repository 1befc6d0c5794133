"""What a parser's process does: it answers the requests on its socket until the worker closes it.

So it never outlives the worker. The frames are described in `frames`.
"""

import importlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast

from airlock.content.formats import format_of
from workers.inspection.identification.identify import identify, leading_data
from workers.inspection.parsers.port import EnvironmentFault, Examiner, LimitExceeded
from workers.inspection.readings import MEDIA_TYPE, ExaminerFinding, Reading
from workers.inspection.sandbox.confinement import Missing, allow_seconds
from workers.inspection.sandbox.frames import (
    LARGEST,
    ExaminationRequest,
    Examined,
    FoundBy,
    FoundReading,
    FrameType,
    encode_frame,
)
from workers.inspection.sandbox.preparation import open_late

# Where the examiner itself gave up, the object may be well-formed, and was not read to its end.
_GAVE_UP = "limits_exceeded"


class SocketOutput:
    """The port `Output`, over the socket. A send waits until the worker has read: that is the back pressure.

    `examiner` is the name of the examiner that reports.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.examiner = ""

    def finding(self, code: str, message: str) -> None:
        found = FoundBy(self.examiner, ExaminerFinding(code, message[: LARGEST // 16]))
        self._connection.sendall(encode_frame(found))

    def reading(self, reading: Reading) -> None:
        self._connection.sendall(encode_frame(FoundReading(reading)))

    def examined(self, reading: Reading) -> None:
        self._connection.sendall(encode_frame(Examined(reading.media_type, self.examiner)))

    @contextmanager
    def member(self, name: str) -> Iterator[Callable[[bytes], None]]:
        self.send(FrameType.MEMBER_START, name.encode("utf-8", "replace")[: LARGEST // 16])
        yield self._data
        self.send(FrameType.MEMBER_END)

    def send(self, frame_type: FrameType, body: bytes = b"") -> None:
        self._connection.sendall(bytes([frame_type]) + body)

    def _data(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(view), LARGEST):
            self._connection.sendmsg([bytes([FrameType.MEMBER_DATA]), view[start : start + LARGEST]])


def prepare(modules: Sequence[str]) -> Sequence[int]:
    """In the fork server: import `modules`, and open what they open late; returns the descriptors that libraries keep.

    A module that cannot be imported is reported by the child that is asked for it.
    """
    for module in modules:
        with suppress(Exception):
            importlib.import_module(module)
    return open_late()


def serve(connection: socket.socket, missing: Sequence[Missing]) -> None:
    """Answer requests until the socket ends. `missing` are the layers of its confinement that are not to be had."""
    output = SocketOutput(connection)
    output.send(FrameType.READY, json.dumps(missing).encode())
    while request := _receive(connection):
        with os.fdopen(request[1], "rb") as file:
            output.send(*_answer(request[0], file, output))


def _receive(connection: socket.socket) -> tuple[ExaminationRequest, int] | None:
    packet, files, _, _ = socket.recv_fds(connection, LARGEST, 1)
    return (ExaminationRequest.decode(packet), files[0]) if packet else None


def _answer(request: ExaminationRequest, file: BinaryIO, output: SocketOutput) -> tuple[FrameType, bytes]:
    """The last frame: its type and its body."""
    allow_seconds(request.seconds, request.lifetime)
    output.examiner = ""
    try:
        readings = identify(file, request.size, request.claims)
        for reading in readings:
            output.reading(reading)
        output.examiner = MEDIA_TYPE
        if found := leading_data(file, readings):
            output.finding(*found)
        for reading in readings:
            _examine(request, file, reading, output)
    # PermissionError: it opens a file, which is refused. An examiner needs none.
    except (EnvironmentFault, ImportError, PermissionError) as error:
        return FrameType.FAILED, str(error).encode()[: LARGEST // 16]
    except MemoryError:
        output.finding(_GAVE_UP, "The examiner needs more memory than it may use.")
        return FrameType.SPENT, b""
    except RecursionError:
        output.finding(_GAVE_UP, "It is nested too deeply to be read.")
        return FrameType.SPENT, b""
    except Exception as error:  # noqa: BLE001 # whatever an examiner raises, it has not seen all of the object
        output.finding(_GAVE_UP, f"The examiner failed before the end ({type(error).__name__}).")
        return FrameType.SPENT, b""
    return FrameType.DONE, b""


def _examine(request: ExaminationRequest, file: BinaryIO, reading: Reading, output: SocketOutput) -> None:
    """Let the examiner that owns the reading examine it, where the request names that examiner."""
    name = format_of(reading.media_type).examiner
    module = request.examiners.get(name) if name else None
    # A text or a page within other bytes is a mark of one: there is no beginning to read it from.
    if name is None or module is None or (reading.start and name in ("text", "markup")):
        return
    output.examiner = name
    try:
        examiner = cast("Examiner", importlib.import_module(module))
        examiner.examine(file, request.size, reading, _limits(request, examiner), output)
        output.examined(reading)
    except LimitExceeded as limit:
        output.finding(limit.code, limit.message)


def _limits(request: ExaminationRequest, examiner: Examiner) -> Mapping[str, int]:
    return {**examiner.DEFAULTS, **request.limits}
