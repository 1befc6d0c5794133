"""Each pod may do what it does and nothing else: without any one permission something breaks, and all else is refused.

What ministack 1.5.33 enforces of IAM (seen here, and in its source): every call of S3, SQS and DynamoDB is held to its
action and resource, an index of a table and the items of a transaction included; `s3:prefix` of listings; the signer of
a form to `s3:PutObject` on its key; the source of a copy to `s3:GetObjectVersion`. Where it differs from AWS: it asks
for SQS's batches by their own names, for `s3:DeleteObject` only of the first key of DeleteObjects, and neither for
`s3:GetObject` of a copied version nor for `s3:ListBucket` before it tells that something is not there (`ON_AWS_ONLY`).
It knows neither the keys nor the attributes of a write: tests/ops/iam evaluates the conditions on those.
"""

import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from botocore.exceptions import ClientError

from airlock.errors import Unavailable
from aws.clients import SERVICES, connect
from aws.settings import AwsSettings, read_profiles
from ops.dev.emulator import ACCOUNT, PARTITION, Emulator
from ops.iam import policies
from tests.deployment import ROOT, connected_as, keys_of, provisioned, settings_for
from tests.enforcement import operator_needs
from tests.enforcement.needs import CONTENT, NEEDS, ON_AWS_ONLY, Scene, actions, denied, resources
from tests.service.deployed import deployed_service, post_form
from tests.workers.harness import PNG, harness_in

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="module")]

VERDICTS = "verdicts-of-least-privilege"
PROFILES = f"""
[profiles.default]
content_types = ["*/*"]
unexamined = ["*/*"]
max_bytes = 99
notify = ["sqs:{VERDICTS}", "sns:topic-of-least-privilege", "eventbridge:bus-of-least-privilege", "webhook:hook"]
[webhooks.hook]
url = "https://hook.example"
"""
FILES = {pod: json.loads((ROOT / "ops" / "iam" / f"{pod}.json").read_text()) for pod in policies.PODS}


class Stage:
    """One deployment for this module: each pod's scene there, and a way to change what a pod may do."""

    def __init__(self, emulator: Emulator, scenes: dict[policies.Pod, Scene]) -> None:
        self._emulator = emulator
        self.scenes = scenes
        self.settings = scenes["service"].settings

    def policy(self, pod: policies.Pod) -> policies.PolicyDocument:
        profiles = read_profiles(self.settings.profiles)
        return policies.document(pod, self.settings, profiles, partition=PARTITION, account=ACCOUNT)

    async def allow(self, pod: policies.Pod, policy: policies.PolicyDocument) -> None:
        await self._emulator.root.user(f"{self.settings.incoming_bucket}-{pod}", policy)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    profiles = tmp_path_factory.mktemp("profiles") / "profiles.toml"
    profiles.write_text(PROFILES)
    deployment = await provisioned(settings_for(emulator).model_copy(update={"profiles": profiles}))
    async with (
        connect(deployment, services=(*SERVICES, "sns", "events", "sts")) as admin,
        connected_as(keys_of("service", deployment), deployment) as service,
        connected_as(
            keys_of("workers", deployment), deployment, services=(*SERVICES, "sns", "events", "sts")
        ) as workers,
        connected_as(
            keys_of("operator", deployment), deployment, services=(*SERVICES, "sns", "events", "sts")
        ) as operator,
        aiohttp.ClientSession() as http,
    ):
        await admin.sns.create_topic(Name="topic-of-least-privilege")
        await admin.events.create_event_bus(Name="bus-of-least-privilege")
        scene = Scene(deployment, service, admin, http)
        others: dict[policies.Pod, Scene] = {
            "workers": replace(scene, clients=workers),
            "operator": replace(scene, clients=operator),
        }
        yield Stage(emulator, {"service": scene, **others})


def permissions() -> Iterator[Any]:
    """Each action on each resource of each statement of both files."""
    for pod, policy in FILES.items():
        for number, statement in enumerate(policy["Statement"]):
            for action in actions(statement):
                if (statement["Sid"], action) not in ON_AWS_ONLY:
                    for place in range(len(resources(statement))):
                        yield pytest.param(pod, number, action, place, id=f"{statement['Sid']}-{action}-{place}")


