"""`airlock provision`: a second run changes nothing, drift is repaired, and a dry run only reports."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError

from aws.settings import AwsSettings
from ops.dev.emulator import Emulator
from ops.provision.clients import ProvisioningClients, connect
from ops.provision.command import provision
from ops.provision.setting import Setting, planned
from ops.provision.table import WrongKeyError
from ops.settings import Settings
from tests.deployment import settings_for
from tests.ops.terminal import airlock

ORIGINS = ["https://app.example.com", "https://www.example.com"]


@pytest.fixture
def wanted(emulator: Emulator) -> Settings:
    return Settings(**{**settings_for(emulator).model_dump(), "cors_origins": ORIGINS})


@pytest.fixture
async def clients(wanted: Settings) -> AsyncIterator[ProvisioningClients]:
    async with connect(wanted) as made:
        yield made


async def changes(wanted: Settings, *, dry_run: bool = False) -> list[str]:
    async with aclosing(provision(wanted, dry_run=dry_run)) as found:
        return [
            f"{change.setting.resource} {what}: {before} → {after}"
            async for change in found
            for what, before, after in change.lines()
        ]


async def test_a_second_run_changes_nothing(wanted: Settings) -> None:
    assert f"bucket {wanted.incoming_bucket} versioning: none → Enabled" in await changes(wanted)
    assert await changes(wanted) == []


async def test_a_dry_run_reports_the_changes_and_makes_none(wanted: Settings, clients: ProvisioningClients) -> None:
    reported = await changes(wanted, dry_run=True)
    with pytest.raises(ClientError, match="404"):
        await clients.s3.head_bucket(Bucket=wanted.incoming_bucket)
    assert await changes(wanted) == reported


async def test_of_a_missing_resource_only_the_first_setting_is_read() -> None:
    read_settings: list[str] = []

    def setting(resource: str, what: str, stored: str | None) -> Setting:
        async def read() -> str | None:
            read_settings.append(f"{resource} {what}")
            return stored

        async def write() -> None: ...

        return Setting(resource, what, "wanted", read, write)

    there = [setting("a", "name", "wanted"), setting("a", "tags", None), setting("a", "size", "wanted")]
    missing = [setting("b", "name", None), setting("b", "tags", None)]
    changes = await planned([*there, *missing, setting("a", "notice", "other")])
    assert read_settings == ["a name", "a tags", "a size", "b name", "a notice"]
    assert [(change.setting.resource, change.setting.what, change.before) for change in changes] == [
        ("a", "tags", None),
        ("b", "name", None),
        ("b", "tags", None),
        ("a", "notice", "other"),
    ]


async def drift(s: Settings, clients: ProvisioningClients) -> None:
    """Turn off everything that a user of the console could turn off."""
    s3, sqs = clients.s3, clients.sqs
    await s3.put_bucket_versioning(Bucket=s.accepted_bucket, VersioningConfiguration={"Status": "Suspended"})
    await s3.delete_public_access_block(Bucket=s.quarantine_bucket)
    await s3.delete_bucket_lifecycle(Bucket=s.incoming_bucket)
    await s3.put_bucket_notification_configuration(Bucket=s.incoming_bucket, NotificationConfiguration={})
    open_to_all = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    await s3.put_bucket_cors(Bucket=s.accepted_bucket, CORSConfiguration={"CORSRules": [open_to_all]})
    url = (await sqs.get_queue_url(QueueName=s.queue))["QueueUrl"]
    dead = clients.arn("sqs", s.dead_letter_queue)
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2})
    await sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": redrive})
    await clients.dynamodb.update_time_to_live(
        TableName=s.table, TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"}
    )


async def test_drift_is_reported_and_repaired(wanted: Settings, clients: ProvisioningClients) -> None:
    await changes(wanted)
    await drift(wanted, clients)
    repaired = await changes(wanted)
    for line in (
        f"bucket {wanted.accepted_bucket} versioning: Suspended → Enabled",
        f"bucket {wanted.accepted_bucket} cors.AllowedOrigins: * → {', '.join(ORIGINS)}",
        f"bucket {wanted.quarantine_bucket} public access: none → all blocked",
        f"bucket {wanted.incoming_bucket} lifecycle.airlock-incoming-expired.Expiration.Days: none → 14",
        f"bucket {wanted.incoming_bucket} notification.Events: none → s3:ObjectCreated:*",
        f"queue {wanted.queue} attributes.RedrivePolicy.maxReceiveCount: 2 → 10",
        f"table {wanted.table} expiry: off → expires_at",
    ):
        assert line in repaired
    assert await changes(wanted) == []


async def test_lifecycle_rules_of_others_stay(wanted: Settings, clients: ProvisioningClients) -> None:
    await changes(wanted)
    bucket = wanted.incoming_bucket
    stored = await clients.s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    foreign = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 3}}
    ours = [{**rule, "Status": "Disabled"} for rule in stored["Rules"]]
    await clients.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [foreign, *ours]}
    )
    assert len(await changes(wanted)) > 0
    after = await clients.s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert {rule["ID"]: rule["Status"] for rule in after["Rules"]} == {
        "theirs": "Enabled",
        "airlock-incoming-expired": "Enabled",
        "airlock-incoming-markers": "Enabled",
        "airlock-incoming-unfinished": "Enabled",
    }


async def test_cors_is_removed_when_no_origin_is_left(wanted: Settings) -> None:
    await changes(wanted)
    without = wanted.model_copy(update={"cors_origins": []})
    assert any("cors.AllowedOrigins" in line and line.endswith("→ none") for line in await changes(without))
    assert await changes(without) == []


async def test_only_the_incoming_bucket_may_send_to_the_queue(wanted: Settings, clients: ProvisioningClients) -> None:
    await changes(wanted)
    other = {"QueueArn": clients.arn("sqs", wanted.queue), "Events": ["s3:ObjectCreated:*"]}
    with pytest.raises(ClientError, match="Unable to validate"):
        await clients.s3.put_bucket_notification_configuration(
            Bucket=wanted.accepted_bucket, NotificationConfiguration={"QueueConfigurations": [other]}
        )


async def received(clients: ProvisioningClients, queue: str) -> dict[str, Any]:
    """The next notification in the queue; S3's test event is skipped."""
    url = (await clients.sqs.get_queue_url(QueueName=queue))["QueueUrl"]
    while True:
        answer = await clients.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=1)
        for message in answer.get("Messages", []):
            body: dict[str, Any] = json.loads(message["Body"])
            if "Records" in body:
                return body


