"""How dead letters look in a terminal. What they hold comes from elsewhere: it is printed so that it steers nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from aws.dynamodb.records import Record
from ops.client.report import printable
from ops.dead_letters.groups import Groups
from ops.dead_letters.letter import Letter

LONGEST_BODY = 2000
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def age(seconds: float) -> str:
    """A time span for people: `3 h`."""
    for length, unit in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def groups(console: Console, found: Groups, now: float) -> None:
    """Print each group: how many, of what, since when, and one to look at."""
    width = len(f"{max((group.count for group in found.largest_first()), default=0):,}")
    for group in found.largest_first():
        console.print(Text.assemble((f"{group.count:>{width},}", "bold"), "  ", printable(_line(group.cause))))
        times = f"oldest {age(now - group.oldest)}, newest {age(now - group.newest)}, such as {group.example}"
        console.print(Text(f"{'':{width}}  {times}", style="dim"))


def letter(console: Console, one: Letter, records: Mapping[str, Record], uploads: tuple[str, ...], now: float) -> None:
    """Print one letter, with what the records say of its uploads."""
    console.print(Text(one.id, style="bold"))
    sent = datetime.fromtimestamp(one.sent_at, UTC)
    facts = [
        ("reason", one.reason or one.cause),
        ("age", f"{age(now - one.sent_at)} ({sent:%Y-%m-%d %H:%M:%S} UTC)"),
        ("attempts", one.attempts or "not told"),
        *(("upload", f"{upload}: {_standing(records.get(upload))}") for upload in uploads),
        ("body", _body(one.body)),
    ]
    for label, value in facts:
        # A line of its own cannot pass for one of ours.
        console.print(Text.assemble("  ", (f"{label:<9}", "dim"), printable(value).replace("\n", "\n           ")))


def document(one: Letter, records: Mapping[str, Record], uploads: tuple[str, ...]) -> dict[str, Any]:
    """One letter as JSON."""
    told = {upload: records[upload].state.value if upload in records else None for upload in uploads}
    return {
        "id": one.id,
        "cause": one.cause,
        "reason": one.reason,
        "sent_at": one.sent_at,
        "attempts": int(one.attempts) if one.attempts and one.attempts.isdecimal() else None,
        "uploads": [{"id": upload, "state": state} for upload, state in told.items()],
        "body": one.body,
    }


def _standing(record: Record | None) -> str:
    if record is None:
        return "no record"
    findings = record.verdict.findings if record.verdict else ()
    return (
        f"{record.state.value} ({', '.join(finding.code for finding in findings)})" if findings else record.state.value
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _body(text: str) -> str:
    more = len(text) - LONGEST_BODY
    return f"{text[:LONGEST_BODY]}… and {more:,} characters more; --json has all" if more > 0 else text