def without(policy: policies.PolicyDocument, number: int, action: str, place: int) -> policies.PolicyDocument:
    """The same policy, less one action on one resource."""
    changed = copy.deepcopy(policy)
    statement = changed["Statement"][number]
    taken = resources(statement)[place]
    others = [each for each in resources(statement) if each != taken]
    changed["Statement"] += [
        {**statement, "Sid": "Rest", "Action": [each for each in actions(statement) if each != action]},
        {**statement, "Sid": "Others", "Resource": others},
    ]
    del changed["Statement"][number]
    changed["Statement"] = [each for each in changed["Statement"] if actions(each) and resources(each)]
    return changed


@pytest.mark.long
@pytest.mark.parametrize(("pod", "number", "action", "place"), list(permissions()))
async def test_each_permission_is_enough_and_needed(
    stage: Stage, pod: policies.Pod, number: int, action: str, place: int
) -> None:
    policy = stage.policy(pod)
    statement = policy["Statement"][number]
    needs = {**NEEDS, "operator": operator_needs.NEEDS}[pod]
    need, scene = needs[statement["Sid"]][action], stage.scenes[pod]
    last = resources(statement)[place].rpartition(":")[2]
    # A bucket comes before the slash, and a bus after it.
    name = last.removeprefix("event-bus/").partition("/")[0]
    assert not await denied(need, scene, name)
    await stage.allow(pod, without(policy, number, action, place))
    try:
        assert await denied(need, scene, name)
    finally:
        await stage.allow(pod, policy)


REFUSED = {"AccessDenied", "AccessDeniedException", "403", "AWS.SimpleQueueService.AccessDenied"}
Try = Callable[[Scene], Awaitable[Any]]


def on_s3(method: str, **asked: Any) -> Try:
    """A call of S3, with names of buckets in braces."""

    async def call(scene: Scene) -> None:
        names = {**scene.settings.model_dump(), "there": f"{scene.settings.incoming_prefix}/there"}
        filled = {name: _filled(value, names) for name, value in asked.items()}
        await getattr(scene.clients.s3, method)(**filled)

    return call


def _filled(value: Any, names: dict[str, Any]) -> Any:
    match value:
        case str():
            return value.format_map(names)
        case dict():
            return {key: _filled(inner, names) for key, inner in value.items()}
        case list():
            return [_filled(inner, names) for inner in value]
        case _:
            return value


def on_table(method: str, **asked: Any) -> Try:
    async def call(scene: Scene) -> None:
        await getattr(scene.clients.dynamodb, method)(**{"TableName": scene.settings.table, **asked})

    return call


def on_queue(method: str, which: str, **asked: Any) -> Try:
    async def call(scene: Scene) -> None:
        name = getattr(scene.settings, which, which)
        url = (await scene.admin.sqs.get_queue_url(QueueName=name))["QueueUrl"]
        await getattr(scene.clients.sqs, method)(QueueUrl=url, **asked)

    return call


async def batch_get(scene: Scene) -> None:
    await scene.records.batch_get(["x"])


BUCKETS = ("incoming", "accepted", "quarantine")
COPY = {"Bucket": "{incoming_bucket}", "Key": "{there}"}
KEY = {"Key": {"id": {"S": "x"}}}
ITEM = {"Item": {"id": {"S": "x"}}}
ONE = {"Objects": [{"Key": "{there}"}]}


