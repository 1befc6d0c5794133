"""What a parser's process does: it answers the requests on its socket until the worker closes it.

So it never outlives the worker. The frames are described in `frames`.
"""

import importlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from workers.inspection.parsers.port import FindingOutcome, LimitExceeded, ParserFinding
from workers.inspection.sandbox.confinement import allow_seconds
from workers.inspection.sandbox.frames import LARGEST, FrameType, ParseRequest, encode_finding

# Where the parser itself gave up, the object may be well-formed, and was not read to its end.
_GAVE_UP = "limits_exceeded"


class SocketOutput:
    """The port `Output`, over the socket. A send waits until the worker has read: that is the back pressure."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def finding(self, code: str, outcome: FindingOutcome, message: str) -> None:
        self._connection.sendall(encode_finding(ParserFinding(code, outcome, message[: LARGEST // 16])))

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


def serve(connection: socket.socket) -> None:
    """Answer requests until the socket ends."""
    output = SocketOutput(connection)
    output.send(FrameType.READY)
    while request := _receive(connection):
        with os.fdopen(request[1], "rb") as file:
            output.send(_answer(request[0], file, output))


def _receive(connection: socket.socket) -> tuple[ParseRequest, int] | None:
    packet, files, _, _ = socket.recv_fds(connection, LARGEST, 1)
    return (ParseRequest.decode(packet), files[0]) if packet else None


def _answer(request: ParseRequest, file: BinaryIO, output: SocketOutput) -> FrameType:
    allow_seconds(request.seconds)
    try:
        parser = importlib.import_module(request.parser)
        parser.examine(file, request.size, request.limits, output)
    except LimitExceeded as limit:
        output.finding(limit.code, "unscannable", limit.message)
    except ImportError:
        return FrameType.FAILED
    except MemoryError:
        output.finding(_GAVE_UP, "unscannable", "The parser needs more memory than it may use.")
        return FrameType.SPENT
    except RecursionError:
        output.finding(_GAVE_UP, "unscannable", "It is nested too deeply to be read.")
        return FrameType.SPENT
    except Exception as error:  # noqa: BLE001 # whatever a parser raises, it has not seen all of the object
        output.finding(_GAVE_UP, "unscannable", f"The parser failed before the end ({type(error).__name__}).")
        return FrameType.SPENT
    return FrameType.DONE
