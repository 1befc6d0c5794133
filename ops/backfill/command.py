"""`airlock backfill`: objects that are there already go through inspection."""

import asyncio
import contextlib
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from airlock.backfill import Sender
from airlock.errors import Refused
from aws.session import connect
from aws.settings import AwsSettings, read_profiles
from ops.backfill import Checkpoint, How, Outcome, Place, Report, Told, backfill
from ops.client.report import printable
from ops.command_line.rate import Rate
from ops.command_line.running import asynchronous, settings_or_usage_error

REFUSED = 3
INTERRUPTED = 130
_ADDRESS = re.compile(r"s3://([^/]+)(?:/(.*))?\Z", re.DOTALL)
_SENTENCES = {
    Outcome.SENT: "sent to inspection",
    Outcome.DONE: "sent by an earlier run",
    Outcome.REFUSED: "refused by the profile",
    Outcome.SKIPPED: "folders",
    Outcome.FAILED: "failed: run it again",
}


class _Source(click.ParamType[tuple[str, str]]):
    name = "s3://BUCKET/PREFIX"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        match = _ADDRESS.match(value) if isinstance(value, str) else None
        if match is None:
            self.fail(f"{value!r} is not s3://BUCKET or s3://BUCKET/PREFIX", param, ctx)
        return match[1], match[2] or ""


@click.command("backfill")
@click.argument("source", type=_Source())
@click.option("--owner", required=True, help="Whose uploads the objects become.")
@click.option("--tenant", help="The owner's tenant, where owners have one.")
@click.option("--profile", required=True, help="The rules to inspect them by.")
@click.option("--rate", default="50/s", show_default=True, type=Rate(), help="Objects sent a second at most.")
@click.option("--concurrency", default=16, show_default=True, type=click.IntRange(1, 256), help="Objects at once.")
@click.option("--start-after", metavar="KEY", help="Look at keys after this one only.")
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Note in this file how far it came, and go on from there; it is removed at the end.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would be sent and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="A JSON document for each object, and a last one that counts.")
@asynchronous
async def command(
    source: tuple[str, str],
    owner: str,
    tenant: str | None,
    profile: str,
    start_after: str | None,
    checkpoint: Path | None,
    as_json: bool,
    **pace: Any,
) -> int:
    """Send the objects of s3://BUCKET/PREFIX through inspection, as uploads of one owner.

    The current version of each is copied into incoming by S3 itself; the source is never changed. Run it again after
    Ctrl-C or a crash: what was sent is not sent again. Names, region and endpoint come from the environment, as for
    the pods, AIRLOCK_SECRETS too.

    Exit codes: 0 all were sent, 1 something failed (run it again), 2 usage, 3 the profile refuses some,
    130 interrupted.
    """
    settings = settings_or_usage_error(AwsSettings)
    sender = _sender(settings, source[0], owner, tenant, profile)
    noted = _checkpoint(checkpoint, source, sender)
    after = start_after or (noted.read() if noted else "")
    how, report, stop = How(*source, sender=sender, checkpoint=noted, **pace), Report(), _stopping()
    report.dry_run = how.dry_run
    try:
        with _watching(report, as_json=as_json) as tell:
            async with connect(settings, connections=how.concurrency * 2) as clients:
                await backfill(clients, settings, how, report=report, stop=stop, tell=tell).run(after)
    finally:
        _tell(report, as_json=as_json)
    if noted and not (report.interrupted or report.stuck or report.dry_run):
        noted.remove()
    return _exit_code(report, stopped=stop.is_set())


def _checkpoint(path: Path | None, source: tuple[str, str], sender: Sender) -> Checkpoint | None:
    if path is None:
        return None
    place = Place(bucket=source[0], prefix=source[1], owner=sender.owner, profile=sender.profile.name)
    return Checkpoint(path, place)


def _sender(settings: AwsSettings, bucket: str, owner: str, tenant: str | None, name: str) -> Sender:
    """Raises UsageError for what cannot be."""
    for own in ("incoming", "accepted", "quarantine"):
        if bucket == getattr(settings, f"{own}_bucket"):
            raise click.UsageError(f"s3://{bucket} is the {own} bucket: what is in it came through Airlock")
    try:
        profile = read_profiles(settings.profiles).get(name)
    except Refused as refused:
        raise click.UsageError(refused.detail) from None
    if not profile.allows(owner):
        raise click.UsageError(f"the profile {name!r} is not for the owner {owner!r}")
    return Sender(owner, tenant, profile, [secret.get_secret_value().encode() for secret in settings.secrets])


def _stopping() -> asyncio.Event:
    """Is set by the first Ctrl-C or SIGTERM; the second one does not wait for what is under way."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    return stop


@contextlib.contextmanager
def _watching(report: Report, *, as_json: bool) -> Iterator[Callable[[Told], object]]:
    """Prints what came of each object that is not simply done, under a line that moves where somebody watches."""
    console, lines, shared = Console(stderr=True), Console(), sys.stdout.isatty()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    # What is printed must get past the moving line on a terminal, and must reach a file as it is.
    unseen = not console.is_terminal or (shared and as_json)
    with Progress(*columns, console=console, transient=True, disable=unseen, redirect_stdout=shared) as progress:
        row, began = progress.add_task("looking", total=None), time.monotonic()

        def tell(told: Told) -> None:
            if as_json:
                click.echo(orjson.dumps(told.document()))
            elif told.outcome in (Outcome.REFUSED, Outcome.FAILED):
                _line(lines, told)
            progress.update(row, description=_state(report, time.monotonic() - began))

        yield tell


def _state(report: Report, seconds: float) -> str:
    sent = report.counts[Outcome.SENT]
    others = [f"{report.counts[each]:,} {each}" for each in Outcome if each is not Outcome.SENT and report.counts[each]]
    rate = f"{sent / seconds:,.0f}/s" if seconds else ""
    return ", ".join([f"{sent:,} sent", decimal(report.bytes), rate, *others])


def _line(console: Console, told: Told) -> None:
    sign, style = ("✗", "bold yellow") if told.outcome is Outcome.REFUSED else ("!", "bold red")
    text = Text.assemble(
        (f"{sign} ", style), (printable(told.key), "bold"), f"  {printable(told.detail)} ({told.code})"
    )
    console.print(text, soft_wrap=True, highlight=False)


def _tell(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(report.document()))
        return
    console = Console(highlight=False)
    for outcome in Outcome:
        if count := report.counts[outcome]:
            size = f", {decimal(report.bytes)}" if outcome is Outcome.SENT else ""
            console.print(f"{count:>9,}  {_SENTENCES[outcome]}{size}", soft_wrap=True)
    if not report.counts:
        console.print("There is no object.")
    if report.interrupted:
        console.print("It ended before all was looked at: run it again.")
    if report.dry_run:
        console.print("A dry run: nothing was sent.")


def _exit_code(report: Report, *, stopped: bool) -> int:
    if stopped:
        return INTERRUPTED
    if report.counts[Outcome.FAILED]:
        return 1
    return REFUSED if report.counts[Outcome.REFUSED] else 0
