"""`airlock dead-letters`: lists, shows, redrives and drops messages that could not be settled or delivered."""

import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, ParamSpec, TypeVar

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from aws.clients import Clients, connect
from aws.dynamodb.records import Records
from ops.command_line.duration import Duration
from ops.command_line.rate import Rate
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.dead_letters import display, processing
from ops.dead_letters.display import number_of
from ops.dead_letters.groups import CauseGroups
from ops.dead_letters.message_filter import MessageFilter
from ops.dead_letters.processing import Summary, Target
from ops.dead_letters.reader import HIDDEN_SECONDS, DeadLetterReader
from ops.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

NOTHING_MATCHED = 3


@click.group("dead-letters")
def command() -> None:
    """List, show, redrive or drop messages that could not be settled, or with --webhooks not be delivered.

    To read a queue, a run hides its messages for ten minutes at most. At its end, also after Ctrl-C, it shows those
    that are left again. Of two runs at the same time each reads only some of the messages. Names, region and endpoint
    are read from the environment, as by `airlock provision`.

    Exit codes: 0 done, 1 a dependency is unavailable or messages had to be left, 2 wrong usage, 3 no message matches.
    """


def _webhooks(function: Callable[P, T]) -> Callable[P, T]:
    return click.option("--webhooks", is_flag=True, help="Use the dead letters of deliveries to webhooks.")(function)


def _selection(function: Callable[P, T]) -> Callable[P, T]:
    for option in (
        click.option("--older-than", type=Duration(), help="Select messages that have been dead letters for longer."),
        click.option("--id", "ids", multiple=True, help="Select the message with this id; may be repeated."),
        click.option("--cause", metavar="TEXT", help="Select messages whose reason contains TEXT."),
    ):
        function = option(function)
    return function


@command.command("list")
@_webhooks
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
@asynchronous
async def list_(webhooks: bool, as_json: bool) -> None:
    """Group all messages by cause, the most frequent first.

    The cause is the reason without numbers, ids and quoted names.
    """
    settings, groups = settings_or_usage_error(Settings), CauseGroups()
    now = time.time()
    async with _reading(settings, webhooks) as (reader, _), _progress(reader) as advance:
        _, hidden = await reader.counts()
        async for messages in reader.messages():
            groups.add(messages)
            advance(len(messages))
    if as_json:
        found = {"letters": groups.count, "hidden": hidden, "groups": groups.document()}
        click.echo(orjson.dumps({"queue": reader.name, **found}))
        return
    console = _console()
    console.print(f"{number_of(groups.count, 'message')} in {reader.name}.")
    display.show_groups(console, groups, now)
    _show_unread(console, hidden=hidden, full=reader.full)


@command.command("show")
@_webhooks
@_selection
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Show at most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for each message on standard output.")
@asynchronous
async def show(webhooks: bool, as_json: bool, **selection: Any) -> int:
    """Show messages: age, reason, attempts, the states of their uploads, and the body as it came."""
    settings, wanted, count = settings_or_usage_error(Settings), _filter(**selection), 0
    now, console = time.time(), _console()
    async with _reading(settings, webhooks) as (reader, clients):
        records = Records(clients.dynamodb, settings.table)
        async for _, messages in wanted.select(reader, now):
            for message in messages:
                uploads = message.uploads(settings.incoming_prefix)
                found = await records.batch_get(uploads)
                if as_json:
                    click.echo(orjson.dumps(display.document(message, found, uploads)))
                else:
                    display.show_message(console, message, found, uploads, now)
            count += len(messages)
    if not count:
        return _nothing_matched(reader, wanted)
    if count == wanted.limit:
        click.echo(f"Only the first {count} messages were read; --limit sets how many.", err=True)
    return 0