def for_both() -> Iterator[tuple[str, Try]]:
    for place in BUCKETS:
        at = {"Bucket": f"{{{place}_bucket}}"}
        yield f"list {place}'s uploads", on_s3("list_multipart_uploads", **at)
        yield (
            f"configure {place}",
            on_s3("put_bucket_versioning", **at, VersioningConfiguration={"Status": "Suspended"}),
        )
        yield f"open {place}", on_s3("delete_public_access_block", **at)
        yield f"set {place}'s policy", on_s3("put_bucket_policy", **at, Policy="{{}}")
        yield f"delete {place}", on_s3("delete_bucket", **at)
        yield f"tag in {place}", on_s3("put_object_tagging", **at, Key="{there}", Tagging={"TagSet": []})
        yield f"set a right in {place}", on_s3("put_object_acl", **at, Key="{there}", ACL="public-read")
    yield "see the buckets", on_s3("list_buckets")
    yield "make a bucket", on_s3("create_bucket", Bucket="another-bucket")
    yield "scan the table", on_table("scan")
    yield "put a record", on_table("put_item", **ITEM)
    yield "delete a record", on_table("delete_item", **KEY)
    yield "delete the table", on_table("delete_table")
    yield "read another table", on_table("get_item", **KEY, TableName="another")
    for queue in ("queue", "dead_letter_queue", VERDICTS):
        yield f"purge {queue}", on_queue("purge_queue", queue)
        yield f"set {queue}'s attributes", on_queue("set_queue_attributes", queue, Attributes={"DelaySeconds": "9"})
    yield "receive dead letters", on_queue("receive_message", "dead_letter_queue")
    yield "receive verdicts", on_queue("receive_message", VERDICTS)


def for_service() -> Iterator[tuple[str, Try]]:
    yield from for_both()
    yield "read incoming", on_s3("get_object", Bucket="{incoming_bucket}", Key="{there}")
    yield "look at incoming", on_s3("head_object", Bucket="{incoming_bucket}", Key="{there}")
    yield "read quarantine", on_s3("get_object", Bucket="{quarantine_bucket}", Key="{there}")
    yield "read the newest of accepted", on_s3("get_object", Bucket="{accepted_bucket}", Key="{there}")
    yield "put outside of the prefix", on_s3("put_object", Bucket="{incoming_bucket}", Key="elsewhere/x")
    yield "put beside the prefix", on_s3("put_object", Bucket="{incoming_bucket}", Key="{incoming_prefix}x/x")
    yield "put at the prefix", on_s3("put_object", Bucket="{incoming_bucket}", Key="{incoming_prefix}")
    for place in BUCKETS:
        at = {"Bucket": f"{{{place}_bucket}}"}
        yield f"list {place}", on_s3("list_objects_v2", **at)
        yield f"list {place}'s versions", on_s3("list_object_versions", **at)
        yield f"delete in {place}", on_s3("delete_object", **at, Key="{there}")
        yield f"delete a version in {place}", on_s3("delete_object", **at, Key="{there}", VersionId="x")
        yield f"delete many in {place}", on_s3("delete_objects", **at, Delete=ONE)
        if place != "incoming":
            yield f"put into {place}", on_s3("put_object", **at, Key="{there}")
        yield f"copy into {place}", on_s3("copy_object", **at, Key="{incoming_prefix}/copy", CopySource=COPY)
    asked = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "x"}}}
    yield "query the table itself", on_table("query", **asked)
    yield "receive messages", on_queue("receive_message", "queue")
    yield "delete messages", on_queue("delete_message", "queue", ReceiptHandle="x")
    yield "send to the dead letters", on_queue("send_message", "dead_letter_queue", MessageBody="x")
    yield "send verdicts", on_queue("send_message", VERDICTS, MessageBody="x")


def for_workers() -> Iterator[tuple[str, Try]]:
    yield from for_both()
    yield "put into incoming", on_s3("put_object", Bucket="{incoming_bucket}", Key="{there}")
    yield "copy into incoming", on_s3("copy_object", Bucket="{incoming_bucket}", Key="{there}", CopySource=COPY)
    yield "begin an upload", on_s3("create_multipart_upload", Bucket="{incoming_bucket}", Key="{there}")
    yield "read outside of the prefix", on_s3("get_object", Bucket="{incoming_bucket}", Key="elsewhere/x")
    yield "delete outside of the prefix", on_s3("delete_object", Bucket="{incoming_bucket}", Key="elsewhere/x")
    yield "list versions outside", on_s3("list_object_versions", Bucket="{incoming_bucket}", Prefix="elsewhere/")
    yield "list all versions of incoming", on_s3("list_object_versions", Bucket="{incoming_bucket}")
    yield "list quarantine", on_s3("list_objects_v2", Bucket="{quarantine_bucket}")
    yield "read quarantine", on_s3("get_object", Bucket="{quarantine_bucket}", Key="{there}")
    yield (
        "read a version in quarantine",
        on_s3("get_object", Bucket="{quarantine_bucket}", Key="{there}", VersionId="x"),
    )
    by_owner = {"KeyConditionExpression": "#o = :o", "ExpressionAttributeNames": {"#o": "owner"}}
    of = {"ExpressionAttributeValues": {":o": {"S": "x"}}}
    yield "list an owner's uploads", on_table("query", IndexName="owner-index", **by_owner, **of)
    yield "read many records", batch_get


