"""Credentials are ready for signing, also while a refresh fails, and are never shown."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from airlock.errors import Unavailable
from aws.credentials import ASK_SECONDS, RETRY_SECONDS, CredentialSource

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Keys:
    access_key: str
    secret_key: str = "the-secret"
    token: str | None = "the-token"


class Provider:
    """Returns or raises what it was given, in turn, and the last one again and again."""

    def __init__(self, *given: Keys | Exception, end: datetime | None = START) -> None:
        self.given = list(given)
        self._expiry_time = end

    async def get_frozen_credentials(self) -> Keys:
        now = self.given.pop(0) if len(self.given) > 1 else self.given[0]
        if isinstance(now, Exception):
            raise now
        return now


class Naps:
    """A `sleep` that ends when the test wakes it."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self._asleep = asyncio.Event()
        self._awake = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        self._asleep.set()
        await self._awake.wait()
        self._awake.clear()

    async def pass_one(self) -> None:
        """Wake the sleeper and wait until it sleeps again."""
        await self._asleep.wait()
        self._asleep.clear()
        self._awake.set()
        await self._asleep.wait()


async def test_refreshed_credentials_are_used_without_waiting() -> None:
    naps = Naps()
    provider = Provider(Keys("first"), Keys("second"))
    async with CredentialSource(provider, sleep=naps) as source:
        assert source.current().access_key_id == "first"
        provider._expiry_time = START + timedelta(hours=1)
        await naps.pass_one()
        assert source.current().access_key_id == "second"
        assert source.current().expires_at == START + timedelta(hours=1)
    assert naps.taken == [ASK_SECONDS] * 2


async def test_the_remaining_time_is_that_of_the_credentials() -> None:
    async with CredentialSource(Provider(Keys("a"), end=START), sleep=Naps()) as source:
        assert source.remaining(START.timestamp() - 90.5) == 90.5
        assert source.remaining(START.timestamp() + 1) == 0


async def test_an_expiry_in_another_time_zone_is_the_same_time() -> None:
    elsewhere = START.astimezone().astimezone(tz=None)
    async with CredentialSource(Provider(Keys("a"), end=elsewhere), sleep=Naps()) as source:
        assert source.current().expires_at == START


async def test_static_credentials_never_expire_and_are_not_refreshed() -> None:
    naps = Naps()
    async with CredentialSource(Provider(Keys("a", token=None), end=None), sleep=naps) as source:
        await asyncio.sleep(0)
        assert source.remaining(1e12) == float("inf")
        assert source.current().session_token is None
    assert naps.taken == []


async def test_while_a_refresh_fails_the_credentials_held_are_used(caplog: pytest.LogCaptureFixture) -> None:
    naps = Naps()
    provider = Provider(Keys("held"), OSError("the-secret"), ValueError("the-token"), Keys("new"))
    with caplog.at_level(logging.WARNING, "aws"):
        async with CredentialSource(provider, sleep=naps) as source:
            for _ in range(2):
                await naps.pass_one()
                assert source.current().access_key_id == "held"
            await naps.pass_one()
            assert source.current().access_key_id == "new"
    assert naps.taken == [ASK_SECONDS, RETRY_SECONDS, RETRY_SECONDS, ASK_SECONDS]
    assert caplog.text.count("keeping those held") == 2
    assert "the-secret" not in caplog.text
    assert "the-token" not in caplog.text


async def test_signing_is_unavailable_until_there_are_credentials(
    caplog: pytest.LogCaptureFixture,
) -> None:
    naps = Naps()
    async with CredentialSource(Provider(OSError(), Keys("late")), sleep=naps) as source:
        assert source.remaining(0) == 0
        with pytest.raises(Unavailable) as caught:
            source.current()
        assert caught.value.dependency == "credentials"
        await naps.pass_one()
        assert source.current().access_key_id == "late"
    assert "there are none yet" in caplog.text


class Silent(Provider):
    """Answers as it was given, and then not before `speaking` is set."""

    def __init__(self, *given: Keys | Exception) -> None:
        super().__init__(*given)
        self.speaking = asyncio.Event()
        self.speaking.set()

    async def get_frozen_credentials(self) -> Keys:
        await self.speaking.wait()
        return await super().get_frozen_credentials()


async def test_a_provider_that_never_answers_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    naps = Naps()
    provider = Silent(Keys("held"), Keys("new"))
    async with CredentialSource(provider, sleep=naps, timeout=0.01) as source:
        provider.speaking.clear()
        for _ in range(2):
            await naps.pass_one()
            assert source.current().access_key_id == "held"
        provider.speaking.set()
        await naps.pass_one()
        assert source.current().access_key_id == "new"
    assert naps.taken == [ASK_SECONDS, RETRY_SECONDS, RETRY_SECONDS, ASK_SECONDS]
    assert caplog.text.count("keeping those held") == 2


async def test_a_provider_that_never_answers_does_not_stop_the_start() -> None:
    provider = Silent(Keys("late"))
    provider.speaking.clear()
    naps = Naps()
    async with CredentialSource(provider, sleep=naps, timeout=0.01) as source:
        assert source.remaining(0) == 0
        provider.speaking.set()
        await naps.pass_one()
        assert source.current().access_key_id == "late"


async def test_leaving_a_source_ends_its_task() -> None:
    before = asyncio.all_tasks()
    async with CredentialSource(Provider(Keys("a")), sleep=Naps()):
        assert len(asyncio.all_tasks()) == len(before) + 1
    assert asyncio.all_tasks() == before


async def test_a_source_that_was_not_entered_can_be_left() -> None:
    await CredentialSource(Provider(Keys("a"))).__aexit__()


async def test_credentials_are_not_shown() -> None:
    async with CredentialSource(Provider(Keys("a")), sleep=Naps()) as source:
        assert "the-" not in repr(source.current())
