"""`airlock release`: a false positive is freed from quarantine, and who did that and why is kept."""

import time

import click
from rich.console import Console

from airlock.errors import AirlockError, VersionGone
from airlock.profiles import Profiles
from aws.dynamodb.records import Record, Records
from aws.errors import translate
from aws.session import connect
from aws.settings import read_profiles
from aws.sqs.queue import Queue
from ops.client.report import printable
from ops.command_line.running import asynchronous, settings_or_usage_error
from ops.settings import Settings
from workers.assembly import assemble, services
from workers.settlement.revision import Revision

LONGEST_REASON = 500


def _sentence(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """A text for the audit trail: one line that says something."""
    if value is None:
        return None
    text = value.strip()
    if not text or len(text) > LONGEST_REASON or not text.isprintable():
        raise click.BadParameter(f"must be one line of 1 to {LONGEST_REASON} characters")
    return text


@click.command("release")
@click.argument("upload_id", metavar="ID")
@click.option("--reason", required=True, callback=_sentence, help="Why it is no threat; kept, and told to its owner.")
@click.option("--by", metavar="NAME", callback=_sentence, help="Who decided that, kept beside the AWS identity.")
@asynchronous
async def command(upload_id: str, reason: str, by: str | None) -> None:
    """Free the upload ID from quarantine: its bytes go to accepted, and an event tells so.

    Only what was rejected, infected or unscannable and kept in quarantine can be released. Its findings stay in its
    verdict. If this ends early, run it again: what was begun is finished. Names, region and endpoint come from the
    environment, as for `airlock provision`; the credentials must be an operator's, since no message can ask for this.

    Exit codes: 0 released, now or before, 1 not possible or something was away, 2 usage.
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
            raise AirlockError(f"there is no record of {printable(upload_id[:80])!r}")
        revision = assemble(settings, profiles, clients, queue, time.time).revision
        who = f"{by} ({identity})" if by else identity
        released = await _release(revision, record, profiles, by=who, reason=reason)
    _tell(record, released)


async def _release(revision: Revision, record: Record, profiles: Profiles, *, by: str, reason: str) -> Record:
    try:
        return await revision.release(record, profiles.get(record.profile), by=by, reason=reason)
    except VersionGone:
        raise AirlockError("its bytes are not in quarantine any more: another release, or time, removed them") from None


def _tell(before: Record, after: Record) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    change = after.changes[-1]
    when = "Released" if before.changes != after.changes else f"Released already, at {change.at:%Y-%m-%d %H:%M:%S} UTC"
    console.print(f"{when}: {printable(after.filename)}, which was {change.before.value}")
    for finding in after.verdict.findings if after.verdict else ():
        console.print(f"  finding  {printable(finding.message)} ({finding.code}, {finding.check})")
    console.print(f"  by       {printable(change.by)}")
    console.print(f"  reason   {printable(change.reason)}")
    if after.location:
        console.print(f"  now at   s3://{after.location.bucket}/{after.location.key} ({after.location.version_id})")
