"""What a copy says about itself, in its own metadata.

A record is a claim: in some deployments others than workers and operators can write it. Into accepted and quarantine
only workers and operators can write. So a copy proves which upload its bytes are of, and what was found in them.
"""

import hashlib
from collections.abc import Iterable, Mapping

from airlock import intent
from airlock.policy import MAX_METADATA_BYTES
from airlock.verdict import Finding, Outcome
from aws.dynamodb.record import Record

_MARK_DIGITS = 16
_SEPARATOR = ","


def description(record: Record, sha256: str | None, findings: Iterable[str] = ()) -> dict[str, str]:
    """The metadata of a copy, in US-ASCII: of which upload it is, its digest, and the marks of `findings`."""
    said = {**_upload(record), "sha256": sha256 or ""}
    room = MAX_METADATA_BYTES - sum(len(name) + len(value) for name, value in said.items()) - len("findings")
    # Marks that do not fit excuse nothing: a rescan revokes, and an operator decides again.
    kept = sorted(findings)[: max(0, room // (_MARK_DIGITS + len(_SEPARATOR)))]
    return said | ({"findings": _SEPARATOR.join(kept)} if kept else {})


def is_copy(record: Record, metadata: Mapping[str, str]) -> bool:
    """Whether an object with that metadata is a copy of the upload's bytes, made for the same owner and profile."""
    return all(metadata.get(name, "") == value for name, value in _upload(record).items())


def mark(finding: Finding) -> str:
    """A short digest of a finding, by which a later one is known to be the same."""
    text = f"{finding.code}\x00{finding.check}\x00{finding.message}"
    return hashlib.sha256(text.encode()).hexdigest()[:_MARK_DIGITS]


def marks(findings: Iterable[Finding]) -> frozenset[str]:
    """The marks of the infected ones."""
    return frozenset(mark(finding) for finding in findings if finding.outcome is Outcome.INFECTED)


def recorded_marks(metadata: Mapping[str, str]) -> frozenset[str]:
    """The marks in the metadata of a copy: what was found in its bytes, in accepted what it was released with."""
    return frozenset(filter(None, metadata.get("findings", "").split(_SEPARATOR)))


def _upload(record: Record) -> dict[str, str]:
    return {
        "upload": record.id,
        "owner": intent.encode(record.owner),
        "profile": record.profile,
        "filename": intent.encode(record.filename),
    }
