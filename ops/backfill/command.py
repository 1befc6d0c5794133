"""`airlock backfill`: inspects objects that a bucket already holds."""

import asyncio
import re
import signal
from pathlib import Path
from typing import Any

import click

from airlock.backfill import Sender
from airlock.errors import Refused
from aws.clients import connect
from aws.settings import AwsSettings, read_profiles
from ops.backfill.assembly import assemble
from ops.backfill.checkpoint import Checkpoint, CheckpointScope
from ops.backfill.display import print_summary, progress
from ops.backfill.options import Options
from ops.backfill.summary import Status, Summary
from ops.command_line.rate import Rate
from ops.command_line.running import asynchronous, settings_or_usage_error

REFUSED = 3
INTERRUPTED = 130
_URI = re.compile(r"s3://([^/]+)(?:/(.*))?\Z", re.DOTALL)


class _S3Uri(click.ParamType[tuple[str, str]]):
    name = "s3://BUCKET/PREFIX"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        match = _URI.match(value) if isinstance(value, str) else None
        if match is None:
            self.fail(f"{value!r} must be s3://BUCKET or s3://BUCKET/PREFIX", param, ctx)
        return match[1], match[2] or ""


@click.command("backfill")
@click.argument("source", type=_S3Uri())
@click.option("--owner", required=True, help="The owner of the new uploads.")
@click.option("--tenant", help="The owner's tenant, where owners have one.")
@click.option("--profile", required=True, help="The profile to inspect the objects under.")
@click.option("--rate", default="50/s", show_default=True, type=Rate(), help="Send at most so many objects a second.")
@click.option(
    "--concurrency", default=16, show_default=True, type=click.IntRange(1, 256), help="Copy so many at the same time."
)
@click.option("--start-after", metavar="KEY", help="Begin after this key.")
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save the progress in this file and continue from it. The file is removed when all objects are sent.",
)
@click.option("--dry-run", is_flag=True, help="Report what would be sent, and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document for each object, and the counts last.")
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

    S3 copies the current version of each object into incoming; the source does not change. After Ctrl-C or a crash,
    run the command again: nothing is sent twice. Names, region and endpoint are read from the environment, as by the
    pods, and so is AIRLOCK_SECRETS.

    Exit codes: 0 all objects were sent, 1 some failed (run it again), 2 wrong usage, 3 the profile refuses some,
    130 interrupted.
    """
    settings = settings_or_usage_error(AwsSettings)
    sender = _sender(settings, source[0], owner, tenant, profile)
    saved = _checkpoint(checkpoint, source, sender)
    after = start_after or (saved.read() if saved else "")
    options, stop = Options(*source, sender=sender, checkpoint=saved, **pace), _stop_on_signal()
    summary = Summary(dry_run=options.dry_run)
    try:
        with progress(summary, as_json=as_json) as on_result:
            async with connect(settings, connections=options.concurrency * 2) as clients:
                run = assemble(clients, settings, options, summary=summary, stop=stop, on_result=on_result)
                await run.run(after)
    finally:
        print_summary(summary, source="s3://{}/{}".format(*source), as_json=as_json)
    if saved and not (summary.interrupted or summary.stuck or summary.dry_run):
        saved.remove()
    return _exit_code(summary, stopped=stop.is_set())


def _checkpoint(path: Path | None, source: tuple[str, str], sender: Sender) -> Checkpoint | None:
    if path is None:
        return None
    scope = CheckpointScope(bucket=source[0], prefix=source[1], owner=sender.owner, profile=sender.profile.name)
    return Checkpoint(path, scope)


def _sender(settings: AwsSettings, bucket: str, owner: str, tenant: str | None, name: str) -> Sender:
    """Raises UsageError where this owner, profile or bucket is not allowed."""
    for role in ("incoming", "accepted", "quarantine"):
        if bucket == getattr(settings, f"{role}_bucket"):
            raise click.UsageError(f"s3://{bucket} is Airlock's own {role} bucket; name the bucket of another source")
    try:
        profile = read_profiles(settings.profiles).get(name)
    except Refused as refused:
        raise click.UsageError(refused.detail) from None
    if not profile.allows(owner):
        raise click.UsageError(f"the owner {owner!r} may not use the profile {name!r}")
    return Sender(owner, tenant, profile, [secret.get_secret_value().encode() for secret in settings.secrets])


def _stop_on_signal() -> asyncio.Event:
    """An event that the first Ctrl-C or SIGTERM sets. The second one ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def end() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    return stop


def _exit_code(summary: Summary, *, stopped: bool) -> int:
    if stopped:
        return INTERRUPTED
    if summary.counts[Status.FAILED]:
        return 1
    return REFUSED if summary.counts[Status.REFUSED] else 0
