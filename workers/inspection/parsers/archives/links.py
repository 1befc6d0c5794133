"""Where the links of an archive lead. Pure.

How it works. A link is harmless where it leads to a path in the archive's own folder. A path is followed as a system
does it, part by part, through the other links of the archive: `a -> .` and `a/b -> ..` each look harmless, and `a/b`
leads out. Names are compared without regard to case, as macOS and Windows do it.
"""

import re
import unicodedata
from collections import deque
from typing import NamedTuple

_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")
_EITHER = re.compile(r"[/\\]")
_SLASH = re.compile("/")
_MOST_HOPS = 40  # Linux follows no more (path_resolution(7))


class Link(NamedTuple):
    """`targets` are relative to the link's folder, or for a hard link to the archive's. Programs take one of them,
    most the first.
    """

    name: str
    targets: tuple[str, ...]
    hard: bool


class Links:
    """All links of one archive."""

    def __init__(self) -> None:
        self._links: list[Link] = []
        self._targets: dict[tuple[str, ...], str] = {}
        self._changing: set[str] = set()

    def add(self, link: Link) -> None:
        self._links.append(link)
        key = _key([part for part in _EITHER.split(link.name) if part not in {"", "."}])
        if not link.hard and self._targets.setdefault(key, link.targets[0]) != link.targets[0]:
            self._changing.add(link.name)

    def leading_out(self) -> Link | None:
        """The first link that does not stay inside, or None where all do."""
        return next((link for link in self._links if not self._stays(link)), None)

    def _stays(self, link: Link) -> bool:
        if link.name in self._changing:
            return False
        # Windows takes the backslash for a separator, other systems for a character.
        return all(
            self._stays_by(link, target, separators) for target in link.targets for separators in (_EITHER, _SLASH)
        )

    def _stays_by(self, link: Link, text: str, separators: re.Pattern[str]) -> bool:
        if not text or "\0" in text or _ABSOLUTE.match(text):
            return False
        target = separators.split(text)
        if link.hard:
            return self._follow([], target) is not None
        written = [part for part in separators.split(link.name) if part not in {"", "."}][:-1]
        # A program may follow the links of the folder that the link is in, or keep them as they are written.
        real = self._follow([], written)
        return real is not None and all(self._follow(folder, target) is not None for folder in (written, real))

    def _follow(self, folder: list[str], path: list[str]) -> list[str] | None:
        """The folders to which `path` leads from `folder`; None where that is outside, or never ends."""
        at, rest, hops = list(folder), deque(path), 0
        while rest:
            part = rest.popleft()
            if part in {"", "."}:
                continue
            if part == "..":
                if not at:
                    return None
                at.pop()
                continue
            at.append(part)
            if (target := self._targets.get(_key(at))) is not None:
                hops += 1
                if hops > _MOST_HOPS or _ABSOLUTE.match(target):
                    return None
                at.pop()
                rest.extendleft(reversed(_EITHER.split(target)))
        return at


def _key(parts: list[str]) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", part).casefold() for part in parts)
