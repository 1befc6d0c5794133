"""An examiner of texts that does what the object says, as one does that hostile bytes have taken over.

An object is `!`, a verb and what the verb needs. `!pack` is an archive: JSON of names and texts, which are members.
"""

import json
import mmap
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import BinaryIO

from tests.workers.inspection.sandbox.attacks import ATTEMPTS, Surroundings
from workers.inspection.parsers.port import EnvironmentFault, LimitExceeded, Output
from workers.inspection.readings import Reading

MODULES: Sequence[str] = ()
DEFAULTS: Mapping[str, int] = MappingProxyType({"archive_ratio": 100})


def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
    file.seek(0)
    verb, _, rest = file.read().decode().partition(" ")
    if verb.startswith("!"):
        _VERBS[verb](rest, limits, output)


def _loop(rest: str, limits: Mapping[str, int], output: Output) -> None:
    while True:
        pass


def _wait(rest: str, limits: Mapping[str, int], output: Output) -> None:
    time.sleep(3600)


def _ignore(rest: str, limits: Mapping[str, int], output: Output) -> None:
    """Try to run on for ever."""
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass


def _who(rest: str, limits: Mapping[str, int], output: Output) -> None:
    output.finding("who", str(os.getpid()))


def _allocate(rest: str, limits: Mapping[str, int], output: Output) -> None:
    held = []
    while True:
        held.append(bytearray(16 * 1024**2))


def _abort(rest: str, limits: Mapping[str, int], output: Output) -> None:
    os.abort()


def _leave(rest: str, limits: Mapping[str, int], output: Output) -> None:
    os._exit(0)


def _raise(rest: str, limits: Mapping[str, int], output: Output) -> None:
    errors = {"key": KeyError, "recursion": RecursionError, "import": ImportError, "memory": MemoryError}
    errors["permission"] = PermissionError
    raise {**errors, "environment": EnvironmentFault}[rest]("\x1b[2J")


def _exceed(rest: str, limits: Mapping[str, int], output: Output) -> None:
    output.finding("script", "first\n\x1b[2J" + "x" * 10_000)
    raise LimitExceeded(f"more than {limits['archive_ratio']}")


def _twice(rest: str, limits: Mapping[str, int], output: Output) -> None:
    for _ in range(1000):
        output.finding("script", "the same")


def _many(rest: str, limits: Mapping[str, int], output: Output) -> None:
    for number in range(int(rest)):
        output.finding("script", str(number))


def _attempt(rest: str, limits: Mapping[str, int], output: Output) -> None:
    """Try what an exploit would try (`attacks`); report it where it succeeds."""
    name, _, about = rest.partition(" ")
    with suppress(OSError, ValueError):
        ATTEMPTS[name](Surroundings(*json.loads(about)))
        output.finding(name, "succeeded")


def _overwrite(rest: str, limits: Mapping[str, int], output: Output) -> None:
    """Try to change the copy, or to fill the disk or the table of descriptors; report what succeeds."""
    copy = max(_open())
    attempts: Mapping[str, Callable[[], object]] = {
        "overwrite": lambda: os.write(copy, b"x"),
        "map": lambda: mmap.mmap(copy, 1, prot=mmap.PROT_WRITE).write(b"x"),
        # The last one, as it leaves no descriptor for any other.
        "open_many": lambda: [os.dup(0) for _ in range(200)],
    }
    for name, attempt in attempts.items():
        with suppress(OSError):
            attempt()
            output.finding(name, "succeeded")


def _environment(rest: str, limits: Mapping[str, int], output: Output) -> None:
    output.finding("environment", " ".join(sorted(os.environ)))


def _descriptors(rest: str, limits: Mapping[str, int], output: Output) -> None:
    output.finding("descriptors", " ".join(map(str, _open())))


def _open() -> list[int]:
    found = []
    for number in range(64):
        with suppress(OSError):
            os.fstat(number)
            found.append(number)
    return found


def _late(rest: str, limits: Mapping[str, int], output: Output) -> None:
    output.finding("script", "before")
    time.sleep(3600)


def _spin(rest: str, limits: Mapping[str, int], output: Output) -> None:
    output.finding("script", str(os.getpid()))
    while True:
        pass


def _garbage(rest: str, limits: Mapping[str, int], output: Output) -> None:
    os.write(0, bytes.fromhex(rest))
    time.sleep(3600)


def _pack(rest: str, limits: Mapping[str, int], output: Output) -> None:
    for name, text in json.loads(rest).items():
        with output.member(name) as write:
            write(text.encode())


def _bomb(rest: str, limits: Mapping[str, int], output: Output) -> None:
    with output.member(str(os.getpid())) as write:
        while True:
            write(bytes(1024**2))


def _count(rest: str, limits: Mapping[str, int], output: Output) -> None:
    for number in range(int(rest)):
        with output.member(str(number)) as write:
            write(b"x")


_VERBS: Mapping[str, Callable[[str, Mapping[str, int], Output], None]] = {
    "!" + verb.__name__.removeprefix("_"): verb
    for verb in (
        *(
            _abort,
            _allocate,
            _bomb,
            _count,
            _descriptors,
            _environment,
            _exceed,
            _garbage,
            _late,
            _leave,
            _loop,
            _many,
            _pack,
            _raise,
        ),
        *(_attempt, _ignore, _overwrite, _spin, _twice, _wait, _who),
    )
}


def packed(**members: str) -> str:
    """The text of an archive."""
    return "!pack " + json.dumps(members)
