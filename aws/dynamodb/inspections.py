"""The writes by which an upload comes to its verdict: the claim that binds it, and each way in which a claim ends."""

from collections.abc import Mapping
from typing import Any

from airlock.lifecycle import State, Step, advance, sources
from airlock.verdict import Verdict
from aws.dynamodb.record import Location, Place, Record, attributes, to_item
from aws.dynamodb.write import Write, state_in

CLAIMABLE = sources(Step.CLAIM) - {State.AWAITING_UPLOAD, State.EXPIRED}
# Kept from the first claim, counted, or the work of the settlement.
_NOT_CLAIMED = frozenset(
    {"id", "created", "attempts", "given_up", "overwrites", "overwritten_at"}
    | {"verdict", "place", "location", "event_id", "changes"}
)
# Whoever gives up removes the copies of the claims that there were: a later claim does not make them valid again.
_NOT_GIVEN_UP = "(attribute_not_exists(#given_up) OR #given_up < :attempt)"
_LATEST = "#attempts = :attempt"


def claiming(record: Record, *, anew: bool) -> Write:
    """Count an attempt and bind the upload to the version; unless `anew`, only where it is bound to it already."""
    described = {name: value for name, value in to_item(record).items() if name not in _NOT_CLAIMED}
    claimable, values = state_in(CLAIMABLE)
    bound = f"(#version_id = :version_id AND {claimable})"
    return Write(
        sets=described | attributes({"state": State.INSPECTING}),
        defaults=attributes({"created_at": record.created_at, "place": "incoming"}),
        remove=("verdict", "event_id", "location"),
        count="attempts",
        condition=("attribute_not_exists(#id) OR " if anew else "") + bound,
        values=values,
    )


def overwriting(version_id: str, now: float) -> Write:
    """Count a version that came for an upload which is bound to another."""
    return Write(
        sets=attributes({"overwritten_at": now}),
        count="overwrites",
        condition="attribute_exists(#id) AND #version_id <> :late",
        values={"late": {"S": version_id}},
    )


def giving_back(claimed: Record, now: float) -> Write:
    """Show that nobody works on it, unless it was claimed again."""
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
) -> Write:
    """Record the verdict, unless the claim was given up; `failed` gives it up, unless it was claimed again."""
    step = verdict.outcome.step
    settled = {"verdict": verdict, "place": place, "location": location, "event_id": event_id, "expires_at": expires_at}
    if step is Step.FAIL:
        return _ending(claimed, step, {**settled, "given_up": claimed.attempts}, _LATEST, now)
    return _ending(claimed, step, settled, _NOT_GIVEN_UP, now)


def _ending(claimed: Record, step: Step, changes: Mapping[str, Any], whose: str, now: float) -> Write:
    """`whose` says of which claims it can be the end."""
    allowed, values = state_in(sources(step))
    return Write(
        sets=attributes({**changes, "state": _after(step), "updated_at": now}),
        condition=f"#version_id = :bound AND {allowed} AND {whose}",
        values={**values, "bound": {"S": claimed.version_id}, "attempt": {"N": str(claimed.attempts)}},
    )


def _after(step: Step) -> State:
    """The state to which a step leads; from wherever it is allowed, it is the same."""
    return advance(next(iter(sources(step))), step)
