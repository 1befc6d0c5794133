"""What must hold of one upload: after every call of every worker, and when everything was delivered without a fault."""

import json
from typing import TYPE_CHECKING

from airlock import verdict_event
from airlock.lifecycle import TRANSITIONS, State
from airlock.verdict import Outcome
from aws.dynamodb.record import Record
from workers.deliveries.delivery import Delivery

if TYPE_CHECKING:
    from tests.workers.settlement.model import UploadModel

PLACES = ("accepted", "quarantine")


class Invariants:
    """Each failure is an AssertionError. What held before is kept, to compare with it."""

    def __init__(self, model: "UploadModel") -> None:
        self._model = model
        self._before: Record | None = None
        self._last: Record | None = None
        self._bound = ""
        self._incoming: set[str] = set()

    def record_removed(self) -> None:
        """The time to live of the record has ended."""
        self._before = None

    def check(self) -> None:
        """To be called after every single call."""
        record = self._model.record
        self._check_step(self._before, record)
        self._last = record or self._last
        self._before = record
        self._check_incoming()
        self._check_copies(record)
        self._check_events()
        self._check_usage()

    def _check_step(self, before: Record | None, record: Record | None) -> None:
        if record is None:
            assert before is None, "a worker removed a record"
            return
        old, new = before.state if before else State.AWAITING_UPLOAD, record.state
        assert old is new or any(a is old and b is new for (a, _), b in TRANSITIONS.items()), f"from {old} to {new}"
        if before and before.version_id:
            assert record.version_id == before.version_id, "an upload is bound for good"
        elif record.version_id:
            assert self._model.first is not None
            assert record.version_id == self._model.first.id, "an upload is bound to the version that was stored first"
            assert not self._model.late, "nothing is bound when a record can have been removed"
            self._bound = record.version_id
        if before and before.verdict and before.state is not State.FAILED:
            assert record.verdict == before.verdict, "a verdict stays"

    def _check_incoming(self) -> None:
        present = {version.id for _, version in self._model.s3.all_in("incoming")}
        for deleted in self._incoming - present:
            record = self._last
            assert record is not None, "deleted before anything was recorded"
            if record.state is State.WITHDRAWN or record.version_id != deleted:
                continue
            assert record.verdict is not None, "deleted before the verdict was recorded"
            assert record.state is not State.FAILED, "deleted although the upload failed"
        self._incoming = present

    def _check_copies(self, record: Record | None) -> None:
        for _, copy in self._model.s3.all_in("accepted"):
            assert Outcome.ACCEPTED in self._outcomes(copy.body), "accepted what no inspection accepted"
        if record is None or record.location is None or record.state is State.WITHDRAWN:
            return
        kept = self._model.s3.find(*record.location)
        assert kept is not None, "the record names a copy that is not there"
        assert self._model.version_of(kept.body).id == record.version_id, "the record names another version's bytes"
        assert record.verdict is not None
        assert (record.place == "accepted") == (record.state is State.ACCEPTED)
        assert record.verdict.outcome in self._model.outcomes[record.version_id], "no inspection came to this verdict"

    def _outcomes(self, body: bytes) -> set[Outcome]:
        return self._model.outcomes[self._model.version_of(body).id]

    def _check_events(self) -> None:
        events = self._events
        assert len(events) <= 1, "one verdict, published with two texts"
        for text in events:
            assert json.loads(text)["id"] == verdict_event.event_id(self._model.upload.text, self._bound)

    @property
    def _events(self) -> set[str]:
        """The texts of all events, however they were published."""
        queue = self._model.queue
        texts = {*queue.sent_to("verdicts"), *(Delivery.parse(text).event for text in queue.sent_to("deliveries"))}
        # A failure is not a verdict: it has an id of its own, and another inspection can follow.
        return {text for text in texts if json.loads(text)["type"] != "airlock.upload.failed"}

    def _check_usage(self) -> None:
        counted = self._accepted_bytes
        if counted:
            [bound] = [each for each in self._model.versions if each.id == self._bound]
            assert Outcome.ACCEPTED in self._outcomes(bound.body), "counted what no inspection accepted"
            assert counted == len(bound.body), "accepted bytes are counted once"

    @property
    def _accepted_bytes(self) -> int:
        """Those that are counted for the owner, on all days."""
        usage = [item for key, item in self._model.dynamodb.items.items() if key.startswith("usage#owner#")]
        return sum(int(item["accepted_bytes"]["N"]) for item in usage)

    def check_end(self) -> None:
        """To be called when everything was delivered once without a fault, and nothing came too late."""
        model, record = self._model, self._model.record
        copies = {(bucket, key, copy.id) for bucket in PLACES for key, copy in model.s3.all_in(bucket)}
        left = {version.id for _, version in model.s3.all_in("incoming")}
        if record is not None and record.state is State.WITHDRAWN:
            assert not copies, "bytes of a withdrawn upload"
            assert not left, "bytes of a withdrawn upload"
            return
        assert left == {each.id for each in model.versions if not each.metadata}, "incoming is not empty"
        if model.first is None:
            assert record is None
            return
        assert record is not None
        assert copies == ({record.location} if record.location else set()), "copies that the record does not name"
        self._check_settled(record, model.first.id, len(model.first.body))

    def _check_settled(self, record: Record, first: str, size: int) -> None:
        assert record.verdict is not None
        assert record.verdict.outcome in self._model.outcomes[first]
        assert record.state is record.verdict.outcome.state
        assert record.state is not State.FAILED
        assert (record.location is None) == (record.state is State.REJECTED)
        assert self._accepted_bytes == (size if record.state is State.ACCEPTED else 0), "accepted bytes are counted"
        assert len(self._model.queue.sent_to("verdicts")) >= 1
        assert len(self._model.queue.sent_to("deliveries")) >= 1
