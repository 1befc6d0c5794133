"""`airlock canary`: checks the whole path with a harmless file and an EICAR test file."""

import asyncio
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import orjson
from rich.console import Console

from ops.client import api, sending
from ops.client.api import RequestError, ServiceClient
from ops.client.options import service_options
from ops.command_line.running import asynchronous
from ops.command_line.terminal import printable
from ops.dev.scanner import EICAR

HARMLESS = b"airlock canary sent this file to check that harmless files are accepted.\n"
WRONG_OUTCOME = 1


@dataclass(frozen=True)
class Probe:
    """One test file and the state that its upload reached; `none` where there was no verdict.

    `seconds` is the time from the request for a policy to the verdict.
    """

    kind: str
    expected: str
    state: str
    seconds: float
    detail: str = ""

    @property
    def right(self) -> bool:
        return self.state == self.expected


@click.command("canary")
@click.option("--profile", help="The profile to upload under; it must allow text/plain. [default: the service's]")
@click.option("--timeout", default=120, show_default=True, type=click.IntRange(1), help="Seconds for each verdict.")
@click.option("--metrics", type=click.Path(dir_okay=False, path_type=Path), help="Write Prometheus text to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
@service_options
@asynchronous
async def command(
    profile: str | None, timeout: int, metrics: Path | None, as_json: bool, service: str, token: str | None
) -> int:
    """Upload a harmless file and an EICAR test file, and check both verdicts.

    Both uploads are withdrawn afterwards. Run it from a CronJob; --metrics writes a file for a textfile collector.

    Exit codes: 0 the first file was accepted and the second found infected, 1 otherwise, 2 wrong usage.
    """
    async with api.connect(service, token) as client:
        files = (("harmless", "accepted", HARMLESS), ("eicar", "infected", EICAR))
        probes = await asyncio.gather(*(_probe(client, *each, profile, timeout) for each in files))
    if metrics is not None:
        _write_atomically(metrics, _metrics(probes))
    if as_json:
        click.echo(orjson.dumps([{**asdict(probe), "right": probe.right} for probe in probes]))
    else:
        _show(probes)
    return 0 if all(probe.right for probe in probes) else WRONG_OUTCOME


async def _probe(
    client: ServiceClient, kind: str, expected: str, content: bytes, profile: str | None, timeout: int
) -> Probe:
    begin = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            state = await _verdict(client, f"canary-{kind}.txt", content, profile)
    except TimeoutError:
        return Probe(kind, expected, "none", time.monotonic() - begin, f"no verdict within {timeout} s")
    except RequestError as error:
        return Probe(kind, expected, "none", time.monotonic() - begin, str(error))
    return Probe(kind, expected, state, time.monotonic() - begin)


async def _verdict(client: ServiceClient, name: str, content: bytes, profile: str | None) -> str:
    with tempfile.TemporaryDirectory(prefix="airlock-canary-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        request = {"filename": name, "content_type": "text/plain", "size": len(content)}
        created = await client.create({**request, "profile": profile} if profile else request)
        try:
            await sending.send(created["upload"], path, lambda _: None)
            final = await client.follow(await client.get(created["id"]))
        finally:
            await asyncio.shield(client.withdraw(created["id"]))
    return str(final["state"])


def _show(probes: list[Probe]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for probe in probes:
        sign = "[green]✓[/]" if probe.right else "[red]✗[/]"
        expected = "" if probe.right else f", expected {probe.expected}"
        console.print(f"{sign} {probe.kind:9} {probe.state} after {probe.seconds:.2f} s{expected}")
        if probe.detail:
            console.print(f"  {printable(probe.detail)}", markup=False)


def _metrics(probes: list[Probe]) -> str:
    """Prometheus text format: https://prometheus.io/docs/instrumenting/exposition_formats/."""
    lines = ["# HELP airlock_canary_right 1 when the test file got the verdict that it must get."]
    lines.append("# TYPE airlock_canary_right gauge")
    lines += [f'airlock_canary_right{{kind="{probe.kind}"}} {int(probe.right)}' for probe in probes]
    lines += ["# HELP airlock_canary_seconds Time from the request for a policy to the verdict."]
    lines.append("# TYPE airlock_canary_seconds gauge")
    lines += [f'airlock_canary_seconds{{kind="{probe.kind}"}} {probe.seconds:.3f}' for probe in probes]
    lines += ["# HELP airlock_canary_finished_seconds When the canary ended, in seconds since the epoch."]
    lines.append("# TYPE airlock_canary_finished_seconds gauge")
    lines.append(f"airlock_canary_finished_seconds {time.time():.0f}")
    return "\n".join(lines) + "\n"


def _write_atomically(path: Path, text: str) -> None:
    # A collector must never read half a file.
    replacement = path.with_name(f".{path.name}.new")
    replacement.write_text(text)
    replacement.replace(path)
