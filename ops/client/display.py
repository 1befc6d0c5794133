"""Shows an upload and its verdict in a terminal, and gives the exit code for it."""

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from rich.console import Console
from rich.filesize import decimal
from rich.text import Text

from airlock.lifecycle import State
from ops.client.api import RequestError, UploadDocument
from ops.command_line.terminal import printable

USAGE = 2
UNREADABLE = "unreadable"
EXIT_CODES = {
    State.ACCEPTED: 0,
    State.REJECTED: 3,
    State.INFECTED: 4,
    State.UNSCANNABLE: 5,
    State.FAILED: 6,
    State.EXPIRED: 6,
    State.WITHDRAWN: 6,
}
WORST_FIRST = (4, 6, 3, 5, USAGE, 0)
"""The exit code for many files is the first of these that one of them has: infected, failed, rejected, …"""

# Refusals of the service that mean the same as `rejected`: the profile does not allow the file.
RULES = {"content_type_not_allowed", "size_too_large", "size_too_small", "invalid_filename"}

STYLES = {
    State.ACCEPTED: ("✓", "bold green"),
    State.REJECTED: ("✗", "bold yellow"),
    State.INFECTED: ("☣", "bold red"),
    State.UNSCANNABLE: ("?", "bold magenta"),
    State.FAILED: ("!", "bold red"),
}


def exit_code(upload: UploadDocument | RequestError) -> int:
    """The exit code for one file; 0 also while its state is not final."""
    if isinstance(upload, RequestError):
        if upload.code in RULES:
            return EXIT_CODES[State.REJECTED]
        if upload.code.startswith("s3:") or upload.status is None or upload.status >= 500:
            return USAGE if upload.code == UNREADABLE else EXIT_CODES[State.FAILED]
        return USAGE
    return EXIT_CODES.get(State(upload["state"]), 0)


def worst(codes: list[int]) -> int:
    """The exit code for many files, of the codes of each."""
    return min(codes, key=WORST_FIRST.index, default=0)


def show(console: Console, service: str, name: str, upload: UploadDocument | RequestError) -> None:
    """Print the state and verdict of the file `name`, or why it was not uploaded; `service` completes its links."""
    if isinstance(upload, RequestError):
        console.print(_line("!", name, "not uploaded", "bold red"))
        console.print(Text(_indented(printable(str(upload)))))
        return
    state = State(upload["state"])
    sign, style = STYLES.get(state, ("…", "bold"))
    console.print(_line(sign, name, state.replace("_", " "), style))
    for label, value in _facts(service, upload):
        console.print(Text.assemble("  ", (f"{label:<9}", "dim"), printable(value)))


def _line(sign: str, name: str, state: str, style: str) -> Text:
    return Text.assemble((f"{sign} ", style), (printable(name), "bold"), "  ", (state, style))


def _facts(service: str, upload: UploadDocument) -> list[tuple[str, str]]:
    verdict = upload.get("verdict") or {}
    facts = [_finding(one) for one in verdict.get("findings", [])]
    facts.append(("id", upload["id"]))
    if verdict:
        size = decimal(verdict["bytes"])
        facts.append(("bytes", ", ".join(filter(None, (verdict.get("media_type"), size)))))
        facts += [("sha256", verdict["sha256"])] if verdict.get("sha256") else []
        facts += [("examined", _examined(reading)) for reading in verdict.get("readings", [])]
        facts += [("members", f"{count} × {kind}") for kind, count in verdict.get("members", {}).items()]
        facts += [("engine", _engine(engine)) for engine in verdict.get("engines", [])]
        facts += [("missing", engine) for engine in verdict.get("missing", [])]
    if upload["state"] == State.ACCEPTED:
        facts.append(("content", urljoin(service, upload["links"]["content"])))
    return facts


def _finding(one: dict[str, Any]) -> tuple[str, str]:
    label = "note" if one.get("outcome") == State.ACCEPTED else "finding"
    return label, f"{one['message']} ({one['code']}, {one['check']})"


def _examined(reading: dict[str, Any]) -> str:
    by = ", ".join(reading["examined_by"])
    return f"{reading['media_type']} by {by}" if by else f"{reading['media_type']} by no check"


def _engine(engine: dict[str, Any]) -> str:
    signatures = engine.get("signatures_at")
    of = f", signatures of {datetime.fromisoformat(signatures):%d %B %Y}" if signatures else ""
    return f"{engine['name']} {engine['version']}{of}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def name_of(path: Path) -> str:
    """The name of a file as it is sent. Bytes that are not UTF-8 are replaced."""
    return path.name.encode("utf-8", "replace").decode()
