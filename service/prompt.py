"""An answer for the one call that must be quick."""

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion11


class Prompt(web.Response):
    """A JSON answer to a POST, written in one go: aiohttp's general way costs twice as much.

    Where that way is needed (an old client, or a connection that ends) it is taken.
    """

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        if request.version != HttpVersion11 or not request.keep_alive or not isinstance(self.body, bytes):
            return await super().prepare(request)
        writer = request.writer
        self.headers["Content-Length"] = str(len(self.body))
        self.headers["Date"] = rfc822_formatted_time()
        await writer.write_headers(f"HTTP/1.1 {self.status} {self.reason}", self.headers)
        await writer.write_eof(self.body)
        self._keep_alive = True
        self._eof_sent = True
        self._body_length = writer.output_size
        return writer
