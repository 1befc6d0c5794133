"""How an upload and its verdict are shown in a terminal, and which exit code says the same."""

from datetime import datetime
from pathlib import Path
from urllib.parse import urljoin

from rich.console import Console
from rich.filesize import decimal
from rich.text import Text

from airlock.lifecycle import State
from ops.client.api import Document, Problem

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
"""Infected before failed before rejected before unscannable before usage: the code of many files at once."""

# The service's refusals that are a verdict by the profile's rules, before a byte was sent.
RULES = {"content_type_not_allowed", "size_too_large", "size_too_small", "invalid_filename"}

STYLES = {
    State.ACCEPTED: ("✓", "bold green"),
    State.REJECTED: ("✗", "bold yellow"),
    State.INFECTED: ("☣", "bold red"),
    State.UNSCANNABLE: ("?", "bold magenta"),
    State.FAILED: ("!", "bold red"),
}


def exit_code(told: Document | Problem) -> int:
    """The exit code that says what became of one file; 0 too where nothing final is known yet."""
    if isinstance(told, Problem):
        if told.code in RULES:
            return EXIT_CODES[State.REJECTED]
        if told.code.startswith("s3:") or told.status is None or told.status >= 500:
            return USAGE if told.code == UNREADABLE else EXIT_CODES[State.FAILED]
        return USAGE
    return EXIT_CODES.get(State(told["state"]), 0)


def worst(codes: list[int]) -> int:
    """The exit code of many files."""
    return min(codes, key=WORST_FIRST.index, default=0)


def show(console: Console, service: str, name: str, told: Document | Problem) -> None:
    """Print what became of one file. Links that the service gave are completed with its address."""
    if isinstance(told, Problem):
        console.print(_line("!", name, "not uploaded", "bold red"))
        console.print(Text(_indented(printable(str(told)))))
        return
    state = State(told["state"])
    sign, style = STYLES.get(state, ("…", "bold"))
    console.print(_line(sign, name, state.replace("_", " "), style))
    for label, value in _facts(service, told):
        console.print(Text.assemble("  ", (f"{label:<9}", "dim"), printable(value)))


def _line(sign: str, name: str, state: str, style: str) -> Text:
    return Text.assemble((f"{sign} ", style), (printable(name), "bold"), "  ", (state, style))


def _facts(service: str, told: Document) -> list[tuple[str, str]]:
    verdict = told.get("verdict") or {}
    facts = [("finding", f"{one['message']} ({one['code']}, {one['check']})") for one in verdict.get("findings", [])]
    facts.append(("id", told["id"]))
    if verdict:
        size = decimal(verdict["bytes"])
        facts.append(("bytes", ", ".join(filter(None, (verdict.get("media_type"), size)))))
        facts += [("sha256", verdict["sha256"])] if verdict.get("sha256") else []
        facts += [("engine", _engine(engine)) for engine in verdict.get("engines", [])]
        facts += [("missing", engine) for engine in verdict.get("missing", [])]
    if told["state"] == State.ACCEPTED:
        facts.append(("content", urljoin(service, told["links"]["content"])))
    return facts


def _engine(engine: Document) -> str:
    signatures = engine.get("signatures_at")
    of = f", signatures of {datetime.fromisoformat(signatures):%d %B %Y}" if signatures else ""
    return f"{engine['name']} {engine['version']}{of}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def printable(text: str) -> str:
    """The text without characters that would steer the terminal: names come from uploads, and from archives."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)


def name_of(path: Path) -> str:
    """A file's name as it is sent: undecodable bytes are replaced."""
    return path.name.encode("utf-8", "replace").decode()
