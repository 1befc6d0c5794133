"""Outages of half an hour and more: no upload is lost, buried or marked failed, and each ends in its verdict after."""

import asyncio

import pytest
from pydantic import SecretStr

from airlock.lifecycle import State
from aws.settings import AwsSettings
from tests.simulated_loop import simulate
from tests.workers.outages import Cluster, Weather, Window
from workers.intake import waiting

MINUTE = 60.0
SETTINGS = AwsSettings(
    region="eu-central-1",
    incoming_bucket="incoming",
    accepted_bucket="accepted",
    quarantine_bucket="quarantine",
    secrets=[SecretStr("s" * 32)],
)
NEW_SECRET = b"n" * 32
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


async def _under_another_secret(cluster: Cluster, newer: AwsSettings | None) -> None:
    """Workers that do not know the secret for two hours; then, with `newer` settings, some that do."""
    async with cluster.working():
        await cluster.upload(NEW_SECRET)
        await cluster.upload()
        await asyncio.sleep(2 * 60 * MINUTE)
    if newer:
        cluster.settings = newer
        async with cluster.working():
            await asyncio.sleep(10 * MINUTE)


def test_an_upload_under_a_secret_that_no_worker_has_yet_waits_for_one_that_has() -> None:
    cluster = Cluster(Weather([]), SETTINGS)
    both = [*SETTINGS.secrets, SecretStr(NEW_SECRET.decode())]
    simulate(_under_another_secret(cluster, SETTINGS.model_copy(update={"secrets": both})))
    assert set(cluster.states.values()) == {State.ACCEPTED}
    assert cluster.queue.sent_to(SETTINGS.dead_letter_queue) == []


def test_one_whose_secret_never_comes_is_buried_after_a_day_and_nothing_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert waiting.LONGEST == 24 * 60 * MINUTE
    monkeypatch.setattr(waiting, "LONGEST", 60 * MINUTE)
    cluster = Cluster(Weather([]), SETTINGS)
    simulate(_under_another_secret(cluster, None))
    assert list(cluster.states.values()) == [None, State.ACCEPTED]
    assert len(cluster.queue.sent_to(SETTINGS.dead_letter_queue)) == 1
    assert len(cluster.s3.all_in(SETTINGS.incoming_bucket)) == 1
