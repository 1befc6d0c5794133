"""The port of a parser. Each parser is a module of this package, and runs only in a child process (the sandbox).

A parser's module has four public things:

    MODULES: Sequence[str]                      # what `examine` imports on its way
    DEFAULTS: Mapping[str, int]                 # the limits that it keeps, and their values where a profile names none
    def recognises(head: bytes) -> bool         # whether an object that begins so is of its format
    def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None

`examine` decides by the bytes whether the object is of its format at all; of another one it reports nothing. It reads
`file` from wherever it likes. What it cannot look at within `limits` is a finding with the outcome unscannable, as
`Exceeded`: a parser that returns without a finding says that it saw all of the object and has no objection.

The worker imports no library of a format: a module keeps such imports inside its functions, so that DEFAULTS can be
read anywhere. Where children are forked from, MODULES are imported ahead of the first object; of each one's package the
worker asks at its start whether it is installed.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Literal, NamedTuple, Protocol

FindingOutcome = Literal["rejected", "infected", "unscannable"]
"""What an objection amounts to; as `airlock.verdict.Outcome`, which is not imported here to keep the child small."""


class ParserFinding(NamedTuple):
    """One objection; `message` is one sentence for the uploader, without the name of the file."""

    code: str
    outcome: FindingOutcome
    message: str


class Exceeded(Exception):
    """A limit of ours was met, so that not everything was seen. The child answers it as an unscannable finding."""

    def __init__(self, message: str, code: str = "limits_exceeded") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Output(Protocol):
    """Where a parser's answers go, as it goes along."""

    def finding(self, code: str, outcome: FindingOutcome, message: str) -> None:
        """Object."""
        ...

    def member(self, name: str) -> AbstractContextManager[Callable[[bytes], None]]:
        """Hand out one member of an archive: within the context, the callable takes its bytes, piece by piece.

        The callable waits until the piece was taken. Members do not overlap.
        """
        ...


class Parser(Protocol):
    """A module of this package."""

    MODULES: Sequence[str]
    DEFAULTS: Mapping[str, int]

    def recognises(self, head: bytes) -> bool:
        """Whether an object whose first 4 KiB are `head` is of the parser's format."""
        ...

    def examine(self, file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
        """Look at all of `file`, which has `size` bytes; `limits` has a value for each name in DEFAULTS.

        Raises Exceeded at a limit. MemoryError and RecursionError may escape and count as such; no other exception.
        """
        ...
