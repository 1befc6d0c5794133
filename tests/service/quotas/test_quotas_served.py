"""Quotas over HTTP: RateLimit headers on success, 429 on refusal, and sessions that are charged to their owner."""

import asyncio
from pathlib import Path

from airlock.errors import Unavailable
from airlock.profiles import Profiles
from airlock.quotas import DAY, MINUTE, Quota, Quotas, Subject, Usage, Window
from aws.settings import AwsSettings
from tests.service.deployed import DeployedService, deployed_service
from tests.service.fakes import START, FakeCounters
from tests.service.harness import Answer, ServiceHarness, settings

MIB = 2**20
THIS_MINUTE, TODAY = Window.at(START, MINUTE), Window.at(START, DAY)
PAGE = "https://app.example.com"


def limited(profiles: Profiles, *, owner: Quota | None = None, tenant: Quota | None = None) -> Profiles:
    return profiles.model_copy(update={"quotas": Quotas(owner=owner or Quota(), tenant=tenant or Quota())})


async def create(service: ServiceHarness, *, owner: str = "shop", **fields: object) -> Answer:
    return await service.ask("POST", "/v1/uploads", owner=owner, json={"filename": "photo.png", **fields})


async def test_what_is_issued_says_what_is_left(profiles: Profiles) -> None:
    quota = Quota(uploads_per_minute=60, declared_bytes_per_day=10 * MIB)
    async with ServiceHarness(settings(), limited(profiles, owner=quota)) as service:
        first = await create(service, size=MIB)
        second = await create(service, size=MIB)
    assert first.headers["RateLimit-Policy"] == (
        f'"owner-minute";q=60;w=60, "owner-declared";q={10 * MIB};qu="content-bytes";w=86400'
    )
    minute, day = int(THIS_MINUTE.end - START), int(TODAY.end - START)
    assert first.headers["RateLimit"] == f'"owner-minute";r=59;t={minute}, "owner-declared";r={9 * MIB};t={day}'
    assert second.headers["RateLimit"] == f'"owner-minute";r=58;t={minute}, "owner-declared";r={8 * MIB};t={day}'


async def test_too_many_are_refused_until_the_minute_is_over(profiles: Profiles) -> None:
    async with ServiceHarness(settings(), limited(profiles, owner=Quota(uploads_per_minute=2))) as service:
        assert [(await create(service)).status for _ in range(2)] == [201, 201]
        refused = await create(service)
        other = await create(service, owner="press")
        service.clock.advance(int(refused.headers["Retry-After"]))
        again = await create(service)
    assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
    wait = int(THIS_MINUTE.end - START)
    assert refused.headers["Retry-After"] == str(wait)
    assert refused.headers["RateLimit"] == f'"owner-minute";r=0;t={wait}'
    assert refused.headers["RateLimit-Policy"] == '"owner-minute";q=2;w=60'
    assert refused.json["detail"] == (
        f"The limit of 2 uploads a minute for each owner is reached; the next minute begins in {wait} s"
    )
    assert (other.status, again.status) == (201, 201)


async def test_both_calls_that_issue_are_counted_together(profiles: Profiles) -> None:
    async with ServiceHarness(settings(), limited(profiles, owner=Quota(uploads_per_minute=2))) as service:
        simple = await service.ask("GET", "/api/get-presigned-policy?filename=me.png")
        await create(service)
        refused = await service.ask("GET", "/api/get-presigned-policy?filename=me.png")
    assert simple.headers["RateLimit"].startswith('"owner-minute";r=1;')
    assert (refused.status, refused.json["code"]) == (429, "too_many_requests")


async def test_a_size_that_is_not_declared_counts_as_the_most_that_the_policy_takes(profiles: Profiles) -> None:
    async with ServiceHarness(settings(), limited(profiles, owner=Quota(declared_bytes_per_day=150 * MIB))) as service:
        assert (await create(service)).status == 201
        refused = await create(service)
        declared = await create(service, size=50 * MIB)
    assert refused.status == 429
    assert f"leaves {50 * MIB}, and this upload can take {100 * MIB}" in refused.json["detail"]
    assert declared.status == 201


async def test_what_is_refused_for_another_reason_costs_nothing(profiles: Profiles) -> None:
    async with ServiceHarness(settings(), limited(profiles, owner=Quota(uploads_per_minute=1))) as service:
        for fields in ({"size": 10**12}, {"profile": "no-such"}, {"content_type": "text/html"}, {"filename": ""}):
            assert (await create(service, **fields)).status in (400, 413, 415)
        service.credentials.held, kept = None, service.credentials.held
        assert (await create(service)).status == 503
        service.credentials.held = kept
        assert (await create(service)).status == 201
        assert (await create(service)).status == 429


async def test_without_quotas_there_are_no_such_headers(service: ServiceHarness) -> None:
    answer = await create(service)
    assert answer.status == 201
    assert not [name for name in answer.headers if name.startswith("RateLimit")]
    assert service.counters.calls == 0


async def test_a_page_may_read_the_headers(profiles: Profiles) -> None:
    there = limited(profiles, owner=Quota(uploads_per_minute=1))
    async with ServiceHarness(settings(cors_origins=[PAGE]), there) as service:
        answer = await service.ask("POST", "/v1/uploads", json={"filename": "a.png"}, headers={"Origin": PAGE})
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed)


