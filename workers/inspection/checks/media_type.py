"""The check `media_type`: the bytes are of the declared type and of the type that the file name's extension names.

A second type is a finding too. A signature settles the common types; the classifier is asked about the others. Only the
first and last bytes are read. A member of an archive has no declared type, and its name is not tested: of a member only
a second format is reported.
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
    """The check, made once at start-up. Raises PackageNotFoundError where magika is not installed."""

    name = NAME

    def __init__(self) -> None:
        if not classifier.installed():
            raise importlib.metadata.PackageNotFoundError("magika")

    def begin(self, subject: Subject) -> Scan:
        return MemberScan() if subject.path else ObjectScan(subject)


class _SamplingScan(BaseScan):
    """Keeps the first 4 KiB, the last 64 KiB of what follows them, and the start of an OLE container's directory."""

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
        """Keep the part of `chunk` (which comes after the head) that is in an OLE container's directory."""
        start = ole_directory(self._head)
        if start is not None:
            first, last = start - self._size, start + OLE_DIRECTORY_BYTES - self._size
            self._directory += chunk[max(0, first) : max(0, last)]

    def _sampled_bytes(self) -> SampledBytes:
        return SampledBytes(self._head, self._tail, self._size, self._directory)

    async def _classify(self) -> Classification:
        return await classifier.classify(self._head, self._tail[-BLOCK:])

    async def _polyglot_findings(
        self, found: str | None, classification: Classification, sampled: SampledBytes
    ) -> tuple[Finding, ...]:
        """The finding of a second format, if there is one."""
        if found is not None:
            classification = Classification(found, text=False)
        elif classification.media_type == OCTET_STREAM and may_hold_second_format(sampled):
            # A binary format after a text can hide the text from the model.
            classification = await classifier.classify(bytes_before_second_format(sampled), b"")
        other = second_format(classification.media_type, sampled, text=classification.text)
        if other is None:
            return ()
        message = f"The bytes are {classification.media_type} and {other.media_type} at once: {other.where}."
        return (_rejected("polyglot", message),)


class MemberScan(_SamplingScan):
    """The scan of a member: the classifier runs only where a second format is suspected, as members can be many."""

    async def finish(self) -> Report:
        sampled = self._sampled_bytes()
        found = identify(sampled)
        classification, engine = Classification(found or OCTET_STREAM, text=False), None
        if found is None and may_hold_second_format(sampled):
            classification, engine = await self._classify(), classifier.engine()
        findings = await self._polyglot_findings(found, classification, sampled)
        return Report(findings, engine, media_type=classification.media_type)


class ObjectScan(_SamplingScan):
    """The scan of an object: compares the bytes with the declared type and the extension."""

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
        kept = _agreed_type(self._declared, found, classification)
        mismatches = self._mismatch_findings(kept, found, classification)
        polyglots = await self._polyglot_findings(found, classification, sampled)
        return Report((*mismatches, *polyglots), engine, media_type=kept or classification.media_type)

    async def _classification(self, found: str | None) -> tuple[Classification, Engine | None]:
        expected = {self._declared, EXTENSIONS.get(self._extension, self._declared)}
        if found in (None, OLE, ZIP) and expected != {found}:
            return await self._classify(), classifier.engine()
        return Classification(found or OCTET_STREAM, text=False), None

    def _mismatch_findings(
        self, kept: str | None, found: str | None, classification: Classification
    ) -> Iterator[Finding]:
        seen = classification.media_type
        if kept is None:
            yield _rejected("media_type_mismatch", f"The declared type is {self._declared}, but the bytes are {seen}.")
        named = EXTENSIONS.get(self._extension)
        # An extension that names the declared type adds nothing to the first finding.
        if named and named != canonical(self._declared) and _agreed_type(named, found, classification) is None:
            message = f"The file name ends in .{self._extension} ({named}), but the bytes are {seen}."
            yield _rejected("extension_mismatch", message)


def _agreed_type(expected: str, found: str | None, classification: Classification) -> str | None:
    """The type under which an object is kept that should be `expected`; None where the bytes contradict that."""
    agreed = agreed_type(expected, classification.media_type, text=classification.text)
    return agreed_type(expected, found, text=False) if agreed is None and found in (OLE, ZIP) else agreed


def _rejected(code: str, message: str) -> Finding:
    return Finding(code=code, check=NAME, outcome=Outcome.REJECTED, message=message)
