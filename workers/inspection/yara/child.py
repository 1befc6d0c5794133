"""What a child does that scans: each packet brings a window, and is answered by packets of JSON.

A match is `[rule, outcome]`. The last packet is `true`, or `null` after a timeout. The fork server loads the rules.
"""

import json
import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

import yara_x

# Made before the fork, which saves each child 2 ms. YARA-X starts its thread at the first scan, so in the child.
_made: list[yara_x.Scanner] = []


def prepare(arguments: Sequence[str]) -> Sequence[int]:
    """In the fork server: load the rules that a descriptor has, as `yara_x` serializes them; then the seconds."""
    descriptor, seconds = arguments
    # By its path, for a position of its own: the fork server that takes over reads the same descriptor.
    with Path(f"/proc/self/fd/{descriptor}").open("rb") as file:
        scanner = yara_x.Scanner(yara_x.Rules.deserialize_from(file))
    scanner.set_timeout(int(seconds))
    _made.append(scanner)
    return []


def serve(connection: socket.socket, missing: Sequence[str]) -> None:
    """Answer until the socket ends. `missing` are the layers of its confinement that are not to be had."""
    connection.sendall(b"\x01" + json.dumps(missing).encode())
    (scanner,) = _made
    while (window := _receive(connection)) is not None:
        for answer in scanned(scanner, window):
            connection.sendall(json.dumps(answer).encode())
        del window  # else two windows are in memory while the next one is read


def scanned(scanner: yara_x.Scanner, window: bytes) -> Sequence[object]:
    """The answers for one window."""
    try:
        results = scanner.scan(window)
    except yara_x.TimeoutError:
        return [None]
    return [*([rule.identifier, _outcome(rule.metadata)] for rule in results.matching_rules), True]


def _outcome(metadata: Iterable[tuple[str, object]]) -> str:
    """The first, where a rule names two."""
    return next((str(value) for name, value in metadata if name == "outcome"), "infected")


def _receive(connection: socket.socket) -> bytes | None:
    packet, files, _, _ = socket.recv_fds(connection, 1, 1)
    if not packet:
        return None
    with os.fdopen(files[0], "rb") as file:
        return file.read()
