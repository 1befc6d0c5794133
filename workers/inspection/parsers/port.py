"""The port of an examiner. Each examiner is a module of this package; it runs in a process of the sandbox.

How it works. In the process, `identification` first finds all readings of the bytes. Then, for each reading, the
examiner that owns its format (`airlock.content.formats` says which) is called, where the profile
names that examiner. An examiner's module has three public names:

    MODULES: Sequence[str]                      # the modules that `examine` imports
    DEFAULTS: Mapping[str, int]                 # its limits by name, with the values where a profile sets none
    def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None

If `examine` returns, it has examined all of that reading, and what it objects to was reported as findings. So it never
returns for bytes that it did not look at: what it cannot read within `limits` raises `LimitExceeded`; what it cannot
read at all is a finding (`malformed`, `encrypted`, `unsupported`).

What a finding amounts to (rejected, unscannable, a note) is not the examiner's to say: `airlock.content.finding_codes`
has a default for each code, and the profile may say otherwise. A new code goes into that table first.

The worker imports this module to read DEFAULTS, but must not load a library that parses hostile formats. So such
imports are inside functions. The fork server imports MODULES once for all objects, and the worker tests at its start
that the packages of MODULES are installed.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from workers.inspection.readings import Reading


class LimitExceeded(Exception):
    """A limit was reached, so not everything was read. It becomes a finding of `code`; `message` is its sentence."""

    def __init__(self, message: str, code: str = "limits_exceeded") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class EnvironmentFault(Exception):
    """A library could not do its work for want of something that is not in the file: a device, a library, disk space.

    It is never a finding: the object is inspected again later.
    """


class Output(Protocol):
    """Takes what an examiner finds and unpacks."""

    def finding(self, code: str, message: str) -> None:
        """Report one finding; `code` is one of `airlock.content.finding_codes`."""
        ...

    def member(self, name: str) -> AbstractContextManager[Callable[[bytes], None]]:
        """Hand out one member: of an archive, an attachment, an embedded object. It is inspected as an object is.

        Within the context, the callable takes its bytes, piece by piece, and returns when the piece was taken. One
        member ends before the next begins. `name` is the member's file name or path ("" where it has none).
        """
        ...


class Examiner(Protocol):
    """A module of this package."""

    MODULES: Sequence[str]
    DEFAULTS: Mapping[str, int]

    def examine(self, file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
        """Examine `reading` in `file`, which has `size` bytes and can be read at any position.

        `limits` has a value for each name in DEFAULTS. Raises LimitExceeded at a limit, EnvironmentFault where the
        cause is not the file. MemoryError and RecursionError may be raised too and count as a limit; any other
        exception is a fault of the examiner, and the reading counts as not examined.
        """
        ...
