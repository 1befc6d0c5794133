"""An answer for the one call that must be quick."""

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion11
from multidict import CIMultiDict

from service.post import POST

_ALWAYS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_OPENING = "HTTP/1.1 201 Created\r\n" + "".join([f"{name}: {value}\r\n" for name, value in _ALWAYS.items()])


class Prompt(web.Response):
    """A 201 of JSON for a POST, written in one go from the text of its header: aiohttp's general way costs more than
    the answer.

    That way is taken where it is needed: for an old client, for a connection that ends, and once anybody looks at
    `headers`, as CORS does to add to them. Until then a further field is put into `fields`, and its value is ours:
    nothing looks for line ends in it.
    """

    def __init__(self, body: bytes, fields: dict[str, str]) -> None:
        # Not the parent's: `_become_general` calls that, and few answers ever need what it makes.
        self.fields = fields
        self._status = 201
        self._text = body
        self._is_general = False

    @property
    def headers(self) -> "CIMultiDict[str]":
        """The header fields, for the general way of answering."""
        self._become_general()
        return super().headers

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        if not isinstance(request, web.Request) or not self._is_possible_for(request):
            self._become_general()
            return await super().prepare(request)
        writer, transport = request.writer, request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        fields = "".join([f"{name}: {value}\r\n" for name, value in self.fields.items()])
        more = f"Content-Length: {len(self._text)}\r\nDate: {rfc822_formatted_time()}\r\n\r\n"
        answer = f"{_OPENING}{fields}{more}".encode() + self._text
        await writer.drain()
        request.app[POST].send(transport, answer)
        self._keep_alive = True
        self._eof_sent = True
        self._body_length = len(answer)
        return writer

    def _is_possible_for(self, request: web.BaseRequest) -> bool:
        return not self._is_general and request.version == HttpVersion11 and request.keep_alive

    def _become_general(self) -> None:
        if not self._is_general:
            self._is_general = True
            super().__init__(body=self._text, status=201, headers={**_ALWAYS, **self.fields})
