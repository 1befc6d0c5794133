"""Reads a document from an OpenID provider, within limits of time and size."""

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import ClientError, ClientSession, ClientTimeout

from airlock.errors import Unavailable
from aws import egress

# In bytes.
MAX_DOCUMENT = 256 * 1024
TIMEOUT_SECONDS = 5.0

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.IGNORECASE)


class Document(NamedTuple):
    """A document, and for how many seconds it may be cached (Cache-Control: max-age), if the provider says so."""

    body: bytes
    max_age: int | None


Fetch = Callable[[str], Awaitable[Document]]
"""Reads a URL; raises Unavailable("oidc"), which quotes nothing of the response."""


async def fetch(http: ClientSession, url: str) -> Document:
    """The document at `url`: status 200, at most MAX_DOCUMENT bytes, within TIMEOUT_SECONDS.

    Redirects are not followed: only the URL in the settings, or the one from discovery, is trusted.
    """
    try:
        async with http.get(
            url,
            # Not compressed: a small response could become a large one.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            allow_redirects=False,
            timeout=ClientTimeout(total=TIMEOUT_SECONDS),
            proxy=egress.proxy(url),
        ) as response:
            if response.status != 200:
                raise Unavailable("oidc", f"{url} responded with status {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_DOCUMENT:
                    raise Unavailable("oidc", f"{url} responded with more than {MAX_DOCUMENT} bytes")
            return Document(bytes(body), _max_age(response.headers.getall("Cache-Control", [])))
    except TimeoutError:
        raise Unavailable("oidc", f"{url} did not respond within {TIMEOUT_SECONDS:g} s") from None
    except (ClientError, OSError, ValueError) as error:
        raise Unavailable("oidc", f"{url} cannot be read: {type(error).__name__}") from None


def _max_age(headers: list[str]) -> int | None:
    found = _MAX_AGE.search(",".join(headers))
    return int(found[1]) if found else None
