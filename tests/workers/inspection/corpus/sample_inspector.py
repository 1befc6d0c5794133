"""The real inspector, with the checks that the catalogue builds for a profile: children, rules and a real clamd."""

import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airlock.content.formats import EXAMINERS
from airlock.intent import Intent
from airlock.profile import Profile
from airlock.profiles import Profiles
from airlock.verdict import Outcome, Verdict
from tests.workers.test_settings import PLACES
from workers.inspection import catalogue
from workers.inspection.checks.port import Check, Subject
from workers.inspection.inspector import Inspector
from workers.settings import Settings

ALL = ("size", "checksum", "media_type", "yara", "clamd", *EXAMINERS)
# What a wildcard takes, and the pages and drawings that have to be named.
ANYTHING = ("*/*", "text/html", "application/xhtml+xml", "image/svg+xml")
CHUNK = 256 * 1024
GiB = 1024**3


@dataclass(frozen=True)
class Sample:
    """A file, and what it is declared as."""

    filename: str
    content_type: str
    body: bytes


class SampleInspector:
    """Inspects samples under a profile with the checks `names`; `spool` is where copies are kept."""

    def __init__(self, checks: dict[str, Check], names: tuple[str, ...], spool: Path) -> None:
        self.checks = checks
        self.names = names
        self.spool = spool
        self.inspector = Inspector(checks, time.time, spool)

    async def inspect(self, sample: Sample, **changes: Any) -> Verdict:
        """The verdict; `changes` override fields of the profile or, by their names, of the intent."""
        return await self.inspect_stream(sample, _pieces(sample.body), len(sample.body), **changes)

    async def inspect_stream(self, about: Sample, chunks: AsyncIterator[bytes], length: int, **changes: Any) -> Verdict:
        declared = {name: changes.pop(name) for name in ("size", "sha256") if name in changes}
        settings = {
            "max_bytes": 5 * GiB,
            "checks": self.names,
            "content_types": ANYTHING,
            "member_types": ANYTHING,
            **changes,
        }
        intent = Intent("alice", "test", about.filename, about.content_type, **declared)
        return await self.inspector.inspect(Subject(intent, Profile(name="test", **settings), length, "etag"), chunks)


@contextlib.asynccontextmanager
async def sample_inspector(
    spool: Path, clamd: str | None, names: tuple[str, ...] = ALL
) -> AsyncIterator[SampleInspector]:
    """An inspector with the checks of these names; clamd is left out where `clamd` is None."""
    names = tuple(name for name in names if name != "clamd" or clamd)
    table = {"content_types": ["*/*"], "max_bytes": 1, "checks": list(names)}
    settings = Settings(**PLACES, clamd=clamd)
    checks = catalogue.build(Profiles.model_validate({"profiles": {"default": table}}), settings, time.time)
    inspector = SampleInspector(dict(checks), names, spool)
    try:
        yield inspector
    finally:
        await inspector.inspector.close()


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for piece in _cut(body):
        yield piece


def _cut(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), CHUNK):
        yield body[start : start + CHUNK]


def codes(verdict: Verdict) -> set[str]:
    """What was objected to and by whom: `check:code`."""
    return {f"{each.check}:{each.code}" for each in verdict.findings if each.outcome is not Outcome.ACCEPTED}
