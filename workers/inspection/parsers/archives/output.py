"""What the readers report and unpack, counted against the archive's limits."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.archives.paths import path_problem
from workers.inspection.parsers.deduplicated import DeduplicatedOutput
from workers.inspection.parsers.port import LimitExceeded, Output

# XML can be compressed to a hundredth too. A member below this size is harmless whatever its ratio.
RATIO_FROM = 10 << 20

WriteMember = Callable[[bytes, int], None]
"""Takes the next bytes of a member, and how many packed bytes the member has used so far."""


class ArchiveOutput:
    """Takes the entries, members and findings of one archive.

    It counts the bytes that are really unpacked, whatever the archive declares. Only the first finding of each code is
    reported.
    """

    def __init__(self, limits: Mapping[str, int], output: Output) -> None:
        self._limits = limits
        self._output = DeduplicatedOutput(output)
        self._entries = 0
        self._bytes = 0

    @property
    def entries_limit(self) -> int:
        return self._limits["archive_entries"]

    def finding(self, code: str, message: str) -> None:
        self._output.finding(code, message)

    def entry(self, *names: str) -> None:
        """Count an entry and test its names: `names` has each name that a program may unpack it to."""
        self._entries += 1
        if self._entries > self.entries_limit:
            raise LimitExceeded(f"The archive has more than {self.entries_limit} entries.")
        for name in names:
            if reason := path_problem(name):
                self.finding("path_traversal", f"The archive's entry {quoted(name)} {reason}.")

    def link(self, name: str, what: str) -> None:
        """Report an entry that is a link, a device or the like; `what` says which."""
        self.finding("link", f"The archive's entry {quoted(name)} is {what}.")

    def malformed(self, error: MalformedArchive, name: str | None = None) -> None:
        """Report what is malformed: the entry `name`, or the archive."""
        what = "The archive" if name is None else f"The archive's entry {quoted(name)}"
        self.finding("malformed", f"{what} is broken: {error}.")

    @contextmanager
    def member(self, name: str) -> Iterator[WriteMember]:
        """Hand out a member; the yielded function raises LimitExceeded when a limit is reached.

        A MalformedArchive in the context ends the member first, so that the bytes unpacked until then are inspected.
        """
        size, malformed = 0, None
        with self._output.member(name) as write:

            def write_counted(piece: bytes, consumed: int) -> None:
                nonlocal size
                size += len(piece)
                self._bytes += len(piece)
                self._check_limits(size, consumed)
                write(piece)

            try:
                yield write_counted
            except MalformedArchive as error:
                malformed = error
        if malformed is not None:
            raise malformed

    def _check_limits(self, size: int, consumed: int) -> None:
        if self._bytes > self._limits["archive_bytes"]:
            raise LimitExceeded(f"The archive unpacks to more than {self._limits['archive_bytes']} bytes.")
        if size > self._limits["archive_member_bytes"]:
            raise LimitExceeded(f"The archive has an entry of more than {self._limits['archive_member_bytes']} bytes.")
        if size > RATIO_FROM and size > consumed * self._limits["archive_ratio"]:
            raise LimitExceeded(f"The archive unpacks to more than {self._limits['archive_ratio']} times its size.")


def quoted(name: str) -> str:
    """A name in quotes, with escapes, and cut where it is long."""
    return repr(name if len(name) <= 200 else name[:200] + "…")
