"""The clients of one process, with the ordinary credential chain."""

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiobotocore.session import get_session

from airlock.errors import Unavailable
from aws.clients import connect
from aws.dynamodb.records import Records
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from aws.sqs.queue import Queue
from ops.dev.emulator import USER, Emulator
from tests.aws import settings_at

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.usefixtures("made_up_keys")
async def test_only_requested_clients_are_made() -> None:
    async with connect(settings_at(NOWHERE), services=("dynamodb",)) as clients:
        assert clients.dynamodb.meta.endpoint_url == NOWHERE
        for service in ("s3", "sqs", "public_s3"):
            with pytest.raises(LookupError, match=service):
                getattr(clients, service)


@pytest.mark.usefixtures("made_up_keys")
async def test_a_presigned_url_has_the_public_address() -> None:
    settings = settings_at(NOWHERE).model_copy(update={"public_s3_url": "https://files.example.org"})
    async with connect(settings, services=("s3",)) as clients:
        link = await Objects(clients.s3, public_s3=clients.public_s3).presign_get(
            "b", "k", "v", content_disposition="attachment", content_type="image/png", expires=60
        )
    assert link.startswith("https://files.example.org/b/k?")
    assert "X-Amz-Expires=60" in link
    assert "AWS4-HMAC-SHA256" in link


@pytest.mark.usefixtures("made_up_keys")
async def test_without_an_endpoint_the_addresses_are_those_of_the_region() -> None:
    settings = settings_at(NOWHERE).model_copy(update={"endpoint_url": None, "addressing": "virtual"})
    async with connect(settings) as clients:
        link = await Objects(clients.s3).presign_get(
            "bucket", "k", "v", content_disposition="attachment", content_type="image/png", expires=60
        )
        assert link.startswith("https://bucket.s3.eu-central-1.amazonaws.com/k?")
        assert clients.sqs.meta.endpoint_url == "https://sqs.eu-central-1.amazonaws.com"


async def test_without_credentials_no_client_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Unavailable, match="credentials"):
        async with connect(settings_at(NOWHERE)):
            pass


EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ANYONE = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}


def policy(statement: dict[str, str]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def make_role(emulator: Emulator) -> str:
    """A role that the emulator's user may assume, and that may do everything; returns its ARN."""
    async with aiohttp.ClientSession() as session, session.get(f"{emulator.endpoint}/_ministack/health") as response:
        root = (await response.json())["edition"]
    client: Any = get_session().create_client(
        "iam",
        region_name=emulator.region,
        endpoint_url=emulator.endpoint,
        aws_access_key_id=root,
        aws_secret_access_key="not verified for root",
    )
    name = f"worker-{secrets.token_hex(4)}"
    async with client as iam:
        role = await iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(ANYONE))
        await iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy(EVERYTHING))
        arn: str = role["Role"]["Arn"]
        may = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn})
        await iam.put_user_policy(UserName=USER, PolicyName=name, PolicyDocument=may)
    return arn


async def test_every_adapter_works_with_temporary_keys_of_a_role(
    emulator: Emulator, emulator_settings: AwsSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = emulator.access_key
    source = f"aws_access_key_id={key.access_key_id}\naws_secret_access_key={key.secret_access_key}"
    role = f"role_arn={await make_role(emulator)}\nsource_profile=source\nregion={emulator.region}"
    (tmp_path / "config").write_text(f"[profile source]\n{source}\n[profile worker]\n{role}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.endpoint)
    monkeypatch.setenv("AWS_PROFILE", "worker")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    async with connect(emulator_settings) as clients, Queue.open(emulator_settings, clients) as queue:
        keys = clients.credentials.current()
        assert keys.session_token
        assert 0 < clients.credentials.remaining(datetime.now(UTC).timestamp()) <= 3600
        await queue.send(emulator_settings.queue, "body")
        assert "body" in [message.body for message in await queue.receive(10, 1, 30)]
        await Records(clients.dynamodb, emulator_settings.table).ping()
        with pytest.raises(Unavailable, match="NoSuchBucket"):
            await Objects(clients.s3).versions(emulator_settings.incoming_bucket, "key")
