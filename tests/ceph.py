"""A Ceph object gateway of this process's own: a second S3 server, written by others, that enforces POST policies.

One monitor, one store in memory and one gateway, from Debian's packages radosgw, ceph-mon, ceph-osd and ceph-common.
Nothing of it outlives us: https://docs.ceph.com/en/pacific/install/manual-deployment/ in small.
"""

import asyncio
import contextlib
import secrets
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from airlock.policy import Credentials
from ops.dev.child import ChildProcess
from ops.dev.loopback import HOST, free_port
from tests.debian import PATH

REGION = "eu-central-1"
PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "monmaptool")

START_SECONDS = 30.0
ANSWER_SECONDS = 2.0
ATTEMPTS = 3
POLL_SECONDS = 0.03

# `crc`: with authentication off the gateway hangs without it. The paxos lines take 10 s from the start.
# The gateway signs its session tokens with the STS key, which has 16 characters.
CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = {monitor}
public network = 127.0.0.0/8
paxos propose interval = 0.05
paxos min wait = 0.01
auth cluster required = none
auth service required = none
auth client required = none
run dir = {folder}
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
pid file = {folder}/$name.pid
crash dir = {folder}
setuser match path =
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
osd class load list = *
osd class default list = *
[mon.a]
mon data = {folder}/mon
mon data avail crit = 0
mon osd min up ratio = 0
[osd.0]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
[client.rgw]
ms mon client mode = crc
rgw frontends = beast endpoint={host}:{port}
rgw data = {folder}/rgw
rgw override bucket index max shards = 1
rgw gc max objs = 1
rgw usage max shards = 1
rgw lc max objs = 1
rgw init timeout = 120
rgw s3 auth use sts = true
rgw sts key = {sts_key}
"""


class CephError(Exception):
    """The cluster did not come up; the message ends with the last lines of what its program said."""


@dataclass(frozen=True)
class Ceph:
    """A gateway that serves: its address, its user who owns what we make, and a stranger, who owns nothing."""

    endpoint: str
    keys: Credentials
    stranger: Credentials


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Ceph]:
    """A cluster on free ports of loopback that answers; ended by its processes on the way out. Raises CephError."""
    # Short, whatever TMPDIR is: the path of a Unix socket has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="ceph-", dir="/tmp", ignore_cleanup_errors=True) as name:
        async with contextlib.AsyncExitStack() as stack:
            yield await _started(Path(name), stack)


async def _started(folder: Path, emulator: contextlib.AsyncExitStack) -> Ceph:
    """Tries again where somebody took a port that was free a moment ago."""
    for left in reversed(range(ATTEMPTS)):
        cluster = _Cluster(folder / str(left))
        emulator.push_async_callback(cluster.stop)
        try:
            async with asyncio.timeout(START_SECONDS):
                return await cluster.start()
        except (CephError, TimeoutError) as error:
            if not left:
                raise CephError(f"it does not serve, or not in {START_SECONDS:.0f} s") from error
    raise AssertionError


class _Cluster:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._monitor = f"[v2:{HOST}:{free_port()},v1:{HOST}:{free_port()}]"
        self._fsid = str(uuid.uuid4())
        self._env = {"PATH": PATH, "CEPH_CONF": str(folder / "ceph.conf"), "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        self._children: list[ChildProcess] = []

    async def start(self) -> Ceph:
        self._configure()
        await self._start_monitor()
        await self._start_store()
        keys, stranger = await self._user("airlock"), await self._user("stranger")
        await self._serve("radosgw", "-f", "-n", "client.rgw")
        endpoint = f"http://{HOST}:{self._port}"
        await self._until(lambda: _answers(endpoint))
        return Ceph(endpoint, keys, stranger)

    async def stop(self) -> None:
        # Nothing of it is kept, and the gateway would wait for its store.
        await asyncio.gather(*(child.stop(0) for child in reversed(self._children)))

    def _configure(self) -> None:
        for folder in ("mon", "osd", "rgw"):
            (self._folder / folder).mkdir(parents=True)
        text = CONFIGURATION.format(
            folder=self._folder,
            fsid=self._fsid,
            monitor=self._monitor,
            host=HOST,
            port=self._port,
            sts_key=secrets.token_hex(8),
        )
        (self._folder / "ceph.conf").write_text(text)

    async def _start_monitor(self) -> None:
        monmap = str(self._folder / "monmap")
        await self._run("monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", self._monitor, monmap)
        await self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        await self._serve("ceph-mon", "-f", "-i", "a")
        await self._until(self._monitor_listens)

    async def _start_store(self) -> None:
        store = str(uuid.uuid4())
        await self._run("ceph", "osd", "new", store)
        await self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", store)
        await self._serve("ceph-osd", "-f", "-i", "0")
        await self._until(self._store_is_up)

    async def _monitor_listens(self) -> bool:
        return (self._folder / "mon.a.asok").is_socket()

    async def _store_is_up(self) -> bool:
        return "1 up" in await self._run("ceph", "osd", "stat")

    async def _user(self, name: str) -> Credentials:
        made = Credentials(f"{name}{secrets.token_hex(6)}".upper(), secrets.token_hex(20))
        told = ["--uid", name, "--display-name", name, "--caps", "roles=*"]
        keys = ["--access-key", made.access_key_id, "--secret-key", made.secret_access_key]
        await self._run("radosgw-admin", "-n", "client.rgw", "user", "create", *told, *keys)
        return made

    async def _run(self, *command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *command, env=self._env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            out, err = await process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if process.returncode:
            raise CephError(f"{command[0]} ended with {process.returncode}: {_tail(err)}")
        return out.decode()

    async def _serve(self, *command: str) -> None:
        log = self._folder / f"{command[0]}.out"
        with log.open("wb") as output:
            self._children.append(await ChildProcess.start(command[0], command, env=self._env, output=output))

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        while True:
            held = await holds()
            for child in self._children:
                if not child.running:
                    said = (self._folder / f"{child.name}.out").read_bytes()
                    raise CephError(f"{child.name} ended ({child.ending}): {_tail(said)}")
            if held:
                return
            await asyncio.sleep(POLL_SECONDS)


async def _answers(endpoint: str) -> bool:
    patience = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=patience) as http, http.get(endpoint) as response:
            # The owner of whoever brings no key: so another program on this port is not taken for ours.
            return b"<ID>anonymous</ID>" in await response.read()
    except (aiohttp.ClientError, TimeoutError):
        return False


def _tail(output: bytes) -> str:
    return "\n".join(output.decode(errors="replace").splitlines()[-10:])
