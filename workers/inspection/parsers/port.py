"""The port of a parser. Each parser is a module of this package; its `examine` runs in a process of the sandbox.

The module has four public names:

    MODULES: Sequence[str]                      # the modules that `examine` imports
    DEFAULTS: Mapping[str, int]                 # its limits by name, with the values where a profile sets none
    def recognises(head: bytes) -> bool         # whether an object that begins with `head` is of its format
    def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None

`examine` decides by the bytes whether the object is of its format, and reports nothing about other formats. If it
returns without a finding, it has read all of the object and objects to nothing. What it cannot read within `limits` is
a finding with the outcome unscannable: it raises `LimitExceeded`.

The worker imports this module to read DEFAULTS and to call `recognises`, but must not load a library that parses
hostile formats. So such imports are inside functions. The fork server imports MODULES once for all objects, and the
worker tests at its start that the packages of MODULES are installed.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Literal, NamedTuple, Protocol

FindingOutcome = Literal["rejected", "infected", "unscannable"]
"""The values of `airlock.verdict.Outcome` that a finding can have. That module is not imported: it loads pydantic."""


class ParserFinding(NamedTuple):
    """What a parser objects to; `message` is a sentence for the uploader, without the name of the file."""

    code: str
    outcome: FindingOutcome
    message: str


class LimitExceeded(Exception):
    """A limit was reached, so not everything was read. It becomes an unscannable finding; `message` is its sentence."""

    def __init__(self, message: str, code: str = "limits_exceeded") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Output(Protocol):
    """Takes what a parser finds and unpacks."""

    def finding(self, code: str, outcome: FindingOutcome, message: str) -> None:
        """Report one finding."""
        ...

    def member(self, name: str) -> AbstractContextManager[Callable[[bytes], None]]:
        """Hand out one member of an archive. Within the context, the callable takes its bytes, piece by piece.

        The callable returns when the piece was taken. One member ends before the next begins.
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
        """Examine all of `file`, which has `size` bytes and can be read at any position.

        `limits` has a value for each name in DEFAULTS. Raises LimitExceeded at a limit. MemoryError and RecursionError
        may be raised too and count as a limit; any other exception is a fault of the parser.
        """
        ...
