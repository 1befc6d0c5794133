"""Runs a program in network and mount namespaces of its own, and says whom it spoke to."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.dev.child import ChildProcess
from tests.deployment import ROOT

PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
AS_ROOT = ("unshare", "--net", "--mount")
AS_USER = (*AS_ROOT, "--user", "--map-root-user")
# Of this process's environment a program gets these alone, with all that begins so.
KEPT = ("LANG", "COVERAGE_")


@dataclass(frozen=True)
class Seen:
    """What a program did: its exit code and output, what it looked up, where it connected to, and what it left."""

    code: int
    output: str
    looked_up: Mapping[str, str]
    """Names, and the command line of the process that asked first."""
    connections: frozenset[str]
    """`tcp HOST:PORT` and `udp HOST:PORT`: a name if the address was looked up."""
    left: Sequence[str]
    """What is in the temporary folder and in the home folder afterwards."""


def missing() -> str | None:
    """Why no program can be observed on this machine, in a sentence; None if all is there."""
    if shutil.which("ip", path=PATH) is None:
        return "no `ip` on the PATH (Debian: apt install iproute2)"
    if shutil.which("unshare", path=PATH) is None:
        return "no `unshare` on the PATH (Debian: apt install util-linux)"
    command = [*_unshare(), "ip", "link", "set", "lo", "up"]
    tried = subprocess.run(command, env={"PATH": PATH}, capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"no network namespace can be made here, as root or as a user: {tried.stderr.strip()}"
    return None


async def observe(folder: Path, *command: str, here: Sequence[str] = (), **environment: str) -> Seen:
    """Run `command` to its end with nothing in its environment but `environment` and a home of its own.

    The names in `here` stand for this machine, all others for somebody else. Files are kept in `folder`.
    """
    home, temporary = folder / "home", folder / "tmp"
    for each in (home, temporary):
        each.mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    environment = {**kept, "PATH": PATH, "HOME": str(home), "TMPDIR": str(temporary), **environment}
    watch = [*_unshare(), sys.executable, "-m", "tests.egress", str(folder), ",".join(here), *command]
    with (folder / "output").open("wb") as output:
        child = await ChildProcess.start("watch", watch, env={**environment, "PYTHONPATH": str(ROOT)}, output=output)
    try:
        code = await child.process.wait()
    finally:
        await child.stop(0)
    return _seen(folder, code, [*home.rglob("*"), *temporary.rglob("*")])


def _unshare() -> tuple[str, ...]:
    return AS_ROOT if os.geteuid() == 0 else AS_USER


def _seen(folder: Path, code: int, left: Sequence[Path]) -> Seen:
    output = (folder / "output").read_text(errors="replace")
    assert (folder / "record.json").exists(), output
    record = json.loads((folder / "record.json").read_text())
    assert record["lost"] == 0, "packets came too fast to be seen"
    connections = frozenset(_named(each, record["names"]) for each in record["connections"])
    return Seen(code, output, record["asked"], connections, sorted(str(each.relative_to(folder)) for each in left))


def _named(connection: str, names: Mapping[str, str]) -> str:
    protocol, _, place = connection.partition(" ")
    host, _, port = place.rpartition(":")
    return f"{protocol} {names.get(host.strip('[]'), host)}:{port}"
