"""What one archive has produced so far, held against its limits, and what was found in it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.archives.paths import path_problem
from workers.inspection.parsers.port import Exceeded, FindingOutcome, Output

# XML and the like shrink to a hundredth too; what stays this small harms nobody.
RATIO_FROM = 10 << 20

WriteMember = Callable[[bytes, int], None]
"""Takes the next bytes of a member, and how many bytes of the archive its bytes took until now."""


class ArchiveOutput:
    """Where readers of archives hand in entries, bytes and findings.

    Limits count what really comes out, whatever the archive declares. Of each code only the first case is reported.
    """

    def __init__(self, limits: Mapping[str, int], output: Output) -> None:
        self._limits = limits
        self._output = output
        self._reported: set[str] = set()
        self._entries = 0
        self._bytes = 0

    @property
    def entries_limit(self) -> int:
        return self._limits["archive_entries"]

    def finding(self, code: str, outcome: FindingOutcome, message: str) -> None:
        if code not in self._reported:
            self._reported.add(code)
            self._output.finding(code, outcome, message)

    def entry(self, *names: str) -> None:
        """Count an entry and look at what it is called; `names` has each name that a reader may take it by."""
        self._entries += 1
        if self._entries > self.entries_limit:
            raise Exceeded(f"The archive has more than {self.entries_limit} entries.")
        for name in names:
            if reason := path_problem(name):
                self.finding("path_traversal", "rejected", f"The archive's entry {quoted(name)} {reason}.")

    def link(self, name: str, what: str) -> None:
        """An entry that is no file."""
        self.finding("link", "rejected", f"The archive's entry {quoted(name)} is {what}.")

    def malformed(self, error: MalformedArchive, name: str | None = None) -> None:
        """What is not valid: the archive, or an entry of it."""
        what = "The archive" if name is None else f"The archive's entry {quoted(name)}"
        self.finding("malformed", "rejected", f"{what} is broken: {error}.")

    @contextmanager
    def member(self, name: str) -> Iterator[WriteMember]:
        """Hand out a member; what it yields raises Exceeded as soon as a limit is met.

        A member that is Broken ends where it is: what came out of it is looked at as well.
        """
        taken, ended = 0, None
        with self._output.member(name) as write:

            def take(piece: bytes, consumed: int) -> None:
                nonlocal taken
                taken += len(piece)
                self._bytes += len(piece)
                self._check_limits(taken, consumed)
                write(piece)

            try:
                yield take
            except MalformedArchive as error:
                ended = error
        if ended is not None:
            raise ended

    def _check_limits(self, taken: int, consumed: int) -> None:
        if self._bytes > self._limits["archive_bytes"]:
            raise Exceeded(f"The archive holds more than {self._limits['archive_bytes']} bytes.")
        if taken > self._limits["archive_member_bytes"]:
            raise Exceeded(f"The archive has an entry of more than {self._limits['archive_member_bytes']} bytes.")
        if taken > RATIO_FROM and taken > consumed * self._limits["archive_ratio"]:
            raise Exceeded(f"The archive unpacks to more than {self._limits['archive_ratio']} times its size.")


def quoted(name: str) -> str:
    """A name as a sentence can hold it."""
    return repr(name if len(name) <= 200 else name[:200] + "…")
