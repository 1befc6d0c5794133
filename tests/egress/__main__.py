"""`python -m tests.egress FOLDER HERE COMMAND…` runs a command and writes whom it spoke to into FOLDER/record.json.

To be started in network and mount namespaces of its own, as `namespace.observe` does. HERE are names, separated by
commas, that stand for this machine. The exit code is the command's.
"""

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

from tests.egress.recorder import DNS, Connections, Resolver

# Sockets of other resolvers and of a clamd of this machine; and definitions that take half a minute to load.
HIDDEN = (Path("/run"), Path("/var/lib/clamav"))
FILES = {
    Path("/etc/resolv.conf"): "nameserver 127.0.0.1\n",
    Path("/etc/nsswitch.conf"): "hosts: files dns\n",
    Path("/etc/hosts"): f"127.0.0.1 localhost {socket.gethostname()}\n::1 localhost\n",
}


async def main(folder: Path, here: list[str], command: list[str]) -> int:
    """Run the command with the recorder beside it; returns its exit code."""
    _make_everything_local()
    _replace_files(folder)
    resolver, connections = Resolver(here), Connections()
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: resolver, ("0.0.0.0", DNS))
    await asyncio.start_server(resolver.serve_tcp, "0.0.0.0", DNS)
    code = await (await asyncio.create_subprocess_exec(*command)).wait()
    record = {"asked": resolver.asked, "names": resolver.names, "connections": sorted(connections.seen)}
    (folder / "record.json").write_text(json.dumps({**record, "lost": connections.lost()}))
    return code


def _make_everything_local() -> None:
    """Give this namespace every address that there is."""
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "route", "add", "local", "default", "dev", "lo")
    if Path("/proc/net/if_inet6").exists():
        _run("ip", "-6", "route", "add", "local", "default", "dev", "lo")


def _replace_files(folder: Path) -> None:
    for path in filter(Path.is_dir, HIDDEN):
        _run("mount", "-t", "tmpfs", "tmpfs", str(path))
    for path, text in FILES.items():
        (folder / path.name).write_text(text)
        target = path.resolve()
        if target.is_relative_to(HIDDEN[0]):  # a link to what another resolver wrote there
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        if target.exists():
            _run("mount", "--bind", str(folder / path.name), str(target))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3:])))
