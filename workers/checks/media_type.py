"""The check `media_type`: the bytes are what they were declared as.

A signature settles the common types; magika is asked about the rest. Neither reads more than the object's two ends.
"""

import importlib.metadata

from airlock.media_types import OCTET_STREAM
from airlock.verdict import Finding, Outcome
from workers.checks import model
from workers.checks.agreement import settled
from workers.checks.model import BLOCK, Answer
from workers.checks.port import Idle, Report, Subject
from workers.checks.signatures import OLE, ZIP, Ends, identify

NAME = "media_type"

# A zip's directory stands at its end, and names the files by which one format in it is told from another.
ZIP_TAIL = 65536


class MediaTypeCheck(Idle):
    """Raises PackageNotFoundError at once where magika is not installed."""

    name = NAME

    def __init__(self) -> None:
        if not model.installed():
            raise importlib.metadata.PackageNotFoundError("magika")

    def begin(self, subject: Subject) -> "MediaTypeScan":
        return MediaTypeScan(subject)


class MediaTypeScan(Idle):
    """Keeps the first 4 KiB, and the last 4 KiB of what follows them (64 KiB for a zip)."""

    def __init__(self, subject: Subject) -> None:
        self._declared = subject.intent.content_type
        self._size = 0
        self._head = b""
        self._tail = b""

    async def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if len(self._head) < BLOCK:
            wanted = BLOCK - len(self._head)
            self._head += chunk[:wanted]
            chunk = chunk[wanted:]
        keep = ZIP_TAIL if self._head.startswith(b"PK") else BLOCK
        self._tail = chunk[-keep:] if len(chunk) >= keep else (self._tail + chunk)[-keep:]

    async def finish(self) -> Report:
        if not self._size:
            return Report(media_type=self._declared)
        found = identify(Ends(self._head, self._tail, self._size))
        engine = None
        if found in (None, OLE, ZIP) and found != self._declared:
            answer = await model.ask(self._head, self._tail[-BLOCK:])
            engine = model.engine()
        else:
            answer = Answer(found or OCTET_STREAM, text=False)
        kind = settled(self._declared, answer.media_type, text=answer.text)
        if kind is None and found in (OLE, ZIP):
            kind = settled(self._declared, found, text=False)
        if kind is not None:
            return Report(engine=engine, media_type=kind)
        message = f"declared as {self._declared}, but the bytes are {answer.media_type}"
        finding = Finding(code="media_type_mismatch", check=NAME, outcome=Outcome.REJECTED, message=message)
        return Report((finding,), engine, media_type=answer.media_type)
