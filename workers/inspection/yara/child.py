"""What a child does that scans: each packet brings a window, and is answered by packets of JSON.

A match is `[rule, outcome]`. The last packet is `true`, or `null` after a timeout. The fork server loads the rules.
"""

import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import yara_x

# The rules of this process, with the limit of one scan in seconds.
_loaded: list[tuple[yara_x.Rules, int]] = []


def prepare(arguments: Sequence[str]) -> Sequence[int]:
    """In the fork server: load the rules that a descriptor has, as `yara_x` serializes them; then the seconds."""
    descriptor, seconds = arguments
    # By its path, for a position of its own: the fork server that takes over reads the same descriptor.
    with Path(f"/proc/self/fd/{descriptor}").open("rb") as file:
        _loaded.append((yara_x.Rules.deserialize_from(file), int(seconds)))
    return []


def serve(connection: socket.socket, missing: Sequence[str]) -> None:
    """Answer until the socket ends. `missing` are the layers of its confinement that are not to be had."""
    connection.sendall(b"\x01" + json.dumps(missing).encode())
    ((rules, seconds),) = _loaded
    scanner = yara_x.Scanner(rules)
    scanner.set_timeout(seconds)
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
    return [
        *([rule.identifier, dict(rule.metadata).get("outcome", "infected")] for rule in results.matching_rules),
        True,
    ]


def _receive(connection: socket.socket) -> bytes | None:
    packet, files, _, _ = socket.recv_fds(connection, 1, 1)
    if not packet:
        return None
    with os.fdopen(files[0], "rb") as file:
        return file.read()
