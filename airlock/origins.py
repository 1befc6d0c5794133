"""Origins of the pages that may upload, and patterns of them: the one reader of `AIRLOCK_CORS_ORIGINS`.

A pattern is `*`, an origin, or an origin with one `*`: for one label of the host or a part of it
(`https://*.preview.example.com`), or for the port of this machine (`http://localhost:*`). S3 reads the same patterns,
and its `*` stands for any characters: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
"""

import re
from collections.abc import Iterable

ANY = "*"
_PATTERN = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[^/?#@:\[\]]+)(?::(\d{1,5}|\*))?/?", re.IGNORECASE)
_HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9_*-]+(\.[a-z0-9_*-]+)*")
# Two labels at least behind it: `https://*.com` would be half of the internet.
_WILD_HOST = re.compile(r"[a-z0-9_-]*\*[a-z0-9_-]*(\.[a-z0-9_-]+){2,}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_DEFAULT_PORTS = {"http": "80", "https": "443"}
# The pages of these have the origin "null", as every sandboxed page has.
_WITHOUT_ORIGIN = frozenset({"file", "data", "blob", "javascript"})


def normal(text: str) -> str:
    """The pattern as browsers write origins: lower case, no slash at the end, no port that is the scheme's own.

    Raises ValueError with the rule that is broken. https://html.spec.whatwg.org/multipage/browsers.html#origin
    """
    if text == ANY:
        return text
    parts = _PATTERN.fullmatch(text)
    if parts is None:
        raise ValueError("must be '*', or scheme, host and port only, such as https://app.example.com")
    scheme, host, port = parts[1].lower(), parts[2].lower(), parts[3]
    if scheme in _WITHOUT_ORIGIN:
        raise ValueError(f"pages of {scheme}: have no origin of their own")
    if not _HOST.fullmatch(host):
        raise ValueError("must have a host of a-z, 0-9, '-' and '.': write another one as browsers do (xn--…)")
    _check_wildcard(host, port)
    return f"{scheme}://{host}" if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{port}"


def _check_wildcard(host: str, port: str | None) -> None:
    if port == "*" and host not in _LOOPBACK:
        raise ValueError("may have any port ('*') on localhost, 127.0.0.1 and [::1] only")
    if "*" in host and not _WILD_HOST.fullmatch(host):
        raise ValueError("may have one '*', in the first label of its host, before two others: https://*.example.com")


def distinct(patterns: list[str]) -> list[str]:
    """The list without repetitions. Raises ValueError where `*` is not alone: it would make the others pointless."""
    if ANY in patterns and len(patterns) > 1:
        raise ValueError("must be '*' alone, or a list of origins without '*'")
    return list(dict.fromkeys(patterns))


class Origins:
    """Whether a page may call us, by patterns that `normal` returned."""

    def __init__(self, patterns: Iterable[str]) -> None:
        every = frozenset(patterns)
        self.any = ANY in every
        self._exact = frozenset(pattern for pattern in every if "*" not in pattern)
        self._wild = [_compiled(pattern) for pattern in sorted(every - self._exact - {ANY})]

    def __bool__(self) -> bool:
        return self.any or bool(self._exact or self._wild)

    def allows(self, origin: str) -> bool:
        """Whether the value of an Origin header is among them."""
        return self.any or origin in self._exact or any(pattern.fullmatch(origin) for pattern in self._wild)


def _compiled(pattern: str) -> re.Pattern[str]:
    before, _, after = pattern.partition("*")
    stands_for = r"[0-9]{1,5}" if before.endswith(":") else "[a-z0-9_-]+"
    return re.compile(f"{re.escape(before)}{stands_for}{re.escape(after)}")
