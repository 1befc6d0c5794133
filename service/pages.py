"""The API's document, the page that shows it, and the demo page. No page loads anything from another server."""

from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from airlock.policy import bucket_url
from service.app_keys import OPENAPI
from service.middlewares import RequestIds, public
from service.settings import Settings

STATIC = Path(__file__).parent / "static"
_DENY_ALL = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_OWN_FILES = "script-src 'self'; style-src 'self'; img-src 'self'"
_TRUSTED_TYPES = "require-trusted-types-for 'script'"


async def openapi_document(request: web.Request) -> web.StreamResponse:
    """Describes this API: OpenAPI 3.1."""
    return web.Response(body=request.app[OPENAPI], content_type="application/json")


def content_security_policy(*connect: str) -> str:
    """Allows scripts, styles and pictures of this service only, and connections to it and to the origins `connect`.

    https://www.w3.org/TR/CSP3/
    """
    sources = " ".join(dict.fromkeys(("'self'", *connect)))
    return f"{_DENY_ALL}; {_OWN_FILES}; connect-src {sources}; {_TRUSTED_TYPES}"


def add_docs(router: web.UrlDispatcher, ids: RequestIds) -> None:
    """Serve /docs and its files."""
    _add(router, ids, "/docs", STATIC / "docs.html", content_security_policy())
    for name in ("docs.js", "docs.css", "docs.svg"):
        _add(router, ids, f"/docs/{name}", STATIC / name, content_security_policy())


def add_demo(router: web.UrlDispatcher, settings: Settings, s3_url: str, ids: RequestIds) -> None:
    """Serve the demo page at / and its files below /web/. It may connect to the incoming and the accepted bucket."""
    storage = [
        _origin(bucket_url(name, s3_url, settings.addressing))
        for name in (settings.incoming_bucket, settings.accepted_bucket)
    ]
    _add(router, ids, "/", settings.web / "index.html", content_security_policy(*storage))
    for path in sorted(settings.web.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            _add(router, ids, f"/web/{path.name}", path, content_security_policy())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _add(router: web.UrlDispatcher, ids: RequestIds, route: str, path: Path, policy: str) -> None:
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }

    async def page(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=headers)

    router.add_get(route, public(page, route, ids))
