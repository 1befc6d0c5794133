"""The service over the real adapters and the emulator."""

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from aws.clients import Clients, connect
from aws.dynamodb.records import Records
from aws.dynamodb.upload_sessions import UploadSessions
from aws.dynamodb.usage_counters import UsageCounters
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from aws.sqs.queue import Queue
from service import __main__ as program
from service.app import make_app
from service.identity.callers import Callers
from service.identity.tokens import StaticTokens
from service.ports import Ports
from service.server import serving
from service.settings import Settings, load_profiles
from tests.deployment import connected_as, keys_of
from tests.service.harness import Answer, ask, settings, tokens_file


@dataclass
class DeployedService:
    """A service that listens, and clients for its deployment with more permissions than the service has."""

    settings: Settings
    clients: Clients
    queue: Queue
    records: Records
    url: str
    http: aiohttp.ClientSession
    lines: list[bytes] = field(default_factory=list)

    async def ask(self, method: str, path: str, *, owner: str | None = "shop", **more: Any) -> Answer:
        return await ask(self.http, method, self.url + path, owner, **more)

    async def create(self, *, owner: str | None = "shop", **fields: Any) -> Any:
        """The response to a new upload; fails unless it is 201."""
        answer = await self.ask("POST", "/v1/uploads", owner=owner, json={"filename": "photo.png", **fields})
        assert answer.status == 201, answer.body
        return answer.json

    async def stored(self) -> list[str]:
        """The keys of everything in the incoming bucket."""
        listed = await self.clients.s3.list_object_versions(Bucket=self.settings.incoming_bucket)
        return [each["Key"] for each in listed.get("Versions", ())]


def service_settings(deployment: AwsSettings, **changes: Any) -> Settings:
    """The service's settings in a deployment."""
    return settings(**{**{name: getattr(deployment, name) for name in AwsSettings.model_fields}, **changes})


@asynccontextmanager
async def deployed_service(deployment: AwsSettings, **changes: Any) -> AsyncIterator[DeployedService]:
    """A service on the emulator, as a user with only the service's permissions."""
    here = service_settings(deployment, **changes)
    async with (
        connect(here) as clients,
        Queue.open(here, clients) as queue,
        connected_as(keys_of("service", deployment), here) as its_clients,
        Queue.open(here, its_clients) as its_queue,
        aiohttp.ClientSession(auto_decompress=False) as http,
    ):
        records = Records(its_clients.dynamodb, here.table)
        objects = Objects(its_clients.s3, public_s3=its_clients.public_s3)
        sessions = UploadSessions(its_clients.dynamodb, here.table)
        counters = UsageCounters(its_clients.dynamodb, here.table)
        ports = Ports(
            its_clients.credentials,
            records,
            sessions,
            objects,
            its_queue,
            counters,
            program._dependencies(here, its_clients),
            time.time,
            asyncio.sleep,
            os.urandom,
            its_clients.s3_url,
        )
        lines: list[bytes] = []
        app = make_app(here, load_profiles(here.profiles), Callers(StaticTokens.load(tokens_file())), ports)
        async with serving(app, lines.append) as url:
            yield DeployedService(here, clients, queue, Records(clients.dynamodb, here.table), url, http, lines)


async def post_form(http: aiohttp.ClientSession, url: str, fields: dict[str, str], content: bytes) -> tuple[int, str]:
    """Send a file with a policy's form, as a browser does; returns S3's status and its error code, if any."""
    form = aiohttp.FormData(fields)
    form.add_field("file", io.BytesIO(content), filename="file")
    async with http.post(url, data=form) as response:
        text = await response.text()
        return response.status, text.partition("<Code>")[2].partition("</Code>")[0]
