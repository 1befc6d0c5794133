"""JSON lines on standard output: one for each log record and one for each request.

A request's line holds no header, query or body: these can carry tokens, file names and policies.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, TextIO

import orjson
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from pythonjsonlogger.orjson import OrjsonFormatter

from airlock.callables import Clock

FORMAT = "{levelname}{name}{message}"
NAMES = {"levelname": "level", "name": "logger"}


class _Formatter(OrjsonFormatter):
    def __init__(self) -> None:
        super().__init__(FORMAT, style="{", timestamp=True, rename_fields=NAMES)


def configure(stream: TextIO | None = None) -> None:
    """Write log records from INFO on to `stream` (standard output) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # It quotes the bytes of a request that it could not parse, and they can hold a token.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    logging.getLogger("aiobotocore").setLevel(logging.WARNING)


class BatchedWriter:
    """Writes all lines of one turn of the event loop in one call: a write costs as much as making a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        """Write `line` at the end of this turn of the event loop."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        self._lines.append(line)

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._stream.write(b"".join(lines))
        self._stream.flush()


@dataclass(slots=True)
class LogContext:
    """What the log says about a request beside its method, status and size."""

    request_id: str
    route: str | None
    """The pattern of the route, not the path: a path can hold anything."""
    owner: str | None = None
    upload: str | None = None
    session: str | None = None


LOG_CONTEXT = web.RequestKey("log_context", LogContext)
_NO_CONTEXT = LogContext(request_id="", route=None)


class AccessLog(AbstractAccessLogger):
    """Writes one line for each request, without the `logging` module, which takes ten times as long.

    aiohttp creates an instance for each connection, from the class that `access_log` returns.
    """

    write: Callable[[bytes], object]
    now: Clock
    ended: Callable[[web.BaseRequest], None]

    @property
    def enabled(self) -> bool:
        return True

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """`time` is the duration of the request in seconds."""
        # No handler of ours saw a preflight, or a request that could not be parsed.
        context = request.get(LOG_CONTEXT, _NO_CONTEXT)
        line = {
            "timestamp": datetime.fromtimestamp(self.now(), UTC),
            "level": "INFO",
            "logger": "service.access",
            "message": "request",
            "method": request.method,
            "route": context.route,
            "status": response.status,
            "ms": int(time * 1_000_000) / 1000,
            "bytes": response.body_length,
            "request_id": context.request_id,
            "owner": context.owner,
            "upload": context.upload,
            "session": context.session,
        }
        self.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self.ended(request)


def access_log(
    write: Callable[[bytes], object], now: Clock, ended: Callable[[web.BaseRequest], None]
) -> type[AccessLog]:
    """An AccessLog class that passes each line to `write`, and each request, whose response is written, to `ended`."""
    parts = {"write": staticmethod(write), "now": staticmethod(now), "ended": staticmethod(ended)}
    return type("ServiceAccessLog", (AccessLog,), parts)
