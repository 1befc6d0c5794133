"""Single settings beside rules of others, rules of older installations, and what stands in the way."""

import json
from typing import Any

import pytest

from airlock.profiles import Profiles
from ops.provision import buckets, cors, lifecycle, notification, queue_policy, queues, table
from ops.provision.clients import ProvisioningClients
from ops.provision.setting import ConflictError, Setting
from ops.settings import Settings
from tests.ops.provision.conftest import lines
from tests.ops.provision.other_teams import THEIR_CORS, THEIR_STATEMENT

ORIGINS = ["https://app.example.com", "https://www.example.com"]
PROFILES = Profiles.load('[profiles.default]\ncontent_types = ["image/png"]\nmax_bytes = 5')


async def provisioned(*settings: Setting) -> list[str]:
    """What is changed by these settings alone."""
    made = []
    for setting in settings:
        change = await setting.plan()
        if change is not None:
            await change.apply()
            made += lines(change)
    return made


@pytest.fixture
async def bucket(wanted: Settings, clients: ProvisioningClients) -> str:
    """A bucket that exists: the incoming one."""
    place = {"LocationConstraint": clients.region}
    await clients.s3.create_bucket(Bucket=wanted.incoming_bucket, CreateBucketConfiguration=place)
    return wanted.incoming_bucket


@pytest.fixture
async def queue(wanted: Settings, clients: ProvisioningClients) -> str:
    """The URL of the queue, which exists."""
    url: str = (await clients.sqs.create_queue(QueueName=wanted.queue))["QueueUrl"]
    return url


async def rules(bucket: str, clients: ProvisioningClients) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = (await clients.s3.get_bucket_cors(Bucket=bucket))["CORSRules"]
    return stored


async def test_an_empty_list_of_origins_removes_our_rule_alone(bucket: str, clients: ProvisioningClients) -> None:
    s3 = clients.s3
    await s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": THEIR_CORS})
    await provisioned(cors.setting(s3, bucket, cors.incoming(ORIGINS)))
    made = await provisioned(cors.setting(s3, bucket, cors.incoming([])))
    assert f"bucket {bucket} cors.AllowedMethods: POST → none" in made
    assert await rules(bucket, clients) == THEIR_CORS
    assert await provisioned(cors.setting(s3, bucket, cors.incoming([]))) == []


def test_without_origins_in_the_settings_cors_stays(wanted: Settings, clients: ProvisioningClients) -> None:
    unset = wanted.model_copy(update={"cors_origins": None})
    assert "cors" not in {setting.what for setting in buckets.settings(clients, unset, PROFILES)}


async def test_a_cors_rule_of_an_older_installation_is_adopted(bucket: str, clients: ProvisioningClients) -> None:
    """Earlier versions wrote it without an id."""
    new = cors.accepted(ORIGINS)
    old = {**{key: value for key, value in new.items() if key != "ID"}, "AllowedOrigins": ["https://old.example"]}
    await clients.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [old, THEIR_CORS[0]]})
    made = await provisioned(cors.setting(clients.s3, bucket, new))
    assert f"bucket {bucket} cors.AllowedOrigins: https://old.example → {', '.join(ORIGINS)}" in made
    assert await rules(bucket, clients) == [new, THEIR_CORS[0]]


async def test_a_rule_for_any_origin_does_not_hide_those_of_others(bucket: str, clients: ProvisioningClients) -> None:
    await clients.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": THEIR_CORS})
    await provisioned(cors.setting(clients.s3, bucket, cors.incoming(["*"])))
    assert await rules(bucket, clients) == [*THEIR_CORS, cors.incoming(["*"])]


async def test_lifecycle_rules_of_an_older_installation_are_adopted(bucket: str, clients: ProvisioningClients) -> None:
    """Earlier versions wrote them for the whole bucket."""
    abort = {"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    ids = {"airlock-accepted-unfinished": "", "theirs": "logs/"}
    old = [{"ID": rule_id, "Filter": {"Prefix": prefix}, **abort} for rule_id, prefix in ids.items()]
    await clients.s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": old})
    await provisioned(lifecycle.setting(clients.s3, bucket, "accepted", lifecycle.unfinished(PROFILES)))
    stored = (await clients.s3.get_bucket_lifecycle_configuration(Bucket=bucket))["Rules"]
    assert {rule["ID"]: rule["Filter"]["Prefix"] for rule in stored} == {
        "theirs": "logs/",
        "airlock-accepted-unfinished-default/": "default/",
    }


def test_rules_for_accepted_objects_hold_for_the_keys_of_profiles_alone() -> None:
    keys = {"a": "files/{id}", "b": "files/b/{owner}/{id}", "c": "{profile}-{year}/{id}"}
    tables = {name: {"content_types": ["image/png"], "max_bytes": 5, "accepted_key": key} for name, key in keys.items()}
    profiles = Profiles.model_validate({"profiles": tables, "default_profile": "a"})
    assert [rule["Prefix"] for rule in lifecycle.unfinished(profiles).values()] == ["c-", "files/"]


async def test_a_notification_that_says_the_same_is_adopted(
    wanted: Settings, clients: ProvisioningClients, bucket: str, queue: str
) -> None:
    await provisioned(queue_policy.setting(clients, wanted), notification.setting(clients, wanted))
    s3 = clients.s3
    [ours] = (await s3.get_bucket_notification_configuration(Bucket=bucket))["QueueConfigurations"]
    by_terraform = {"QueueConfigurations": [{**ours, "Id": "tf-s3-queue-1"}]}
    await s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=by_terraform)
    assert await provisioned(notification.setting(clients, wanted)) == []


