"""The writes of an inspection: the claim, which binds the upload to a version, and each way in which a claim ends."""

from collections.abc import Mapping
from typing import Any

from airlock.lifecycle import State, Step, advance, sources
from airlock.verdict import Verdict
from aws.dynamodb.conditional_write import NOT_WITHDRAWN, ConditionalWrite, state_in
from aws.dynamodb.record import ATTRIBUTES, Location, Place, Record, attributes

CLAIMABLE = sources(Step.CLAIM) - {State.AWAITING_UPLOAD, State.EXPIRED}
# Fields that a claim leaves as they are: counters, the binding's end, and what is the service's.
_KEPT = frozenset({"id", "attempts", "given_up", "overwrites", "overwritten_at", "expires_at", "withdrawn_at"})
# Fields that describe the object as it arrived.
_DESCRIPTION = (
    "owner", "created_at", "profile", "filename", "content_type", "size", "version_id", "etag", "sequencer",
    "declared_size", "declared_sha256", "metadata", "tenant",
)  # fmt: skip
_CHANGED_LATER = ("changes", "moving_from", "rescanned")
# Giving up deletes the copies of all claims until then, so that none of those claims may be settled afterwards.
_NOT_GIVEN_UP = "(attribute_not_exists(#given_up) OR #given_up < :attempt)"
_LATEST = "#attempts = :attempt"


def claiming(record: Record, *, create: bool) -> ConditionalWrite:
    """Count an attempt and bind the upload to the version; without `create` it must be bound to it already.

    The record is written whole: nothing stays that somebody else may have written into it.
    """
    described = {name: getattr(record, name) for name in ("updated_at", "expires_at", *_DESCRIPTION)}
    sets = attributes({**described, "state": State.INSPECTING, "place": "incoming"})
    claimable, values = state_in(CLAIMABLE)
    bound = f"(#version_id = :version_id AND {claimable})"
    # The service can make an item in which nothing but its own attributes stands.
    unrecorded = f"(attribute_not_exists(#state) AND {NOT_WITHDRAWN})"
    others = (attribute.name for name, attribute in ATTRIBUTES.items() if name not in _KEPT)
    return ConditionalWrite(
        sets=sets,
        remove=tuple(name for name in others if name not in sets),
        count="attempts",
        condition=f"{unrecorded} OR {bound}" if create else bound,
        values=values,
    )


def overwriting(version_id: str, now: float) -> ConditionalWrite:
    """Count a version that is not the one to which the upload is bound."""
    return ConditionalWrite(
        sets=attributes({"overwritten_at": now}),
        count="overwrites",
        condition="attribute_exists(#id) AND #version_id <> :late",
        values={"late": {"S": version_id}},
    )


def giving_back(claimed: Record, now: float) -> ConditionalWrite:
    """Back to received, unless the upload was claimed again."""
    return _ending(claimed, Step.GIVE_BACK, {}, _LATEST, now)


def settling(
    claimed: Record,
    verdict: Verdict,
    *,
    place: Place,
    location: Location | None,
    event_id: str | None,
    expires_at: int | None,
    now: float,
) -> ConditionalWrite:
    """Record the verdict, unless the claim was given up. The verdict `failed` gives up all claims until this one; it is
    not recorded when the upload was claimed again.
    """
    step = verdict.outcome.step
    settled: dict[str, Any] = {name: getattr(claimed, name) for name in _DESCRIPTION}
    settled |= {
        "verdict": verdict,
        "place": place,
        "location": location,
        "event_id": event_id,
        "expires_at": expires_at,
    }
    if step is Step.FAIL:
        return _ending(claimed, step, {**settled, "given_up": claimed.attempts}, _LATEST, now)
    return _ending(claimed, step, settled, _NOT_GIVEN_UP, now)


def _ending(claimed: Record, step: Step, changes: Mapping[str, Any], claims: str, now: float) -> ConditionalWrite:
    """A step that ends a claim; `claims` is the condition on which claims it may end."""
    allowed, values = state_in(sources(step))
    return ConditionalWrite(
        sets=attributes({**changes, "state": _after(step), "updated_at": now}),
        remove=tuple(ATTRIBUTES[name].name for name in _CHANGED_LATER),
        condition=f"#version_id = :bound AND {allowed} AND {claims}",
        values={**values, "bound": {"S": claimed.version_id}, "attempt": {"N": str(claimed.attempts)}},
    )


def _after(step: Step) -> State:
    """The state after a step. It is the same from every state in which the step is allowed."""
    return advance(next(iter(sources(step))), step)
