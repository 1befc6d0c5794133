"""What a child does: it parses what comes in on its socket, until that ends. So it never outlives the worker."""

import importlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from workers.inspection.parsers.port import Exceeded, FindingOutcome, ParserFinding
from workers.inspection.sandbox.confinement import allow_seconds
from workers.inspection.sandbox.frames import LARGEST, FrameType, ParseRequest, encode_finding

# What is said when a parser itself gave up: it is not known to be malformed, and not seen either.
_GAVE_UP = "limits_exceeded"


class SocketOutput:
    """The port `Output`, over the socket. Sending waits for room in it, which is the back pressure."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def finding(self, code: str, outcome: FindingOutcome, message: str) -> None:
        self._connection.sendall(encode_finding(ParserFinding(code, outcome, message[: LARGEST // 16])))

    @contextmanager
    def member(self, name: str) -> Iterator[Callable[[bytes], None]]:
        self.send(FrameType.MEMBER_START, name.encode("utf-8", "replace")[: LARGEST // 16])
        yield self._data
        self.send(FrameType.MEMBER_END)

    def send(self, kind: FrameType, body: bytes = b"") -> None:
        self._connection.sendall(bytes([kind]) + body)

    def _data(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(view), LARGEST):
            self._connection.sendmsg([bytes([FrameType.MEMBER_DATA]), view[start : start + LARGEST]])


def serve(connection: socket.socket) -> None:
    """Answer requests until there are no more."""
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
    except Exceeded as limit:
        output.finding(limit.code, "unscannable", limit.message)
    except ImportError:
        return FrameType.FAILED
    except MemoryError:
        output.finding(_GAVE_UP, "unscannable", "it takes more memory to read than is allowed")
        return FrameType.SPENT
    except RecursionError:
        output.finding(_GAVE_UP, "unscannable", "it is nested more deeply than can be read")
        return FrameType.SPENT
    except Exception as error:  # noqa: BLE001 # a parser that fails has not seen all of the object
        output.finding(_GAVE_UP, "unscannable", f"it could not be read to its end ({type(error).__name__})")
        return FrameType.SPENT
    return FrameType.DONE
