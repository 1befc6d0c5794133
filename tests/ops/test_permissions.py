"""ops.iam, `airlock permissions`, ops.provision.roles: each pod's policy is printed, and attached to its role."""

import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner
from pydantic import ValidationError

from aws.settings import problems, read_profiles
from ops.cli import main
from ops.dev.emulator import ACCOUNT, Emulator
from ops.dev.users import AccessKey
from ops.iam import policies
from ops.provision.clients import CallError, ProvisioningClients, connect
from ops.provision.command import provision
from ops.provision.setting import ConflictError, Difference
from ops.settings import Settings
from tests.deployment import ROOT, connected_as, settings_for
from tests.ops.dev.test_dev import family
from tests.ops.terminal import Dev, airlock

ENVIRONMENT = {
    "AIRLOCK_REGION": "eu-central-1",
    "AIRLOCK_INCOMING_BUCKET": "in-coming",
    "AIRLOCK_ACCEPTED_BUCKET": "accepted",
    "AIRLOCK_QUARANTINE_BUCKET": "quarantine",
    "AIRLOCK_INCOMING_PREFIX": "up/loads",
    "AIRLOCK_PROFILES": str(ROOT / "airlock.toml"),
}


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """A profiles file that notifies two queues."""
    path = tmp_path / "profiles.toml"
    path.write_text('[profiles.default]\ncontent_types = ["*/*"]\nmax_bytes = 1\nnotify = ["sqs:b", "sqs:a"]\n')
    return path


def printed(*arguments: str, **environment: str) -> Any:
    """What `airlock permissions` prints, as JSON; without credentials."""
    credentials = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
    env: dict[str, str | None] = {**credentials, **ENVIRONMENT, **environment}
    ran = CliRunner().invoke(main, ["permissions", *arguments], env=env)
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def statements(policy: Any) -> dict[str, Any]:
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def texts(value: Any) -> list[str]:
    """A string or a list of strings, as a list."""
    return [value] if isinstance(value, str) else list(value)


def test_the_service_may_put_below_the_prefix_and_nowhere_else() -> None:
    given = printed("service", "--account", "111122223333")
    puts = [each for each in given["Statement"] if "s3:PutObject" in texts(each["Action"])]
    assert [each["Resource"] for each in puts] == ["arn:aws:s3:::in-coming/up/loads/*"]


def test_only_the_worker_may_send_to_the_queues_of_profiles(profiles: Path) -> None:
    arn = "arn:aws:sqs:eu-central-1:111122223333:"
    account = ("--account", "111122223333")
    statement = statements(printed("workers", *account, AIRLOCK_PROFILES=str(profiles)))["TellVerdicts"]
    assert statement["Resource"] == [f"{arn}airlock-dead-letters", f"{arn}a", f"{arn}b"]
    assert printed("service", *account, AIRLOCK_PROFILES=str(profiles)) == printed("service", *account)


@pytest.mark.parametrize("pod", policies.PODS)
@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_every_arn_has_the_partition_of_the_region(pod: str, region: str, partition: str) -> None:
    given = printed(pod, "--account", "111122223333", AIRLOCK_REGION=region)
    named = [resource for statement in given["Statement"] for resource in texts(statement["Resource"])]
    assert all(resource.startswith(f"arn:{partition}:") for resource in named)
    assert "{" not in "".join(named)


def test_an_emulators_region_is_in_the_partition_aws() -> None:
    given = printed("service", "--account", "111122223333", AIRLOCK_REGION="local")
    assert "arn:aws:s3:::in-coming/up/loads/*" in [each["Resource"] for each in given["Statement"]]


@pytest.mark.parametrize("pod", policies.PODS)
def test_statements_have_no_wildcards(pod: str) -> None:
    """Except for the keys of a bucket, and the names of SQS's batch calls."""
    batched = {"sqs:DeleteMessage*", "sqs:ChangeMessageVisibility*", "sqs:SendMessage*"}
    for statement in json.loads((ROOT / "ops" / "iam" / f"{pod}.json").read_text())["Statement"]:
        assert statement["Effect"] == "Allow"
        assert "*" not in "".join(resource.removesuffix("/*") for resource in texts(statement["Resource"]))
        assert "*" not in "".join(set(texts(statement["Action"])) - batched)


