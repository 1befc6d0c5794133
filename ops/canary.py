"""`airlock canary`: a harmless and an EICAR object, sent down the real path, are told apart, or somebody is told."""

import asyncio
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import orjson
from rich.console import Console

from ops.client import api, sending
from ops.client.api import Api, Problem
from ops.client.report import printable
from ops.command_line.running import asynchronous, service_options
from ops.dev.scanner import EICAR

HARMLESS = b"This file was sent to see that harmless files are accepted.\n"
NOT_TOLD_APART = 1


@dataclass(frozen=True)
class Song:
    """What became of one object. `seconds` is the time from asking for the policy to the verdict."""

    kind: str
    expected: str
    state: str
    seconds: float
    detail: str = ""

    @property
    def right(self) -> bool:
        return self.state == self.expected


@click.command("canary")
@click.option("--profile", help="The rules to upload under, which must take text/plain; the service has a default.")
@click.option("--timeout", default=120, show_default=True, type=click.IntRange(1), help="Seconds for each verdict.")
@click.option("--metrics", type=click.Path(dir_okay=False, path_type=Path), help="Write Prometheus text to this file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@service_options
@asynchronous
async def command(
    profile: str | None, timeout: int, metrics: Path | None, as_json: bool, service: str, token: str | None
) -> int:
    """Send a harmless and an EICAR object down the real path and see that they are told apart.

    Both are withdrawn afterwards. Exit codes: 0 when the first was accepted and the second found infected, else 1.
    Fit for a CronJob; --metrics writes what a textfile collector reads.
    """
    async with api.connect(service, token) as service_api:
        sent = (("harmless", "accepted", HARMLESS), ("eicar", "infected", EICAR))
        songs = await asyncio.gather(*(_sing(service_api, *each, profile, timeout) for each in sent))
    if metrics is not None:
        _write(metrics, _metrics(songs))
    if as_json:
        click.echo(orjson.dumps([{**asdict(song), "right": song.right} for song in songs]))
    else:
        _show(songs)
    return 0 if all(song.right for song in songs) else NOT_TOLD_APART


async def _sing(service: Api, kind: str, expected: str, content: bytes, profile: str | None, timeout: int) -> Song:
    begin = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            state = await _verdict(service, f"canary-{kind}.txt", content, profile)
    except TimeoutError:
        return Song(kind, expected, "none", time.monotonic() - begin, f"no verdict within {timeout} s")
    except Problem as problem:
        return Song(kind, expected, "none", time.monotonic() - begin, str(problem))
    return Song(kind, expected, state, time.monotonic() - begin)


async def _verdict(service: Api, name: str, content: bytes, profile: str | None) -> str:
    with tempfile.TemporaryDirectory(prefix="airlock-canary-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        request = {"filename": name, "content_type": "text/plain", "size": len(content)}
        created = await service.create({**request, "profile": profile} if profile else request)
        try:
            await sending.send(created["upload"], path, lambda _: None)
            told = await service.follow(await service.get(created["id"]))
        finally:
            await asyncio.shield(service.withdraw(created["id"]))
    return str(told["state"])


def _show(songs: list[Song]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for song in songs:
        sign = "[green]✓[/]" if song.right else "[red]✗[/]"
        told = "" if song.right else f", expected {song.expected}"
        console.print(f"{sign} {song.kind:9} {song.state} after {song.seconds:.2f} s{told}")
        if song.detail:
            console.print(f"  {printable(song.detail)}", markup=False)


def _metrics(songs: list[Song]) -> str:
    """Prometheus text format: https://prometheus.io/docs/instrumenting/exposition_formats/."""
    lines = ["# HELP airlock_canary_right 1 when the canary object got the outcome that it must get."]
    lines.append("# TYPE airlock_canary_right gauge")
    lines += [f'airlock_canary_right{{kind="{song.kind}"}} {int(song.right)}' for song in songs]
    lines += ["# HELP airlock_canary_seconds Time from asking for the policy to the verdict."]
    lines.append("# TYPE airlock_canary_seconds gauge")
    lines += [f'airlock_canary_seconds{{kind="{song.kind}"}} {song.seconds:.3f}' for song in songs]
    lines += ["# HELP airlock_canary_finished_seconds When the canary ended, in seconds since the epoch."]
    lines.append("# TYPE airlock_canary_finished_seconds gauge")
    lines.append(f"airlock_canary_finished_seconds {time.time():.0f}")
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    # A collector must never read half a file.
    whole = path.with_name(f".{path.name}.new")
    whole.write_text(text)
    whole.replace(path)
