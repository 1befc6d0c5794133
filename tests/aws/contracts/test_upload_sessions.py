"""`service.ports.UploadSessions`: a session is charged for uploads and bytes until too little is left."""

from collections.abc import AsyncIterator

import pytest

from airlock.errors import Unavailable
from airlock.upload_session import Session
from aws.clients import connect
from aws.dynamodb.upload_sessions import UploadSessions as Adapter
from aws.settings import AwsSettings
from service.ports import UploadSessions
from tests.service.fakes import FakeSessions

SESSION = Session("5e" * 16, "ann", "acme", "avatar", 3, 1000, 1_760_000_900)


@pytest.fixture
async def sessions(settings_or_fake: AwsSettings | None) -> AsyncIterator[UploadSessions]:
    if settings_or_fake is None:
        yield FakeSessions()
        return
    async with connect(settings_or_fake, services=("dynamodb",)) as clients:
        yield Adapter(clients.dynamodb, settings_or_fake.table)


async def test_uploads_are_charged_until_none_is_left(sessions: UploadSessions) -> None:
    spent = [await sessions.spend(SESSION, 100, 100) for _ in range(5)]
    assert spent == [100, 100, 100, None, None]


async def test_bytes_are_charged_until_too_few_are_left(sessions: UploadSessions) -> None:
    assert await sessions.spend(SESSION, 600, 600) == 600
    assert await sessions.spend(SESSION, 401, 401) is None
    assert await sessions.spend(SESSION, 400, 400) == 400
    assert await sessions.spend(SESSION, 0, 0) == 0
    assert await sessions.spend(SESSION, 0, 0) is None


async def test_an_undeclared_size_is_charged_at_most_what_is_left(sessions: UploadSessions) -> None:
    assert await sessions.spend(SESSION, 1, 700) == 700
    assert await sessions.spend(SESSION, 1, 700) == 300
    assert await sessions.spend(SESSION, 1, 700) is None


async def test_fewer_bytes_than_the_least_are_not_charged(sessions: UploadSessions) -> None:
    assert await sessions.spend(SESSION, 1001, 2000) is None
    assert await sessions.spend(SESSION, 500, 2000) == 1000
    assert await sessions.spend(SESSION._replace(id="6e" * 16), 500, 700) == 700
    assert await sessions.spend(SESSION._replace(id="6e" * 16), 500, 700) is None


async def test_sessions_are_charged_apart(sessions: UploadSessions) -> None:
    one = SESSION._replace(max_uploads=1)
    assert await sessions.spend(one, 1000, 1000) == 1000
    assert await sessions.spend(one._replace(id="6e" * 16), 1000, 1000) == 1000


async def test_a_table_that_cannot_be_reached_is_unavailable(settings_or_fake: AwsSettings | None) -> None:
    if settings_or_fake is None:
        with pytest.raises(Unavailable):
            await FakeSessions(error=Unavailable("dynamodb", "cannot be reached")).spend(SESSION, 1, 1)
        return
    async with connect(settings_or_fake, services=("dynamodb",)) as clients:
        with pytest.raises(Unavailable):
            await Adapter(clients.dynamodb, "no-such-table").spend(SESSION, 1, 1)
