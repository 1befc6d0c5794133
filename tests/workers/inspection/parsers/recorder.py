"""Runs an examiner in this process and records what it finds and hands out."""

import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from airlock.content.finding_codes import FINDING_CODES
from workers.inspection.parsers.port import Examiner, LimitExceeded
from workers.inspection.readings import ExaminerFinding, Reading


class Recorder:
    """An `Output` that keeps the findings, and the members with their bytes."""

    def __init__(self) -> None:
        self.findings: list[ExaminerFinding] = []
        self.members: list[tuple[str, bytes]] = []

    def finding(self, code: str, message: str) -> None:
        assert code in FINDING_CODES, f"{code} is not in airlock/content/finding_codes.py"
        assert message[:1].isupper() or not message[:1].isalpha(), message
        assert message.endswith("."), message
        self.findings.append(ExaminerFinding(code, message))

    @contextmanager
    def member(self, name: str) -> Iterator[Callable[[bytes], None]]:
        content = bytearray()
        yield content.extend
        self.members.append((name, bytes(content)))


def examined(
    examiner: Examiner, content: bytes, reading: str | Reading, limits: Mapping[str, int] | None = None
) -> Recorder:
    """What `examiner` reports of one reading, a limit that was met included as the child process would report it."""
    recorder = Recorder()
    reading = Reading(reading) if isinstance(reading, str) else reading
    try:
        examiner.examine(io.BytesIO(content), len(content), reading, {**examiner.DEFAULTS, **(limits or {})}, recorder)
    except LimitExceeded as error:
        recorder.finding(error.code, error.message)
    except (MemoryError, RecursionError):
        recorder.finding("limits_exceeded", "It would take too much memory.")
    return recorder


def codes(
    examiner: Examiner, content: bytes, reading: str | Reading, limits: Mapping[str, int] | None = None
) -> list[str]:
    return sorted(found.code for found in examined(examiner, content, reading, limits).findings)


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fails when a temporary file is there at the end."""
    with tempfile.TemporaryDirectory() as folder:
        with patch.object(tempfile, "tempdir", folder):
            yield
        assert list(Path(folder).iterdir()) == []
