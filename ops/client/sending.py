"""Sends one file to S3 under a presigned POST policy, in constant memory."""

import asyncio
import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from ops.client.api import Problem, no_answer


class _Watched(io.BufferedReader):
    """A file that tells how much of it was read. aiohttp takes its size from the descriptor, and so sends a
    Content-Length, without which S3 refuses a POST.
    """

    def __init__(self, path: Path, told: Callable[[int], object]) -> None:
        super().__init__(io.FileIO(path))
        self._told = told

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        self._told(len(chunk))
        return chunk


async def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal. Raises OSError."""

    def digest() -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return await asyncio.to_thread(digest)


async def send(policy: dict[str, Any], path: Path, told: Callable[[int], object]) -> None:
    """POST the file; `told` hears the length of each chunk, from another thread. Raises Problem or OSError."""
    form = aiohttp.FormData(policy["fields"], default_to_multipart=True)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=300)
    with _Watched(path, told) as file:
        form.add_field("file", file, filename="file", content_type="application/octet-stream")
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(policy["url"], data=form, allow_redirects=False) as response,
            ):
                if response.status not in (200, 201, 204):
                    raise _refusal(response.status, await response.text(errors="replace"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise no_answer("Sending to S3 broke off.", error) from error


def _refusal(status: int, xml: str) -> Problem:
    """S3's error document: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
    found = dict(re.findall(r"<(Code|Message)>([^<]*)</", xml))
    return Problem(status, f"s3:{found.get('Code', status)}", "S3 refused the file.", found.get("Message", xml[:200]))
