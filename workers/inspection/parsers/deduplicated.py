"""An output that hears of each code once: what is wrong in a hundred places is one objection."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from workers.inspection.parsers.port import FindingOutcome, Output


class DeduplicatedOutput(Output):
    """Passes on the first finding of each code, with `before` (where it was found) in front of its sentence."""

    def __init__(self, output: Output, before: str = "") -> None:
        self._output = output
        self._before = before
        self._said: set[str] = set()

    def finding(self, code: str, outcome: FindingOutcome, message: str) -> None:
        if code not in self._said:
            self._said.add(code)
            self._output.finding(code, outcome, self._before + message)

    def member(self, name: str) -> AbstractContextManager[Callable[[bytes], None]]:
        return self._output.member(name)
