"""What is said of an entry before its header: pax records ("x", "g") and GNU's long names ("L", "K"). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from workers.inspection.parsers.archives.errors import MalformedArchive
from workers.inspection.parsers.archives.paths import runs, same_name
from workers.inspection.parsers.archives.tars.header import TarHeader, pax_records, text_field

_LARGEST_OCTAL = 8**11 - 1  # the largest size in the octal field of 12 bytes
_NAME_FIELD = 100
# Records that some programs apply to all entries and others to none.
_NOT_OF_ALL = frozenset({"path", "linkpath", "size"})


@dataclass
class Description:
    """What is said of the next entry. `others` has the values of records that no program takes for a name or a size."""

    paths: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    sizes: list[str] = field(default_factory=list)
    sparse: bool = False
    others: list[bytes] = field(default_factory=list)

    def add(self, type_flag: str, data: bytes) -> None:
        """Take the content of a header of this type; raises MalformedArchive."""
        if type_flag == "L":
            self.paths.append(text_field(data))
        elif type_flag == "K":
            self.targets.append(text_field(data))
        else:
            for key, value in pax_records(data):
                self._record(key, value)

    def _record(self, key: str, value: bytes) -> None:
        text = value.decode("utf-8", "replace")
        if key in {"path", "GNU.sparse.name"}:
            self.paths.append(text)
        elif key == "linkpath":
            self.targets.append(text)
        elif key == "size":
            self.sizes.append(text)
        else:
            self.others.append(value)
        self.sparse = self.sparse or key.startswith("GNU.sparse.")

    @property
    def empty(self) -> bool:
        return not (self.paths or self.targets or self.sizes or self.others or self.sparse)


def global_problem(data: bytes) -> str | None:
    """Why programs would read a pax header for all entries differently, or None."""
    if any(key in _NOT_OF_ALL or key.startswith("GNU.sparse.") for key, _ in pax_records(data)):
        return "a description of all entries gives them one name or size, which only some programs apply"
    return None


def name_of(header: TarHeader, description: Description) -> tuple[str, str | None]:
    """The name that most programs take, and why others would take another one (None where they would not)."""
    given = [path for path in description.paths if path]  # an empty one takes the header's name back
    if header.two_names:
        return header.full, "its header has two names"
    if not given:
        return header.full, None
    name = given[-1]
    distinct = {same_name(path) for path in given}
    if len(distinct) > 1 and not description.sparse:
        return name, "two descriptions give it different names"
    if same_name(header.full) == same_name(name) or description.sparse:
        return name, None
    # The header's own name is a shorter one, for programs that do not know the longer; it can be cut or simplified.
    fits = name.isascii() and len(name.rstrip("/")) < _NAME_FIELD
    if fits or (runs(header.full) and not runs(name)):
        return name, "its header and the description before it give it different names"
    return name, None


def size_of(header: TarHeader, sizes: Sequence[str]) -> int:
    """The size in bytes; raises MalformedArchive where the description says another one than the header can."""
    size = header.size
    for declared in sizes:
        if not declared.isascii() or not declared.isdigit() or len(declared) > 20:
            raise MalformedArchive("the size of an entry is not valid")
        size = int(declared)
        # A program without pax uses the header's size and reads the next entry elsewhere. Only a size that the header
        # has no room for may differ.
        if size <= _LARGEST_OCTAL and size != header.size:
            raise MalformedArchive("an entry has two sizes")
    return size
