"""Quotas: exact on one replica, soon shared with the others, and how far a burst over all replicas can exceed them."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from airlock.errors import Refused, Unavailable
from airlock.quotas import DAY, MINUTE, Quota, Quotas, Subject, Usage, Window
from service.identity.caller import Caller
from service.quotas.meter import MAX_TRIES, Charge, Meter
from service.quotas.usage_reporter import FLUSH_SECONDS, UsageReporter
from tests.service.fakes import START, FakeClock, FakeCounters

ADA, EVE = Caller("ada"), Caller("eve")
AWAY = Unavailable("dynamodb", "no answer")
THIS_MINUTE, TODAY = Window.at(START, MINUTE), Window.at(START, DAY)


class Replicas:
    """Meters that share a table and a clock. None reports before it runs."""

    def __init__(self, **quotas: Quota) -> None:
        self.counters, self.clock = FakeCounters(), FakeClock()
        self.quotas = Quotas(**quotas)
        self.made = 0

    def meter(self, **more: Any) -> Meter:
        self.made += 1
        name = self.made.to_bytes(4, "big")
        reporter = UsageReporter(self.counters, now=self.clock.now, sleep=self.clock.sleep, random=lambda count: name)
        return Meter(self.quotas, reporter, self.clock.now, **more)


def pay(meter: Meter, caller: Caller, size: int) -> None:
    """Charge one upload whose policy was issued."""
    with meter.charge(caller, size) as charge:
        charge.pay(size)


def passed(meter: Meter, caller: Caller, tries: int, size: int = 1) -> int:
    """How many of so many uploads are admitted."""
    count = 0
    for _ in range(tries):
        try:
            pay(meter, caller, size)
        except Refused:
            continue
        count += 1
    return count


def refused(meter: Meter, caller: Caller, size: int = 1) -> Refused:
    with pytest.raises(Refused) as caught:
        meter.charge(caller, size)
    assert caught.value.code == "too_many_requests"
    return caught.value


def test_one_replica_lets_exactly_so_many_pass() -> None:
    meter = Replicas(owner=Quota(uploads_per_minute=3)).meter()
    assert passed(meter, ADA, 10) == 3
    assert passed(meter, EVE, 1) == 1


def test_a_new_minute_begins_anew_and_the_day_goes_on() -> None:
    here = Replicas(owner=Quota(uploads_per_minute=2, declared_bytes_per_day=30))
    meter = here.meter()
    assert passed(meter, ADA, 5, size=10) == 2
    error = refused(meter, ADA)
    assert error.retry_after == THIS_MINUTE.end - START
    here.clock.advance(error.retry_after)
    assert passed(meter, ADA, 5, size=10) == 1
    error = refused(meter, ADA, 10)
    assert error.retry_after == TODAY.end - here.clock.now()
    here.clock.advance(error.retry_after)
    assert passed(meter, ADA, 5, size=10) == 2


def test_what_is_refused_is_not_charged_to_anybody() -> None:
    meter = Replicas(owner=Quota(declared_bytes_per_day=100), tenant=Quota(declared_bytes_per_day=150)).meter()
    both = Caller("ada", tenant="acme")
    assert passed(meter, both, 9, size=101) == 0
    assert passed(meter, both, 1, size=100) == 1
    assert passed(meter, Caller("eve", tenant="acme"), 1, size=51) == 0
    assert passed(meter, Caller("eve", tenant="acme"), 1, size=50) == 1


def test_a_tenants_quota_is_shared_by_its_owners_and_no_others() -> None:
    meter = Replicas(tenant=Quota(uploads_per_minute=3)).meter()
    owners = [Caller(f"o{n}", tenant="acme") for n in range(5)]
    assert sum(passed(meter, owner, 1) for owner in owners) == 3
    assert passed(meter, Caller("o1", tenant="other"), 5) == 3
    assert passed(meter, Caller("o1"), 50) == 50
    assert passed(meter, Caller("acme"), 50) == 50


def test_an_upload_for_which_nothing_was_issued_is_taken_back() -> None:
    meter = Replicas(owner=Quota(uploads_per_minute=1, declared_bytes_per_day=10)).meter()
    for _ in range(3):
        with meter.charge(ADA, 10):
            refused(meter, ADA)
    with meter.charge(ADA, 10) as charge:
        charge.pay(4)
    assert meter._accounts[Subject("owner", "ada")].counters[0].used == Usage(1, 4)


def test_the_headers_say_every_limit_and_what_is_left_of_it() -> None:
    quota = Quota(uploads_per_minute=600, declared_bytes_per_day=1000, accepted_bytes_per_day=2000)
    meter = Replicas(owner=quota, tenant=Quota(uploads_per_minute=700)).meter()
    minute, day = int(THIS_MINUTE.end - START), int(TODAY.end - START)
    both = meter.charge(Caller("ada", tenant="acme"), 100).headers
    assert both == {
        "RateLimit-Policy": (
            '"owner-minute";q=600;w=60, "owner-declared";q=1000;qu="content-bytes";w=86400, '
            '"owner-accepted";q=2000;qu="content-bytes";w=86400, "tenant-minute";q=700;w=60'
        ),
        "RateLimit": (
            f'"owner-minute";r=599;t={minute}, "owner-declared";r=900;t={day}, '
            f'"owner-accepted";r=2000;t={day}, "tenant-minute";r=699;t={minute}'
        ),
    }
    assert "tenant" not in meter.charge(EVE, 1).headers["RateLimit"]


def test_a_refusal_says_which_limit_and_when_to_come_again() -> None:
    meter = Replicas(owner=Quota(uploads_per_minute=1, declared_bytes_per_day=10)).meter()
    pay(meter, ADA, 10)
    error = refused(meter, ADA, 5)
    wait = TODAY.end - int(START)
    assert error.detail == (
        "The limit of 10 declared bytes a day for each owner leaves 0, and this upload can take 5; "
        f"the next day begins in {wait} s"
    )
    assert error.retry_after == wait
    assert error.headers["RateLimit"].startswith('"owner-minute";r=0;')


def test_a_caller_without_a_tenant_meets_no_limit_of_tenants() -> None:
    assert Replicas(tenant=Quota(uploads_per_minute=1)).meter().charge(ADA, 1).headers == {}


async def test_without_quotas_nothing_runs_and_nothing_is_counted() -> None:
    here = Replicas()
    meter = here.meter()
    async with meter.running(1):
        charges: list[Charge] = [meter.charge(ADA, 10) for _ in range(3)]
        with charges[0] as charge:
            charge.pay(1)
    assert [charge.headers for charge in charges] == [{}, {}, {}]
    assert here.counters.calls == 0
    assert not meter._accounts


async def test_two_replicas_hear_of_one_another() -> None:
    here = Replicas(owner=Quota(declared_bytes_per_day=100))
    one, other = here.meter(), here.meter()
    async with one.running(1), other.running(1):
        pay(one, ADA, 60)
        await here.counters.called(1)
        pay(other, ADA, 10)
        await here.counters.called(2)
        assert refused(other, ADA, 31).headers["RateLimit"].startswith('"owner-declared";r=30;')
        pay(other, ADA, 30)


@pytest.mark.parametrize("replicas", [2, 5])
async def test_a_burst_gets_so_many_times_the_limit_as_there_are_replicas_and_no_more(replicas: int) -> None:
    """The worst case: all uploads reach all replicas before any has read what the others used."""
    here = Replicas(owner=Quota(uploads_per_minute=10))
    meters = [here.meter() for _ in range(replicas)]
    assert sum(passed(meter, ADA, 100) for meter in meters) == replicas * 10
    async with AsyncExitStack() as stack:
        for meter in meters:
            await stack.enter_async_context(meter.running(1))
        await here.counters.called(replicas)
    assert here.counters.sums[Subject("owner", "ada"), THIS_MINUTE] == Usage(replicas * 10, replicas * 10)
    assert sum(passed(meter, ADA, 100) for meter in meters) == 0


async def test_a_steady_stream_passes_the_limit_by_what_comes_in_two_intervals_at_most() -> None:
    """For a minute, each of three replicas gets an upload every tenth of an interval."""
    limit, replicas, ticks = 600, 3, 10
    here = Replicas(owner=Quota(uploads_per_minute=limit))
    meters = [here.meter() for _ in range(replicas)]
    here.clock.at = float(THIS_MINUTE.end)
    count = 0
    async with AsyncExitStack() as stack:
        for meter in meters:
            await stack.enter_async_context(meter.running(1))
        for _ in range(int(MINUTE / FLUSH_SECONDS) * ticks - 1):
            count += sum(passed(meter, ADA, 1) for meter in meters)
            await here.counters.called(0)
            here.clock.advance(FLUSH_SECONDS / ticks)
    assert limit <= count <= limit + 2 * ticks * replicas


async def test_a_refused_upload_is_not_reported() -> None:
    here = Replicas(owner=Quota(uploads_per_minute=1))
    meter = here.meter()
    async with meter.running(1):
        pay(meter, ADA, 1)
        await here.counters.called(1)
        assert passed(meter, ADA, 50) == 0
    assert here.counters.calls == 1


async def test_a_replica_that_was_just_started_learns_from_its_first_charge() -> None:
    here = Replicas(owner=Quota(uploads_per_minute=5))
    old = here.meter()
    async with old.running(1):
        assert passed(old, ADA, 9) == 5
    new = here.meter()
    async with new.running(1):
        assert passed(new, ADA, 1) == 1
        await here.counters.called(here.counters.calls + 1)
        assert passed(new, ADA, 9) == 0


async def test_accepted_bytes_stop_new_uploads_once_they_are_read() -> None:
    here = Replicas(owner=Quota(accepted_bytes_per_day=1000))
    meter = here.meter()
    async with meter.running(1):
        pay(meter, ADA, 5000)
        await here.counters.called(1)
        here.counters.accept(Subject("owner", "ada"), TODAY, 1000)
        pay(meter, ADA, 5000)
        await here.counters.called(2)
        error = refused(meter, ADA)
        assert "accepted bytes a day for each owner is reached" in error.detail
        here.clock.advance(TODAY.end - START)
        pay(meter, ADA, 1)


async def test_with_the_table_unavailable_each_replica_counts_for_itself() -> None:
    here = Replicas(owner=Quota(uploads_per_minute=4))
    here.counters.error = AWAY
    one, other = here.meter(), here.meter()
    async with one.running(1), other.running(1):
        assert passed(one, ADA, 9) == passed(other, ADA, 9) == 4
        await here.counters.called(2)
        assert passed(one, ADA, 9) == 0
        here.counters.error = None
    assert here.counters.sums[Subject("owner", "ada"), THIS_MINUTE].uploads == 8


async def test_of_more_subjects_than_fit_the_longest_unused_is_forgotten_and_asked_for_again() -> None:
    here = Replicas(owner=Quota(uploads_per_minute=2))
    meter = here.meter(max_subjects=3)
    async with meter.running(1):
        for number in range(5):
            assert passed(meter, Caller(f"o{number}"), 9) == 2
            await here.counters.called(number + 1)
        assert [subject.name for subject in meter._accounts] == ["o2", "o3", "o4"]
        assert passed(meter, Caller("o0"), 1) == 1
        await here.counters.called(6)
        assert passed(meter, Caller("o0"), 9) == 0


async def test_no_subject_is_forgotten_before_it_is_reported() -> None:
    here = Replicas(owner=Quota(uploads_per_minute=1))
    here.counters.error = AWAY
    meter = here.meter(max_subjects=1)
    owners = [Caller(f"o{number}") for number in range(2 * MAX_TRIES)]
    async with meter.running(1):
        assert [passed(meter, owner, 2) for owner in owners] == [1] * len(owners)
        assert [passed(meter, owner, 2) for owner in owners] == [0] * len(owners)
        here.counters.error = None
    assert len(here.counters.added) == len(owners)


async def test_what_is_not_paid_is_told_to_no_other_replica() -> None:
    """A page floods two replicas with a spent session: its owner, and a tenant, go on uploading on both."""
    quota = Quota(uploads_per_minute=5, declared_bytes_per_day=100)
    here, page = Replicas(owner=quota, tenant=quota), Caller("ada", tenant="acme")
    meters = [here.meter() for _ in range(2)]
    async with meters[0].running(1), meters[1].running(1):
        for _ in range(50):
            for meter in meters:
                with meter.charge(page, 90):
                    here.clock.advance(FLUSH_SECONDS)
        await here.counters.called(0)
        assert here.counters.calls == 0
        for meter in meters:
            assert passed(meter, page, 1, size=50) == 1
        await here.counters.called(4)


async def test_what_waits_for_its_session_counts_on_this_replica() -> None:
    here = Replicas(owner=Quota(uploads_per_minute=3))
    meter = here.meter()
    async with meter.running(1):
        with meter.charge(ADA, 1) as waiting:
            assert passed(meter, ADA, 9) == 2
            await here.counters.called(1)
            assert passed(meter, ADA, 9) == 0
            waiting.pay(1)
        assert passed(meter, ADA, 9) == 0
    assert here.counters.sums[Subject("owner", "ada"), THIS_MINUTE].uploads == 3


async def test_a_counter_that_refuses_is_read_again() -> None:
    here = Replicas(owner=Quota(declared_bytes_per_day=10))
    meter = here.meter()
    async with meter.running(1):
        pay(meter, ADA, 10)
        await here.counters.called(1)
        refused(meter, ADA)
        here.counters.sums[Subject("owner", "ada"), TODAY] = Usage(1, 4)
        for _ in range(20):
            here.clock.advance(FLUSH_SECONDS / 10)
            await here.counters.called(0)
        assert passed(meter, ADA, 9) == 6
        assert here.counters.reads == 1
