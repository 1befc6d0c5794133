"""The scanning process: it reads rules and then windows on standard input, and writes matches to standard output.

A message is a 4-byte big-endian length and that many bytes. The first message has the rules, as `yara_x` serializes
them. Each further message is a window, and is answered by one: JSON `[[rule, outcome], …]`, or `null` after a timeout.
The process ends with its standard input, so it never outlives the worker.
"""

import io
import json
import struct
import sys
from typing import BinaryIO

import yara_x

from workers.inspection.yara.rule_set import matches

LENGTH = struct.Struct(">I")


def serve(source: BinaryIO, target: BinaryIO, seconds: int) -> None:
    """Answer until `source` ends. One scan may take `seconds`."""
    rules = _read(source)
    if rules is None:
        return
    scanner = yara_x.Scanner(yara_x.Rules.deserialize_from(io.BytesIO(rules)))
    scanner.set_timeout(seconds)
    while (window := _read(source)) is not None:
        answer = json.dumps(_scan(scanner, window)).encode("ascii")
        target.write(LENGTH.pack(len(answer)) + answer)
        target.flush()
        del window  # else two windows are in memory while the next one is read


def _scan(scanner: yara_x.Scanner, window: bytes) -> list[tuple[str, str]] | None:
    try:
        return [(match.rule, match.outcome.value) for match in matches(scanner.scan(window))]
    except yara_x.TimeoutError:
        return None


def _read(source: BinaryIO) -> bytes | None:
    prefix = source.read(LENGTH.size)
    if len(prefix) < LENGTH.size:
        return None
    message = source.read(LENGTH.unpack(prefix)[0])
    return message if len(message) == LENGTH.unpack(prefix)[0] else None


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
