"""Sends one file to S3 under a presigned POST policy. Its memory does not grow with the file."""

import asyncio
import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from aws import egress
from ops.client.api import RequestError, no_response


class _ProgressReader(io.BufferedReader):
    """A file that calls `on_read` with the length of each chunk that is read.

    aiohttp takes its size from the file descriptor and so sends a Content-Length, without which S3 refuses a POST.
    """

    def __init__(self, path: Path, on_read: Callable[[int], object]) -> None:
        super().__init__(io.FileIO(path))
        self._on_read = on_read

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        self._on_read(len(chunk))
        return chunk


async def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal. Raises OSError."""

    def digest() -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return await asyncio.to_thread(digest)


async def send(policy: dict[str, Any], path: Path, on_read: Callable[[int], object]) -> None:
    """POST the file under `policy`, the `upload` member of a created upload.

    Calls `on_read` with the bytes of each chunk, from another thread. Raises RequestError or OSError.
    """
    form = aiohttp.FormData(policy["fields"], default_to_multipart=True)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=300)
    connector = aiohttp.TCPConnector(ssl=egress.authorities())
    with _ProgressReader(path, on_read) as file:
        form.add_field("file", file, filename="file", content_type="application/octet-stream")
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
                session.post(
                    policy["url"], data=form, allow_redirects=False, proxy=egress.proxy(policy["url"])
                ) as response,
            ):
                if response.status not in (200, 201, 204):
                    raise _refusal(response.status, await response.text(errors="replace"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise no_response("The connection to S3 failed while the file was sent.", error) from error


def _refusal(status: int, xml: str) -> RequestError:
    """S3's error document: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
    found = dict(re.findall(r"<(Code|Message)>([^<]*)</", xml))
    code, message = found.get("Code", status), found.get("Message", xml[:200])
    return RequestError(status, f"s3:{code}", "S3 refused the file.", message)
