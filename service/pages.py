"""The pages: the API's document for people, and the demo page where it is on. No page loads anything from elsewhere."""

from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from airlock.policy import bucket_url
from service.app_keys import RequestIds
from service.middlewares import public
from service.settings import Settings

STATIC = Path(__file__).parent / "static"
_SHUT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_OWN = "script-src 'self'; style-src 'self'; img-src 'self'"
_TRUSTED = "require-trusted-types-for 'script'"


def policy(*connect: str) -> str:
    """A Content-Security-Policy: scripts and styles of ours alone, and connections to ourselves and `connect`."""
    sources = " ".join(dict.fromkeys(("'self'", *connect)))
    return f"{_SHUT}; {_OWN}; connect-src {sources}; {_TRUSTED}"


def add_docs(router: web.UrlDispatcher, ids: RequestIds) -> None:
    """Serve /docs and its assets."""
    _add(router, ids, "/docs", STATIC / "docs.html", policy())
    for name in ("docs.js", "docs.css", "docs.svg"):
        _add(router, ids, f"/docs/{name}", STATIC / name, policy())


def add_demo(router: web.UrlDispatcher, settings: Settings, ids: RequestIds) -> None:
    """Serve the demo page at / and its files below /web/. It sends to one bucket and downloads from another."""
    storage = [_origin(name, settings) for name in (settings.incoming_bucket, settings.accepted_bucket)]
    _add(router, ids, "/", settings.web / "index.html", policy(*storage))
    for path in sorted(settings.web.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            _add(router, ids, f"/web/{path.name}", path, policy())


def _origin(bucket: str, settings: Settings) -> str:
    parts = urlsplit(bucket_url(bucket, settings.region, settings.s3_url, settings.addressing))
    return f"{parts.scheme}://{parts.netloc}"


def _add(router: web.UrlDispatcher, ids: RequestIds, route: str, path: Path, security: str) -> None:
    headers = {
        "Content-Security-Policy": security,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }

    async def page(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=headers)

    router.add_get(route, public(page, route, ids))
