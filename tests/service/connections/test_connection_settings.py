"""Limits that contradict each other, or the process's own, stop the start."""

import resource
from typing import Any

import pytest
from pydantic import ValidationError

from aws.settings import problems
from service.connections import open_files
from service.connections.settings import ConnectionSettings

PLACES: dict[str, Any] = {
    "region": "eu-central-1",
    "incoming_bucket": "incoming-test",
    "accepted_bucket": "accepted-test",
    "quarantine_bucket": "quarantine-test",
    "secrets": ["s" * 32],
}
HARD = 5000


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limits of open files that were set, in a process that has 1,024 of 5,000."""
    made: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, HARD))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: made.append(limit))
    return made


def refused(**changes: Any) -> list[str]:
    """The variables of the settings that are wrong."""
    with pytest.raises(ValidationError) as caught:
        ConnectionSettings(**{**PLACES, **changes})
    return sorted(line.partition(":")[0] for line in problems(caught.value))


def test_waiting_requests_leave_connections_for_others() -> None:
    assert refused(connections=2000, waiting_requests=2000) == ["AIRLOCK_WAITING_REQUESTS"]


def test_an_owner_has_no_more_than_all() -> None:
    assert refused(waiting_requests=500) == ["AIRLOCK_OWNER_WAITING_REQUESTS"]


@pytest.mark.usefixtures("limits")
def test_connections_are_open_files() -> None:
    assert ConnectionSettings(**PLACES, connections=HARD - open_files.OTHERS).waiting_requests == 2000
    assert refused(connections=HARD - open_files.OTHERS + 1) == ["AIRLOCK_CONNECTIONS"]


def test_all_wrong_limits_are_told_together() -> None:
    limits = ("header_seconds", "body_seconds", "response_seconds", "keep_alive_seconds", "connections")
    assert refused(**dict.fromkeys(limits, 0)) == sorted(f"AIRLOCK_{name.upper()}" for name in limits)


def test_the_soft_limit_of_open_files_is_raised_as_far_as_needed(limits: list[tuple[int, int]]) -> None:
    open_files.allow(100)
    assert limits == []
    open_files.allow(2000)
    assert limits == [(2000 + open_files.OTHERS, HARD)]
