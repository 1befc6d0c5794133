"""The findings in a text: one for each code, at the first line where it occurs. And the texts that are inside it."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from workers.inspection.parsers.port import Output

_LONGEST = 80

Line = Callable[[], int] | int | None
"""The number of a line, or a function where counting the lines takes time; None where the place is not known."""


class Inner(NamedTuple):
    """A text in an attribute of another: a page of a frame, or an SVG that is a picture (not `is_html`)."""

    content: bytes
    is_html: bool


class MarkupFindings:
    """Collects findings: `messages` has one by code. They are reported at the end, when the language is certain.

    `inner` has the texts inside, each once, which are to be examined too.
    """

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        self.inner: dict[Inner, None] = {}

    def add(self, code: str, what: str, line: Line) -> None:
        """Add a finding, unless there is one of `code`; `what` completes “Line 3 has …”."""
        if code not in self.messages:
            number = line() if callable(line) else line
            self.messages[code] = f"{'It' if number is None else f'Line {number}'} has {what}."

    def merge(self, other: "MarkupFindings", codes: Collection[str] | None = None) -> None:
        """Add the findings of `other` (with one of `codes`, if given) whose codes are new here."""
        for code, message in other.messages.items():
            if codes is None or code in codes:
                self.messages.setdefault(code, message)
        self.inner.update(other.inner)

    def merge_inner(self, other: "MarkupFindings", ignored: Collection[str] = ()) -> None:
        """Add the findings of a text inside, but for those with one of the codes `ignored`."""
        for code, message in other.messages.items():
            if code not in ignored:
                self.messages.setdefault(code, f"In a page or picture within it: {message[0].lower()}{message[1:]}")

    def report(self, output: Output) -> None:
        """Report each finding to `output`."""
        for code, message in self.messages.items():
            output.finding(code, message)


def excerpt(text: str) -> str:
    """The first letters of `text`, printable, to be quoted in a message."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text[:_LONGEST])
