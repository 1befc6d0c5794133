"""The life of an upload, as one table. docs/architecture.md draws its diagram from it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from airlock.errors import AirlockError

# What S3 stored in a policy's last moment is announced, and claimed by a worker, a little later.
ARRIVAL_SECONDS = 60
# How long after its policy's end an object can be announced: SQS keeps a message for 14 days, and a dead letter that an
# operator sends back for as long again.
LATEST_ARRIVAL_SECONDS = 28 * 24 * 3600
# How long after its policy's end a record is kept at least: whatever comes by a policy must find what was bound to it.
RECORD_SECONDS = 30 * 24 * 3600


class State(StrEnum):
    """Where an upload is. `awaiting_upload` and `expired` are derived from the upload id; the others are recorded."""

    AWAITING_UPLOAD = "awaiting_upload"
    RECEIVED = "received"
    INSPECTING = "inspecting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"
    FAILED = "failed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What can happen to an upload."""

    CLAIM = "claim"
    GIVE_BACK = "give_back"
    ACCEPT = "accept"
    REJECT = "reject"
    FIND_INFECTED = "find_infected"
    GIVE_UP_SCANNING = "give_up_scanning"
    FAIL = "fail"
    EXPIRE = "expire"
    REVOKE = "revoke"
    RELEASE = "release"
    WITHDRAW = "withdraw"


class IllegalStep(AirlockError):
    """A step that the lifecycle does not allow from a state."""


_S, _T = State, Step
_VERDICTS = {
    _T.ACCEPT: _S.ACCEPTED,
    _T.REJECT: _S.REJECTED,
    _T.FIND_INFECTED: _S.INFECTED,
    _T.GIVE_UP_SCANNING: _S.UNSCANNABLE,
    _T.FAIL: _S.FAILED,
}

TRANSITIONS: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        (_S.AWAITING_UPLOAD, _T.CLAIM): _S.INSPECTING,
        (_S.AWAITING_UPLOAD, _T.EXPIRE): _S.EXPIRED,
        # A form that S3 began to read before the policy ended can be stored after it.
        (_S.EXPIRED, _T.CLAIM): _S.INSPECTING,
        (_S.INSPECTING, _T.GIVE_BACK): _S.RECEIVED,
        (_S.INSPECTING, _T.CLAIM): _S.INSPECTING,
        (_S.RECEIVED, _T.CLAIM): _S.INSPECTING,
        (_S.RECEIVED, _T.FAIL): _S.FAILED,
        # An operator who sends a dead letter back asks for another look.
        (_S.FAILED, _T.CLAIM): _S.INSPECTING,
        **{(_S.INSPECTING, step): state for step, state in _VERDICTS.items()},
        # Newer signatures can find what older ones could not.
        (_S.ACCEPTED, _T.REVOKE): _S.INFECTED,
        # An operator frees what is in quarantine for no good reason.
        (_S.REJECTED, _T.RELEASE): _S.ACCEPTED,
        (_S.INFECTED, _T.RELEASE): _S.ACCEPTED,
        (_S.UNSCANNABLE, _T.RELEASE): _S.ACCEPTED,
        **{(state, _T.WITHDRAW): _S.WITHDRAWN for state in State},
    }
)

# Where whoever follows an upload stops. REVOKE and RELEASE can still lead from one of them to another.
TERMINAL = frozenset({_S.ACCEPTED, _S.REJECTED, _S.INFECTED, _S.UNSCANNABLE, _S.FAILED, _S.EXPIRED, _S.WITHDRAWN})


def advance(state: State, step: Step) -> State:
    """The state after `step`; raises IllegalStep where the table has no such row."""
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise IllegalStep(f"an upload that is {state} cannot {step}") from None


def sources(step: Step) -> frozenset[State]:
    """Every state from which `step` is allowed: what a conditional write has to ask for."""
    return frozenset(state for state, taken in TRANSITIONS if taken is step)


def derived(expires_at: int, now: float) -> State:
    """The state of an upload that has no record, from its id alone. Times in seconds since the epoch.

    Those who follow an upload stop at `expired`, so it waits `ARRIVAL_SECONDS` longer than S3 does.
    """
    return State.AWAITING_UPLOAD if now < expires_at + ARRIVAL_SECONDS else State.EXPIRED


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    withdrawals = f"note: every state can be {State.WITHDRAWN}"
    rows = [f"    {a} --> {b}: {step}" for (a, step), b in TRANSITIONS.items() if step is not Step.WITHDRAW]
    return "\n".join(["stateDiagram-v2", f"    %% {withdrawals}", f"    [*] --> {State.AWAITING_UPLOAD}", *rows])
