"""The writes by which a verdict that stood is changed: the intention, the change itself, and its end; and the one that
notes that it stands.
"""

from airlock.lifecycle import Step, advance, sources
from airlock.verdict import Change, Verdict
from aws.dynamodb.record import Item, Location, Place, Record, attributes
from aws.dynamodb.write import Write, state_in


def beginning(record: Record, step: Step, now: float) -> Write:
    """Say from where the bytes are about to be moved; `record.location` is not None."""
    condition, values = _still(record, step)
    sets = attributes({"moving_from": record.location, "updated_at": now})
    return Write(sets=sets, condition=condition, values=values)


def making(
    record: Record,
    change: Change,
    verdict: Verdict,
    *,
    place: Place,
    location: Location | None,
    event_id: str,
    now: float,
) -> Write:
    """Record the change, the verdict after it, and where the bytes are."""
    condition, values = _still(record, change.step)
    described = {"verdict": verdict, "place": place, "location": location, "event_id": event_id, "updated_at": now}
    changed = {"state": advance(record.state, change.step), "changes": (*record.changes, change)}
    return Write(
        sets=attributes({**described, **changed}),
        condition=condition,
        values=values,
        remove=() if location else ("location",),
    )


def ending(record: Record) -> Write:
    """Forget from where the bytes were moved: nothing is there any more."""
    return Write(
        sets={},
        remove=("moving_from",),
        condition="#moving_from = :left AND size(#changes) = :made",
        values={"left": attributes({"moving_from": record.moving_from})["moving_from"], "made": _count(record)},
    )


def standing(record: Record, verdict: Verdict) -> Write:
    """Note what a later inspection of accepted bytes found that changes nothing."""
    condition, values = _still(record, Step.REVOKE)
    return Write(sets=attributes({"rescanned": verdict}), condition=condition, values=values)


def _still(record: Record, step: Step) -> tuple[str, dict[str, Item]]:
    """That the record allows the step, is bound to the same version, and nobody else changed its verdict."""
    allowed, values = state_in(sources(step))
    changes = (
        "size(#changes) = :made" if record.changes else "(attribute_not_exists(#changes) OR size(#changes) = :made)"
    )
    bound = {"bound": {"S": record.version_id}, "made": _count(record)}
    return f"#version_id = :bound AND {allowed} AND {changes}", {**values, **bound}


def _count(record: Record) -> Item:
    return {"N": str(len(record.changes))}