async def test_the_notification_of_another_deployment_stays(
    wanted: Settings, clients: ProvisioningClients, bucket: str, queue: str
) -> None:
    await provisioned(queue_policy.setting(clients, wanted), notification.setting(clients, wanted))
    other = wanted.model_copy(update={"incoming_prefix": "other", "queue": "other"})
    with pytest.raises(ConflictError, match=f"bucket {bucket} has the notification airlock-incoming of another"):
        await provisioned(notification.setting(clients, other))


async def test_a_statement_of_ours_that_was_changed_is_repaired(
    wanted: Settings, clients: ProvisioningClients, queue: str
) -> None:
    wide = {"Sid": "airlock-incoming", "Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    # A policy may have one statement that is no list.
    for statements in (THEIR_STATEMENT, [wide, THEIR_STATEMENT]):
        policy = json.dumps({"Version": "2008-10-17", "Id": "theirs", "Statement": statements})
        await clients.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        assert await provisioned(queue_policy.setting(clients, wanted)) != []
        stored = await clients.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])
        found = json.loads(stored["Attributes"]["Policy"])
        assert (found["Version"], found["Id"]) == ("2008-10-17", "theirs")
        assert [each["Sid"] for each in found["Statement"]] == ["TheirProducer", "airlock-incoming"]
        assert found["Statement"][1]["Principal"] == {"Service": "s3.amazonaws.com"}


async def test_a_queue_policy_without_room_is_named(wanted: Settings, clients: ProvisioningClients, queue: str) -> None:
    full = {"Version": "2012-10-17", "Statement": [{**THEIR_STATEMENT, "Sid": f"S{number}"} for number in range(20)]}
    await clients.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(full)})
    with pytest.raises(ConflictError, match=f"queue {wanted.queue} has a policy of 20 statements"):
        await provisioned(queue_policy.setting(clients, wanted))


async def test_a_queue_that_takes_no_dead_letters_of_ours_is_named(
    wanted: Settings, clients: ProvisioningClients, queue: str
) -> None:
    by_queue = {"redrivePermission": "byQueue", "sourceQueueArns": [clients.arn("sqs", "theirs")]}
    attributes = {"RedriveAllowPolicy": json.dumps(by_queue)}
    await clients.sqs.create_queue(QueueName=wanted.dead_letter_queue, Attributes=attributes)
    with pytest.raises(ConflictError, match=f"queue {wanted.dead_letter_queue} takes no dead letters of"):
        await provisioned(*queues.settings(clients, wanted, PROFILES))


async def test_a_bucket_of_another_region_is_named(wanted: Settings, clients: ProvisioningClients, bucket: str) -> None:
    elsewhere = ProvisioningClients(clients.s3, clients.sqs, clients.dynamodb, "aws", clients.account, "eu-west-1")
    with pytest.raises(ConflictError, match=f"bucket {bucket} is in the region eu-central-1"):
        await provisioned(*buckets.settings(elsewhere, wanted, PROFILES))


@pytest.mark.parametrize(
    ("key", "projection", "told"),
    [
        ("owner", "ALL", r"has the key owner \(S\) and projects ALL"),
        ("owner, created", "KEYS_ONLY", "projects KEYS_ONLY"),
    ],
)
async def test_an_index_of_another_shape_is_not_changed(
    wanted: Settings, clients: ProvisioningClients, key: str, projection: str, told: str
) -> None:
    names = key.split(", ")
    schema = [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]
    types = {"id": "S", "owner": "S", "created": "N"}
    await clients.dynamodb.create_table(
        TableName=wanted.table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": types[n]} for n in ("id", *names)],
        GlobalSecondaryIndexes=[
            {"IndexName": "owner-index", "KeySchema": schema, "Projection": {"ProjectionType": projection}}
        ],
    )
    with pytest.raises(ConflictError, match=rf"index owner-index of table .* {told}.*: delete it first"):
        await provisioned(*table.settings(clients, wanted))


@pytest.mark.parametrize(("attribute", "kind"), [("id", "N"), ("pk", "S")])
async def test_a_table_with_another_key_is_not_changed(
    wanted: Settings, clients: ProvisioningClients, attribute: str, kind: str
) -> None:
    await clients.dynamodb.create_table(
        TableName=wanted.table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": attribute, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": kind}],
    )
    with pytest.raises(ConflictError, match=rf"has the key {attribute} \({kind}\)"):
        await provisioned(*table.settings(clients, wanted))
