"""Runs the `airlock` command in a fork of a process that has imported it already.

To start an interpreter and import a command takes a second of CPU time, and the tests run a hundred commands. Each run
is a process of its own, with its own environment, signals, output and exit code.
"""

import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

ROOT = Path(__file__).parents[2]
LARGEST_REQUEST = 1 << 20
_starting = threading.Lock()


class Ended(NamedTuple):
    """The exit code of a run, and what it printed."""

    code: int
    out: bytes
    err: bytes


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """Run the command to its end, with these variables and no others. It may be called in any thread."""
    with _starting:
        server = _server()
    request = json.dumps({"arguments": arguments, "environment": dict(environment)}).encode()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as code:
            socket.send_fds(server, [request], [out.fileno(), err.fileno(), writing])
            os.close(writing)
            # Its end is the end of the process.
            ended = int(code.read())
        return Ended(ended, _read(out.fileno()), _read(err.fileno()))


def _read(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read()


@functools.cache
def _server() -> socket.socket:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        command = [sys.executable, "-m", "tests.ops.fork_server", str(its.fileno())]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=[its.fileno()], start_new_session=True)
    atexit.register(_end, ours, process)
    return ours


def _end(ours: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    ours.close()
    process.wait()


def serve(requests: socket.socket) -> None:
    """Fork for each request, until the process of the tests has ended; then end whatever still runs."""
    _import_all()
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, 3)
        if not request:
            os.killpg(0, signal.SIGKILL)
        if os.fork() == 0:
            requests.close()
            _run(json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _reap()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _import_all() -> None:
    from botocore import loaders, session

    from ops.cli import COMMANDS

    for module in COMMANDS.values():
        import_module(module)
    # Every client would read megabytes of its service's description.
    session.create_loader = functools.cache(loaders.create_loader)
    for service in ("dynamodb", "s3", "sqs"):
        session.get_session().create_client(service, region_name="eu-central-1", endpoint_url="http://127.0.0.1:9")


def _run(request: Mapping[str, Any], out: int, err: int, code: int) -> NoReturn:
    from ops.cli import main

    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.environ.clear()
    os.environ.update(request["environment"])
    ended = 1
    try:
        main(request["arguments"], prog_name="airlock")
    except SystemExit as end:
        ended = int(end.code or 0)
    except BaseException:  # noqa: BLE001 # as the interpreter does at the end of a program
        traceback.print_exc()
    os.write(code, str(ended).encode())
    sys.exit(ended)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