@command.command("redrive")
@_webhooks
@_selection
@click.option("--limit", type=click.IntRange(1), help="Send at most so many.")
@click.option("--rate", type=Rate(), help="Send at most so many a second.")
@click.option("--dry-run", is_flag=True, help="Count what would be sent, and send nothing.")
@asynchronous
async def redrive(webhooks: bool, rate: float | None, dry_run: bool, **selection: Any) -> int:
    """Send messages back to the queue that they came from, and then delete them; without a selection, all.

    A failed upload is inspected again; a delivery to a webhook is tried for another day. Whatever fails again is a new
    message for another run. A run that ends between sending and deleting leaves a message twice, which does no harm.
    """
    settings, wanted, summary = settings_or_usage_error(Settings), _filter(**selection), Summary()
    now = time.time()
    target = (
        Target(settings.delivery_queue, processing.renewed(now), rate)
        if webhooks
        else Target(settings.queue, processing.unchanged, rate)
    )
    try:
        async with _reading(settings, webhooks) as (reader, _), _progress(reader) as advance:
            async for count in processing.redrive(reader, wanted, now, summary, target, dry_run=dry_run):
                advance(count)
    finally:
        _show(summary, f"{'would be sent' if dry_run else 'sent'} back to {target.queue}", now)
    if summary.left.count:
        left = number_of(summary.left.count, "message")
        click.echo(f"{left} left in {reader.name}: not a delivery to a webhook. Drop what you do not need.", err=True)
        return 1
    return 0 if summary.done.count else _nothing_matched(reader, wanted)


@command.command("drop")
@_webhooks
@_selection
@click.option("--all", "every", is_flag=True, help="Select all messages, in place of the other options.")
@click.option("--limit", type=click.IntRange(1), help="Delete at most so many.")
@click.option("--yes", is_flag=True, help="Delete the messages; without it they are only counted.")
@asynchronous
async def drop(webhooks: bool, every: bool, yes: bool, **selection: Any) -> int:
    """Delete messages for good.

    The objects that they are about stay in incoming until they expire there.
    """
    settings, wanted, summary = settings_or_usage_error(Settings), _filter(**selection), Summary()
    if bool(wanted) is every:
        raise click.UsageError("select the messages with --cause, --id or --older-than, or all of them with --all")
    now = time.time()
    try:
        async with _reading(settings, webhooks) as (reader, _), _progress(reader) as advance:
            async for count in processing.drop(reader, wanted, now, summary, dry_run=not yes):
                advance(count)
    finally:
        _show(summary, "dropped" if yes else "would be dropped", now)
    if not summary.done.count:
        return _nothing_matched(reader, wanted)
    if not yes:
        click.echo("Nothing was dropped: add --yes to drop these messages.", err=True)
    return 0


def _filter(cause: str | None, ids: tuple[str, ...], older_than: int | None, limit: int | None) -> MessageFilter:
    return MessageFilter(cause, frozenset(ids), older_than, limit)


@contextlib.asynccontextmanager
async def _reading(settings: Settings, webhooks: bool) -> AsyncIterator[tuple[DeadLetterReader, Clients]]:
    name = settings.undelivered_queue if webhooks else settings.dead_letter_queue
    async with (
        connect(settings, services=("sqs", "dynamodb")) as clients,
        DeadLetterReader.open(clients.sqs, name) as reader,
    ):
        yield reader, clients


@contextlib.asynccontextmanager
async def _progress(reader: DeadLetterReader) -> AsyncIterator[Callable[[int], object]]:
    """A function that adds to a progress bar, which is shown where standard error is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    shown = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as progress:
        task = progress.add_task("reading", total=(await reader.counts())[0] if shown else None)
        yield lambda count: progress.advance(task, count)


def _show(summary: Summary, what: str, now: float) -> None:
    if summary.done.count:
        console = _console()
        console.print(f"{number_of(summary.done.count, 'message')} {what}, of {summary.read:,} read.")
        display.show_groups(console, summary.done, now)


def _nothing_matched(reader: DeadLetterReader, wanted: MessageFilter) -> int:
    click.echo(f"{'No message matches' if wanted else 'There are no messages'} in {reader.name}.", err=True)
    return NOTHING_MATCHED


def _show_unread(console: Console, *, hidden: int, full: bool) -> None:
    if full:
        console.print("There may be more: one run reads no more messages than these.")
    if hidden:
        minutes = HIDDEN_SECONDS // 60
        console.print(
            f"About {number_of(hidden, 'message')} hidden: another run reads them now, or was killed in the last "
            f"{minutes} minutes. Run the command again later."
        )


def _console() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)
