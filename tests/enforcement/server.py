"""The S3 servers that have to refuse what our policies do not allow, and a service that issues policies for them."""

import contextlib
import io
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import aiohttp
from aiobotocore.session import get_session

from airlock.policy import Credentials
from airlock.profiles import Profiles
from aws.s3.objects import Objects
from ops.dev.emulator import Emulator
from tests.ceph import Ceph
from tests.deployment import S3_CONFIG
from tests.enforcement.form import Form
from tests.service.harness import ServiceHarness, settings

REGION = "eu-central-1"
OTHER_REGION = "us-west-2"
MIN, MAX, LIFETIME = 10, 1000, 300
PROFILES = f"""
[profiles.default]
content_types = ["*/*"]
unexamined = ["*/*"]
min_bytes = {MIN}
max_bytes = {MAX}
lifetime = "{LIFETIME}s"
checks = ["size", "checksum"]
metadata = ["note"]
"""


class Version(NamedTuple):
    """Something that is stored; `etag` without quotes."""

    bucket: str
    key: str
    version_id: str
    etag: str


class Described(NamedTuple):
    """What a version is stored with; `more` names what our policies never allow."""

    content_type: str
    metadata: Mapping[str, str]
    size: int
    more: set[str]


DANGEROUS = ("CacheControl", "ContentDisposition", "ContentEncoding", "WebsiteRedirectLocation", "StorageClass")


@dataclass(frozen=True)
class Who:
    """Whose keys sign the policy and another upload's, and when that is (seconds from now)."""

    keys: str = "static"
    other: str | None = None
    region: str = REGION
    since: int = 0


@dataclass
class Server:
    """One S3 server with an incoming and another bucket of this run, both versioned."""

    name: str
    endpoint: str
    s3: Any
    http: aiohttp.ClientSession
    keys: Mapping[str, Credentials]
    services: Mapping[str, ServiceHarness]
    incoming: str
    other: str

    async def issue(self, who: Who, body: bytes, **asked: Any) -> Form:
        """A form that our service issued for `body`; `asked` is more of what the caller asks for."""
        service = self.services[who.region]
        service.credentials.held = self.keys[who.keys]
        service.clock.at = time.time() + who.since
        created = await service.create(**asked)
        return Form.of(created["upload"], body)

    async def send(self, form: Form) -> tuple[int, str]:
        """The status, and S3's error code if there is one."""
        sent = self.http.request(
            form.method, form.url, data=io.BytesIO(form.encode()), headers=form.headers, allow_redirects=False
        )
        async with sent as response:
            text = await response.text()
            return response.status, text.partition("<Code>")[2].partition("</Code>")[0]

    async def versions(self) -> set[Version]:
        """Everything that is stored in the two buckets, and whatever hides it."""
        found = set()
        for bucket in (self.incoming, self.other):
            async for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    etag = each.get("ETag", "").strip('"')
                    found.add(Version(bucket, each["Key"], each["VersionId"], etag))
        return found

    async def described(self, version: Version) -> Described:
        """What is said of a version when somebody reads it."""
        told = await self.s3.head_object(Bucket=version.bucket, Key=version.key, VersionId=version.version_id)
        more = {name for name in DANGEROUS if told.get(name)}
        return Described(told["ContentType"], told["Metadata"], told["ContentLength"], more)


@contextlib.asynccontextmanager
async def on_ministack(running: Emulator) -> AsyncIterator[Server]:
    keys = Credentials(running.access_key.access_key_id, running.access_key.secret_access_key)
    async with _client("sts", running.endpoint, keys) as sts:
        sessions = [_credentials((await sts.get_session_token())["Credentials"]) for _ in range(2)]
    held = {"static": keys, "stranger": await _stranger_on_ministack(running.endpoint)}
    held |= {"session": sessions[0], "another session": sessions[1]}
    place = {"LocationConstraint": REGION}
    async with _opened("ministack", running.endpoint, held, CreateBucketConfiguration=place) as server:
        yield server


