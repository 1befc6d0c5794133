"""What a child does: it parses what comes in on its socket, until that ends. So it never outlives the worker."""

import importlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from workers.inspection.parsers.port import Exceeded, Found, Outcome
from workers.inspection.sandbox.confinement import allow_seconds
from workers.inspection.sandbox.frames import LARGEST, Kind, Request, found

# What is said when a parser itself gave up: it is not known to be malformed, and not seen either.
_GAVE_UP = "limits_exceeded"


class Packets:
    """The port `Output`, over the socket. Sending waits for room in it, which is the back pressure."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def found(self, code: str, outcome: Outcome, message: str) -> None:
        self._connection.sendall(found(Found(code, outcome, message[: LARGEST // 16])))

    @contextmanager
    def member(self, name: str) -> Iterator[Callable[[bytes], None]]:
        self.send(Kind.MEMBER_START, name.encode("utf-8", "replace")[: LARGEST // 16])
        yield self._data
        self.send(Kind.MEMBER_END)

    def send(self, kind: Kind, body: bytes = b"") -> None:
        self._connection.sendall(bytes([kind]) + body)

    def _data(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(view), LARGEST):
            self._connection.sendmsg([bytes([Kind.MEMBER_DATA]), view[start : start + LARGEST]])


def serve(connection: socket.socket) -> None:
    """Answer requests until there are no more."""
    output = Packets(connection)
    output.send(Kind.READY)
    while request := _receive(connection):
        with os.fdopen(request[1], "rb") as file:
            output.send(_answer(request[0], file, output))


def _receive(connection: socket.socket) -> tuple[Request, int] | None:
    packet, files, _, _ = socket.recv_fds(connection, LARGEST, 1)
    return (Request.decode(packet), files[0]) if packet else None


def _answer(request: Request, file: BinaryIO, output: Packets) -> Kind:
    allow_seconds(request.seconds)
    try:
        parser = importlib.import_module(request.parser)
        parser.examine(file, request.size, request.limits, output)
    except Exceeded as limit:
        output.found(limit.code, "unscannable", limit.message)
    except ImportError:
        return Kind.FAILED
    except MemoryError:
        output.found(_GAVE_UP, "unscannable", "it takes more memory to read than is allowed")
        return Kind.SPENT
    except RecursionError:
        output.found(_GAVE_UP, "unscannable", "it is nested more deeply than can be read")
        return Kind.SPENT
    except Exception as error:  # noqa: BLE001 # a parser that fails has not seen all of the object
        output.found(_GAVE_UP, "unscannable", f"it could not be read to its end ({type(error).__name__})")
        return Kind.SPENT
    return Kind.DONE
