"""The whole way of an event: from a worker by the delivery queue to a receiver that verifies it."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
from aiohttp import web

from aws.settings import AwsSettings
from tests.deployment import ROOT
from tests.workers.deliveries.notifying import notifying
from tests.workers.deliveries.receiver import SECRET, Receiver, receiving
from tests.workers.harness import PNG, WorkerHarness


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest_asyncio.fixture
async def harness(deployment: AwsSettings, receiver: Receiver, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    async with notifying(deployment, tmp_path, receiver.url) as made:
        yield made


def example() -> Any:
    """The names that the example receiver in docs/integrate.md defines."""
    [code] = re.findall(
        r"```python\n(.*?WebhookVerificationError.*?)```", (ROOT / "docs/integrate.md").read_text(), re.DOTALL
    )
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    names: dict[str, Any] = {"SECRET": SECRET, "seen": {}}
    exec(code, names)
    return names


async def test_an_event_reaches_a_webhook_through_the_delivery_queue(
    harness: WorkerHarness, receiver: Receiver
) -> None:
    async with harness.working():
        sent = await harness.put(PNG)
        await harness.settled(sent)
        await harness.idle(harness.settings.queue)
        await harness.idle(harness.settings.delivery_queue)
    [(event_id, body)] = receiver.accepted
    event = json.loads(body)
    assert (event["id"], event["type"], event["subject"]) == (event_id, "airlock.upload.accepted", sent.upload)


async def test_the_documented_receiver_accepts_signed_events_only(harness: WorkerHarness, receiver: Receiver) -> None:
    documented = example()
    receiver.handler = documented["receive"]
    async with harness.working():
        sent = await harness.put(PNG)
        await harness.settled(sent)
        await harness.idle(harness.settings.queue)
        await harness.idle(harness.settings.delivery_queue)
    assert [event["subject"] for event in documented["seen"].values()] == [sent.upload]
    assert receiver.requests == 1
    async with aiohttp.ClientSession() as http, http.post(receiver.url, data=b"{}") as unsigned:
        assert unsigned.status == 401
    assert len(documented["seen"]) == 1


async def test_a_receiver_that_is_down_delays_no_inspection(harness: WorkerHarness, receiver: Receiver) -> None:
    receiver.respond = lambda _: web.Response(status=503)
    async with harness.working():
        first, second = await harness.put(PNG), await harness.put(PNG)
        for sent in (first, second):
            await harness.settled(sent)
        await harness.idle(harness.settings.queue)
    assert receiver.accepted == []


async def test_a_delivery_that_fails_for_good_is_kept_with_the_response(
    harness: WorkerHarness, receiver: Receiver
) -> None:
    receiver.respond = lambda _: web.Response(status=410, text="we are closed")
    async with harness.working():
        sent = await harness.put(PNG)
        await harness.settled(sent)
        await harness.idle(harness.settings.queue)
        await harness.idle(harness.settings.delivery_queue)
    [letter] = await harness._take(harness.settings.undelivered_queue, 1)
    reason = letter["MessageAttributes"]["airlock-reason"]["StringValue"]
    assert reason == "webhook billing: after 1 attempts: the receiver answered 410: we are closed"
    assert json.loads(json.loads(letter["Body"])["event"])["subject"] == sent.upload


async def test_a_worker_without_the_secret_of_a_webhook_does_not_start(harness: WorkerHarness, tmp_path: Path) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    for secrets, message in ((str(empty), "there is no secret for billing"), ("", "AIRLOCK_WEBHOOK_SECRETS is needed")):
        environment = harness.environment(AIRLOCK_WEBHOOK_SECRETS=secrets, AIRLOCK_WEBHOOK_NETWORKS="127.0.0.0/8")
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "workers"),
            cwd=ROOT,
            env={**os.environ, **environment},
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await worker.communicate()
        assert worker.returncode == 2
        assert message in errors.decode()


async def test_the_signing_secrets_are_read_once_at_the_start(
    harness: WorkerHarness, receiver: Receiver, tmp_path: Path
) -> None:
    async with harness.working():
        (tmp_path / "webhooks.toml").unlink()
        await harness.settled(await harness.put(PNG))
        await harness.idle(harness.settings.queue)
        await harness.idle(harness.settings.delivery_queue)
    assert len(receiver.accepted) == 1