def attempts() -> Iterator[Any]:
    for pod, tries in (("service", for_service()), ("workers", for_workers())):
        yield from (pytest.param(pod, attempt, id=f"{pod}: {name}") for name, attempt in tries)


@pytest.mark.long
@pytest.mark.parametrize(("pod", "attempt"), list(attempts()))
async def test_everything_else_is_refused(stage: Stage, pod: policies.Pod, attempt: Try) -> None:
    """On things that are there, so that nothing but the permission stands in the way."""
    scene = stage.scenes[pod]
    for place in BUCKETS:
        bucket = getattr(stage.settings, f"{place}_bucket")
        if not await scene.versions(bucket, "incoming/there"):
            await scene.stored(bucket, "incoming/there")
            await scene.stored(bucket, "elsewhere/x")
    with pytest.raises((ClientError, Unavailable)) as refusal:
        await attempt(scene)
    error = refusal.value.__cause__ if isinstance(refusal.value, Unavailable) else refusal.value
    assert isinstance(error, ClientError)
    assert error.response["Error"]["Code"] in REFUSED


async def test_s3_refuses_a_policy_that_the_service_signs_for_another_place(stage: Stage) -> None:
    """Even a service that was taken over lends no more than it may."""
    scene, here = stage.scenes["service"], stage.settings
    assert await scene.post(scene.signed(scene.key())) == 204
    for key, bucket in (
        ("elsewhere/new", here.incoming_bucket),
        (f"{here.incoming_prefix}-too/new", here.incoming_bucket),
        ("incoming/new", here.accepted_bucket),
        ("incoming/new", here.quarantine_bucket),
    ):
        assert await scene.post(scene.signed(key, bucket)) == 403
        assert await scene.versions(bucket, key) == []


async def test_s3_refuses_a_policy_that_the_worker_signs(stage: Stage) -> None:
    scene = stage.scenes["workers"]
    key = scene.key()
    assert await scene.post(scene.signed(key)) == 403
    assert await scene.versions(stage.settings.incoming_bucket, key) == []


async def test_an_upload_goes_all_the_way_with_both_pods_permissions(
    unprovisioned: AwsSettings, tmp_path: Path
) -> None:
    """From the form to the accepted bytes, and back out by a withdrawal."""
    deployment = unprovisioned
    async with harness_in(deployment, tmp_path) as harness:
        await provisioned(deployment.model_copy(update={"profiles": harness.settings.profiles}))
    async with (
        harness_in(deployment, tmp_path) as harness,
        deployed_service(deployment, profiles=harness.settings.profiles) as service,
        harness.working(),
    ):
        created = await service.create(size=len(PNG))
        form = created["upload"]
        assert form["fields"]["x-amz-credential"].split("/")[0] == keys_of("service", deployment).access_key_id
        assert await post_form(service.http, form["url"], form["fields"], PNG) == (204, "")
        status = f"/v1/uploads/{created['id']}"
        assert (await harness.settled(created["id"])).state == "accepted"
        lent = await service.ask("GET", f"{status}/content")
        async with service.http.get(lent.headers["Location"]) as response:
            assert await response.read() == PNG
        assert [each["id"] for each in (await service.ask("GET", "/v1/uploads")).json["uploads"]] == [created["id"]]
        assert (await service.ask("DELETE", status)).status == 202
        await harness.idle()
        assert await harness.accepted() == {}
        assert await harness.incoming() == []


async def test_what_is_refused_is_there(stage: Stage) -> None:
    """The one who prepares the tests may read what the pods may not: the refusals are about permissions."""
    for place in BUCKETS:
        there = await stage.scenes["service"].stored(getattr(stage.settings, f"{place}_bucket"))
        answer = await stage.scenes["service"].admin.s3.get_object(Bucket=there.bucket, Key=there.key)
        assert await answer["Body"].read() == CONTENT
