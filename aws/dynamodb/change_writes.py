"""The writes of a change of verdict: before the bytes are moved, the change itself, and after they were moved.

And the write of a later inspection that changes nothing.
"""

from airlock.lifecycle import Step, advance, sources
from airlock.verdict import Change, Verdict
from aws.dynamodb.conditional_write import ConditionalWrite, state_in
from aws.dynamodb.record import Item, Location, Place, Record, attributes


def beginning(record: Record, step: Step, now: float) -> ConditionalWrite:
    """Note from where the bytes will be moved; `record.location` must not be None."""
    condition, values = _unchanged(record, step)
    sets = attributes({"moving_from": record.location, "updated_at": now})
    return ConditionalWrite(sets=sets, condition=condition, values=values)


def making(
    record: Record,
    change: Change,
    verdict: Verdict,
    *,
    place: Place,
    location: Location | None,
    event_id: str,
    now: float,
) -> ConditionalWrite:
    """Record the change, the verdict after it, and where the bytes are now."""
    condition, values = _unchanged(record, change.step)
    described = {"verdict": verdict, "place": place, "location": location, "event_id": event_id, "updated_at": now}
    changed = {"state": advance(record.state, change.step), "changes": (*record.changes, change)}
    return ConditionalWrite(
        sets=attributes({**described, **changed}),
        condition=condition,
        values=values,
        remove=() if location else ("location",),
    )


def ending(record: Record) -> ConditionalWrite:
    """Remove the note from where the bytes were moved: nothing is left there."""
    return ConditionalWrite(
        sets={},
        remove=("moving_from",),
        condition="#moving_from = :left AND size(#changes) = :made",
        values={"left": attributes({"moving_from": record.moving_from})["moving_from"], "made": _count(record)},
    )


def confirming(record: Record, verdict: Verdict) -> ConditionalWrite:
    """Record the verdict of a later inspection that changes nothing."""
    condition, values = _unchanged(record, Step.REVOKE)
    return ConditionalWrite(sets=attributes({"rescanned": verdict}), condition=condition, values=values)


def _unchanged(record: Record, step: Step) -> tuple[str, dict[str, Item]]:
    """The condition that the step is allowed, the version is the same, and the verdict was not changed meanwhile."""
    allowed, values = state_in(sources(step))
    changes = (
        "size(#changes) = :made" if record.changes else "(attribute_not_exists(#changes) OR size(#changes) = :made)"
    )
    bound = {"bound": {"S": record.version_id}, "made": _count(record)}
    return f"#version_id = :bound AND {allowed} AND {changes}", {**values, **bound}


def _count(record: Record) -> Item:
    return {"N": str(len(record.changes))}
