"""The kinds of discrepancy between buckets and table, and what is done about each."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Discrepancy(StrEnum):
    """One way in which buckets and table disagree, or in which an upload stopped on its way."""

    MISSED = "missed"
    STUCK = "stuck"
    UNFINISHED = "unfinished"
    OVERWRITTEN = "overwritten"
    WITHDRAWN = "withdrawn"
    GONE = "gone"
    LEFTOVER = "leftover"
    MULTIPART = "multipart"
    EXPIRED = "expired"
    FAILED = "failed"
    REVISION = "revision"
    LATE = "late"
    FOREIGN = "foreign"
    UNRECORDED = "unrecorded"
    LOST = "lost"


SENTENCES: Mapping[Discrepancy, str] = MappingProxyType(
    {
        Discrepancy.MISSED: "an object in incoming that was never inspected: its notification is sent again",
        Discrepancy.STUCK: "an object in incoming whose inspection stopped: its notification is sent again",
        Discrepancy.UNFINISHED: "an object in incoming that has a verdict: its notification is sent again, which ends "
        "the settlement",
        Discrepancy.OVERWRITTEN: "a version in incoming other than the upload's: its notification is sent again, which "
        "removes it",
        Discrepancy.WITHDRAWN: "bytes of a withdrawn upload: the withdrawal is sent again",
        Discrepancy.GONE: "an upload without a verdict whose object is gone: its notification is sent again, which "
        "ends it as failed",
        Discrepancy.LEFTOVER: "a copy that no record names, left by an attempt that ended: removed",
        Discrepancy.MULTIPART: "a multipart upload that was never completed: aborted",
        Discrepancy.EXPIRED: "an item of the table that should have expired two days ago: deleted",
        Discrepancy.FAILED: "an object in incoming that could not be inspected: left; redrive its dead letter",
        Discrepancy.REVISION: "a release or a revocation that did not finish: left; run it again",
        Discrepancy.LATE: "an object in incoming that is so old that its record may have expired: left for the "
        "bucket's lifecycle rule",
        Discrepancy.FOREIGN: "an object in incoming that no policy of this deployment allowed: left for the bucket's "
        "lifecycle rule",
        Discrepancy.UNRECORDED: "an object in accepted that no record names (its record may have expired): left",
        Discrepancy.LOST: "an upload that is accepted, and whose object is gone: left; find out who deleted it",
    }
)
