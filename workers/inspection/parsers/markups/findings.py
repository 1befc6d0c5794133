"""What was found in a text, once for each code, with the first place of it."""

from collections.abc import Callable, Collection

from workers.inspection.parsers.port import Output

_LONGEST = 80


class MarkupFindings:
    """Kept until all was seen, since only then it is certain what the text is."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def add(self, code: str, what: str, line: Callable[[], int] | int) -> None:
        """`what` is shown for the first of its code, with its line (which may be costly to tell)."""
        if code not in self.found:
            self.found[code] = f"{what} in line {line if isinstance(line, int) else line()}"

    def merge(self, other: "MarkupFindings", codes: Collection[str] | None = None) -> None:
        """Take what another look found; of `codes` only, where they are given."""
        for code, message in other.found.items():
            if codes is None or code in codes:
                self.found.setdefault(code, message)

    def report(self, output: Output) -> None:
        """Hand them out, each as rejected."""
        for code, message in self.found.items():
            output.finding(code, "rejected", message)


def excerpt(text: str) -> str:
    """A piece of the file, short and printable, for a sentence about it."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text[:_LONGEST])
