"""The check `media_type`: the bytes are what they were declared as and what the file's name says, and nothing else too.

A signature settles the common types; magika is asked about the rest. Neither reads more than the object's two ends.
A member of an archive was declared as nothing, and its name is the archive's matter: of it only a second format counts.
"""

import importlib.metadata
from collections.abc import Iterator

from airlock.media_types import EXTENSIONS, OCTET_STREAM, ZIP, canonical, extension
from airlock.verdict import Engine, Finding, Outcome
from workers.inspection.checks import classifier
from workers.inspection.checks.agreement import agreed_type
from workers.inspection.checks.classifier import BLOCK, Classification
from workers.inspection.checks.polyglots import (
    ZIP_REACH,
    bytes_before_second_format,
    may_hold_second_format,
    second_format,
)
from workers.inspection.checks.port import BaseCheck, BaseScan, Report, Scan, Subject
from workers.inspection.checks.signatures import OLE, OLE_DIRECTORY_BYTES, SampledBytes, identify, ole_directory

NAME = "media_type"


class MediaTypeCheck(BaseCheck):
    """Raises PackageNotFoundError at once where magika is not installed."""

    name = NAME

    def __init__(self) -> None:
        if not classifier.installed():
            raise importlib.metadata.PackageNotFoundError("magika")

    def begin(self, subject: Subject) -> Scan:
        return MemberScan() if subject.path else ObjectScan(subject)


class _SamplingScan(BaseScan):
    """Keeps the first 4 KiB, the last 64 KiB of what follows them, and the directory of an OLE container."""

    def __init__(self) -> None:
        self._size = 0
        self._head = b""
        self._tail = b""
        self._directory = b""

    async def feed(self, chunk: bytes) -> None:
        if len(self._head) < BLOCK:
            wanted = BLOCK - len(self._head)
            self._head += chunk[:wanted]
            self._size += len(chunk[:wanted])
            chunk = chunk[wanted:]
        if not chunk:
            return
        self._keep_directory(chunk)
        self._size += len(chunk)
        self._tail = chunk[-ZIP_REACH:] if len(chunk) >= ZIP_REACH else (self._tail + chunk)[-ZIP_REACH:]

    def _keep_directory(self, chunk: bytes) -> None:
        """Keep what `chunk`, which comes after the head, has of it."""
        start = ole_directory(self._head)
        if start is not None:
            first, last = start - self._size, start + OLE_DIRECTORY_BYTES - self._size
            self._directory += chunk[max(0, first) : max(0, last)]

    def _sampled_bytes(self) -> SampledBytes:
        return SampledBytes(self._head, self._tail, self._size, self._directory)

    async def _classified(self) -> Classification:
        return await classifier.classify(self._head, self._tail[-BLOCK:])

    async def _polyglot_findings(
        self, found: str | None, classification: Classification, sampled: SampledBytes
    ) -> tuple[Finding, ...]:
        """The finding of a second format. One that follows a text can make the model see neither."""
        if found is not None:
            classification = Classification(found, text=False)
        elif classification.media_type == OCTET_STREAM and may_hold_second_format(sampled):
            classification = await classifier.classify(bytes_before_second_format(sampled), b"")
        other = second_format(classification.media_type, sampled, text=classification.text)
        if other is None:
            return ()
        message = f"the bytes are {classification.media_type} and {other.media_type} at once: {other.where}"
        return (_rejected("polyglot", message),)


class MemberScan(_SamplingScan):
    """Asks the model only where something of a second format was seen: there can be many members."""

    async def finish(self) -> Report:
        sampled = self._sampled_bytes()
        found = identify(sampled)
        classification, engine = Classification(found or OCTET_STREAM, text=False), None
        if found is None and may_hold_second_format(sampled):
            classification, engine = await self._classified(), classifier.engine()
        return Report(
            await self._polyglot_findings(found, classification, sampled), engine, media_type=classification.media_type
        )


class ObjectScan(_SamplingScan):
    """Holds what the bytes are against what was said about them."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._declared = subject.intent.content_type
        self._extension = extension(subject.intent.filename)

    async def finish(self) -> Report:
        if not self._size:
            return Report(media_type=self._declared)
        sampled = self._sampled_bytes()
        found = identify(sampled)
        classification, engine = await self._classification(found)
        kind = _agreed_type(self._declared, found, classification)
        findings = (
            *self._mismatch_findings(kind, found, classification),
            *await self._polyglot_findings(found, classification, sampled),
        )
        return Report(findings, engine, media_type=kind or classification.media_type)

    async def _classification(self, found: str | None) -> tuple[Classification, Engine | None]:
        declared_type = {self._declared, EXTENSIONS.get(self._extension, self._declared)}
        if found in (None, OLE, ZIP) and declared_type != {found}:
            return await self._classified(), classifier.engine()
        return Classification(found or OCTET_STREAM, text=False), None

    def _mismatch_findings(
        self, kind: str | None, found: str | None, classification: Classification
    ) -> Iterator[Finding]:
        if kind is None:
            yield _rejected(
                "media_type_mismatch", f"declared as {self._declared}, but the bytes are {classification.media_type}"
            )
        expected = EXTENSIONS.get(self._extension)
        # Where the name says what the declaration says, it has been answered with that.
        if expected and expected != canonical(self._declared) and _agreed_type(expected, found, classification) is None:
            message = f"named .{self._extension} as {expected}, but the bytes are {classification.media_type}"
            yield _rejected("extension_mismatch", message)


def _agreed_type(declared_type: str, found: str | None, classification: Classification) -> str | None:
    """The type under which it is kept by someone who said that; None where the bytes contradict it."""
    kind = agreed_type(declared_type, classification.media_type, text=classification.text)
    return agreed_type(declared_type, found, text=False) if kind is None and found in (OLE, ZIP) else kind


def _rejected(code: str, message: str) -> Finding:
    return Finding(code=code, check=NAME, outcome=Outcome.REJECTED, message=message)