async def test_only_objects_under_the_prefix_are_notified(wanted: Settings, clients: ProvisioningClients) -> None:
    await changes(wanted)
    await clients.s3.put_object(Bucket=wanted.incoming_bucket, Key="elsewhere/a", Body=b"1")
    await clients.s3.put_object(Bucket=wanted.incoming_bucket, Key="incoming/b", Body=b"2")
    body = await received(clients, wanted.queue)
    [record] = body["Records"]
    assert record["s3"]["object"]["key"] == "incoming/b"
    assert record["s3"]["object"]["versionId"]


async def test_a_browser_of_a_configured_origin_may_read_the_etag(wanted: Settings) -> None:
    await changes(wanted)
    url = f"{wanted.endpoint_url}/{wanted.incoming_bucket}"
    preflight = {"Origin": ORIGINS[0], "Access-Control-Request-Method": "POST"}
    async with aiohttp.ClientSession() as session:
        async with session.options(url, headers=preflight) as allowed:
            assert allowed.headers["Access-Control-Allow-Origin"] in (ORIGINS[0], "*")
        async with session.options(url, headers={**preflight, "Origin": "https://evil.example"}) as refused:
            assert refused.status == 403


async def test_a_table_with_another_key_is_not_changed(wanted: Settings, clients: ProvisioningClients) -> None:
    await clients.dynamodb.create_table(
        TableName=wanted.table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    with pytest.raises(WrongKeyError, match="has the key pk"):
        await changes(wanted)


async def test_an_index_with_another_key_is_not_changed(wanted: Settings, clients: ProvisioningClients) -> None:
    await clients.dynamodb.create_table(
        TableName=wanted.table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "owner")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "owner-index",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    with pytest.raises(WrongKeyError, match=r"index owner-index of table .* has the key owner: delete it first"):
        await changes(wanted)


async def test_a_kms_key_of_the_accounts_owner_stays(wanted: Settings, clients: ProvisioningClients) -> None:
    await changes(wanted)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "theirs"}}
    await clients.s3.put_bucket_encryption(
        Bucket=wanted.accepted_bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    assert await changes(wanted) == []


async def test_a_missing_index_is_added(wanted: Settings, clients: ProvisioningClients) -> None:
    await clients.dynamodb.create_table(
        TableName=wanted.table,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    made = await changes(wanted)
    assert f"table {wanted.table} shape.billing: PROVISIONED → PAY_PER_REQUEST" in made
    assert f"table {wanted.table} shape.owner-index: none → owner, created" in made
    assert await changes(wanted) == []


def environment(s: AwsSettings) -> dict[str, str]:
    names = ("region", "endpoint_url", "addressing", "table", "queue", "dead_letter_queue", "profiles")
    buckets = ("incoming_bucket", "accepted_bucket", "quarantine_bucket")
    return {f"AIRLOCK_{name.upper()}": str(getattr(s, name)) for name in (*names, *buckets)}


async def test_the_command_prints_each_change_and_then_nothing_to_change(wanted: Settings) -> None:
    env = {**environment(wanted), "AIRLOCK_CORS_ORIGINS": ",".join(ORIGINS)}
    ran = await airlock("provision", "--dry-run", **env)
    assert ran.code == 0
    assert "would be changed" in ran.out
    ran = await airlock("provision", **env)
    assert ran.code == 0
    assert f"bucket {wanted.incoming_bucket}  versioning: none → Enabled\n" in ran.out
    assert await airlock("provision", **env) == (0, "Nothing to change: everything is as it should be.\n", "")


async def test_all_wrong_settings_are_named_and_exit_2(wanted: Settings) -> None:
    env = {**environment(wanted), "AIRLOCK_REGION": "", "AIRLOCK_QUEUE": "a.fifo"}
    ran = await airlock("provision", **env)
    assert ran.code == 2
    assert "AIRLOCK_REGION: Field required" in ran.err
    assert "AIRLOCK_QUEUE: must be a standard queue's name" in ran.err


async def test_a_server_that_cannot_be_reached_is_exit_1(wanted: Settings) -> None:
    env = {**environment(wanted), "AIRLOCK_ENDPOINT_URL": "http://127.0.0.1:9"}
    ran = await airlock("provision", **env)
    assert ran.code == 1
    assert ran.err.startswith("Error: Could not connect to the endpoint URL")
