"""Whose requests need no token in mode dev: those of this machine's programs and pages, and of no other page.

A browser that shows a page of another site lets it send some requests here without asking first: a GET, and a POST with
a body of a form's types. It names the page in `Origin` or `Sec-Fetch-Site`. A page can also give its own host name the
address of this machine (DNS rebinding), and then names itself in `Host`.

https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import hdrs

from airlock.errors import Refused
from airlock.origins import Origins
from service.identity.oidc.addresses import is_loopback

_SITE = "Sec-Fetch-Site"


@dataclass(frozen=True, slots=True)
class LocalPages:
    """`origins` are those of further pages. With `remote` the service may be called by any name of its own."""

    origins: Origins
    remote: bool = False

    def require(self, headers: Mapping[str, str]) -> None:
        """Raises Refused("unauthenticated") for the request of another page, told by its headers."""
        host, origin = headers.get(hdrs.HOST, ""), headers.get(hdrs.ORIGIN)
        if not (self.remote or _is_local(f"//{host}")):
            raise _refused(f"the host {host[:100]!r}")
        if origin is None:
            self._require_no_form(headers)
        elif not (self._knows(origin) or (self.remote and origin.partition("://")[2] == host)):
            raise _refused(f"pages of {origin[:100]!r}")

    def _require_no_form(self, headers: Mapping[str, str]) -> None:
        # Browsers of before sent no Origin with a form, whose text can be made to look like JSON.
        kind = headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
        if headers.get(_SITE) == "cross-site" or kind in ("text/plain", "multipart/form-data"):
            raise _refused("other sites")

    def _knows(self, origin: str) -> bool:
        return self.origins.allows(origin) or _is_local(origin)


def _is_local(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return is_loopback(host) or host.endswith(".localhost")


def _refused(what: str) -> Refused:
    return Refused("unauthenticated", f"Without a token, {what} may not call: add the origin to AIRLOCK_CORS_ORIGINS")
