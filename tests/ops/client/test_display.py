"""ops.client.display: what is printed about an upload, and the exit code for it."""

import io
from typing import Any

import pytest
from rich.console import Console

from airlock.errors import CATALOGUE
from airlock.lifecycle import TERMINAL, State
from ops.client import display
from ops.client.api import RequestError

VERDICT: dict[str, Any] = {
    "outcome": "infected",
    "findings": [{"code": "yara_match", "check": "yara", "message": "rule eicar matches"}],
    "engines": [{"name": "clamd", "version": "1.4.3", "signatures_at": "2026-11-20T08:00:00Z"}],
    "bytes": 68,
    "sha256": "275a021b",
    "media_type": "text/plain",
}


def shown(name: str, upload: dict[str, Any] | RequestError) -> str:
    out = io.StringIO()
    display.show(Console(file=out, width=200, highlight=False), "http://h", name, upload)
    return out.getvalue()


def upload(state: str, **more: Any) -> dict[str, Any]:
    return {"id": "abc", "state": state, "links": {"content": "/v1/uploads/abc/content"}, **more}


def test_a_verdict_is_shown_with_its_findings_and_engines() -> None:
    text = shown("photo.png", upload("infected", verdict=VERDICT))
    assert text.splitlines() == [
        "☣ photo.png  infected",
        "  finding  rule eicar matches (yara_match, yara)",
        "  id       abc",
        "  bytes    text/plain, 68 bytes",
        "  sha256   275a021b",
        "  engine   clamd 1.4.3, signatures of 20 November 2026",
    ]


def test_a_missing_engine_is_named() -> None:
    assert "  missing  clamd\n" in shown("a", upload("accepted", verdict={**VERDICT, "missing": ["clamd"]}))


def test_only_an_accepted_upload_has_a_link_to_its_content() -> None:
    assert "  content  http://h/v1/uploads/abc/content\n" in shown("a", upload("accepted"))
    assert "/content" not in shown("a", upload("rejected"))


def test_names_and_findings_cannot_control_the_terminal() -> None:
    hostile = {**VERDICT, "findings": [{"code": "c", "check": "k", "message": "\x1b]0;own\x07 [bold]\u202etxt"}]}
    text = shown("\x1b[2Jx[red].png", upload("infected", verdict=hostile))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]" in text
    assert "[bold]" in text


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_every_final_state_has_an_exit_code(state: State) -> None:
    assert state in display.EXIT_CODES


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([], 0),
        (["accepted", "accepted"], 0),
        (["accepted", "inspecting"], 0),
        (["accepted", "unscannable"], 5),
        (["unscannable", "rejected"], 3),
        (["rejected", "failed"], 6),
        (["failed", "infected", "accepted"], 4),
    ],
)
def test_the_worst_of_many_files_decides(states: list[str], code: int) -> None:
    assert display.worst([display.exit_code(upload(state)) for state in states]) == code


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (413, "size_too_large", 3),
        (415, "content_type_not_allowed", 3),
        (400, "unknown_profile", 2),
        (401, "unauthenticated", 2),
        (503, "dependency_unavailable", 6),
        (None, "no_answer", 6),
        (403, "s3:AccessDenied", 6),
        (None, display.UNREADABLE, 2),
    ],
)
def test_only_a_refusal_by_the_profile_counts_as_rejected(status: int | None, code: str, exit_code: int) -> None:
    assert display.exit_code(RequestError(status, code, "title")) == exit_code


def test_the_codes_of_such_refusals_are_in_the_catalogue() -> None:
    assert CATALOGUE.keys() >= display.RULES


def test_an_error_is_printed_below_the_file() -> None:
    text = shown("a.exe", RequestError(415, "content_type_not_allowed", "Not taken.", "Only PNG.", "content_type"))
    assert text.splitlines() == [
        "! a.exe  not uploaded",
        "  Not taken.",
        "    Only PNG.",
        "    field: content_type",
    ]
