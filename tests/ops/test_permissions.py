"""ops.iam, ops.permissions and ops.provision.roles: the permissions of each pod, printed, and given to its role."""

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
from ops.provision.roles import MissingRoleError
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
    """Every string, and every list of them, flat."""
    return [value] if isinstance(value, str) else list(value)


def test_the_service_may_put_below_the_prefix_and_nowhere_else() -> None:
    given = printed("service", "--account", "111122223333")
    puts = [each for each in given["Statement"] if "s3:PutObject" in texts(each["Action"])]
    assert [each["Resource"] for each in puts] == ["arn:aws:s3:::in-coming/up/loads/*"]


def test_a_queue_that_a_profile_notifies_is_named_to_the_worker_alone(profiles: Path) -> None:
    arn = "arn:aws:sqs:eu-central-1:111122223333:"
    asked = ("--account", "111122223333")
    told = statements(printed("workers", *asked, AIRLOCK_PROFILES=str(profiles)))["TellVerdicts"]
    assert told["Resource"] == [f"{arn}airlock-dead-letters", f"{arn}a", f"{arn}b"]
    assert printed("service", *asked, AIRLOCK_PROFILES=str(profiles)) == printed("service", *asked)


@pytest.mark.parametrize("pod", policies.PODS)
@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_every_name_is_of_the_regions_partition(pod: str, region: str, partition: str) -> None:
    given = printed(pod, "--account", "111122223333", AIRLOCK_REGION=region)
    named = [resource for statement in given["Statement"] for resource in texts(statement["Resource"])]
    assert all(resource.startswith(f"arn:{partition}:") for resource in named)
    assert "{" not in "".join(named)


@pytest.mark.parametrize("pod", policies.PODS)
def test_no_statement_allows_what_it_does_not_name(pod: str) -> None:
    """A wildcard stands for the keys of a bucket alone, and in an action for what SQS's batches are called."""
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
async def test_without_an_account_that_of_the_credentials_is_meant(emulator: Emulator) -> None:
    there = {"AIRLOCK_ENDPOINT_URL": emulator.endpoint, "AIRLOCK_ADDRESSING": "path"}
    ran = await airlock("permissions", "workers", **ENVIRONMENT, **there)
    assert ran.code == 0, ran.err
    given = await airlock("permissions", "workers", "--account", ACCOUNT, **ENVIRONMENT)
    assert ran.out == given.out


TRUST = {"Version": "2012-10-17", "Statement": []}
ROLES = {"service_role": "the-service", "workers_role": "the-workers"}


@pytest_asyncio.fixture
async def wanted(emulator: Emulator) -> Settings:
    """A deployment to make whose roles are there, and may do nothing yet."""
    names = {field: f"{name}-{settings_for(emulator).table}" for field, name in ROLES.items()}
    async with emulator.root.iam() as client:
        for name in names.values():
            await client.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    return Settings(**{**settings_for(emulator).model_dump(), **names})


@pytest_asyncio.fixture
async def clients(wanted: Settings) -> AsyncIterator[ProvisioningClients]:
    async with connect(wanted, roles=True) as made:
        yield made


async def changed(wanted: Settings, *, dry_run: bool = False) -> dict[str, list[tuple[str, str, str]]]:
    """What was changed of roles, by resource."""
    async with aclosing(provision(wanted, dry_run=dry_run)) as changes:
        return {
            change.setting.resource: change.lines()
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


async def test_what_somebody_widened_is_told_and_repaired(wanted: Settings, clients: ProvisioningClients) -> None:
    await changed(wanted)
    wide = policies.document("service", wanted, read_profiles(wanted.profiles), partition="aws", account=ACCOUNT)
    wide["Statement"][0]["Action"] = "s3:*"
    wide["Statement"].append({"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    await clients.iam.put_role_policy(
        RoleName=wanted.service_role, PolicyName="airlock", PolicyDocument=json.dumps(wide)
    )
    [told] = (await changed(wanted, dry_run=True)).values()
    assert ("policy.Statement[0].Action", "s3:*", "s3:PutObject") in told
    assert ("policy.Statement[5].Action", "iam:*", "none") in told
    assert await changed(wanted) == {f"role {wanted.service_role}": told}
    assert await changed(wanted) == {}


async def test_a_dry_run_leaves_a_role_as_it_is(wanted: Settings) -> None:
    told = await changed(wanted, dry_run=True)
    assert await changed(wanted) == told


async def test_a_role_that_is_not_there_is_named_before_anything_is_made(
    wanted: Settings, clients: ProvisioningClients
) -> None:
    missing = wanted.model_copy(update={"workers_role": "nobody"})
    with pytest.raises(MissingRoleError, match="the role nobody does not exist"):
        await changed(missing)
    assert f"role {wanted.service_role}" in await changed(wanted)


async def test_without_roles_iam_is_not_asked(wanted: Settings, emulator: Emulator) -> None:
    """Whoever provisions needs no permission of IAM's then."""
    anything = {"Effect": "Allow", "Action": ["s3:*", "sqs:*", "dynamodb:*"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [anything]}
    keys = await emulator.root.user(f"without-iam-{wanted.table}", policy)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.environment().items():
            patch.setenv(name, value)
        with pytest.raises(CallError, match="AccessDenied"):
            await changed(wanted)
        assert await changed(wanted.model_copy(update=dict.fromkeys(ROLES))) == {}


async def test_a_pod_that_has_its_role_alone_can_work(
    wanted: Settings, clients: ProvisioningClients, emulator: Emulator
) -> None:
    """The document that a role gets is the one that the emulator's users have."""
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
    # The operator is there for whoever runs a command.
    assert running == {pod: users[pod].access_key_id for pod in ("service", "workers")}
    assert len({*(keys.access_key_id for keys in users.values()), airlock_dev.environment["AWS_ACCESS_KEY_ID"]}) == 4
