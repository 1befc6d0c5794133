"""Reading one document from an OpenID provider, however it behaves."""

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import ClientError, ClientSession, ClientTimeout

from airlock.errors import Unavailable

MAX_DOCUMENT = 256 * 1024
SECONDS = 5.0

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.IGNORECASE)


class Document(NamedTuple):
    """What was read, and for how many seconds the provider says that it holds."""

    body: bytes
    max_age: int | None


Fetch = Callable[[str], Awaitable[Document]]
"""Reads an address; raises Unavailable("oidc"), and quotes nothing of an answer."""


async def fetch(http: ClientSession, url: str) -> Document:
    """What a provider answers: 200 and at most MAX_DOCUMENT bytes, all within SECONDS.

    Redirects are not followed: the address in the settings, or that discovery gave, is the one that is trusted.
    """
    try:
        async with http.get(
            url,
            # Unpacking is what makes a small answer large.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            allow_redirects=False,
            timeout=ClientTimeout(total=SECONDS),
        ) as response:
            if response.status != 200:
                raise Unavailable("oidc", f"{url} answers {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_DOCUMENT:
                    raise Unavailable("oidc", f"{url} answers with more than {MAX_DOCUMENT} bytes")
            return Document(bytes(body), _max_age(response.headers.getall("Cache-Control", [])))
    except TimeoutError:
        raise Unavailable("oidc", f"{url} does not answer within {SECONDS:g} s") from None
    except (ClientError, OSError, ValueError) as error:
        raise Unavailable("oidc", f"{url} cannot be read: {type(error).__name__}") from None


def _max_age(headers: list[str]) -> int | None:
    found = _MAX_AGE.search(",".join(headers))
    return int(found[1]) if found else None
