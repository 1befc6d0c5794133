"""Runs a parser in this process and records what it finds."""

import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest.mock import patch

from workers.inspection.parsers.port import FindingOutcome, LimitExceeded, Parser, ParserFinding


class Recorder:
    """An `Output` that keeps the findings."""

    def __init__(self) -> None:
        self.findings: list[ParserFinding] = []

    def finding(self, code: str, outcome: FindingOutcome, message: str) -> None:
        self.findings.append(ParserFinding(code, outcome, message))

    def member(self, name: str) -> AbstractContextManager[Callable[[bytes], None]]:
        raise AssertionError("only archives have members")


def findings(parser: Parser, content: bytes, limits: Mapping[str, int] | None = None) -> list[ParserFinding]:
    """Every finding, a limit that was met included as the child process would report it."""
    recorder = Recorder()
    try:
        parser.examine(io.BytesIO(content), len(content), {**parser.DEFAULTS, **(limits or {})}, recorder)
    except LimitExceeded as error:
        recorder.finding(error.code, "unscannable", error.message)
    except (MemoryError, RecursionError):
        recorder.finding("limits_exceeded", "unscannable", "It would take too much memory.")
    return recorder.findings


def codes(parser: Parser, content: bytes, limits: Mapping[str, int] | None = None) -> list[str]:
    return sorted(found.code for found in findings(parser, content, limits))


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fails when a temporary file is there at the end."""
    with tempfile.TemporaryDirectory() as folder:
        with patch.object(tempfile, "tempdir", folder):
            yield
        assert list(Path(folder).iterdir()) == []
