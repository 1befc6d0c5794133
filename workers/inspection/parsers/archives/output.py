"""What the readers report and unpack, counted against the archive's limits."""

import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from workers.inspection.parsers.archives.errors import MalformedArchive, UnreadableArchive
from workers.inspection.parsers.archives.links import Link, Links
from workers.inspection.parsers.archives.paths import (
    is_changed_by_windows,
    name_problem,
    path_problem,
    runs,
    same_name,
)
from workers.inspection.parsers.deduplicated import DeduplicatedOutput
from workers.inspection.parsers.port import LimitExceeded, Output

WriteMember = Callable[[bytes], None]
"""Takes the next bytes of a member."""

SPECIAL_FILES = {
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}
"""What no program should unpack, by the kind of file in its mode."""

LONGEST_TARGET = 4096  # PATH_MAX of Linux
# A link's path that no program would take for anything else, where it unpacks the link as a file.
_PLAIN_TARGET = re.compile(r'[^\x00-\x1f<>"|?*`$;&]+')


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
        self._links = Links()
        self._contents: dict[str, tuple[int, int | None]] = {}

    @property
    def entries_limit(self) -> int:
        return self._limits["archive_entries"]

    def finding(self, code: str, message: str) -> None:
        self._output.finding(code, message)

    def entry(self, *names: str) -> None:
        """Count an entry and test its names: `names` has each name that a program may unpack it to, first the
        one that most take.
        """
        self._entries += 1
        if self._entries > self.entries_limit:
            raise LimitExceeded(f"The archive has more than {self.entries_limit} entries (archive_entries).")
        if is_changed_by_windows(names[0]):
            self.finding("irregular", f"Windows cannot store the archive's entry {quoted(names[0])} under its name.")
        self.check_names(*names)

    def check_names(self, *names: str) -> None:
        """Test names that a program may unpack an entry to."""
        for name in names:
            if reason := path_problem(name):
                self.finding("path_traversal", f"The archive's entry {quoted(name)} {reason}.")
            if reason := name_problem(name):
                self.finding("ambiguous_name", f"The archive's entry {quoted(name)} {reason}.")

    def content(self, name: str, size: int, checksum: int | None) -> None:
        """Note the content of an entry: a second one under the same name has to have the same."""
        key = same_name(name)
        known = self._contents.get(key)
        self._contents[key] = (size, checksum)
        if known is not None and (known != (size, checksum) or (checksum is None and size)):
            self.ambiguous(name, "the archive has another entry of the same name")

    def ambiguous(self, name: str, reason: str) -> None:
        """Report an entry that programs unpack to different names or contents."""
        self.finding(
            "ambiguous_name", f"Programs differ in how they read the archive's entry {quoted(name)}: {reason}."
        )

    def special_file(self, name: str, kind: int) -> None:
        """Report an entry that is no file, folder or link; `kind` is the kind of file in its mode."""
        self.finding("link", f"The archive's entry {quoted(name)} is {SPECIAL_FILES.get(kind, 'a special file')}.")

    def link(self, name: str, *targets: str, hard: bool = False) -> None:
        """Note a link, with each target that a program may take. `finish` says where it leads, when all are known."""
        self._links.add(Link(name, targets, hard))
        self.finding("inner_link", f"The archive's entry {quoted(name)} is a link.")

    def link_file(self, name: str, content: bytes) -> None:
        """Note a link whose target is the content of its entry, which some programs unpack as a file."""
        target = content.decode("utf-8", "replace")
        self.link(name, target)
        if runs(name) or not _PLAIN_TARGET.fullmatch(target):
            with self.member(name) as write:
                write(content)

    def finish(self) -> None:
        """Report where the links lead. To be called once, after the last entry."""
        if found := self._links.leading_out():
            self.finding("link", f"The archive's entry {quoted(found.name)} is a link that leads out of the archive.")

    def malformed(self, error: MalformedArchive, name: str | None = None) -> None:
        """Report what is malformed: the entry `name`, or the archive."""
        what = "The archive" if name is None else f"The archive's entry {quoted(name)}"
        self.finding("malformed", f"{what} is broken: {error}.")

    @contextmanager
    def member(self, name: str) -> Iterator[WriteMember]:
        """Hand out a member; the yielded function raises LimitExceeded when a limit is reached.

        A MalformedArchive or UnreadableArchive in the context ends the member first, so that the bytes unpacked until
        then are inspected.
        """
        size = 0
        failure: MalformedArchive | UnreadableArchive | None = None
        with self._output.member(name) as write:

            def write_counted(piece: bytes) -> None:
                nonlocal size
                size += len(piece)
                self._bytes += len(piece)
                self._check_limits(size)
                write(piece)

            try:
                yield write_counted
            except (MalformedArchive, UnreadableArchive) as error:
                failure = error
        if failure is not None:
            raise failure

    def _check_limits(self, size: int) -> None:
        for name, value, what in (
            ("archive_bytes", self._bytes, "unpacks to"),
            ("archive_member_bytes", size, "has an entry of"),
        ):
            if value > self._limits[name]:
                raise LimitExceeded(f"The archive {what} more than {self._limits[name]:,} bytes ({name}).")


def quoted(name: str) -> str:
    """A name in quotes, with escapes, and cut where it is long."""
    return repr(name if len(name) <= 200 else name[:200] + "…")
