"""How fast objects are inspected, and where the time goes: `python -m bench.inspect`.

Large: a video of 1 GiB in the emulator's S3, read once through every check of the profile `media`, against the S3 read
alone and clamd alone. Small: 1,000 files of 10 KiB of mixed types through the default profile's checks, sixteen at a
time, against `clamdscan` over local copies. Mixed: 1,000 files as people upload them (bench/inspect/mixed.py), wall and
CPU time a file. One worker process, this one.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from airlock.intent import Intent
from airlock.profile import Profile
from airlock.profiles import Profiles
from airlock.verdict import Outcome
from aws.clients import connect
from aws.s3.objects import Objects
from bench import report
from bench.inspect import mixed
from bench.pipeline import samples
from bench.pipeline.deployment import BenchDeployment, credentials, settings_in
from bench.process import children, peak_mib
from ops.dev import emulator, scanner
from ops.provision.command import provision
from workers.inspection import catalogue
from workers.inspection.checks.port import Check, Subject
from workers.inspection.inspector import CHUNK, Inspector
from workers.settings import Settings

ROOT = Path(__file__).parents[2]
GIB = 1024**3
MIB = 1024**2
STREAMING = ("size", "checksum", "yara", "clamd")
AT_ONCE = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=GIB, help="bytes of the large object")
    parser.add_argument("--files", type=int, default=1000)
    asyncio.run(_bench(parser.parse_args()))


async def _bench(options: argparse.Namespace) -> None:
    if shutil.which("clamdscan") is None or shutil.which("clamd", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        raise SystemExit("clamd and clamdscan are needed: apt-get install clamav-daemon clamdscan")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = await stack.enter_async_context(scanner.chosen(None, folder / "clamd"))
        running = await stack.enter_async_context(emulator.running())
        stack.enter_context(credentials(running))
        own_settings = settings_in(running, folder)
        clients = await stack.enter_async_context(connect(own_settings))
        async for _ in provision(own_settings):
            pass
        deployment = BenchDeployment(own_settings, clients, own_settings.profiles, running)
        settings = _settings(deployment, found.address)
        await _large(deployment, settings, folder, options.size)
        await _small(settings, folder, options.files)
        await mixed.bench(settings, options.files)


def _settings(deployment: BenchDeployment, clamd: str | None) -> Settings:
    os.environ.update(deployment.environment())
    if clamd is None:
        raise SystemExit("clamd did not start")
    return Settings(clamd=clamd, profiles=ROOT / "airlock.toml")


def _profile(name: str, checks: tuple[str, ...]) -> Profile:
    shipped = Profiles.load((ROOT / "airlock.toml").read_text())
    if not checks:
        return shipped.get(name)
    return shipped.get(name).model_copy(update={"checks": checks, "unexamined": ("*/*",)})


def _checks(settings: Settings, profile: Profile) -> dict[str, Check]:
    return dict(
        catalogue.build(Profiles(default_profile=profile.name, profiles={profile.name: profile}), settings, time.time)
    )


async def _large(deployment: BenchDeployment, settings: Settings, folder: Path, size: int) -> None:
    video, small = (mixed.video(folder / f"{each}.mp4", each) for each in (size, 100 * MIB))
    size = video.stat().st_size
    await deployment.put_parts("video.mp4", "video/mp4", "media", size, _parts(video))
    profile = _profile("media", ())
    inspector = Inspector(_checks(settings, profile), time.time)
    gets: list[str] = []
    deployment.clients.s3.meta.events.register("before-call.s3.GetObject", lambda **_: gets.append("GET"))
    try:
        seconds = {"S3 read alone": await _timed(_read(deployment))}
        for name in STREAMING:
            alone = Inspector(_checks(settings, one := _profile("media", (name,))), time.time)
            seconds[f"{name} alone, from memory"] = await _timed(_inspect(alone, one, video))
            await alone.close()
        # After this object, all memory that every inspection needs is allocated.
        await _inspect(inspector, profile, small)
        before = _peak()
        gets.clear()
        seconds["S3 through all checks of the profile"] = await _timed(_inspect_stored(deployment, inspector, profile))
        growth = _peak() - before
    finally:
        await inspector.close()
    _report_large(seconds, size, len(gets), growth)


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(samples.LARGE_PART):
            yield part


def _peak() -> float:
    return sum(peak_mib(pid) for pid in (os.getpid(), *_ours(os.getpid())))


def _ours(pid: int) -> list[int]:
    """The children that inspect: not the emulator, nor clamd."""
    command = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children(pid)}
    return [child for child, words in command.items() if b"workers." in words]


async def _timed(work: Coroutine[Any, Any, None]) -> float:
    begin = time.monotonic()
    await work
    return time.monotonic() - begin


async def _pinned(deployment: BenchDeployment) -> tuple[str, str, str, str, int]:
    bucket = deployment.settings.incoming_bucket
    version = (await deployment.clients.s3.list_object_versions(Bucket=bucket))["Versions"][0]
    return bucket, version["Key"], version["VersionId"], version["ETag"].strip('"'), version["Size"]


async def _read(deployment: BenchDeployment) -> None:
    bucket, key, version, etag, _ = await _pinned(deployment)
    async with Objects(deployment.clients.s3).open(bucket, key, version, etag) as body:
        async for _ in body.chunks(CHUNK):
            pass


async def _inspect_stored(deployment: BenchDeployment, inspector: Inspector, profile: Profile) -> None:
    bucket, key, version, etag, size = await _pinned(deployment)
    async with Objects(deployment.clients.s3).open(bucket, key, version, etag) as body:
        intent = Intent.from_metadata(body.metadata, body.content_type)
        verdict = await inspector.inspect(Subject(intent, profile, size, etag), body.chunks(CHUNK))
    if verdict.outcome is not Outcome.ACCEPTED:
        raise RuntimeError(f"the object should have been accepted: {verdict.findings}")


async def _inspect(inspector: Inspector, profile: Profile, path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for part in _parts(path):
            for start in range(0, len(part), CHUNK):
                yield part[start : start + CHUNK]

    size = path.stat().st_size
    intent = Intent("bench", profile.name, "video.mp4", "video/mp4", size)
    await inspector.inspect(Subject(intent, profile, size, "etag"), chunks())


def _report_large(seconds: dict[str, float], size: int, gets: int, growth: float) -> None:
    rows = [(name, f"{taken:.2f}", f"{size / MIB / taken:,.0f}") for name, taken in seconds.items()]
    slower = max(seconds["S3 read alone"], seconds["clamd alone, from memory"])
    bounds = [
        report.Bound("all of it, as a share of the slower of S3 and clamd", slower / seconds[rows[-1][0]], least=0.8),
        report.Bound("GETs for the object", gets, most=1),
        report.Bound("growth of peak memory since a video of 100 MiB, MiB", growth, most=32),
    ]
    report.show(f"One object of {size // MIB} MiB", ("what", "seconds", "MiB/s"), rows, bounds)
    drawn = report.draw("inspect", "Seconds for 1 GiB", "s", list(seconds.items()))
    print(f"  drawn: {drawn}")


async def _small(settings: Settings, folder: Path, count: int) -> None:
    files = list(samples.small(count))
    local = folder / "files"
    local.mkdir()
    for name, _, content in files:
        (local / name).write_bytes(content)
    profile = _profile("default", ())
    inspector = Inspector(_checks(settings, profile), time.time)
    try:
        await _batch(inspector, profile, files[:AT_ONCE])
        ours = await _timed(_batch(inspector, profile, files))
    finally:
        await inspector.close()
    begin = time.monotonic()
    command = ["clamdscan", "--config-file", str(folder / "clamd" / "clamd.conf"), "--fdpass", "--multiscan", "--quiet"]
    subprocess.run([*command, str(local)], check=True)
    theirs = time.monotonic() - begin
    rows = [
        (f"all checks of the default profile ({', '.join(profile.checks)})", f"{ours:.2f}", f"{count / ours:,.0f}"),
        ("clamdscan --multiscan --fdpass, ClamAV alone", f"{theirs:.2f}", f"{count / theirs:,.0f}"),
    ]
    report.show(f"{count} files of 10 KiB, one batch", ("what", "seconds", "files/s"), rows, [])


async def _batch(inspector: Inspector, profile: Profile, files: list[tuple[str, str, bytes]]) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(name: str, kind: str, content: bytes) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield content

        async with slots:
            intent = Intent("bench", profile.name, name, kind, len(content))
            await inspector.inspect(Subject(intent, profile, len(content), "etag"), chunks())

    await asyncio.gather(*(one(*file) for file in files))


if __name__ == "__main__":
    main()
