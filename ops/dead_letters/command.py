"""`airlock dead-letters`: what could not be settled or delivered, by cause; sent back, or dropped."""

import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, ParamSpec, TypeVar

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from aws.dynamodb.records import Records
from aws.session import Clients, connect
from ops.command_line.duration import Duration
from ops.command_line.rate import Rate
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.dead_letters import shown, work
from ops.dead_letters.box import HIDDEN_SECONDS, Box
from ops.dead_letters.groups import Groups
from ops.dead_letters.selection import Selection
from ops.dead_letters.work import Tally
from ops.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

NOTHING_MATCHED = 3


@click.group("dead-letters")
def command() -> None:
    """What could not be settled, or with --webhooks not be delivered: look at it, send it back, or drop it.

    A queue is read by hiding its letters, for ten minutes at most, and showing them again at the end, after Ctrl-C too;
    two readings at once do not see all. Names, region and endpoint come from the environment, as for
    `airlock provision`.

    Exit codes: 0 done, 1 something was away or letters had to be left, 2 usage, 3 no letter matched.
    """


def _webhooks(called: Callable[P, T]) -> Callable[P, T]:
    return click.option("--webhooks", is_flag=True, help="Those of deliveries to webhooks.")(called)


def _selection(called: Callable[P, T]) -> Callable[P, T]:
    for option in (
        click.option("--older-than", type=Duration(), help="Those sent to the dead letters longer ago."),
        click.option("--id", "ids", multiple=True, help="The letter of that id; may be given again."),
        click.option("--cause", metavar="TEXT", help="Those whose reason holds TEXT."),
    ):
        called = option(called)
    return called


@command.command("list")
@_webhooks
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@asynchronous
async def list_(webhooks: bool, as_json: bool) -> None:
    """Group all letters by cause, the most frequent first.

    Numbers, ids and quoted names in the reasons are taken out of the causes.
    """
    settings, groups = settings_or_usage_error(Settings), Groups()
    now = time.time()
    async with _reading(settings, webhooks) as (box, _), _watching(box) as watch:
        _, hidden = await box.counts()
        async for letters in box.letters():
            groups.add(letters)
            watch(len(letters))
        full = box.full
    if as_json:
        click.echo(
            orjson.dumps({"queue": box.name, "letters": groups.count, "hidden": hidden, "groups": groups.document()})
        )
        return
    console = _console()
    console.print(f"{_number(groups.count, 'letter')} in {box.name}.")
    shown.groups(console, groups, now)
    _remark(console, hidden=hidden, full=full)


@command.command("show")
@_webhooks
@_selection
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Show at most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document for each letter on standard output.")
@asynchronous
async def show(webhooks: bool, as_json: bool, **which: Any) -> int:
    """Show letters: age, reason and attempts, what the records say of their uploads, and the body as it came."""
    settings, meant, count = settings_or_usage_error(Settings), _meant(**which), 0
    now, console = time.time(), _console()
    async with _reading(settings, webhooks) as (box, clients):
        records = Records(clients.dynamodb, settings.table)
        async for _, letters in meant.of(box, now):
            for letter in letters:
                uploads = letter.uploads(settings.incoming_prefix)
                found = await records.batch_get(uploads)
                if as_json:
                    click.echo(orjson.dumps(shown.document(letter, found, uploads)))
                else:
                    shown.letter(console, letter, found, uploads, now)
            count += len(letters)
    if not count:
        return _nothing_matched(box, meant)
    if count == meant.limit:
        click.echo(f"The first {count}; --limit shows more, if there are any.", err=True)
    return 0


