"""The program while its credentials appear, expire, change and are missing, as a pod's do. No request fails.

It gets them by the protocol of EKS Pod Identity and ECS ("Container credential provider", AWS SDKs and Tools guide);
they are real temporary ones of STS, whose signatures and ends S3 checks.
"""

import asyncio
import contextlib
import secrets
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import web

from aws.settings import AwsSettings
from ops.dev.emulator import Emulator
from tests.deployment import ROOT, unmeasured
from tests.service.deployed import post_form
from tests.service.harness import TOKENS, tokens_file
from tests.service.test_main import listening

pytestmark = pytest.mark.server

# The program with shorter pauses between requests for credentials, and a clock that is `argv[1]` seconds late.
LAUNCH = """
import sys, time, types
import aws.credentials, service.__main__ as program
aws.credentials.ASK_SECONDS = aws.credentials.RETRY_SECONDS = 0.5
behind = float(sys.argv[1])
program.time = types.SimpleNamespace(time=lambda: time.time() - behind)
sys.exit(program.main())
"""
PATIENCE = 120.0
POLL = 0.05
FIVE_MINUTES = 300
MAY = {"Effect": "Allow", "Action": ["s3:PutObject", "dynamodb:GetItem"], "Resource": "*"}


@dataclass(frozen=True)
class Handed:
    """Temporary credentials of a new IAM user. `end` is in seconds since the epoch."""

    user: str
    user_key: str
    key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    end: float


