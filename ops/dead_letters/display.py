"""Shows dead letters in a terminal. Their texts come from elsewhere and are printed so that they control nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from aws.dynamodb.records import Record
from ops.command_line.terminal import printable
from ops.dead_letters.dead_letter import DeadLetter
from ops.dead_letters.groups import CauseGroups

MAX_BODY = 2000
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def age(seconds: float) -> str:
    """A time span in the largest unit of which there are at least two: `3 h`."""
    for length, unit in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def number_of(count: int, what: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def show_groups(console: Console, groups: CauseGroups, now: float) -> None:
    """Print each group: how many, the cause, since when, and the id of one message."""
    width = len(f"{max((group.count for group in groups.largest_first()), default=0):,}")
    for group in groups.largest_first():
        console.print(Text.assemble((f"{group.count:>{width},}", "bold"), "  ", printable(_one_line(group.cause))))
        ages = f"oldest {age(now - group.oldest)}, newest {age(now - group.newest)}, for example {group.example}"
        console.print(Text(f"{'':{width}}  {ages}", style="dim"))


def show_message(
    console: Console, message: DeadLetter, records: Mapping[str, Record], uploads: tuple[str, ...], now: float
) -> None:
    """Print one message, with the states of its uploads as the records say."""
    console.print(Text(message.id, style="bold"))
    sent = datetime.fromtimestamp(message.sent_at, UTC)
    facts = [
        ("reason", message.reason or message.cause),
        ("age", f"{age(now - message.sent_at)} ({sent:%Y-%m-%d %H:%M:%S} UTC)"),
        ("attempts", message.attempts or "unknown"),
        *(("upload", f"{upload}: {_state(records.get(upload))}") for upload in uploads),
        ("body", _shortened(message.body)),
    ]
    for label, value in facts:
        # Further lines of a text are indented, so that none of them looks like one of ours.
        console.print(Text.assemble("  ", (f"{label:<9}", "dim"), printable(value).replace("\n", "\n           ")))


def document(message: DeadLetter, records: Mapping[str, Record], uploads: tuple[str, ...]) -> dict[str, Any]:
    """One message as JSON."""
    states = {upload: records[upload].state.value if upload in records else None for upload in uploads}
    return {
        "id": message.id,
        "cause": message.cause,
        "reason": message.reason,
        "sent_at": message.sent_at,
        "attempts": int(message.attempts) if message.attempts and message.attempts.isdecimal() else None,
        "uploads": [{"id": upload, "state": state} for upload, state in states.items()],
        "body": message.body,
    }


def _state(record: Record | None) -> str:
    if record is None:
        return "no record"
    codes = ", ".join(finding.code for finding in record.verdict.findings) if record.verdict else ""
    return f"{record.state.value} ({codes})" if codes else record.state.value


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _shortened(text: str) -> str:
    more = len(text) - MAX_BODY
    return f"{text[:MAX_BODY]}… and {more:,} more characters; --json prints them all" if more > 0 else text
