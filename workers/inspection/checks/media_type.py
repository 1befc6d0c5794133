"""The check `media_type`: the bytes are what they were declared as and what the file's name says, and nothing else too.

A signature settles the common types; magika is asked about the rest. Neither reads more than the object's two ends.
A member of an archive was declared as nothing, and its name is the archive's matter: of it only a second format counts.
"""

import importlib.metadata
from collections.abc import Iterator

from airlock.media_types import EXTENSIONS, OCTET_STREAM, ZIP, canonical, extension
from airlock.verdict import Engine, Finding, Outcome
from workers.inspection.checks import model
from workers.inspection.checks.agreement import settled
from workers.inspection.checks.model import BLOCK, Answer
from workers.inspection.checks.polyglots import ZIP_REACH, leading, second, suspected
from workers.inspection.checks.port import Idle, Report, Scan, Subject
from workers.inspection.checks.signatures import DIRECTORY_BYTES, OLE, Ends, identify, ole_directory

NAME = "media_type"


class MediaTypeCheck(Idle):
    """Raises PackageNotFoundError at once where magika is not installed."""

    name = NAME

    def __init__(self) -> None:
        if not model.installed():
            raise importlib.metadata.PackageNotFoundError("magika")

    def begin(self, subject: Subject) -> Scan:
        return MemberScan() if subject.path else ObjectScan(subject)


class _Ends(Idle):
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
        self._look_for_directory(chunk)
        self._size += len(chunk)
        self._tail = chunk[-ZIP_REACH:] if len(chunk) >= ZIP_REACH else (self._tail + chunk)[-ZIP_REACH:]

    def _look_for_directory(self, chunk: bytes) -> None:
        """Keep what `chunk`, which comes after the head, has of it."""
        start = ole_directory(self._head)
        if start is not None:
            first, last = start - self._size, start + DIRECTORY_BYTES - self._size
            self._directory += chunk[max(0, first) : max(0, last)]

    def _ends(self) -> Ends:
        return Ends(self._head, self._tail, self._size, self._directory)

    async def _asked(self) -> Answer:
        return await model.ask(self._head, self._tail[-BLOCK:])

    async def _polyglot(self, found: str | None, answer: Answer, ends: Ends) -> tuple[Finding, ...]:
        """The finding of a second format. One that follows a text can make the model see neither."""
        if found is not None:
            answer = Answer(found, text=False)
        elif answer.media_type == OCTET_STREAM and suspected(ends):
            answer = await model.ask(leading(ends), b"")
        other = second(answer.media_type, ends, text=answer.text)
        if other is None:
            return ()
        message = f"the bytes are {answer.media_type} and {other.media_type} at once: {other.where}"
        return (_rejected("polyglot", message),)


class MemberScan(_Ends):
    """Asks the model only where something of a second format was seen: there can be many members."""

    async def finish(self) -> Report:
        ends = self._ends()
        found = identify(ends)
        answer, engine = Answer(found or OCTET_STREAM, text=False), None
        if found is None and suspected(ends):
            answer, engine = await self._asked(), model.engine()
        return Report(await self._polyglot(found, answer, ends), engine, media_type=answer.media_type)


class ObjectScan(_Ends):
    """Holds what the bytes are against what was said about them."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._declared = subject.intent.content_type
        self._extension = extension(subject.intent.filename)

    async def finish(self) -> Report:
        if not self._size:
            return Report(media_type=self._declared)
        ends = self._ends()
        found = identify(ends)
        answer, engine = await self._answer(found)
        kind = _kept(self._declared, found, answer)
        findings = (*self._mismatches(kind, found, answer), *await self._polyglot(found, answer, ends))
        return Report(findings, engine, media_type=kind or answer.media_type)

    async def _answer(self, found: str | None) -> tuple[Answer, Engine | None]:
        said = {self._declared, EXTENSIONS.get(self._extension, self._declared)}
        if found in (None, OLE, ZIP) and said != {found}:
            return await self._asked(), model.engine()
        return Answer(found or OCTET_STREAM, text=False), None

    def _mismatches(self, kind: str | None, found: str | None, answer: Answer) -> Iterator[Finding]:
        if kind is None:
            yield _rejected(
                "media_type_mismatch", f"declared as {self._declared}, but the bytes are {answer.media_type}"
            )
        expected = EXTENSIONS.get(self._extension)
        # Where the name says what the declaration says, it has been answered with that.
        if expected and expected != canonical(self._declared) and _kept(expected, found, answer) is None:
            message = f"named .{self._extension} as {expected}, but the bytes are {answer.media_type}"
            yield _rejected("extension_mismatch", message)


def _kept(said: str, found: str | None, answer: Answer) -> str | None:
    """The type under which it is kept by someone who said that; None where the bytes contradict it."""
    kind = settled(said, answer.media_type, text=answer.text)
    return settled(said, found, text=False) if kind is None and found in (OLE, ZIP) else kind


def _rejected(code: str, message: str) -> Finding:
    return Finding(code=code, check=NAME, outcome=Outcome.REJECTED, message=message)
