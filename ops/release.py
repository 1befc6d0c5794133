"""`airlock release`: moves a false positive from quarantine to accepted, and records who decided it and why."""

import time

import click
from rich.console import Console

from airlock.errors import AirlockError, VersionGone
from airlock.profiles import Profiles
from aws.clients import connect
from aws.dynamodb.records import Record, Records
from aws.errors import translate
from aws.settings import read_profiles
from aws.sqs.queue import Queue
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.command_line.terminal import printable
from ops.settings import Settings
from workers.assembly import assemble, services
from workers.settlement.revision import Revision

MAX_REASON = 500


def _one_line(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """A text for the audit trail: one line that is not blank."""
    if value is None:
        return None
    text = value.strip()
    if not text or len(text) > MAX_REASON or not text.isprintable():
        raise click.BadParameter(f"must be one line of 1 to {MAX_REASON} characters")
    return text


@click.command("release")
@click.argument("upload_id", metavar="ID")
@click.option(
    "--reason", required=True, callback=_one_line, help="Why the file is harmless. Recorded, and shown to its owner."
)
@click.option("--by", metavar="NAME", callback=_one_line, help="Who decided it. Recorded beside the AWS identity.")
@asynchronous
async def command(upload_id: str, reason: str, by: str | None) -> None:
    """Release the upload ID from quarantine: its bytes go to accepted, and an event reports it.

    The upload must be rejected, infected or unscannable, and its bytes in quarantine. Its findings stay in its
    verdict. If the command ends early, run it again: it finishes what it began. Names, region and endpoint are read
    from the environment, as by `airlock provision`. The credentials must be the operator's.

    Exit codes: 0 released, now or earlier; 1 not possible, or a dependency is unavailable; 2 wrong usage.
    """
    settings = settings_or_usage_error(Settings)
    profiles = read_profiles(settings.profiles)
    async with (
        connect(settings, services=[*dict.fromkeys([*services(profiles), "sts"])]) as clients,
        Queue.open(settings, clients) as queue,
    ):
        with translate("sts"):
            identity = (await clients.sts.get_caller_identity())["Arn"]
        record = await Records(clients.dynamodb, settings.table).get(upload_id)
        if record is None:
            raise AirlockError(f"No record of the upload {printable(upload_id[:80])!r} found.")
        revision = assemble(settings, profiles, clients, queue, time.time).revision
        decided_by = f"{by} ({identity})" if by else identity
        released = await _release(revision, record, profiles, by=decided_by, reason=reason)
    _show(record, released)


async def _release(revision: Revision, record: Record, profiles: Profiles, *, by: str, reason: str) -> Record:
    try:
        return await revision.release(record, profiles.get(record.profile), by=by, reason=reason)
    except VersionGone:
        raise AirlockError(
            "The bytes are no longer in quarantine: another release moved them, or they expired."
        ) from None


def _show(before: Record, after: Record) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    change = after.changes[-1]
    when = "Released" if before.changes != after.changes else f"Already released, at {change.at:%Y-%m-%d %H:%M:%S} UTC"
    console.print(f"{when}: {printable(after.filename)}, which was {change.before.value}")
    for finding in after.verdict.findings if after.verdict else ():
        console.print(f"  finding  {printable(finding.message)} ({finding.code}, {finding.check})")
    console.print(f"  by       {printable(change.by)}")
    console.print(f"  reason   {printable(change.reason)}")
    if after.location:
        console.print(f"  now at   s3://{after.location.bucket}/{after.location.key} ({after.location.version_id})")
