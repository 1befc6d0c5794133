"""Outages of half an hour and more: no upload is lost, buried or marked failed, and each ends in its verdict after."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from airlock.lifecycle import State
from aws.settings import AwsSettings
from tests.simulated_loop import simulate
from tests.workers.outages import PROFILES, Cluster, Weather, Window
from workers.intake import waiting

MINUTE = 60.0
SETTINGS = AwsSettings(
    region="eu-central-1",
    incoming_bucket="incoming",
    accepted_bucket="accepted",
    quarantine_bucket="quarantine",
    secrets=[SecretStr("s" * 32)],
)
ALL = ("s3", "dynamodb", "sqs", "clamd")
# What still answers to a probe, while the work fails.
WRITES = {"s3": frozenset({"copy_object"}), "dynamodb": frozenset({"update_item"}), "sqs": frozenset({"send_message"})}


async def _uploading(cluster: Cluster, until: float, every: float) -> None:
    """One upload after the other; the last of them after all outages."""
    async with cluster.working():
        while asyncio.get_running_loop().time() < until:
            await cluster.upload()
            await asyncio.sleep(every)
        await asyncio.sleep(10 * MINUTE)


def _outlived(*windows: Window, every: float = 30) -> None:
    cluster = Cluster(Weather(windows), SETTINGS)
    simulate(_uploading(cluster, max(each.end for each in windows) + MINUTE, every))
    assert set(cluster.states.values()) == {State.ACCEPTED}
    assert cluster.queue.sent_to(SETTINGS.dead_letter_queue) == []
    assert cluster.s3.all_in(SETTINGS.incoming_bucket) == []
    assert len(cluster.s3.all_in(SETTINGS.accepted_bucket)) == len(cluster.uploads)


@pytest.mark.parametrize("services", [*((name,) for name in ALL), ALL], ids="+".join)
def test_an_outage_of_half_an_hour_costs_no_upload(services: tuple[str, ...]) -> None:
    _outlived(*(Window(name, 2 * MINUTE + 3, 32 * MINUTE) for name in services))


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_nor_does_one_in_which_only_writes_fail(service: str) -> None:
    _outlived(Window(service, 2 * MINUTE + 3, 32 * MINUTE, WRITES[service]), every=3 * MINUTE)


@pytest.mark.parametrize("service", ["s3", "dynamodb", "sqs"])
def test_nor_do_ten_short_ones(service: str) -> None:
    _outlived(*(Window(service, begin * MINUTE + 3, (begin + 1) * MINUTE) for begin in range(2, 22, 2)))


def test_nor_does_one_that_lasts_longer_than_a_message_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LONGEST", 30 * MINUTE)
    _outlived(Window("s3", MINUTE + 3, 60 * MINUTE), every=5 * MINUTE)


NEWER: Mapping[str, Mapping[str, Any]] = {
    "secret": {"secrets": [SecretStr("n" * 32), *SETTINGS.secrets]},
    "prefix": {"incoming_prefix": "newer"},
    "bucket": {"incoming_bucket": "newer"},
    "profile": {},
}


async def _before_the_workers(cluster: Cluster, change: str, *, then: bool) -> None:
    """A service with the newer configuration, workers without it for two hours, `then` some that have it."""
    newer = SETTINGS.model_copy(update=NEWER[change])
    async with cluster.working():
        await cluster.upload()
        await cluster.upload(newer, profile="newer" if change == "profile" else "default")
        await asyncio.sleep(2 * 60 * MINUTE)
    if then:
        cluster.settings = newer
        cluster.profiles += PROFILES.replace("default", "newer")
        async with cluster.working():
            await asyncio.sleep(10 * MINUTE)


@pytest.mark.parametrize("change", NEWER)
def test_an_upload_that_the_workers_configuration_does_not_know_yet_waits_for_one_that_does(change: str) -> None:
    cluster = Cluster(Weather([]), SETTINGS)
    simulate(_before_the_workers(cluster, change, then=True))
    assert set(cluster.states.values()) == {State.ACCEPTED}
    assert cluster.queue.sent_to(SETTINGS.dead_letter_queue) == []


def test_one_that_never_becomes_known_is_buried_after_a_day_and_nothing_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert waiting.LONGEST == 24 * 60 * MINUTE
    monkeypatch.setattr(waiting, "LONGEST", 60 * MINUTE)
    cluster = Cluster(Weather([]), SETTINGS)
    simulate(_before_the_workers(cluster, "secret", then=False))
    assert list(cluster.states.values()) == [State.ACCEPTED, None]
    assert len(cluster.queue.sent_to(SETTINGS.dead_letter_queue)) == 1
    assert len(cluster.s3.all_in(SETTINGS.incoming_bucket)) == 1


ELSEWHERE = PROFILES.replace("profiles.default", "profiles.elsewhere").replace("verdicts", "elsewhere")


def test_a_target_that_one_profile_notifies_and_that_is_missing_holds_up_no_other() -> None:
    cluster = Cluster(Weather((Window("elsewhere", 0, 30 * MINUTE),)), SETTINGS, profiles=PROFILES + ELSEWHERE)

    async def uploading() -> None:
        async with cluster.working():
            await cluster.upload(profile="elsewhere")
            await cluster.upload()
            await asyncio.sleep(MINUTE)
            assert len(cluster.queue.sent_to("verdicts")) == 1
            await asyncio.sleep(60 * MINUTE)

    simulate(uploading())
    assert set(cluster.states.values()) == {State.ACCEPTED}
    assert len(cluster.queue.sent_to("elsewhere")) == 1
    assert cluster.queue.sent_to(SETTINGS.dead_letter_queue) == []
