"""`airlock provision`: drift is repaired, a second run changes nothing, and a dry run only reports."""

import json
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError

from aws.settings import AwsSettings
from ops.provision.clients import ProvisioningClients
from ops.settings import Settings
from tests.ops.provision.conftest import ORIGINS, changes
from tests.ops.terminal import airlock


async def test_a_dry_run_reports_the_changes_and_makes_none(wanted: Settings, clients: ProvisioningClients) -> None:
    reported = await changes(wanted, dry_run=True)
    with pytest.raises(ClientError, match="404"):
        await clients.s3.head_bucket(Bucket=wanted.incoming_bucket)
    assert await changes(wanted) == reported


async def drift(s: Settings, clients: ProvisioningClients) -> None:
    """Turn off everything that a user of the console could turn off."""
    s3, sqs = clients.s3, clients.sqs
    await s3.put_bucket_versioning(Bucket=s.accepted_bucket, VersioningConfiguration={"Status": "Suspended"})
    await s3.delete_public_access_block(Bucket=s.quarantine_bucket)
    await s3.delete_bucket_lifecycle(Bucket=s.incoming_bucket)
    await s3.put_bucket_notification_configuration(Bucket=s.incoming_bucket, NotificationConfiguration={})
    rules = (await s3.get_bucket_cors(Bucket=s.accepted_bucket))["CORSRules"]
    open_to_all = {"CORSRules": [{**rules[0], "AllowedOrigins": ["*"]}]}
    await s3.put_bucket_cors(Bucket=s.accepted_bucket, CORSConfiguration=open_to_all)
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
        f"queue {wanted.queue} redrive.maxReceiveCount: 2 → 10",
        f"table {wanted.table} expiry: off → expires_at",
    ):
        assert line in repaired
    assert await changes(wanted) == []


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


def environment(s: AwsSettings) -> dict[str, str]:
    names = ("region", "endpoint_url", "addressing", "table", "queue", "dead_letter_queue", "profiles")
    buckets = ("incoming_bucket", "accepted_bucket", "quarantine_bucket")
    return {f"AIRLOCK_{name.upper()}": str(getattr(s, name)) for name in (*names, *buckets)}


async def test_the_command_prints_each_change_and_then_nothing_to_change(wanted: Settings) -> None:
    env = {**environment(wanted), "AIRLOCK_CORS_ORIGINS": ",".join(ORIGINS)}
    ran = await airlock("provision", "--dry-run", "--exit-code", **env)
    assert ran.code == 3
    assert "would be changed" in ran.out
    ran = await airlock("provision", "--json", **env)
    assert ran.code == 0
    [document] = ran.documents
    assert document["finished"]
    versioning = {"resource": f"bucket {wanted.incoming_bucket}", "setting": "versioning", "created": True}
    assert {**versioning, "before": None, "after": "Enabled"} in document["changes"]
    nothing = "Nothing to change: everything is as it should be.\n"
    assert await airlock("provision", "--exit-code", **env) == (0, nothing, "")


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