@command.command("redrive")
@_webhooks
@_selection
@click.option("--limit", type=click.IntRange(1), help="Send back at most so many.")
@click.option("--rate", type=Rate(), help="Send back at most so many a second.")
@click.option("--dry-run", is_flag=True, help="Count what would be sent back, and send nothing.")
@asynchronous
async def redrive(webhooks: bool, rate: float | None, dry_run: bool, **which: Any) -> int:
    """Send letters back to the queue that they came from, and then delete them; without a selection, all.

    What ends between the two leaves a message twice, which changes nothing: repeats are known. What failed is inspected
    again; a delivery to a webhook gets its day again. What fails again is a new letter, for another run.
    """
    settings, meant, tally = settings_or_usage_error(Settings), _meant(**which), Tally()
    now = time.time()
    to = settings.delivery_queue if webhooks else settings.queue
    rewrite = work.renewed(now) if webhooks else work.as_it_is
    try:
        async with _reading(settings, webhooks) as (box, _), _watching(box) as watch:
            done = work.redrive(box, meant, now, tally, to=to, rewrite=rewrite, rate=rate, dry=dry_run)
            async for looked in done:
                watch(looked)
    finally:
        _tell(tally, f"{'would be sent' if dry_run else 'sent'} back to {to}", now)
    if tally.left.count:
        click.echo(f"{_number(tally.left.count, 'letter')} left: no delivery that could be tried again.", err=True)
        return 1
    return 0 if tally.done.count else _nothing_matched(box, meant)


@command.command("drop")
@_webhooks
@_selection
@click.option("--all", "every", is_flag=True, help="All letters, where nothing else says which.")
@click.option("--limit", type=click.IntRange(1), help="Drop at most so many.")
@click.option("--yes", is_flag=True, help="Do it: without this, what would be dropped is only counted.")
@asynchronous
async def drop(webhooks: bool, every: bool, yes: bool, **which: Any) -> int:
    """Delete letters for good.

    What they were about stays where it is: an object in incoming, until it expires there.
    """
    settings, meant, tally = settings_or_usage_error(Settings), _meant(**which), Tally()
    if bool(meant) is every:
        raise click.UsageError("say which letters: --cause, --id or --older-than, or --all")
    now = time.time()
    try:
        async with _reading(settings, webhooks) as (box, _), _watching(box) as watch:
            async for looked in work.drop(box, meant, now, tally, dry=not yes):
                watch(looked)
    finally:
        _tell(tally, "dropped" if yes else "would be dropped", now)
    if not tally.done.count:
        return _nothing_matched(box, meant)
    if not yes:
        click.echo("Nothing was dropped: --yes does it.", err=True)
    return 0


def _meant(cause: str | None, ids: tuple[str, ...], older_than: int | None, limit: int | None) -> Selection:
    return Selection(cause, frozenset(ids), older_than, limit)


@contextlib.asynccontextmanager
async def _reading(settings: Settings, webhooks: bool) -> AsyncIterator[tuple[Box, Clients]]:
    name = settings.undelivered_queue if webhooks else settings.dead_letter_queue
    async with connect(settings, services=("sqs", "dynamodb")) as clients, Box.open(clients.sqs, name) as box:
        yield box, clients


@contextlib.asynccontextmanager
async def _watching(box: Box) -> AsyncIterator[Callable[[int], object]]:
    """A bar of how many letters were looked at, of about how many; nothing where nobody watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    watched = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not watched) as progress:
        task = progress.add_task("reading", total=(await box.counts())[0] if watched else None)
        yield lambda more: progress.advance(task, more)


def _tell(tally: Tally, what: str, now: float) -> None:
    if tally.done.count:
        console = _console()
        console.print(f"{_number(tally.done.count, 'letter')} {what}, of {tally.looked:,} looked at.")
        shown.groups(console, tally.done, now)


def _nothing_matched(box: Box, meant: Selection) -> int:
    click.echo(f"{'No letter matches' if meant else 'There is no letter'} in {box.name}.", err=True)
    return NOTHING_MATCHED


def _remark(console: Console, *, hidden: int, full: bool) -> None:
    if full:
        console.print("There can be more: one reading takes no more letters than that.")
    if hidden:
        minutes = HIDDEN_SECONDS // 60
        console.print(
            f"About {_number(hidden, 'letter')} hidden: somebody else reads, or was killed in the last {minutes} min."
        )


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _console() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)