async def test_replicas_share_what_was_taken(profiles: Profiles) -> None:
    there, counters = limited(profiles, owner=Quota(declared_bytes_per_day=3 * MIB)), FakeCounters()
    async with (
        ServiceHarness(settings(), there, counters=counters) as one,
        ServiceHarness(settings(), there, counters=counters) as other,
    ):
        assert (await create(one, size=2 * MIB)).status == 201
        await counters.called(1)
        # The first request to a new replica passes, and its report reads the usage of the other replicas.
        assert (await create(other, size=MIB)).status == 201
        await counters.called(2)
        assert (await create(other, size=1)).status == 429


async def test_the_last_uploads_before_the_end_are_counted(profiles: Profiles) -> None:
    there = limited(profiles, owner=Quota(uploads_per_minute=100))
    async with ServiceHarness(settings(), there) as service:
        for _ in range(10):
            await create(service, size=1)
    assert service.counters.sums[Subject("owner", "shop"), THIS_MINUTE] == Usage(10, 10)


async def test_policies_are_signed_while_the_counters_are_unavailable(profiles: Profiles) -> None:
    counters = FakeCounters(error=Unavailable("dynamodb", "no answer"))
    there = limited(profiles, owner=Quota(uploads_per_minute=3))
    async with ServiceHarness(settings(), there, counters=counters) as service:
        assert [(await create(service)).status for _ in range(4)] == [201, 201, 201, 429]


async def test_two_replicas_over_one_table(deployment: AwsSettings, tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(deployment.profiles.read_text() + '\n[quotas.owner]\ndeclared_bytes_per_day = "3 MiB"\n')
    async with deployed_service(deployment, profiles=path) as one, deployed_service(deployment, profiles=path) as other:

        async def create_at(service: DeployedService, size: int) -> Answer:
            return await service.ask("POST", "/v1/uploads", json={"filename": "photo.png", "size": size})

        assert (await create_at(one, 2 * MIB)).status == 201
        async with asyncio.timeout(30):
            # Each of these reports one byte to the table, and reads the total.
            while _left(await create_at(other, 1)) >= MIB:
                pass
        assert (await create_at(other, MIB)).status == 429


def _left(answer: Answer) -> int:
    return int(answer.headers["RateLimit"].partition(";r=")[2].partition(";")[0])


class TestSessions:
    """Sessions of a back end of the tenant acme, for its own owners."""

    async def mint(self, service: ServiceHarness, owner: str, **more: object) -> dict[str, str]:
        asked = {"owner": owner, "profile": "default", "max_uploads": 5, **more}
        answer = await service.ask("POST", "/v1/sessions", owner="backend", json=asked)
        assert answer.status == 201, answer.body
        return {"Authorization": f"Bearer {answer.json['token']}"}

    async def upload(self, service: ServiceHarness, bearer: dict[str, str], **fields: object) -> Answer:
        body = {"filename": "photo.png", **fields}
        return await service.ask("POST", "/v1/uploads", owner=None, headers=bearer, json=body)

    async def test_an_upload_is_charged_to_the_owner_of_its_session_and_to_its_tenant(self, profiles: Profiles) -> None:
        there = limited(profiles, owner=Quota(uploads_per_minute=2), tenant=Quota(uploads_per_minute=3))
        async with ServiceHarness(settings(), there) as service:
            ann, bob = await self.mint(service, "user-ann"), await self.mint(service, "user-bob")
            assert [(await self.upload(service, ann)).status for _ in range(3)] == [201, 201, 429]
            assert [(await self.upload(service, bob)).status for _ in range(2)] == [201, 429]
            refused = await create(service, owner="backend")
        assert "for each tenant is reached" in refused.json["detail"]

    async def test_what_a_quota_refuses_costs_the_session_nothing(self, profiles: Profiles) -> None:
        async with ServiceHarness(settings(), limited(profiles, owner=Quota(uploads_per_minute=1))) as service:
            ann = await self.mint(service, "user-ann", max_uploads=2)
            assert [(await self.upload(service, ann)).status for _ in range(4)] == [201, 429, 429, 429]
            assert [uploads for uploads, _ in service.sessions.spent.values()] == [1]

    async def test_what_a_spent_session_asks_for_costs_its_owner_nothing(self, profiles: Profiles) -> None:
        async with ServiceHarness(settings(), limited(profiles, owner=Quota(uploads_per_minute=4))) as service:
            spent = await self.mint(service, "user-ann", max_uploads=1)
            assert [(await self.upload(service, spent)).status for _ in range(9)] == [201, *[403] * 8]
            fresh = await self.mint(service, "user-ann")
            assert [(await self.upload(service, fresh)).status for _ in range(4)] == [201, 201, 201, 429]

    async def test_a_policy_that_takes_less_is_charged_less(self, profiles: Profiles) -> None:
        async with ServiceHarness(settings(), limited(profiles, owner=Quota(declared_bytes_per_day=10**9))) as service:
            ann = await self.mint(service, "user-ann", max_bytes=130)
            assert (await self.upload(service, ann, size=100)).status == 201
            answer = await self.upload(service, ann)
        assert answer.json["max_bytes"] == 30
        assert service.counters.sums[Subject("owner", "user-ann"), TODAY] == Usage(2, 130)
