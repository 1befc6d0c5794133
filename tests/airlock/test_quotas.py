"""Windows, limits, and what they forbid."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from airlock.profiles import Profiles
from airlock.quotas import DAY, MINUTE, Limit, Quota, Quotas, Subject, Usage, Window

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC).timestamp()
TOMORROW = datetime(2026, 11, 23, tzinfo=UTC).timestamp()

instants = st.floats(0, 4e9)
lengths = st.sampled_from([MINUTE, DAY])
counts = st.integers(0, 10**15)
usages = st.builds(Usage, counts, counts, counts)


@given(instants, lengths)
def test_every_instant_is_in_its_window_and_in_no_other(now: float, seconds: int) -> None:
    window = Window.at(now, seconds)
    assert window.start <= now < window.end
    assert window.end - window.start == seconds
    assert Window.at(window.start, seconds) == window
    assert Window.at(window.end, seconds) != window


@given(instants, lengths)
def test_whoever_waits_as_told_is_in_a_later_window(now: float, seconds: int) -> None:
    wait = Window.at(now, seconds).remaining(now)
    assert 1 <= wait <= seconds
    assert Window.at(now + wait, seconds).start > Window.at(now, seconds).start


@given(instants, lengths, instants, lengths)
def test_windows_share_a_label_only_when_they_are_the_same(one: float, a: int, other: float, b: int) -> None:
    first, second = Window.at(one, a), Window.at(other, b)
    assert (first.label == second.label) == (first == second)


def test_labels_are_of_utc() -> None:
    assert Window.at(NOON + 59.9, MINUTE).label == "20261122T1200"
    assert Window.at(TOMORROW - 0.1, DAY).label == "20261122"
    assert Window.at(TOMORROW, DAY).label == "20261123"


@given(usages, usages)
def test_what_was_added_can_be_taken_back(one: Usage, other: Usage) -> None:
    assert one.plus(other) == other.plus(one)
    assert one.plus(other).plus(other.negative()) == one


@given(st.integers(1, 50), st.lists(st.integers(0, 20), max_size=60))
def test_a_limit_on_declared_bytes_is_never_passed_and_nothing_that_fits_is_refused(
    most: int, sizes: list[int]
) -> None:
    (limit,) = Quota(declared_bytes_per_day=most).limits("owner")
    used = Usage()
    for size in sizes:
        if limit.forbids(used, size):
            assert used.declared_bytes + size > most
        else:
            used = used.plus(Usage(1, size))
        assert used.declared_bytes <= most
        assert limit.left(used) == most - used.declared_bytes


@given(st.integers(1, 50), st.integers(0, 80))
def test_exactly_so_many_uploads_pass(most: int, tried: int) -> None:
    (limit,) = Quota(uploads_per_minute=most).limits("tenant")
    used = Usage()
    for _ in range(tried):
        used = used if limit.forbids(used, 1) else used.plus(Usage(1))
    assert used.uploads == min(most, tried)


def test_accepted_bytes_end_what_comes_after_they_were_reached() -> None:
    (limit,) = Quota(accepted_bytes_per_day=100).limits("owner")
    assert not limit.forbids(Usage(accepted_bytes=99), 1000)
    assert limit.forbids(Usage(accepted_bytes=100), 0)
    assert limit.left(Usage(accepted_bytes=130)) == 0


def test_limits_say_what_the_header_fields_have_to() -> None:
    quota = Quotas.model_validate(
        {"tenant": {"uploads_per_minute": 600, "declared_bytes_per_day": "1 KiB", "accepted_bytes_per_day": 5}}
    ).tenant
    assert [limit.policy for limit in quota.limits("tenant")] == [
        '"tenant-minute";q=600;w=60',
        '"tenant-declared";q=1024;qu="content-bytes";w=86400',
        '"tenant-accepted";q=5;qu="content-bytes";w=86400',
    ]
    assert Quota().limits("owner") == ()


def test_a_refusal_names_the_limit_and_what_would_pass() -> None:
    def said(quota: Quota, used: Usage) -> str:
        limits: tuple[Limit, ...] = quota.limits("owner")
        return limits[0].refusal(used, 70)

    assert said(Quota(uploads_per_minute=2), Usage(2)) == "The limit of 2 uploads a minute for each owner is reached"
    assert said(Quota(declared_bytes_per_day=100), Usage(1, 60)) == (
        "The limit of 100 declared bytes a day for each owner leaves 40, and this upload can take 70"
    )
    assert said(Quota(accepted_bytes_per_day=100), Usage(0, 0, 101)) == (
        "The limit of 100 accepted bytes a day for each owner is reached"
    )


def test_accepted_bytes_are_counted_for_those_who_have_a_limit() -> None:
    limited, free = Quota(accepted_bytes_per_day=1), Quota(uploads_per_minute=1)
    owner, tenant = Subject("owner", "ada"), Subject("tenant", "acme")
    assert list(Quotas(owner=limited, tenant=limited).counting_accepted("ada", "acme")) == [owner, tenant]
    assert list(Quotas(owner=limited, tenant=limited).counting_accepted("ada", None)) == [owner]
    assert list(Quotas(owner=free, tenant=limited).counting_accepted("ada", "acme")) == [tenant]
    assert list(Quotas(owner=free).counting_accepted("ada", "acme")) == []


PROFILES = """
[quotas.owner]
uploads_per_minute = 60
declared_bytes_per_day = "10 GiB"

[quotas.tenant]
accepted_bytes_per_day = "1 TiB"

[profiles.default]
content_types = ["*/*"]
unexamined = ["*/*"]
max_bytes = "1 MiB"
"""


def test_a_profiles_file_has_quotas() -> None:
    quotas = Profiles.load(PROFILES).quotas
    assert quotas.owner == Quota(uploads_per_minute=60, declared_bytes_per_day=10 * 2**30)
    assert quotas.tenant == Quota(accepted_bytes_per_day=2**40)


@pytest.mark.parametrize("wrong", [0, -1, 10**15, True, 1.5, "many"])
def test_a_limit_is_a_number_that_a_header_field_can_hold(wrong: object) -> None:
    for name in Quota.model_fields:
        with pytest.raises(ValidationError):
            Quota.model_validate({name: wrong})
