"""airlock.backfill: ids that are the same each time and that nobody can guess; intents as a policy would have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock import upload_id
from airlock.backfill import Existing, Sender, usable
from airlock.errors import Refused
from airlock.lifecycle import LATEST_ARRIVAL_SECONDS
from airlock.profile import Profile
from airlock.upload_id import MAX_LIFETIME

NEW, OLD = b"n" * 32, b"o" * 32
DAY = 24 * 3600
NOW = 1_800_000_000
PROFILE = Profile(name="images", content_types=("image/*", "text/plain"), max_bytes=1000, min_bytes=1)
SENDER = Sender("archive", None, PROFILE, [NEW, OLD])
OBJECT = Existing("bucket", "a/b/photo.png", "etag", 10, 1_700_000_000)

objects = st.builds(
    Existing, st.text(min_size=1), st.text(min_size=1), st.text(), st.integers(0), st.integers(0, 2**32)
)


@given(objects)
def test_an_object_has_the_same_ids_each_time_and_its_owner_can_verify_them(existing: Existing) -> None:
    ids = SENDER.ids(existing, [NOW, NOW - DAY])
    assert ids == SENDER.ids(existing, [NOW, NOW - DAY])
    assert [upload_id.verify(each.text, "archive", [NEW, OLD]) for each in ids] == ids
    assert {each.issued_at for each in ids} == {NOW, NOW - DAY}
    assert ids[0].issued_at == NOW
    assert upload_id.verify(ids[0].text, "archive", [NEW]) == ids[0]


@given(objects, objects)
def test_other_objects_have_other_ids(one: Existing, other: Existing) -> None:
    if one[:5] != other[:5]:
        assert not set(SENDER.ids(one, [NOW])) & set(SENDER.ids(other, [NOW]))


@pytest.mark.parametrize(
    "other",
    [
        SENDER._replace(owner="other"),
        SENDER._replace(profile=PROFILE.model_copy(update={"name": "other"})),
        SENDER._replace(secrets=[b"x" * 32]),
    ],
)
def test_whoever_does_not_know_the_secrets_does_not_know_the_ids(other: Sender) -> None:
    mine, others = SENDER.ids(OBJECT, [NOW]), other.ids(OBJECT, [NOW])
    assert not {each.text[:16] for each in mine} & {each.text[:16] for each in others}


@pytest.mark.parametrize(
    ("stored", "declared"),
    [
        ("image/JPG", "image/jpeg"),
        ("text/plain; charset=utf-8", "text/plain"),
        ("binary/octet-stream", "image/png"),
        ("application/octet-stream", "image/png"),
        ("", "image/png"),
        ("no type", "image/png"),
    ],
)
def test_the_type_is_the_stored_one_or_the_extension_s(stored: str, declared: str) -> None:
    intent = SENDER.intent(OBJECT, stored)
    assert (intent.content_type, intent.filename, intent.size) == (declared, "photo.png", 10)
    assert (intent.owner, intent.profile, intent.tenant) == ("archive", "images", None)


@pytest.mark.parametrize(
    ("existing", "stored", "code"),
    [
        (OBJECT._replace(size=1001), "image/png", "size_too_large"),
        (OBJECT._replace(size=0), "image/png", "size_too_small"),
        (OBJECT, "video/mp4", "content_type_not_allowed"),
        (OBJECT._replace(key="a/"), "image/png", "invalid_filename"),
        (OBJECT._replace(key="a/\n.png"), "image/png", "invalid_filename"),
    ],
)
def test_what_the_profile_would_refuse_is_refused(existing: Existing, stored: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        SENDER.intent(existing, stored)
    assert refused.value.code == code


def test_an_id_brings_objects_in_for_as_long_as_a_policy_can() -> None:
    assert usable(NOW, NOW + MAX_LIFETIME - 1)
    assert not usable(NOW, NOW + MAX_LIFETIME)


def test_runs_are_remembered_for_as_long_as_their_uploads_can_be_known() -> None:
    kept = MAX_LIFETIME + PROFILE.retention + LATEST_ARRIVAL_SECONDS
    assert SENDER.remembered([NOW - kept, NOW - kept + 1, NOW], NOW) == [NOW, NOW - kept + 1]