def test_a_policy_is_short_enough_for_a_role(profiles: Path) -> None:
    """10,240 characters, white space aside: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""
    for pod in policies.PODS:
        given = printed(pod, "--account", "111122223333", AIRLOCK_PROFILES=str(profiles))
        assert len(re.sub(r"\s", "", json.dumps(given))) < 10_240 / 2


@pytest.mark.parametrize(
    ("roles", "named"),
    [
        ({"service_role": "arn:aws:iam::111122223333:role/x"}, "AIRLOCK_SERVICE_ROLE"),
        ({"service_role": "both", "workers_role": "both"}, "AIRLOCK_WORKERS_ROLE"),
        ({"workers_role": "both", "operator_role": "both"}, "AIRLOCK_OPERATOR_ROLE"),
    ],
)
def test_a_role_is_a_name_and_each_pod_has_its_own(
    roles: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**ENVIRONMENT, **{f"AIRLOCK_{key.upper()}": value for key, value in roles.items()}}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as error:
        Settings()
    [problem] = problems(error.value)
    assert problem.startswith(named)


@pytest.mark.server
async def test_the_default_account_is_that_of_the_credentials(emulator: Emulator) -> None:
    there = {"AIRLOCK_ENDPOINT_URL": emulator.endpoint, "AIRLOCK_ADDRESSING": "path"}
    ran = await airlock("permissions", "workers", **ENVIRONMENT, **there)
    assert ran.code == 0, ran.err
    given = await airlock("permissions", "workers", "--account", ACCOUNT, **ENVIRONMENT)
    assert ran.out == given.out


TRUST = {"Version": "2012-10-17", "Statement": []}
ROLES = {"service_role": "the-service", "workers_role": "the-workers"}


@pytest_asyncio.fixture
async def wanted(emulator: Emulator) -> Settings:
    """Settings of a deployment whose roles exist and have no policy."""
    names = {field: f"{name}-{settings_for(emulator).table}" for field, name in ROLES.items()}
    async with emulator.root.iam() as client:
        for name in names.values():
            await client.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    return Settings(**{**settings_for(emulator).model_dump(), **names})


@pytest_asyncio.fixture
async def clients(wanted: Settings) -> AsyncIterator[ProvisioningClients]:
    async with connect(wanted, roles=True) as made:
        yield made


async def changed(wanted: Settings, *, dry_run: bool = False) -> dict[str, list[Difference]]:
    """The changes of roles, by resource."""
    async with aclosing(provision(wanted, dry_run=dry_run)) as changes:
        return {
            change.setting.resource: change.differences()
            async for change in changes
            if change.setting.resource.startswith("role ")
        }


async def test_each_role_gets_its_pods_policy_once(
    wanted: Settings, clients: ProvisioningClients, emulator: Emulator
) -> None:
    assert list(await changed(wanted)) == [f"role {wanted.service_role}", f"role {wanted.workers_role}"]
    assert await changed(wanted) == {}
    for pod, role in wanted.roles().items():
        stored = await clients.iam.get_role_policy(RoleName=role, PolicyName="airlock")
        profiles = read_profiles(wanted.profiles)
        assert stored["PolicyDocument"] == policies.document(pod, wanted, profiles, partition="aws", account=ACCOUNT)


async def test_a_policy_that_allows_more_is_repaired(wanted: Settings, clients: ProvisioningClients) -> None:
    await changed(wanted)
    wide = policies.document("service", wanted, read_profiles(wanted.profiles), partition="aws", account=ACCOUNT)
    wide["Statement"][0]["Action"] = "s3:*"
    wide["Statement"].append({"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    await clients.iam.put_role_policy(
        RoleName=wanted.service_role, PolicyName="airlock", PolicyDocument=json.dumps(wide)
    )
    [lines] = (await changed(wanted, dry_run=True)).values()
    assert Difference(("Statement", "SignUploads", "Action"), "s3:*", "s3:PutObject") in lines
    assert Difference(("Statement", str(len(wide["Statement"]) - 1), "Action"), "iam:*", None) in lines
    assert await changed(wanted) == {f"role {wanted.service_role}": lines}
    assert await changed(wanted) == {}


async def test_a_dry_run_leaves_a_role_as_it_is(wanted: Settings) -> None:
    reported = await changed(wanted, dry_run=True)
    assert await changed(wanted) == reported


async def test_a_missing_role_is_named_before_anything_is_changed(
    wanted: Settings, clients: ProvisioningClients
) -> None:
    missing = wanted.model_copy(update={"workers_role": "nobody"})
    with pytest.raises(ConflictError, match="the role nobody does not exist"):
        await changed(missing)
    assert f"role {wanted.service_role}" in await changed(wanted)


async def test_without_roles_iam_is_not_called(wanted: Settings, emulator: Emulator) -> None:
    """So the user who provisions needs no permission for IAM."""
    anything = {"Effect": "Allow", "Action": ["s3:*", "sqs:*", "dynamodb:*"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [anything]}
    keys = await emulator.root.user(f"without-iam-{wanted.table}", policy)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.environment().items():
            patch.setenv(name, value)
        with pytest.raises(CallError, match="AccessDenied"):
            await changed(wanted)
        assert await changed(wanted.model_copy(update=dict.fromkeys(ROLES))) == {}


async def test_a_pod_can_work_with_the_policy_of_its_role(
    wanted: Settings, clients: ProvisioningClients, emulator: Emulator
) -> None:
    """The policy of a role is the one that the emulator's users have."""
    await changed(wanted)
    stored = await clients.iam.get_role_policy(RoleName=wanted.service_role, PolicyName="airlock")
    keys = await emulator.root.user(f"as-{wanted.service_role}", stored["PolicyDocument"])
    async with connected_as(keys, wanted) as service:
        answer = await service.dynamodb.get_item(TableName=wanted.table, Key={"id": {"S": "x"}})
    assert "Item" not in answer


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_dev_runs_each_program_as_a_user_of_its_own(airlock_dev: Dev) -> None:
    running: dict[policies.Pod, str] = {}
    for pid in family(airlock_dev.process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        variables = dict(
            entry.split("=", 1) for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in entry
        )
        running |= {pod: variables["AWS_ACCESS_KEY_ID"] for pod in policies.PODS if pod.encode() in words}
    kept = airlock_dev.state / "emulator" / "keys"
    users = {pod: AccessKey(**json.loads((kept / f"airlock-{pod}.json").read_text())) for pod in policies.PODS}
    # No program of `airlock dev` runs as the operator.
    assert running == {pod: users[pod].access_key_id for pod in ("service", "workers")}
    assert len({*(keys.access_key_id for keys in users.values()), airlock_dev.environment["AWS_ACCESS_KEY_ID"]}) == 4
