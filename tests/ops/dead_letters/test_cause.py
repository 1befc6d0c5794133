"""ops.dead_letters.cause: reasons that differ in names, ids and numbers have one cause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.dead_letters.cause import NO_REASON, cause

UPLOAD = "0123456789" * 6


@pytest.mark.parametrize(
    ("reasons", "group"),
    [
        (
            ("after 5 attempts: clamd: it is unavailable", "after 12 attempts: clamd: it is unavailable"),
            "after N attempts: clamd: it is unavailable",
        ),
        (
            ("the key 'a/b' is not incoming/ and an upload id", 'the key "it\'s" is not incoming/ and an upload id'),
            "the key '…' is not incoming/ and an upload id",
        ),
        ((f"upload {UPLOAD} is gone", f"upload {UPLOAD[::-1]} is gone"), "upload … is gone"),
        (("s3: GetObject: SlowDown",), "s3: GetObject: SlowDown"),
        (
            ("webhook erp: after 9 attempts: the receiver answered 503",),
            "webhook erp: after N attempts: the receiver answered 503",
        ),
        (("an object's key and its policy's end",), "an object's key and its policy's end"),
        ((None, ""), NO_REASON),
    ],
)
def test_reasons_that_differ_in_names_ids_and_numbers_have_one_cause(reasons: tuple[str], group: str) -> None:
    assert {cause(reason) for reason in reasons} == {group}


@given(st.text())
def test_the_cause_of_a_cause_is_the_same(reason: str) -> None:
    assert cause(cause(reason)) == cause(reason)
