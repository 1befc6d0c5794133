"""A delivery is read as it was written; every other message body raises BadNotification."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from airlock.errors import BadNotification
from workers.deliveries.delivery import Delivery

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=2, max_size=32)


@given(_TEXT, _TEXT, _TEXT, st.floats(0, 1e12))
def test_a_delivery_is_read_as_it_was_written(webhook: str, event_id: str, event: str, published_at: float) -> None:
    delivery = Delivery(webhook=webhook, event_id=event_id, event=event, published_at=published_at)
    assert Delivery.parse(delivery.to_text()) == delivery


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_delivery_or_has_a_reason(body: str) -> None:
    with contextlib.suppress(BadNotification):
        Delivery.parse(body)
