"""What a policy is refused for, what it promises, and what it never shows."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock import policy
from airlock.errors import Refused, Unavailable
from airlock.intent import Intent, SizeRange
from airlock.policy import MAX_METADATA_BYTES, Bucket, Credentials, Policy
from airlock.profile import MAX_POST_BYTES
from airlock.upload_id import MAX_LIFETIME

NOW = 1_760_000_000
KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
SIZE = SizeRange(1, 1024)
BUCKET = Bucket("my-bucket", "eu-west-1", "https://my-bucket.s3.eu-west-1.amazonaws.com/")


def sign(
    *,
    credentials: Credentials = KEYS,
    bucket: Bucket = BUCKET,
    key: str = "incoming/x",
    now: int = NOW,
    lifetime: int = 900,
    fields: Mapping[str, str] | None = None,
    size: SizeRange = SIZE,
) -> Policy:
    return policy.sign(credentials, bucket, key, now=now, lifetime=lifetime, fields=fields or {}, size=size)


def conditions(signed: Policy) -> list[object]:
    document = json.loads(base64.b64decode(signed.fields["policy"]))
    assert isinstance(document["conditions"], list)
    return document["conditions"]


def test_every_field_has_an_exact_condition() -> None:
    """A field without one makes S3 answer 403; one with a looser condition could be changed on the way."""
    intent = Intent("o", "default", "a b.png", "image/png", 7, "00" * 32, {"note": "n"})
    signed = sign(fields=intent.to_fields(), credentials=Credentials("A", "s", "token"))
    free = {"policy", "x-amz-signature"}
    exact = [{name: value} for name, value in signed.fields.items() if name not in free]
    assert all(each in conditions(signed) for each in exact)
    others = [each for each in conditions(signed) if each not in exact]
    assert others == [["content-length-range", 1, 1024], {"bucket": "my-bucket"}]


def test_a_day_has_one_signer() -> None:
    """Deriving it takes four HMACs; it is made once for a secret, day and region."""
    policy.signer_of.cache_clear()
    for second in range(50):
        sign(now=NOW + second)
    assert policy.signer_of.cache_info().misses == 1
    sign(now=NOW + 24 * 3600)
    assert policy.signer_of.cache_info().misses == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"lifetime": 0}, "lifetime"),
        ({"lifetime": -1}, "lifetime"),
        ({"lifetime": MAX_LIFETIME + 1}, "604800"),
        ({"size": SizeRange(0, MAX_POST_BYTES + 1)}, "5368709120"),
        ({"size": SizeRange(-1, 5)}, "size"),
        ({"size": SizeRange(6, 5)}, "size"),
        ({"key": ""}, "key"),
        ({"key": "k" * 1025}, "1,024"),
        ({"key": "ü" * 513}, "1,024"),
        ({"key": "a/${filename}"}, "'\\$'"),
        ({"fields": {"Content-Type": "image/$"}}, "'\\$'"),
    ],
)
def test_what_s3_would_refuse_later_is_not_signed(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sign(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "right",
    [
        {"lifetime": 1},
        {"lifetime": MAX_LIFETIME},
        {"size": SizeRange(0, 0)},
        {"size": SizeRange(5, 5)},
        {"size": SizeRange(0, MAX_POST_BYTES)},
        {"key": "k" * 1024},
        {"key": "ü" * 512},
    ],
)
def test_what_is_just_within_the_limits_is_signed(right: dict[str, object]) -> None:
    assert sign(**right).fields["x-amz-signature"]  # type: ignore[arg-type]


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_metadata_over_two_kilobytes_is_refused(letter: str) -> None:
    """Names and values count, in bytes."""
    name = "x-amz-meta-note"
    fits = letter * ((MAX_METADATA_BYTES - len(name)) // len(letter.encode()))
    assert sign(fields={name: fits, "Content-Type": "text/plain"}).fields[name] == fits
    with pytest.raises(Refused, match=r"2048") as caught:
        sign(fields={name: fits + "xx"})
    assert (caught.value.code, caught.value.field) == ("invalid_metadata", "metadata")


def test_a_form_that_s3_would_not_read_is_refused() -> None:
    """The usual cause is a very long session token; AWS's are about 1,500 bytes."""
    fields = Intent("owner", "default", "ü" * 170, "image/png", 7, "00" * 32).to_fields()
    assert sign(fields=fields, credentials=Credentials("A", "s", "t" * 4096)).fields
    with pytest.raises(Refused, match="20480") as caught:
        sign(fields=fields, credentials=Credentials("A", "s", "t" * 9000))
    assert caught.value.code == "policy_too_large"
    assert "ttt" not in str(caught.value)


@pytest.mark.parametrize(
    ("expires_at", "usable"),
    [(None, 900), (NOW + 901, 900), (NOW + 900, 900), (NOW + 899.9, 899), (NOW + 1.5, 1), (NOW + 1, 1)],
)
def test_a_policy_is_usable_no_longer_than_its_credentials(expires_at: float | None, usable: int) -> None:
    ends = None if expires_at is None else datetime.fromtimestamp(expires_at, UTC)
    assert policy.usable_lifetime(900, Credentials("A", "s", "t", ends), NOW) == usable


@pytest.mark.parametrize("left", [0.9, 0, -1, -86_400])
def test_expired_credentials_are_a_dependency_that_is_away(left: float) -> None:
    expired = Credentials("A", "s", "t", datetime.fromtimestamp(NOW + left, UTC))
    with pytest.raises(Unavailable, match="expired") as caught:
        policy.usable_lifetime(900, expired, NOW)
    assert caught.value.dependency == "credentials"


@given(
    wanted=st.integers(1, MAX_LIFETIME),
    left=st.floats(1, 10 * MAX_LIFETIME),
    now=st.floats(0, 2**32, allow_nan=False),
)
def test_a_usable_lifetime_never_outlives_the_credentials(wanted: int, left: float, now: float) -> None:
    ends = datetime.fromtimestamp(now + left, UTC)
    try:
        usable = policy.usable_lifetime(wanted, Credentials("A", "s", "t", ends), now)
    except Unavailable:
        assert ends.timestamp() - now < 1
    else:
        assert 1 <= usable <= wanted
        assert now + usable <= ends.timestamp() + 1e-3  # what a float keeps of a time


def test_no_repr_shows_a_secret_or_what_it_signed() -> None:
    credentials = Credentials("AKIA", "very-secret", "the-token")
    signed = sign(credentials=credentials, fields={"x-amz-meta-filename": "private.pdf"})
    shown = repr(credentials) + repr(signed) + str(signed)
    for hidden in (
        "very-secret",
        "the-token",
        "private.pdf",
        signed.fields["x-amz-signature"],
        signed.fields["policy"],
    ):
        assert hidden not in shown
    assert "AKIA" in repr(credentials)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://[::1]:4566", "https://10.0.0.1"])
def test_a_bucket_at_an_ip_address_is_addressed_by_path(endpoint: str) -> None:
    assert policy.bucket_url("b", endpoint) == f"{endpoint}/b"


def test_a_dotted_name_is_addressed_by_path_because_of_its_certificate() -> None:
    assert policy.bucket_url("a.b", "http://s3.test") == "http://s3.test/a.b"
