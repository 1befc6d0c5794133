"""An output that passes on one finding of each code: the same problem in a hundred places is one finding."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from workers.inspection.parsers.port import Output


class DeduplicatedOutput(Output):
    """Passes on the first finding of each code to `output`, with `prefix` (where it was found) before its message."""

    def __init__(self, output: Output, prefix: str = "") -> None:
        self._output = output
        self._prefix = prefix
        self._reported: set[str] = set()

    def finding(self, code: str, message: str) -> None:
        if code not in self._reported:
            self._reported.add(code)
            self._output.finding(code, self._prefix + message)

    def member(self, name: str) -> AbstractContextManager[Callable[[bytes], None]]:
        return self._output.member(name)
