"""What follows the end of an archive."""

from typing import BinaryIO

from workers.inspection.parsers.archives.output import ArchiveOutput

_CHUNK = 1 << 20
# What editors, printers' spoolers and old file systems add: line ends, Ctrl-Z, NUL.
_HARMLESS = b"\0\t\n\r\x1a "


def report_rest(file: BinaryIO, start: int, output: ArchiveOutput) -> None:
    """Report the bytes from `start` to the end of the file: a note where they are blank, else `trailing_data`."""
    file.seek(start)
    blank = 0
    while data := file.read(_CHUNK):
        if data.strip(_HARMLESS):
            output.finding("trailing_data", "There are further bytes after the end of the archive.")
            return
        blank += len(data)
    if blank:
        output.finding("irregular", f"{blank:,} bytes of blanks or zeros follow the end of the archive.")
