"""Archives and programs in bytes that an archive's readers skip: comments, extra fields, padding, gaps."""

import io

from airlock.content.formats import format_of
from workers.inspection.identification.marks import second_readings
from workers.inspection.identification.sample import Sample
from workers.inspection.identification.signatures import by_prefix
from workers.inspection.parsers.archives.output import ArchiveOutput

# So much of the skipped bytes is held in memory to be searched. Real ones are far shorter.
LONGEST = 16 << 20
_SHORTEST = 22  # the end record of an empty zip
_FAMILIES = frozenset({"archive", "program"})


def report_hidden(data: bytes, where: str, output: ArchiveOutput) -> None:
    """Report an archive or a program in `data`, which stand `where` (“in its comment”)."""
    if len(data) < _SHORTEST or not data.strip(b"\0"):
        return
    sample = Sample(io.BytesIO(data), len(data))
    found = formats_in(sample)
    if (prefix := by_prefix(sample)) and not prefix[1]:
        found.append(prefix[0])
    if kind := next((each for each in found if format_of(each).family in _FAMILIES), None):
        output.finding("hidden_entry", f"The archive has bytes {where} that are a file of their own ({kind}).")


def formats_in(sample: Sample) -> list[str]:
    """The media types of formats whose marks are anywhere in the bytes."""
    return [each.media_type for each in second_readings(sample, "", 0)]
