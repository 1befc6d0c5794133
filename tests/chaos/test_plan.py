"""The seed decides what is uploaded, what is delivered, and which faults are injected."""

from collections import Counter

from airlock.lifecycle import State
from tests.chaos import plan
from tests.chaos.faults import RATES, SERVICES, Fault, FaultSource, service_of

COUNT = 2000


def test_the_same_seed_gives_the_same_run() -> None:
    one, same, other = plan.make(1, 50), plan.make(1, 50), plan.make(2, 50)
    assert one == same
    assert one.uploads != other.uploads
    assert [one.deliveries(str(n)) for n in range(50)] == [same.deliveries(str(n)) for n in range(50)]
    assert _drawn(1) == _drawn(1) != _drawn(2)


def test_every_state_is_planned_and_no_two_files_are_alike() -> None:
    uploads = plan.make(3, 150).uploads
    states = {State.ACCEPTED, State.REJECTED, State.INFECTED, State.UNSCANNABLE, State.WITHDRAWN}
    assert {upload.state for upload in uploads} == states
    assert any(upload.second for upload in uploads)
    assert len({upload.body for upload in uploads}) == 150


def test_one_notification_in_fifty_is_lost_and_the_others_are_delivered_up_to_four_times() -> None:
    made = plan.make(4, 0)
    copies = Counter(len(made.deliveries(str(number))) for number in range(COUNT))
    assert set(copies) == {0, 1, 2, 3, 4}
    assert 0.01 < copies[0] / COUNT < 0.03


def test_each_service_has_its_own_faults_and_none_with_zero_rates() -> None:
    for service in SERVICES:
        faults = FaultSource(5)
        assert {faults.draw(service) for _ in range(20 * COUNT)} == {None, *RATES[service]}
        assert FaultSource(5, times=0).draw(service) is None
    assert {fault for rates in RATES.values() for fault in rates} == set(Fault)


def test_the_service_is_the_one_that_a_request_is_signed_for() -> None:
    signed = "AWS4-HMAC-SHA256 Credential=s3/20261122/eu-central-1/{}/aws4_request, SignedHeaders=host, Signature=00"
    for service in SERVICES:
        assert service_of(signed.format(service)) == service
    assert service_of(signed.format("iam")) is None
    assert service_of("") is None


def _drawn(seed: int) -> list[Fault | None]:
    faults = FaultSource(seed)
    return [faults.draw("s3") for _ in range(200)]