@dataclass
class Endpoint:
    """A container credentials endpoint. While not `answering` it takes requests and never responds."""

    handed: Handed
    away: bool = False
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def serve(self, _: web.Request) -> web.Response:
        await self.answering.wait()
        if self.away:
            return web.Response(status=500)
        return web.json_response(
            {
                "AccessKeyId": self.handed.key,
                "SecretAccessKey": self.handed.secret,
                "Token": self.handed.token,
                "Expiration": datetime.fromtimestamp(self.handed.end, UTC).isoformat().replace("+00:00", "Z"),
            }
        )

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Endpoint"]:
        self.answering.set()
        app = web.Application()
        app.router.add_get("/", self.serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        try:
            yield self
        finally:
            self.answering.set()
            await runner.cleanup()


@dataclass
class Pod:
    """A running service and its client."""

    url: str
    http: aiohttp.ClientSession

    async def issue(self) -> tuple[int, Any, str | None]:
        """Status, body and Retry-After of a request for a policy."""
        headers = {"Authorization": f"Bearer {TOKENS['shop']}"}
        asked = {"filename": "a.png"}
        async with self.http.post(f"{self.url}/v1/uploads", json=asked, headers=headers) as response:
            return response.status, await response.json(content_type=None), response.headers.get("Retry-After")

    async def created(self) -> Any:
        status, document, _ = await self.issue()
        assert status == 201, document
        return document

    async def post(self, created: Any) -> int:
        form = created["upload"]
        return (await post_form(self.http, form["url"], form["fields"], b"bytes"))[0]

    async def status(self, created: Any) -> int:
        headers = {"Authorization": f"Bearer {TOKENS['shop']}"}
        async with self.http.get(f"{self.url}{created['links']['self']}", headers=headers) as response:
            return response.status


@contextlib.asynccontextmanager
async def pod(deployment: AwsSettings, folder: Path, endpoint: Endpoint, behind: float = 0) -> AsyncIterator[Pod]:
    """The program with `endpoint` as its only source of credentials."""
    tokens = folder / "tokens.toml"
    tokens.write_text(tokens_file())
    plain = {name: value for name, value in unmeasured().items() if not name.startswith(("AIRLOCK_", "AWS_"))}
    own = deployment.model_dump(exclude_none=True, exclude={"secrets"})
    environment = {
        **plain,
        **{f"AIRLOCK_{name.upper()}": str(value) for name, value in own.items()},
        "AIRLOCK_SECRETS": deployment.secrets[0].get_secret_value(),
        "AIRLOCK_UNREADY_SECONDS": "0.01",
        "AIRLOCK_TOKENS": str(tokens),
        "AIRLOCK_PORT": "0",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(folder),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LAUNCH, str(behind), env=environment, cwd=ROOT, stdout=PIPE
    )
    try:
        async with aiohttp.ClientSession() as http:
            url = await listening(process)
            assert process.stdout
            # Its log is read, or the program would block on a full pipe.
            reading = asyncio.create_task(process.stdout.read())
            yield Pod(url, http)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await reading


async def handed(emulator: Emulator, seconds: int = FIVE_MINUTES) -> Handed:
    """Credentials that live for so many seconds, of a user with the service's permissions."""
    name = f"pod-{secrets.token_hex(4)}"
    user = await emulator.root.user(name, {"Version": "2012-10-17", "Statement": [MAY]})
    async with get_session().create_client(
        "sts",
        region_name=emulator.region,
        endpoint_url=emulator.endpoint,
        aws_access_key_id=user.access_key_id,
        aws_secret_access_key=user.secret_access_key,
        # AWS gives 15 minutes at least.
        config=AioConfig(parameter_validation=False),
    ) as sts:
        made = (await sts.get_session_token(DurationSeconds=seconds))["Credentials"]
    return Handed(
        name,
        user.access_key_id,
        made["AccessKeyId"],
        made["SecretAccessKey"],
        made["SessionToken"],
        made["Expiration"].timestamp(),
    )


async def retire(emulator: Emulator, old: Handed) -> None:
    """Remove the user's key and permissions: S3 then refuses everything that its credentials signed."""
    async with emulator.root.iam() as iam:
        await iam.update_access_key(UserName=old.user, AccessKeyId=old.user_key, Status="Inactive")
        await iam.delete_user_policy(UserName=old.user, PolicyName="airlock")


def signed_by(created: Any) -> str:
    credential: str = created["upload"]["fields"]["x-amz-credential"]
    return credential.partition("/")[0]


def end_of(created: Any) -> float:
    return datetime.fromisoformat(created["expires_at"]).timestamp()


async def test_credentials_that_expire_in_five_minutes_end_the_policy_and_the_answer_says_so(
    emulator: Emulator, deployment: AwsSettings, tmp_path: Path
) -> None:
    """The policy is signed when they have five minutes left; 297 seconds later they have three seconds left."""
    endpoint = Endpoint(await handed(emulator))
    async with endpoint.serving(), pod(deployment, tmp_path, endpoint, behind=FIVE_MINUTES - 3) as service:
        endpoint.handed = last = await handed(emulator, seconds=4)
        created = await service.created()
        async with asyncio.timeout(PATIENCE):
            while signed_by(created) != last.key:
                created = await service.created()
        # The policy ends with the credentials, rounded down to a second, never after them.
        assert last.end - 1 <= end_of(created) <= last.end
        assert await service.post(created) == 204
        async with asyncio.timeout(PATIENCE):
            while await service.post(created) == 204:
                assert time.time() < end_of(created) + 1
                await asyncio.sleep(POLL)
        assert time.time() >= end_of(created)
        assert await service.post(created) == 403


@dataclass
class Visitor:
    """Uploads one file after the other; none may fail."""

    service: Pod
    done: asyncio.Condition
    keys: list[str] = field(default_factory=list)

    async def visit(self) -> None:
        while True:
            created = await self.service.created()
            assert await self.service.post(created) == 204
            assert await self.service.status(created) == 200
            async with self.done:
                self.keys.append(signed_by(created))
                self.done.notify_all()


@pytest.mark.long
async def test_credentials_that_are_rotated_while_serving_fail_no_request(
    emulator: Emulator, deployment: AwsSettings, tmp_path: Path
) -> None:
    endpoint = Endpoint(await handed(emulator))
    async with endpoint.serving(), pod(deployment, tmp_path, endpoint) as service, asyncio.timeout(PATIENCE):
        done = asyncio.Condition()
        visitors = [Visitor(service, done) for _ in range(3)]

        async def until(condition: Callable[[Visitor], bool]) -> None:
            async with done:
                await done.wait_for(lambda: all(condition(visitor) for visitor in visitors))

        async def rotate() -> None:
            for _ in range(2):
                left_over = await service.created()
                old, endpoint.handed = endpoint.handed, await handed(emulator)
                await until(lambda visitor: visitor.keys[-1:] == [endpoint.handed.key])
                await retire(emulator, old)
                assert (signed_by(left_over), await service.post(left_over)) == (old.key, 403)
                counts = {id(visitor): len(visitor.keys) for visitor in visitors}
                await until(lambda visitor, counts=counts: len(visitor.keys) >= counts[id(visitor)] + 3)  # type: ignore[misc]

        async with asyncio.TaskGroup() as group:
            visits = [group.create_task(visitor.visit()) for visitor in visitors]
            await group.create_task(rotate())
            for visit in visits:
                visit.cancel()
        assert all(len(set(visitor.keys)) == 3 for visitor in visitors)


@pytest.mark.long
@pytest.mark.parametrize("trouble", ["away", "silent"])
async def test_while_no_new_credentials_come_those_held_sign_until_their_end_and_then_it_is_503_until_they_come(
    emulator: Emulator, deployment: AwsSettings, tmp_path: Path, trouble: str
) -> None:
    endpoint = Endpoint(await handed(emulator))
    async with endpoint.serving(), pod(deployment, tmp_path, endpoint) as service, asyncio.timeout(PATIENCE):
        endpoint.handed = last = await handed(emulator, seconds=6)
        while signed_by(await service.created()) != last.key:
            pass
        if trouble == "away":
            endpoint.away = True
        else:
            endpoint.answering.clear()

        created = await service.created()
        while True:
            status, document, retry_after = await service.issue()
            if status != 201:
                break
            await asyncio.sleep(POLL)
            created = document
            assert signed_by(created) == last.key
            assert end_of(created) <= last.end
        # A policy lives for a second at least, so the last of them is refused a second early.
        assert last.end - 1.5 <= time.time() <= last.end + 2
        assert (status, document["code"]) == (503, "dependency_unavailable")
        assert int(retry_after or 0) > 0

        endpoint.handed, endpoint.away = await handed(emulator), False
        endpoint.answering.set()
        while (await service.issue())[0] != 201:  # noqa: ASYNC110 # it becomes ready without any signal
            await asyncio.sleep(POLL)
        assert await service.post(await service.created()) == 204
