"""The two errors of a reader: an archive or entry is malformed, or it cannot be read here."""


class MalformedArchive(Exception):
    """The bytes break their format's rules; the text completes “The archive is broken: …”."""


class UnreadableArchive(Exception):
    """Content that cannot be read here: `code` is `encrypted`, `unsupported` or `unsupported_compression`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
