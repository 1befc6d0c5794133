"""`python -m tests.chaos.injector UPSTREAM SEED TIMES`: a proxy on loopback that injects faults into requests.

It prints its address, and after SIGTERM what it injected: one JSON document a line. Signatures cover the Host header,
so it is forwarded unchanged; the emulator verifies with the Host header that it receives.
"""

import asyncio
import json
import signal
import sys
from collections import Counter
from typing import Any

import aiohttp
import uvloop
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tests.chaos.faults import Fault, FaultSource, Service, refusal, service_of

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
# Longer than a response takes, and shorter than the clients' timeouts of 30 and 60 s, so that a run ends.
HALF_OPEN_SECONDS = (1.0, 6.0)
LATENCY_SECONDS = (0.02, 0.4)
# What is written just before a reset has to be sent first.
FLUSH_SECONDS = 0.02


class _Cut(Exception):
    """The connection is cut here, without more of a response."""


class Injector:
    """`injected` counts the faults by service and fault, `requests` all requests by service."""

    def __init__(self, upstream: str, faults: FaultSource) -> None:
        self._upstream = upstream
        self._faults = faults
        self.injected: Counter[tuple[str, str]] = Counter()
        self.requests: Counter[str] = Counter()

    async def run(self) -> None:
        """Serve until SIGTERM."""
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(auto_decompress=False, connector=connector) as self._session:
            runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            _print({"endpoint": f"http://127.0.0.1:{runner.addresses[0][1]}"})
            await stop.wait()
            await runner.cleanup()
        injected = [[*which, count] for which, count in sorted(self.injected.items())]
        _print({"requests": self.requests, "injected": injected})

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        service = service_of(request.headers.get("Authorization", ""))
        try:
            if service is None:
                return await self._forward(request, body)
            self.requests[service] += 1
            fault = self._faults.draw(service)
            if fault is Fault.ERROR_IN_200 and "x-amz-copy-source" not in request.headers:
                fault = None
            if fault is not None:
                self.injected[service, fault.value] += 1
            return await self._break(request, body, service, fault)
        except (_Cut, aiohttp.ClientError, ConnectionError):
            if request.transport:
                request.transport.abort()
            return web.Response()

    async def _break(
        self, request: web.BaseRequest, body: bytes, service: Service, fault: Fault | None
    ) -> web.StreamResponse:
        match fault:
            case None:
                return await self._forward(request, body)
            case Fault.LATENCY:
                await asyncio.sleep(self._faults.between(service, *LATENCY_SECONDS))
                return await self._forward(request, body)
            case Fault.RESET_BEFORE:
                raise _Cut
            case Fault.HALF_OPEN:
                await asyncio.sleep(self._faults.between(service, *HALF_OPEN_SECONDS))
                raise _Cut
            case Fault.RESET_AFTER:
                await self._forward(request, body)
                raise _Cut
            case Fault.RESET_WITHIN | Fault.TRUNCATED:
                response = await self._forward(request, body)
                await _begin_only(request, response, self._faults.between(service, 0, 1), fault)
                raise _Cut
            case _:
                status, kind, error = refusal(service, fault, request.headers.get("X-Amz-Target", ""))
                return web.Response(status=status, body=error, headers={"Content-Type": kind})

    async def _forward(self, request: web.BaseRequest, body: bytes) -> web.Response:
        url = URL(self._upstream + request.raw_path, encoded=True)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP]
        async with self._session.request(
            request.method, url, headers=headers, data=body, skip_auto_headers=("Accept", "User-Agent", "Content-Type")
        ) as answer:
            # The answer to HEAD has the length of a body that does not come.
            hop = _HOP - {"content-length"} if request.method == "HEAD" else _HOP
            kept = CIMultiDict((n, v) for n, v in answer.headers.items() if n.lower() not in hop)
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


async def _begin_only(request: web.BaseRequest, response: web.Response, share: float, fault: Fault) -> None:
    """Send only the beginning of a response: some of its first bytes, or its head and a part of its body."""
    body = response.body if isinstance(response.body, bytes) else b""
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items() if name.lower() != "content-length"]
    lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    whole = head + body
    # A response without a body is cut within its head, so that it is never complete.
    first = len(head) if fault is Fault.TRUNCATED and body else 1
    if (transport := request.transport) is not None:
        transport.write(whole[: first + int(share * (len(whole) - 1 - first))])
        await asyncio.sleep(FLUSH_SECONDS)
        if fault is Fault.TRUNCATED:
            # The connection is closed in order; only the length shows that bytes are missing.
            transport.close()


def _print(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def main(upstream: str, seed: str, times: str) -> None:
    """Serve until SIGTERM."""
    uvloop.run(Injector(upstream, FaultSource(int(seed), float(times))).run())


if __name__ == "__main__":
    main(*sys.argv[1:])
