"""What the readers of sound and video share: the file with its limits, and the findings."""

from collections.abc import Mapping
from typing import BinaryIO

from workers.inspection.parsers.port import LimitExceeded, Output


class MalformedMedium(Exception):
    """The file breaks its format's rules: `code` and `message` are those of the finding."""

    def __init__(self, message: str, code: str = "malformed") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Medium:
    """One sound or video: `file` begins with it and has `size` bytes."""

    def __init__(self, file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
        self.file = file
        self.size = size
        self.output = output
        self.cut = False
        # Whether there are streams that FFmpeg cannot name, but that devices of today record.
        self.newer_codecs = False
        self._limits = limits
        self._reported: set[str] = set()

    def at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset` on."""
        self.file.seek(offset)
        return self.file.read(count)

    def report(self, code: str, message: str) -> None:
        """Report a finding; the same message once."""
        if message not in self._reported:
            self._reported.add(message)
            self.output.finding(code, message)

    def note(self, message: str) -> None:
        """Report what every player passes over."""
        self.report("irregular", message)

    def truncated(self) -> None:
        """Report that the file ends before its content does."""
        self.cut = True
        self.report("truncated", "The file ends before its content does.")

    def remains(self, end: int) -> None:
        """Note the bytes behind `end`. What other formats they have is identification's to say."""
        if self.size > end and self.at(end, 65536).strip(b"\0\xff\r\n "):
            self.note(f"{self.size - end:,} bytes follow the end of the recording.")

    def seconds(self, duration: float) -> None:
        """Test the duration. Raises LimitExceeded."""
        if duration > self._limits["media_seconds"]:
            raise LimitExceeded(
                f"It lasts {duration:,.0f} seconds; the limit is {self._limits['media_seconds']:,} (media_seconds)."
            )

    def area(self, width: int, height: int) -> None:
        """Test the dimensions of a video. Raises LimitExceeded."""
        if width * height > self._limits["media_pixels"]:
            limit = self._limits["media_pixels"]
            raise LimitExceeded(f"The video has {width} × {height} pixels; the limit is {limit:,} (media_pixels).")

    def streams(self, count: int) -> None:
        """Test the number of streams. Raises LimitExceeded."""
        if count > self._limits["media_streams"]:
            raise LimitExceeded(
                f"It has {count} streams; the limit is {self._limits['media_streams']:,} (media_streams)."
            )
