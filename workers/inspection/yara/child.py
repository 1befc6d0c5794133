"""A process that scans for the worker: rules come in on standard input, then windows; matches go out.

Each message is a 4-byte big-endian length and that many bytes. The rules are one message, as `yara_x` serializes
them; then each window is one message and is answered by one: JSON `[[rule, outcome], …]`, or `null` when the time was
over. It ends with its standard input, so it never outlives the worker.
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
    """Answer until `source` ends. A scan may take `seconds`."""
    rules = _read(source)
    if rules is None:
        return
    scanner = yara_x.Scanner(yara_x.Rules.deserialize_from(io.BytesIO(rules)))
    scanner.set_timeout(seconds)
    while (window := _read(source)) is not None:
        answer = json.dumps(_scan(scanner, window)).encode("ascii")
        target.write(LENGTH.pack(len(answer)) + answer)
        target.flush()
        del window  # else two are held while the next one is read


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
