"""JSON lines on standard output: one for whatever is logged, and one a request. No header, query or body is in them."""

import asyncio
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import BinaryIO, TextIO

import orjson
from aiohttp.abc import AbstractAccessLogger
from aiohttp.web import BaseRequest, StreamResponse
from pythonjsonlogger.orjson import OrjsonFormatter

from airlock.callables import Clock
from service.app_keys import TRACE, Trace

FORMAT = "{levelname}{name}{message}"
NAMES = {"levelname": "level", "name": "logger"}


class _Formatter(OrjsonFormatter):
    def __init__(self) -> None:
        super().__init__(FORMAT, style="{", timestamp=True, rename_fields=NAMES)


def configure(stream: TextIO | None = None) -> None:
    """Send all that is logged, from INFO, to `stream` (standard output) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # It quotes the bytes of a request that it could not parse, and a token can be among them.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    logging.getLogger("aiobotocore").setLevel(logging.WARNING)


class Lines:
    """Writes the lines of one turn of the event loop together: each write costs as much as making a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        """Write `line` before the event loop waits again."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        self._lines.append(line)

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._stream.write(b"".join(lines))
        self._stream.flush()


_UNTRACED = Trace(request_id="", route=None)


class AccessLog(AbstractAccessLogger):
    """One line a request, without the `logging` module: ten times cheaper, and a request costs little more than that.

    aiohttp makes one for each connection, out of a class: `access_log` gives that class.
    """

    write: Callable[[bytes], object]
    now: Clock

    @property
    def enabled(self) -> bool:
        return True

    def log(self, request: BaseRequest, response: StreamResponse, time: float) -> None:
        """`time` is how long it took, in seconds."""
        try:
            trace = request[TRACE]
        except KeyError:
            # A request that no parser understood, or a preflight, has none.
            trace = _UNTRACED
        line = {
            "timestamp": datetime.fromtimestamp(self.now(), UTC),
            "level": "INFO",
            "logger": "service.access",
            "message": "request",
            "method": request.method,
            "route": trace.route,
            "status": response.status,
            "ms": int(time * 1_000_000) / 1000,
            "bytes": response.body_length,
            "request_id": trace.request_id,
            "owner": trace.owner,
            "upload": trace.upload,
            "session": trace.session,
        }
        self.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def access_log(write: Callable[[bytes], object], now: Clock) -> type[AccessLog]:
    """An access log that gives each line to `write`; `now` is in seconds since the epoch."""
    return type("AccessLogHere", (AccessLog,), {"write": staticmethod(write), "now": staticmethod(now)})