@contextlib.asynccontextmanager
async def on_ceph(running: Ceph) -> AsyncIterator[Server]:
    sessions = [await _assumed_on_ceph(running) for _ in range(2)]
    held = {"static": running.keys, "stranger": running.stranger}
    held |= {"session": sessions[0], "another session": sessions[1]}
    async with _opened("ceph", running.endpoint, held) as server:
        yield server


async def _stranger_on_ministack(endpoint: str) -> Credentials:
    """An IAM user who may do nothing, made by root, whose signature is not looked at."""
    async with aiohttp.ClientSession() as http, http.get(f"{endpoint}/_ministack/health") as response:
        root = Credentials((await response.json())["edition"], "not looked at")
    async with _client("iam", endpoint, root) as iam:
        name = f"stranger-{secrets.token_hex(4)}"
        await iam.create_user(UserName=name)
        made = (await iam.create_access_key(UserName=name))["AccessKey"]
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"])


async def _assumed_on_ceph(running: Ceph) -> Credentials:
    """Temporary credentials of a role that may do everything in S3. Without spaces: Ceph reads `+` as itself."""
    role = secrets.token_hex(4)
    trust = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/airlock"]}, "Action": ["sts:AssumeRole"]}
    allowed = {"Effect": "Allow", "Action": ["s3:*"], "Resource": "arn:aws:s3:::*"}
    async with _client("iam", running.endpoint, running.keys) as iam:
        made = await iam.create_role(RoleName=role, AssumeRolePolicyDocument=_document(trust))
        await iam.put_role_policy(RoleName=role, PolicyName="s3", PolicyDocument=_document(allowed))
    async with _client("sts", running.endpoint, running.keys) as sts:
        answer = await sts.assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName="tests", DurationSeconds=900)
        return _credentials(answer["Credentials"])


def _document(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def _credentials(told: Any) -> Credentials:
    return Credentials(told["AccessKeyId"], told["SecretAccessKey"], told["SessionToken"])


def _client(service: str, endpoint: str, keys: Credentials) -> Any:
    session: Any = get_session()
    return session.create_client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token,
        config=S3_CONFIG if service == "s3" else None,
    )


@contextlib.asynccontextmanager
async def issuers(endpoint: str, incoming: str, other: str, s3: Any = None) -> AsyncIterator[dict[str, ServiceHarness]]:
    """A service of ours for each region, which signs for those buckets of that server, and lends objects by `s3`."""
    where = {"endpoint_url": endpoint, "addressing": "path", "incoming_bucket": incoming, "accepted_bucket": other}
    profiles = Profiles.load(PROFILES)
    lender: Any = Objects(s3)
    async with (
        ServiceHarness(settings(region=REGION, **where), profiles, objects=lender) as one,
        ServiceHarness(settings(region=OTHER_REGION, **where), profiles, objects=lender) as two,
    ):
        yield {REGION: one, OTHER_REGION: two}


def all_keys(true: Mapping[str, Credentials]) -> dict[str, Credentials]:
    """The keys that a server knows, and made-up ones."""
    static = true["static"]
    made_up = {
        "another secret": Credentials(static.access_key_id, secrets.token_hex(20)),
        "no secret": Credentials(static.access_key_id, ""),
        "unknown key": Credentials("AKIAIOSFODNN7EXAMPLE", static.secret_access_key),
    }
    return {**true, **made_up}


@contextlib.asynccontextmanager
async def _opened(name: str, endpoint: str, keys: Mapping[str, Credentials], **place: Any) -> AsyncIterator[Server]:
    run = secrets.token_hex(4)
    incoming, other = f"incoming-{run}", f"accepted-{run}"
    async with (
        _client("s3", endpoint, keys["static"]) as s3,
        issuers(endpoint, incoming, other, s3) as services,
        aiohttp.ClientSession() as http,
    ):
        for bucket in (incoming, other):
            await s3.create_bucket(Bucket=bucket, **place)
            await s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        yield Server(name, endpoint, s3, http, all_keys(keys), services, incoming, other)
