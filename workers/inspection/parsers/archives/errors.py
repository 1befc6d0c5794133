"""Two ways in which an archive ends early: it is not valid, or it is not for us to open."""


class MalformedArchive(Exception):
    """The bytes are not what their format prescribes; the text completes “the archive is broken: …”."""


class UnreadableArchive(Exception):
    """Content that cannot be looked at: `code` is `encrypted` or `unsupported_compression`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
