"""The verdict on one version of an object: outcome, findings, and the evidence they rest on."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from airlock.lifecycle import State, Step


class Outcome(StrEnum):
    """How an inspection ends. `failed` is ours alone: no check reports it."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"
    FAILED = "failed"

    @property
    def state(self) -> State:
        """The state of an upload that was settled with this outcome."""
        return State(self.value)

    @property
    def step(self) -> Step:
        """The step of the lifecycle that records this outcome."""
        return _STEPS[self]


_STEPS = {
    Outcome.ACCEPTED: Step.ACCEPT,
    Outcome.REJECTED: Step.REJECT,
    Outcome.INFECTED: Step.FIND_INFECTED,
    Outcome.UNSCANNABLE: Step.GIVE_UP_SCANNING,
    Outcome.FAILED: Step.FAIL,
}

# Which of several objections decides. A broken rule is certain whatever else could not be looked at.
_RANK = (Outcome.FAILED, Outcome.INFECTED, Outcome.REJECTED, Outcome.UNSCANNABLE, Outcome.ACCEPTED)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Frozen):
    """What one check found: a stable code, a sentence for people, and the outcome that it calls for.

    One that calls for `accepted` is a note: it is recorded and is no objection.
    """

    code: str
    check: str
    outcome: Outcome
    message: str


class Engine(_Frozen):
    """A scanner that looked at the bytes: its version, and the date of its signatures where it has one (UTC)."""

    name: str
    version: str
    signatures_at: datetime | None = None


class ExaminedReading(_Frozen):
    """One format in which programs would read the bytes, and the checks that examined it.

    Where no check did, the profile lists the type in `unexamined`, or a finding says why.
    """

    media_type: str
    examined_by: tuple[str, ...] = ()


class Verdict(_Frozen):
    """Everything that one inspection found out. `bytes` and `sha256` (hex) are of the bytes that were read.

    `readings` has the readings of the object, the primary one first. `members` counts the members at any depth by their
    media type.

    `missing` names the engines that did not look although the profile asks for them, because the object is above what
    they take and the profile accepts that. `inspected_at` is UTC. `sha256` and `media_type` are None where nothing
    could be read.
    """

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    engines: tuple[Engine, ...] = ()
    checks: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    bytes: int
    sha256: str | None = None
    media_type: str | None = None
    readings: tuple[ExaminedReading, ...] = ()
    members: Mapping[str, int] = Field(default_factory=dict)
    inspected_at: datetime

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back to an equal verdict."""
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; raises ValueError for anything else."""
        return cls.model_validate_json(text)


class Change(_Frozen):
    """What came after a first verdict: a revocation (newer signatures) or a release (an operator), and who and why.

    `before` is the outcome until then; `at` is UTC.
    """

    step: Literal[Step.REVOKE, Step.RELEASE]
    before: Outcome
    by: str
    reason: str
    at: datetime


def decide(findings: Iterable[Finding]) -> Outcome:
    """The outcome that a set of findings calls for: the gravest, or accepted where none objects."""
    return min((finding.outcome for finding in findings), key=_RANK.index, default=Outcome.ACCEPTED)
