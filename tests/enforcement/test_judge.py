"""The judge finds fault with any server that lets things pass, so that silence from it means something."""

import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator

import aiohttp
import pytest

from airlock.policy import Credentials
from tests.enforcement.form import Form
from tests.enforcement.hostile.case import STORED
from tests.enforcement.hostile.catalogue import GROUPS, every_case
from tests.enforcement.judge import EXEMPT, judge
from tests.enforcement.server import Described, Server, Version, all_keys, issuers

HOSTILE = {case.name for case in every_case() if case.answer is not STORED}
HONEST = {case.name for case in every_case() if case.answer is STORED}


class Careless(Server):
    """Answers all with `status`, and stores all where it `keeps`, described by the first or the last of two values."""

    status = 204
    keeps = True
    first = False

    async def send(self, form: Form) -> tuple[int, str]:
        if self.keeps:
            fields = self._read(form)
            key = fields.get("key") or form.url.partition(f"{self.incoming}/")[2]
            body = next((part.value for part in form.parts if part.filename is not None), form.raw or b"")
            etag = hashlib.md5(body).hexdigest()
            version = Version(self.incoming, key, secrets.token_hex(8), etag)
            metadata = {name[11:]: value for name, value in fields.items() if name.startswith("x-amz-meta-")}
            self.held[version] = Described(fields.get("Content-Type", ""), metadata, len(body), set())
        return self.status, "" if self.status == 204 else "AccessDenied"

    async def versions(self) -> set[Version]:
        return set(self.held)

    async def described(self, version: Version) -> Described:
        return self.held[version]

    @property
    def held(self) -> dict[Version, Described]:
        held: dict[Version, Described] = self.s3
        return held

    def _read(self, form: Form) -> dict[str, str]:
        parts = reversed(form.parts) if self.first else form.parts
        return {part.name: part.value.decode() for part in parts if part.filename is None}


@contextlib.asynccontextmanager
async def careless(*, status: int = 204, keeps: bool = True, first: bool = False) -> AsyncIterator[Server]:
    endpoint, incoming, other = "http://127.0.0.1:9", "incoming-test", "accepted-test"
    sessions = {
        name: Credentials(name, f"the secret of {name}", f"the token of {name}")
        for name in ("session", "another session")
    }
    keys = all_keys(
        {**{name: Credentials(name, f"the secret of {name}") for name in ("static", "stranger")}, **sessions}
    )
    async with issuers(endpoint, incoming, other) as services, aiohttp.ClientSession() as http:
        server = Careless("careless", endpoint, {}, http, keys, services, incoming, other)
        server.status, server.keeps, server.first = status, keeps, first
        yield server


async def blamed(server: Server) -> set[str]:
    """The names of the cases that the judge has a complaint about."""
    return {complaint.partition(":")[0] for complaint in await judge(server, every_case())}


@pytest.mark.slow
async def test_a_server_that_stores_all_is_blamed_for_every_hostile_case() -> None:
    async with careless() as server:
        assert await blamed(server) >= HOSTILE


@pytest.mark.slow
async def test_a_server_that_refuses_aloud_and_stores_in_secret_is_blamed_for_all() -> None:
    async with careless(status=403) as server:
        assert await blamed(server) >= HOSTILE | HONEST


@pytest.mark.slow
async def test_a_server_that_says_it_stored_is_blamed_though_it_did_not() -> None:
    async with careless(keeps=False) as server:
        assert await blamed(server) >= HOSTILE | HONEST


@pytest.mark.slow
async def test_a_server_that_refuses_all_is_blamed_for_every_honest_case() -> None:
    async with careless(status=403, keeps=False) as server:
        found = await blamed(server)
        assert found >= HONEST
        assert "Content-Type altered" not in found


@pytest.mark.slow
async def test_a_server_that_uses_another_value_than_it_checks_is_blamed() -> None:
    async with careless() as last, careless(first=True) as first:
        used = {f"{name} preceded by another" for name in ("key", "Content-Type", "x-amz-meta-owner")}
        assert not used & await blamed(last)
        assert used <= await blamed(first)


def test_each_case_is_refused_by_one_server_at_least() -> None:
    ministack, ceph = (set(exempt) for exempt in EXEMPT.values())
    assert not ministack & ceph
    assert ministack | ceph <= HOSTILE


def test_the_catalogue_is_long_and_says_each_name_once() -> None:
    names = [case.name for case in every_case()]
    assert len(names) == len(set(names))
    assert len(HOSTILE) >= 200
    assert len(GROUPS) == 12
